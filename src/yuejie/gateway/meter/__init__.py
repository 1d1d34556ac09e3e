"""Meter: what an attempt used and is worth, on disk before anybody relies on it."""
