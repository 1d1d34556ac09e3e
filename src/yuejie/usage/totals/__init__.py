"""What was used, summed by anything: without hours from the sums of days and months."""
