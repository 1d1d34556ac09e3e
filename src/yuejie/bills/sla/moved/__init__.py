"""How the calls of months that moved to ClickHouse ended: what `bills.sla.store` asks, there."""
