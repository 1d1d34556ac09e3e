"""The shapes of receipts, receivables and fapiao."""
