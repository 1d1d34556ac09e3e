"""What clouds ask for, as lines of customers' bills."""
