"""`yuejie notices …`: who is told and by what, what went out, and what became of it."""
