"""Commands about what is watched: budgets, findings, protections."""
