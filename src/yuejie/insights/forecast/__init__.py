"""What months, budgets and hours to come will come to, with how sure that is."""
