"""Commands about what usage means."""
