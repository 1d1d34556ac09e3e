"""The live bill: what a customer owes if its month ended now, and what of that may still change."""
