"""Routes of what is watched: budgets, findings, protections, service."""
