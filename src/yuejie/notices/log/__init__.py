"""The log of deliveries: what went out, what was said to it, and what was given up tried again."""
