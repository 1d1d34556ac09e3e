"""Routing: what auto models saved, against the default model of the policy that decided."""
