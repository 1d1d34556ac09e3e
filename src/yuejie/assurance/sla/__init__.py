"""SLA: what was promised of a month's service, what was measured, what it gives back."""
