"""Commands about the operator's books: the ledger, providers, reconciliation with them."""
