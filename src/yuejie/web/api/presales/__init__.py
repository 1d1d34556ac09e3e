"""Presales over REST: the operator's alone."""
