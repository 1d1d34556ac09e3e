"""Our metering beside the provider's own reports: every difference has a name and an amount."""
