"""Nodes: who serves, how far behind each is, how one leaves, and what is done when one is lost."""
