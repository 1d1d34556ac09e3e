"""Changes of prices that one person asks for and another lets hold."""
