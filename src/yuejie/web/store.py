"""The only SQL of the web: whether the database is fit to work with, and the record of deeds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yuejie.db.session import Tx

FIT: Final = "SELECT to_regclass('deed') IS NOT NULL"


def is_fit(tx: Tx) -> bool:
    """Tell whether the database has our tables; before its first migration it has none."""
    return tx.value(FIT) is True


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A change of master data: who did what to which thing, and the thing before and after."""

    deed_id: int
    at: datetime
    by: str
    verb: str
    noun: str
    name: str
    was: dict[str, Any] | None
    became: dict[str, Any] | None
    why: str


DEEDS: Final = """
    SELECT deed_id, at, by, verb, noun, name, was, became, why
    FROM deed
    WHERE deed_id < %(before)s
      AND (%(noun)s::text IS NULL OR noun = %(noun)s)
      AND (%(name)s::text IS NULL OR name = %(name)s)
      AND (%(by)s::text IS NULL OR by = %(by)s)
    ORDER BY deed_id DESC
    LIMIT %(limit)s
"""


def deeds(
    tx: Tx, *, noun: str | None, name: str | None, by: str | None, before: int, limit: int
) -> list[DeedRow]:
    """Return the newest deeds before one, of a noun, a name or a person where these are given."""
    return tx.rows(DeedRow, DEEDS, noun=noun, name=name, by=by, before=before, limit=limit)
