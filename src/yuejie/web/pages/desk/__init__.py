"""The operator's desks: closing a month, the bank, receivables, fapiao, what waits for approval."""
