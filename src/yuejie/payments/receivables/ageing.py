"""How old what is owed is: 0–30, 31–60, 61–90, 91–180, over 180 days behind the due date. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from yuejie.payments.apportion.shares import OpenAmount


class Age(StrEnum):
    """How long something has been overdue."""

    NOT_DUE = "not_due"
    UP_TO_30 = "0-30"
    UP_TO_60 = "31-60"
    UP_TO_90 = "61-90"
    UP_TO_180 = "91-180"
    OLDER = "over-180"


_UP_TO: Final = ((30, Age.UP_TO_30), (60, Age.UP_TO_60), (90, Age.UP_TO_90), (180, Age.UP_TO_180))


@dataclass(frozen=True, slots=True)
class Aged:
    """What is owed in one currency, by age, in fen."""

    currency: str
    fen: dict[Age, int]

    @property
    def total_fen(self) -> int:
        """Everything that is open."""
        return sum(self.fen.values())

    @property
    def overdue_fen(self) -> int:
        """What is open behind its due date."""
        return self.total_fen - self.fen[Age.NOT_DUE]


def age_of(due_on: date | None, today: date) -> Age:
    """Return how old something is that was due on a day; without a due date it is not due."""
    days = 0 if due_on is None else (today - due_on).days
    if days <= 0:
        return Age.NOT_DUE
    return next((age for limit, age in _UP_TO if days <= limit), Age.OLDER)


def aged(amounts: Iterable[OpenAmount], today: date) -> list[Aged]:
    """Add open amounts up by currency and age; what is written off is not counted."""
    return totals(
        Aged(amount.currency, {age_of(amount.due_on, today): amount.open_fen})
        for amount in amounts
        if amount.open_fen
    )


def totals(rows: Iterable[Aged]) -> list[Aged]:
    """Add rows up, one row a currency, with every age in it."""
    sums: dict[str, dict[Age, int]] = {}
    for row in rows:
        fen = sums.setdefault(row.currency, dict.fromkeys(Age, 0))
        for age, owed in row.fen.items():
            fen[age] += owed
    return [Aged(currency, fen) for currency, fen in sorted(sums.items())]
