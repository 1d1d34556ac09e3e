"""What is still owed, how old it is, and the letters about it."""
