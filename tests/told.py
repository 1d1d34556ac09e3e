"""What was told, as tests look at it: to whom, in which facts, in which words."""

from dataclasses import dataclass

from yuejie.db.session import Database
from yuejie.notices.wording.render import piece_of


@dataclass(frozen=True, slots=True)
class Told:
    """A notice in the outbox."""

    audience: str
    key: str
    kind: str
    facts: dict[str, str]

    def words(self, language: str = "zh-CN") -> str:
        return piece_of(self.kind, self.facts, language).body


def told(db: Database, kind: str = "request_rejected") -> list[Told]:
    """Return what of a kind was told, the oldest first."""
    asked = """
        SELECT audience, key, kind, facts FROM notice WHERE kind = %(kind)s ORDER BY at, notice_id
    """
    with db.read() as tx:
        return tx.rows(Told, asked, kind=kind)
