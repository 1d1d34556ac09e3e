"""Who hears of what: contacts, channels, and what was delivered."""
