"""Questions that are asked again: saved reports, and months as they would have been."""
