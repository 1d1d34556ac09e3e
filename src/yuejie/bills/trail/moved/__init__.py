"""The calls of a line whose month moved to ClickHouse: what `bills.trail.store` asks, there."""
