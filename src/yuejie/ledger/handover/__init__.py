"""What finance carries over into its own books: accruals at the month's end, and vouchers."""
