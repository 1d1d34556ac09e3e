"""The connection to ClickHouse, where one is named; what it is asked is the rooms' own."""
