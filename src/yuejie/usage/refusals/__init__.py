"""What gateways turned away: counted by the minute, and nothing of what was asked."""
