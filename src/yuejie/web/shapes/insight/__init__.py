"""What usage means, on the wire."""
