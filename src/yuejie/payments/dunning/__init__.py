"""Reminding, charging late fees, and deciding how a customer stands."""
