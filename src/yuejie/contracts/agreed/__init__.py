"""Prices of one contract: overrides and discounts, written down as rates of a book of its own."""
