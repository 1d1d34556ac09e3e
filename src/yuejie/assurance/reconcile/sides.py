"""The two sides of a reconciliation: our month of a provider account, and the provider's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Used:
    """What we counted of a model and meter in an hour, in the provider's words.

    `pico` is what it costs at the rates of our cost book. `is_open`: on the worklist, so that the
    quantity is an estimate. `unpriced`: measured, without a rate yet.
    """

    model: str
    meter: str
    hour: datetime
    quantity: int
    pico: int
    is_open: bool = False
    unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Ours:
    """Our month of an account. `waiting` counts calls on the worklist by model and hour.

    `elsewhere` names the currencies that we are charged in where it is none of the report's: then
    nothing here can be compared with it.
    """

    used: tuple[Used, ...]
    currency: str
    waiting: Mapping[tuple[str, datetime], int] = field(default_factory=dict)
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """The provider's month: quantities and amounts by day, each None where it tells none.

    `meters` are those whose quantities it tells; `lines` counts the lines behind an amount, and
    `credits` adds up those below zero, which are in the amount as well. `covers` are the days whose
    quantities it could tell, `charged` those whose amounts; None: the whole month.
    """

    quantities: Mapping[tuple[date, str, str], int] | None
    picos: Mapping[tuple[date, str, str], int] | None
    lines: Mapping[tuple[date, str, str], int]
    meters: frozenset[str]
    folds: Mapping[str, str]
    zone: str
    currency: str
    grain_pico: int
    as_of: datetime
    credits: Mapping[tuple[date, str, str], int] = field(default_factory=dict)
    covers: frozenset[date] | None = None
    charged: frozenset[date] | None = None
