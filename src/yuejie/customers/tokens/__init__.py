"""API tokens: what a member lets a program do in its name, never more than it may do itself."""
