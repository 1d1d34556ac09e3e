"""Bank, receipts and receivables on the wire."""
