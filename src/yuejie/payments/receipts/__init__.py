"""What came in, and whose it is."""
