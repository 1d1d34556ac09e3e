"""Billing units: which projects are billed apart."""
