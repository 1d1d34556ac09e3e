"""By how much may a paced cap be overshot? What is under way, as workers told last."""
