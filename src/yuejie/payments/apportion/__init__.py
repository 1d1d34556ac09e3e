"""What becomes of what came in: bills, prepayments, deposits; back again; refunds; waivers."""
