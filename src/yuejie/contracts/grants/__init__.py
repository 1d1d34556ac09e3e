"""Prepaid packages and vouchers: what a customer holds to be used up."""
