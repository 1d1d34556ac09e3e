"""Electronic signatures: a port, two platforms behind it, and the errands that reach them."""
