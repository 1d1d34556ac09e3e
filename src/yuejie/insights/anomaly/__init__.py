"""Anomalies: what changed, since when, which key and model explain it, and what it costs."""
