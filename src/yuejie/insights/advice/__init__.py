"""Advice: what a customer could pay less for, computed from its own calls and the book in force.

Nothing is estimated by a share: a saving is what the same calls cost now less what they would cost
with the change, both rated by the same book, line by line.
"""
