"""Looking after the house: backups, restores and drills, the database itself."""
