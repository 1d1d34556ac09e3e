"""How near provider accounts come to their providers' ceilings, and when they will be there."""
