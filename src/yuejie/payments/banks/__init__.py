"""Our bank accounts, the numbers given to single payers, and who may pay for whom."""
