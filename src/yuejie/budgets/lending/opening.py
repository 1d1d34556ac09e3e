"""Open a window: with the cap that holds for it, in the unit in which it is used.

A cap in yuan for usage that is priced in dollars is converted once, when the window opens, at the
newest published rate, and rounded down. Where no rate is published nothing is left, never a guess.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.budgets.allowance import Allowance, Measure, Period, Slot, Window, converted, window_of
from yuejie.budgets.lending import store
from yuejie.budgets.store import used
from yuejie.contracts.contract import terms_began
from yuejie.contracts.store import contracts_of, fx_on
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.usage.meters import UNIT_METERS


def open_missing(
    tx: Tx, slots: Iterable[Slot], allowances: Mapping[int, Allowance], *, now: datetime
) -> None:
    """Open those of these windows that are not open yet."""
    wanted = set(slots)
    for slot in sorted(wanted - store.windows(tx, wanted).keys()):
        allowance = allowances[slot.number]
        zone = zone_of(find_customer(tx, allowance.scope.customer_id).zone)
        starts_s, ends_s = window_at(tx, allowance, zone, slot.starts_s)
        if starts_s != slot.starts_s and allowance.period is not Period.TERM:
            raise Invalid(f"额度 {allowance.name} 没有从 {slot.starts_s} 开始的周期，请核对时区")
        cap, fx_id = cap_of(tx, allowance, slot, now=now)
        store.open_window(tx, slot, ends_s=ends_s, cap=cap, fx_id=fx_id)


def terms_of(tx: Tx, allowance: Allowance, zone: ZoneInfo) -> tuple[int, ...]:
    """Return the first seconds of the terms that are an allowance's windows.

    Usage is summed by the hour, so each begins with an hour.
    """
    if not allowance.by_terms:
        return ()
    began = terms_began(contracts_of(tx, CustomerId(allowance.scope.customer_id)))
    return tuple(sorted({int(local_hour(each, zone).timestamp()) for each in began}))


def window_at(tx: Tx, allowance: Allowance, zone: ZoneInfo, at_s: int) -> Window:
    """Return the window of an allowance in which an instant falls."""
    begun_s = int(allowance.starts_at.timestamp())
    return window_of(allowance.period, zone, at_s, begun_s, terms_of(tx, allowance, zone))


def cap_of(tx: Tx, allowance: Allowance, slot: Slot, *, now: datetime) -> tuple[int, int | None]:
    """Return what a window may come to, and the exchange rate by which that was converted."""
    cap, fx_id = cap_in(tx, allowance, slot.unit, now=now)
    return max(cap - _taken_elsewhere(tx, allowance, slot, now=now), 0), fx_id


def cap_in(tx: Tx, allowance: Allowance, unit: str, *, now: datetime) -> tuple[int, int | None]:
    """Return an allowance's cap in a unit, and the exchange rate it was converted by."""
    if unit == allowance.currency:
        return allowance.cap, None
    return _across(tx, allowance.cap, allowance.currency, unit, now=now)


def _across(
    tx: Tx, amount: int, currency: str, unit: str, *, now: datetime
) -> tuple[int, int | None]:
    day = now.date()
    fx = fx_on(tx, base=unit, quote=currency, day=day)
    if fx is not None:
        return converted(amount, fx.e8), fx.fx_id
    fx = fx_on(tx, base=currency, quote=unit, day=day)
    if fx is not None:
        return converted(amount, fx.e8, inverse=True), fx.fx_id
    return 0, None


def _taken_elsewhere(tx: Tx, allowance: Allowance, slot: Slot, *, now: datetime) -> int:
    """Return what the same period has used in another currency: its contract has changed books."""
    rows = store.windows_at(tx, [allowance.number], slot.starts_s)
    return sum(
        _across(tx, row.spent + row.leased, row.unit, slot.unit, now=now)[0]
        for row in rows
        if row.unit not in ("", slot.unit) and row.starts_s == slot.starts_s
    )


def open_present(tx: Tx, allowance: Allowance, zone_name: str, *, now: datetime) -> None:
    """Open the present window of a new allowance with what was used in it already.

    Nobody may add usage meanwhile. Minutes and concurrency begin empty.
    """
    if allowance.period is Period.MINUTE or allowance.measure is Measure.CONCURRENCY:
        return
    zone = zone_of(zone_name)
    if allowance.period is Period.ALWAYS:
        return
    open_used(tx, allowance, zone, window_at(tx, allowance, zone, int(now.timestamp())), now=now)


def open_used(
    tx: Tx, allowance: Allowance, zone: ZoneInfo, window: Window, *, now: datetime
) -> None:
    """Open a window with what was used in it; nobody may add usage meanwhile."""
    spent = used_in(tx, allowance, zone, window)
    slots = [Slot(allowance.number, window.starts_s, unit) for unit in sorted(spent)]
    for slot in slots:
        store.open_window(tx, slot, ends_s=window.ends_s, cap=0, spent=spent[slot.unit])
    for slot in slots:
        # Only now does each of them see what was used in the others.
        cap, fx_id = cap_of(tx, allowance, slot, now=now)
        store.cap_window(tx, slot, cap=cap, fx_id=fx_id)


def used_in(tx: Tx, allowance: Allowance, zone: ZoneInfo, window: Window) -> dict[str, int]:
    """Return what counts for an allowance in a window, by unit, from the rollups."""
    ends_s = min(window.ends_s, _FAR_S)
    months = (
        str(BillingMonth.of(datetime.fromtimestamp(window.starts_s, UTC), zone)),
        str(BillingMonth.of(datetime.fromtimestamp(ends_s - 1, UTC), zone)),
    )
    rows = used(
        tx,
        allowance.scope.customer_id,
        allowance,
        starts_s=window.starts_s,
        ends_s=ends_s,
        months=months,
        pieces=sorted(UNIT_METERS),
    )
    return {row.unit: int(row.amount) for row in rows}


_FAR_S: Final = 4_102_444_800
"""2100-01-01: no usage is as late as that."""
