"""Looking after a database: its fingerprint, size and pace, and another major version."""
