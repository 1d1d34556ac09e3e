"""The picture of the company's seal, printed over its name on request; no electronic signature."""
