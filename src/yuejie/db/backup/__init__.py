"""Backups of the database: base backups, its log as it is written, and laying both down again."""
