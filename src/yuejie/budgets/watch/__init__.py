"""Who is told when: thresholds on what was used, and on what the period will come to."""
