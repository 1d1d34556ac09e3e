"""The calls of a customer by what one looks for, the newest first."""
