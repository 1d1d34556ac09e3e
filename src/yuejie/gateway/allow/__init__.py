"""May it be this much? Worst cases, leases and holds."""
