"""The shapes of bills, their review and what corrects them."""
