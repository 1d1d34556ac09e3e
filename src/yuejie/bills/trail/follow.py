"""Follow a line of usage to its days, and a day to its calls."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.trail import store
from yuejie.bills.trail.trail import CallPage, CallRow, LineTrail, Reach
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.limits import PAGE_MAX
from yuejie.usage.calls.look import MARGIN, id_at


def follow_line(tx: Tx, bill: Bill, position: int, zone: ZoneInfo) -> LineTrail:
    """Return what a line is made of. Raises NotFound for a line that is none of usage."""
    line = next((each for each in bill.lines if each.position == position), None)
    if line is None:
        raise NotFound(f"账单 {bill.name} 没有第 {position} 行，请从账单上点选")
    if not line.metered:
        raise NotFound(f"账单 {bill.name} 的第 {position} 行不是用量，没有逐日明细；名目见账单")
    reach = _reach(tx, bill, line)
    days = store.days(tx, bill.customer_id, reach, zone.key)
    trail = LineTrail(bill, line, reach, store.rate_of(tx, line.sale_rate), tuple(days), ())
    if trail.adds_up:
        return trail
    # A bill in between was voided: what this line says is all of the month less other lines.
    whole = replace(reach, after=0)
    return replace(
        trail,
        reach=whole,
        days=tuple(store.days(tx, bill.customer_id, whole, zone.key)),
        billed=tuple(
            store.billed_before(tx, bill.customer_id, whole, bill.bill_id, bill.closed_at)
        ),
    )


def _reach(tx: Tx, bill: Bill, line: BillLine) -> Reach:
    month = line.service_month
    return Reach(
        customer_id=bill.customer_id,
        month=month,
        project_id=line.project_id,
        model=line.model,
        meter=line.meter,
        sale_rate=line.sale_rate,
        after=store.looked_before(tx, bill.customer_id, str(month), bill.epoch, bill.closed_at),
        upto=bill.epoch,
    )


def follow_day(
    tx: Tx,
    trail: LineTrail,
    day: date,
    zone: ZoneInfo,
    *,
    after: tuple[UUID, int] | None = None,
    limit: int,
) -> CallPage:
    """Return the calls of a local day that add to a line, in the order in which they began."""
    since = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    until = datetime(following.year, following.month, following.day, tzinfo=zone)
    first, version = after or (id_at(since, -MARGIN), 0)
    rows = store.calls(
        tx,
        trail.bill.customer_id,
        trail.reach,
        (since, until),
        (first, version, id_at(until, MARGIN)),
        limit=limit + 1,
    )
    shown = rows[:limit]
    more = len(rows) > limit
    return CallPage(tuple(shown), (shown[-1].event_id, shown[-1].version) if more else None)


def every_call(
    db: Database, trail: LineTrail, zone: ZoneInfo, day: date | None = None
) -> Iterator[CallRow]:
    """Yield every call of a line, or of one of its days, page by page: none is held for long."""
    for each in trail.days:
        if day not in {None, each.day}:
            continue
        after: tuple[UUID, int] | None = None
        while True:
            with db.read() as tx:
                page = follow_day(tx, trail, each.day, zone, after=after, limit=PAGE_MAX)
            yield from page.calls
            after = page.after
            if after is None:
                break
