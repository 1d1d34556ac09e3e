"""What of contracts somebody asked for and somebody else turned down."""
