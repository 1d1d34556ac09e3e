"""Pages of insight: the bill as it stands, trends, forecasts, advice, what is unusual, keys."""
