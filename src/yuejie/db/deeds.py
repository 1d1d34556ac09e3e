"""The record of every deed that changes master data or moves money: who, when, what, from, to."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from yuejie.db.session import Tx
from yuejie.db.transition import Transition

_INSERT: Final = """
    INSERT INTO deed (at, by, verb, noun, name, was, became, why, via)
    VALUES (%(at)s, %(by)s, %(verb)s, %(noun)s, %(name)s, %(was)s::jsonb, %(became)s::jsonb,
            %(why)s, %(via)s)
"""
_HIDDEN: Final = frozenset({"digest", "credential", "sealed"})
VIA: Final[ContextVar[str]] = ContextVar("via", default="")
"""By which API token the deeds of this request are done, empty where a person does them.

It is no part of `by`: a member and its token are one person where a deed needs two.
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to which thing, when, and why where a deed needs a reason."""

    by: str
    at: datetime
    verb: str
    noun: str
    name: str
    why: str = ""


def record_deed(tx: Tx, deed: Deed, *, was: object = None, became: object = None) -> None:
    """Write a deed down in the transaction that does it; secrets are left out."""
    tx.run(
        _INSERT,
        at=deed.at,
        by=deed.by,
        verb=deed.verb,
        noun=deed.noun,
        name=deed.name,
        was=_plain(was),
        became=_plain(became),
        why=deed.why,
        via=VIA.get(),
    )


def record_step(tx: Tx, step: Transition, noun: str, name: str) -> None:
    """Write a step in a life down as a deed, so that it is found among all others."""
    deed = Deed(step.by, step.at, str(step.event), noun, name, step.why)
    was, became = {"state": str(step.was)}, {"state": str(step.became)}
    record_deed(tx, deed, was=was, became=became)


def _plain(thing: object) -> str | None:
    if thing is None:
        return None
    facts: dict[str, Any] = msgspec.to_builtins(thing)
    shown = {name: value for name, value in facts.items() if name not in _HIDDEN}
    return msgspec.json.encode(shown).decode()
