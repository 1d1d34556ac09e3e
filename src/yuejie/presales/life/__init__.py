"""What becomes of a quote: its steps, and the contract draft that follows it."""
