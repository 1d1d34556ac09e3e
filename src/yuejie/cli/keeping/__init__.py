"""Commands about what is kept, where and how long."""
