"""Trends: what was used and what it came to by month, week, day and hour, and why it changed."""
