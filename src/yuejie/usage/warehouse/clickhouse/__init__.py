"""What the warehouse is asked: its table, batches going in and coming back, events read there."""
