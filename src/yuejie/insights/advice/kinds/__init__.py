"""The kinds of advice: each takes a month's cells and yields proposals, or nothing."""
