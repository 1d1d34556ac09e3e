"""Upstream: who is called, in which order, and how bytes get there and back."""
