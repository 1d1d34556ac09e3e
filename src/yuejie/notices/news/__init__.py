"""News that rooms below notices cannot tell themselves: looked for, and told once each."""
