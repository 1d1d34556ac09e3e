"""Show refusals: why calls were turned away, when, of which key and model, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.usage.refusals import store
from yuejie.usage.refusals.reason import REASONS, Reason, reason_of
from yuejie.usage.refusals.store import Asked, RefusalRow

ROWS: Final = 1_000
"""Rows of one answer."""
LONGEST: Final = timedelta(days=92)


class By(StrEnum):
    """What refusals are told apart by, beside their reason."""

    HOUR = "hour"
    CUSTOMER = "customer"
    PROJECT = "project"
    KEY = "key"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know: a half-open span, filters, and how to tell rows apart."""

    since: datetime
    until: datetime
    by: tuple[By, ...] = (By.KEY, By.MODEL)
    reason: str | None = None
    key_id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Rows of refusals with what is known of their reason."""

    row: RefusalRow
    reason: Reason


def show_refusals(
    tx: Tx, customer_id: CustomerId | None, question: Question, *, zone: str
) -> list[Refusals]:
    """Return what was turned away of a customer's calls, or of everybody's; hours by the zone."""
    if question.until <= question.since or question.until - question.since > LONGEST:
        raise Invalid(f"时段应在 {LONGEST.days} 天之内，且起点早于终点，请改正后重试")
    if question.reason is not None and question.reason not in REASONS:
        raise Invalid(f"没有“{question.reason}”这个原因，可选：{'、'.join(sorted(REASONS))}")
    asked = Asked(
        since=question.since,
        until=question.until,
        by=frozenset(str(each) for each in question.by),
        zone=zone,
        reason=question.reason,
        key_id=question.key_id,
        model=question.model,
        limit=ROWS,
    )
    return [
        Refusals(row, reason_of(row.reason)) for row in store.refused_by(tx, customer_id, asked)
    ]


def total(found: Iterable[Refusals]) -> int:
    """Return how many calls rows stand for."""
    return sum(each.row.calls for each in found)
