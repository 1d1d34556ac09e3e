"""Price lists as they are written: their forms, what may stand in them, how they are completed."""
