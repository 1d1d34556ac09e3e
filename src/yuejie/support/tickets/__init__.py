"""Tickets: what a customer asks, what is said on both sides, and how long it waits for us."""
