"""Support on the wire: tickets, the rota, incidents and maintenance."""
