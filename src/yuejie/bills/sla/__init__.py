"""How a month's calls ended, what was promised of them, and what breaking it costs."""
