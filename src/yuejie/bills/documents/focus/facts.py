"""What FOCUS 1.4 asks about a bill beyond its lines: what was promised, and the other bills. Pure.

A minimum is one commitment per period it is measured over (a month, a contract year, the term); a
package is one. An open contract can be left at any month's end, so its period ends with the month.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from yuejie.contracts.contract import Contract, midnight, term_of
from yuejie.contracts.grants.grant import Grant
from yuejie.contracts.terms import CommercialTerms, CommitmentPeriod, DueBasis
from yuejie.kernel.period import BillingMonth, zone_of

_YEAR: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A commitment: a minimum to be spent (`interval` is set), or a package bought before use.

    It is good for `amount_fen`, and for a package `paid_fen` was paid. Spans are half-open.
    """

    commitment_id: str
    contract_id: str
    name: str
    amount_fen: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    contract_starts_at: datetime
    contract_ends_at: datetime
    signed_at: datetime
    interval: CommitmentPeriod | None = None
    months: int = 0
    paid_fen: int = 0
    models: tuple[str, ...] = ()
    used_up: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands behind a bill. `earlier` is the number of the same part's bill by month."""

    promised: tuple[Promised, ...] = ()
    payment_terms: str = "As agreed"
    earlier: Mapping[BillingMonth, str] = field(default_factory=dict)
    all_issued: bool = False

    @property
    def minimum(self) -> Promised | None:
        """The minimum that the bill's usage counts towards, if one was promised."""
        return next((each for each in self.promised if each.interval is not None), None)


NOTHING_MORE: Final = Facts()
"""Of a bill whose contract is not asked for."""


def payment_terms(terms: CommercialTerms) -> str:
    """Write until when a bill is to be paid, as FOCUS does."""
    after = " from fapiao" if terms.due_basis is DueBasis.FAPIAO_RECEIPT else ""
    return f"Net {terms.payment_days}{after}"


def minimum_of(versions: list[Contract], version: int, month: BillingMonth) -> Promised | None:
    """Return the minimum that a contract's version promises for the period a month lies in."""
    chosen = next((each for each in versions if each.version == version), None)
    if chosen is None or chosen.terms.commitment is None:
        return None
    starts, ends = contract_span(versions, chosen, month)
    promised = chosen.terms.commitment
    began = term_of(versions, chosen)[0].starts_at
    since, until, months = _measured(promised.period, began, ends, month, chosen.zone)
    label = month if promised.period is CommitmentPeriod.MONTH else f"{since:%Y-%m-%d}"
    return Promised(
        commitment_id=f"{chosen.contract_id}/minimum/{label}",
        contract_id=chosen.contract_id,
        name="承诺消费",
        amount_fen=promised.amount_fen,
        currency=chosen.currency,
        starts_at=since,
        ends_at=until,
        contract_starts_at=starts,
        contract_ends_at=ends,
        signed_at=chosen.signed_at,
        interval=promised.period,
        months=months,
    )


def package_of(grant: Grant, zone: str, span: tuple[str, datetime, datetime]) -> Promised:
    """Return a package as a commitment under a contract: its id and the ends of its span."""
    contract_id, starts, ends = span
    since, until = midnight(grant.starts_on, zone), midnight(grant.ends_on, zone)
    whole = grant.starts_on.day == grant.ends_on.day
    apart = grant.ends_on.month - grant.starts_on.month
    months = (grant.ends_on.year - grant.starts_on.year) * _YEAR + apart if whole else 0
    return Promised(
        commitment_id=grant.grant_id,
        contract_id=contract_id,
        name=grant.name,
        amount_fen=grant.amount_fen,
        paid_fen=grant.paid_fen,
        currency=grant.currency,
        starts_at=since,
        ends_at=until,
        contract_starts_at=starts,
        contract_ends_at=ends,
        signed_at=grant.created_at,
        months=months,
        models=grant.models,
    )


def contract_span(
    versions: list[Contract], chosen: Contract, month: BillingMonth
) -> tuple[datetime, datetime]:
    """Return when a contract began and when it ends; an open one with the month."""
    starts = min((each.starts_at for each in versions), default=chosen.starts_at)
    return starts, chosen.ends_at or month.span(zone_of(chosen.zone)).end


def _measured(
    period: CommitmentPeriod, starts: datetime, ends: datetime, month: BillingMonth, zone: str
) -> tuple[datetime, datetime, int]:
    """Return the span over which a minimum is measured, within its term's, and its months."""
    place = zone_of(zone)
    first = BillingMonth.of(starts, place)
    if period is CommitmentPeriod.TERM:
        last = BillingMonth.of(ends, place)
        return starts, ends, max(1, _between(first, last))
    if period is CommitmentPeriod.MONTH:
        since, until, months = month, month.next, 1
    else:
        begun = _between(first, month) // _YEAR * _YEAR
        since, until, months = _later(first, begun), _later(first, begun + _YEAR), _YEAR
    start = max(starts, since.span(place).start)
    end = min(until.span(place).start, max(ends, month.span(place).end))
    return start.astimezone(UTC), end.astimezone(UTC), months


def _between(first: BillingMonth, month: BillingMonth) -> int:
    return (month.year - first.year) * _YEAR + month.month - first.month


def _later(month: BillingMonth, months: int) -> BillingMonth:
    whole = month.year * _YEAR + month.month - 1 + months
    return BillingMonth(whole // _YEAR, whole % _YEAR + 1)
