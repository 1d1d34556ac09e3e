"""The verifier that travels with an export: one file, standard library only."""
