"""How cloud bills are written, and how they are read: one file per dialect."""
