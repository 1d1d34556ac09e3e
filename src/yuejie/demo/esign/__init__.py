"""Signing platforms to try the house with: they verify every signature and forget at the end."""
