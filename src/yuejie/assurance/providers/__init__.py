"""Provider accounts as money sees them: what is left there, what they bill us, what we pay."""
