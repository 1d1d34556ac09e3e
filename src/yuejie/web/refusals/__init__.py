"""What a refusal is before it is a page or problem+json, and what it says of a field."""
