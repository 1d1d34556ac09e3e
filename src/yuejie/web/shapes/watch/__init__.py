"""What is watched, on the wire: budgets, findings, service."""
