"""Where every number of a proposal comes from: its source in words, its formula worked out."""
