"""What goes over the wire: one pydantic model per thing, described in Chinese for /api/docs."""
