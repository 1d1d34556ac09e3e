"""What is agreed: contracts, credit limits, packages and vouchers."""
