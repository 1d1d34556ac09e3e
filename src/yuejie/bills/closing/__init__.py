"""Closing: from usage up to an epoch to draft bills."""
