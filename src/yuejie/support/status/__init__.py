"""The state of the service as everybody may see it: measured, and announced."""
