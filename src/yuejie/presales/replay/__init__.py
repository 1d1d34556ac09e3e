"""Past usage that a prospect hands in: kept in sums, priced under any plan, set beside others."""
