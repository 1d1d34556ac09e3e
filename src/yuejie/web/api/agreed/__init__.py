"""Contracts and credit: what is agreed with a customer."""
