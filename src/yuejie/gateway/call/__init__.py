"""Call: one request of a client, from admission to the last record in the journal."""
