"""`yuejie fapiao …`: titles, requests, red fapiao, errands."""
