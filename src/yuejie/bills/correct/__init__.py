"""What changes what is owed without changing a bill: adjustments on the next one, credit notes."""
