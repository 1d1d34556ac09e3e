"""From a bill's line down to its days, to the calls of a day, to the rate that was in force."""
