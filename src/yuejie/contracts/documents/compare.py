"""What a changed contract says otherwise than before, clause by clause and price by price. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from yuejie.contracts.documents.framework import ContractText

_ALIKE: Final = 0.6
"""From which likeness on a clause is another wording of one before."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One clause or price, before and after; empty where there was or will be none."""

    was: str
    became: str


def changes(was: ContractText, became: ContractText) -> list[Changed]:
    """Return what two writings of a contract say differently: clauses, then prices.

    Clauses are compared by what they say: one that only has another number is the same.
    """
    return [*_clauses(was, became), *_prices(was, became)]


def _clauses(was: ContractText, became: ContractText) -> Iterator[Changed]:
    old, new = _said(was), _said(became)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, since, until in matcher.get_opcodes():
        if kind != "equal":
            yield from _beside(old[first:last], new[since:until])


def _beside(old: list[str], new: list[str]) -> Iterator[Changed]:
    """Put each new clause beside the old one that it rewords; what has no such stands alone."""
    left = list(old)
    for after in new:
        alike = (each for each in left if SequenceMatcher(None, each, after).ratio() > _ALIKE)
        before = next(alike, "")
        if before:
            left.remove(before)
        yield Changed(before, after)
    yield from (Changed(before, "") for before in left)


def _said(text: ContractText) -> list[str]:
    """Return what the clauses say, without their numbers."""
    return [clause.partition(" ")[2] for section in text.sections for clause in section.clauses]


def _prices(was: ContractText, became: ContractText) -> Iterator[Changed]:
    old, new = _listed(was), _listed(became)
    for place in {**old, **new}:
        before, after = old.get(place, ""), new.get(place, "")
        if before != after:
            named = " ".join(part for part in place if part and part != "—")
            yield Changed(*(f"{named}：{price}" if price else "" for price in (before, after)))


def _listed(text: ContractText) -> dict[tuple[str, ...], str]:
    """Return the contract's price by model, meter and condition, with its unit."""
    return {row[:3]: f"{row[4]} {row[5]}" for row in text.annex}
