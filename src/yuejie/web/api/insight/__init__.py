"""Routes of what usage means."""
