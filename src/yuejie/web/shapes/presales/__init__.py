"""Presales on the wire."""
