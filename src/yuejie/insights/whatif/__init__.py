"""What if: a month replayed under other prices, terms, models or routes, exact to the fen."""
