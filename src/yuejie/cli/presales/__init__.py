"""`yuejie presales …`: prospects, forms, past usage, quotes."""
