"""The forms in which price lists arrive: our own in TOML, CSV or JSON, and the open fact file."""
