"""The operator: what waits for its quantity, providers compared, what is earned, who serves."""
