"""Errands to the provider: what is sent, what is heard, what is kept."""
