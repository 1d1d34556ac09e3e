"""Rights: what a key may do, as the newest snapshot says."""
