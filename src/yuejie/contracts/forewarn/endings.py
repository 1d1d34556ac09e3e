"""Contracts whose last day comes or has passed, and those that go on: what is to be told, and when.

ending      90, 30 and 7 days ahead, and at the days that the contract's own notice takes
renewing    30 and 7 days before the last day on which leaving can still be asked for (`saying`)
ended       once it holds no more, for whoever looks within a month
renewed     once it goes on under the same terms, for whoever looks within a month

A contract that somebody leaves, or that another follows without a gap, is not told about. One that
was written down too late for anybody to say no ends, whatever it says of going on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.contracts import store
from yuejie.contracts.contract import Contract, at, term_of
from yuejie.contracts.forewarn.saying import is_late, renews_itself, say_until
from yuejie.contracts.life.store import ends_of
from yuejie.db.session import Tx
from yuejie.kernel.ids import ContractId, CustomerId
from yuejie.kernel.period import zone_of

END_DAYS: Final = (7, 30, 90)
"""How long before its end a contract is told about, days."""
SAY_DAYS: Final = (7, 30)
"""How long before the last day for notice a contract that renews itself is told about, days."""
TOLD_BEHIND: Final = timedelta(days=31)
"""A clerk that was away tells so late of what has happened."""


class Stage(StrEnum):
    """What there is to say about a contract's last day."""

    ENDING = "ending"
    RENEWING = "renewing"
    ENDED = "ended"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class LastDay:
    """A contract, what is to be said of its last day, how many days are left, at which step.

    RENEWING counts the days to `say_until`, the last day on which leaving can be asked for. `late`
    is a contract that was written down when that day of its own had come.
    """

    contract: Contract
    stage: Stage
    days: int
    step: int
    say_until: date | None = None
    late: bool = False

    @property
    def key(self) -> str:
        """One notice per contract, last day and step, ever."""
        ends_on = self.contract.terms.ends_on
        return f"contract_{self.stage}:{self.contract.contract_id}:{ends_on}:{self.step}"


def last_days(tx: Tx, *, now: datetime) -> list[LastDay]:
    """Return what is to be told now of contracts' last days, by contract."""
    found = []
    for versions in by_customer(store.contracts(tx)).values():
        left = {end.contract_id for end in ends_of(tx, versions[0].customer_id)}
        for contract_id in sorted({version.contract_id for version in versions} - left):
            told = last_day(versions, contract_id, now)
            if told is not None:
                found.append(told)
    return found


def by_customer(versions: Iterable[Contract]) -> dict[CustomerId, list[Contract]]:
    """Return contract versions by their customer."""
    found: dict[CustomerId, list[Contract]] = {}
    for version in versions:
        found.setdefault(version.customer_id, []).append(version)
    return found


def last_day(
    versions: Iterable[Contract], contract_id: ContractId, now: datetime
) -> LastDay | None:
    """Return what is to be told now of one of a customer's contracts, or None. Pure."""
    versions = list(versions)
    own = sorted((v for v in versions if v.contract_id == contract_id), key=lambda v: v.version)
    newest = own[-1]
    if newest.terms.ends_on is None or followed(newest, versions, now):
        return None
    if renews(own) and now - newest.signed_at < TOLD_BEHIND:
        return LastDay(newest, Stage.RENEWED, 0, _first_written(own))
    return _ahead(own, now) if begun(own, now) else None


def begun(own: list[Contract], now: datetime) -> bool:
    """Tell whether the term has begun that a contract's newest version is about.

    That version may be a change that was signed ahead: the term has the same last day until then.
    """
    return term_of(own, own[-1])[0].starts_at <= now


def _ahead(own: list[Contract], now: datetime) -> LastDay | None:
    contract = own[-1]
    left = days_left(contract, now)
    if renews_itself(own):
        until = say_until(own)
        days = (until - now.astimezone(zone_of(contract.zone)).date()).days
        step = _step(days, SAY_DAYS)
        if not step:
            return None
        return LastDay(contract, Stage.RENEWING, days, step, until, is_late(own))
    if left > 0:
        step = _step(left, (*END_DAYS, contract.terms.notice_days))
        return LastDay(contract, Stage.ENDING, left, step) if step else None
    late = timedelta(days=-left) < TOLD_BEHIND
    return LastDay(contract, Stage.ENDED, left, 0) if late else None


def _step(days: int, steps: Iterable[int]) -> int:
    """Return the smallest step that is reached; 0 where none is, or it is too late."""
    return min((step for step in steps if 0 < days <= step), default=0)


def days_left(contract: Contract, now: datetime) -> int:
    """Return for how many days a contract with an end still holds; below zero: it is over."""
    assert contract.terms.ends_on is not None, "only contracts with an end are asked"
    today = now.astimezone(zone_of(contract.zone)).date()
    return (contract.terms.ends_on - today) // timedelta(days=1)


def followed(contract: Contract, versions: Iterable[Contract], now: datetime) -> bool:
    """Tell whether another contract of the customer holds when one has ended, or does now."""
    return follower(contract, versions, now) is not None


def follower(contract: Contract, versions: Iterable[Contract], now: datetime) -> Contract | None:
    """Return that other contract's version, None where there is none."""
    if contract.ends_at is None:
        return None
    then = at(versions, max(contract.ends_at, now))
    return None if then is None or then.contract_id == contract.contract_id else then


def renews(own: list[Contract]) -> bool:
    """Tell whether a contract's newest version is the one before it with a later end."""
    return any(
        was.terms.ends_on is not None
        and became.terms.ends_on is not None
        and was.terms.ends_on < became.terms.ends_on
        and was.terms == replace(became.terms, ends_on=was.terms.ends_on)
        for was, became in _last_two(own)
    )


def _first_written(own: list[Contract]) -> int:
    """Return the version that renewed a contract first: a change before that writes it again."""
    newest = own[-1]
    same = (newest.starts_at, newest.terms.ends_on)
    return min(each.version for each in own if (each.starts_at, each.terms.ends_on) == same)


def _last_two(own: list[Contract]) -> Iterator[tuple[Contract, Contract]]:
    if len(own) > 1:
        yield own[-2], own[-1]
