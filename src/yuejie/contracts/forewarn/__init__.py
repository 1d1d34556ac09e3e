"""What customers must hear of before it happens: models that end, prices that rise."""
