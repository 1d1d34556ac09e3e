"""The operator's books: the ledger, providers, reconciliation with them."""
