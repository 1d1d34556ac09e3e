"""Pages of support: tickets, the rota, announcements, service reports, the public status."""
