"""What was told to whom, as the outbox keeps it."""

from tests.rooms.fapiao.shop import Shop


def told(shop: Shop, kind: str) -> list[str]:
    """Return the facts of each notice of a kind, as they are kept."""
    with shop.db.read() as tx:
        asked = "SELECT array_agg(facts::text ORDER BY key) FROM notice WHERE kind = %(kind)s"
        return list(tx.value(asked, kind=kind) or [])
