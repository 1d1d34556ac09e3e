"""Routes of support: tickets, the rota, incidents and maintenance."""
