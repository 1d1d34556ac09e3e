"""Money as a customer's finance sees it: fapiao and titles, payments, statements, contracts."""
