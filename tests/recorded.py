"""The record of deeds as tests look at it: who did what, and what was said of before and after."""

from yuejie.db.session import Database
from yuejie.web.store import DeedRow, Sought, deeds

_NEWEST = 1 << 62


def recorded(db: Database, noun: str, *verbs: str) -> list[DeedRow]:
    """Return the deeds done to a kind of thing, the oldest first; all, or those of some verbs."""
    sought = Sought(noun=noun, verbs=list(verbs) or None)
    with db.read() as tx:
        return deeds(tx, sought, before=_NEWEST, limit=1000)[::-1]


def steps(rows: list[DeedRow]) -> list[tuple[str, str, str, str, str]]:
    """Return by whom, what, from which state to which, and why."""
    return [
        (
            row.by,
            row.verb,
            (row.was or {}).get("state", ""),
            (row.became or {}).get("state", ""),
            row.why,
        )
        for row in rows
    ]
