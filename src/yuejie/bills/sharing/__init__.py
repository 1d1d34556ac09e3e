"""Which project or department bears what a bill asks of the whole customer."""
