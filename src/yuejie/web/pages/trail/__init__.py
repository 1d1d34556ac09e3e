"""From a figure down to what it is made of: lines, days, calls, rates."""
