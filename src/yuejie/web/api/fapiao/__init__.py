"""Fapiao over REST: requests and titles, red fapiao, callbacks of providers."""
