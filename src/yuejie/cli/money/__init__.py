"""Money that comes in: `yuejie bank|receipts|receivables …`."""
