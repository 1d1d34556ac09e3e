"""The first run of an operator and of a customer, a house to practise in, the finance guide."""
