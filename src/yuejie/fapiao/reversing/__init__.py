"""Red fapiao: the form, its clock, and the deeds that lead through it."""
