"""The operator's books on the wire: the ledger, providers, reconciliation with them."""
