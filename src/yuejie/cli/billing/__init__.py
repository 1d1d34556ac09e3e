"""Bills: closing and issuing, the customer's say, corrections."""
