"""Look at a customer's live bill: draw its open months as closing would, and write nothing.

Everything is read in one read-only transaction that sees one moment and takes no lock: neither
ingest nor closing waits for it, and no epoch ends. Months that are over and not closed are drawn
first, in order, each counting on those before it, as closing them one after another would.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.bills.bill import Bill, LineKind, is_beside
from yuejie.bills.closing import store as closing
from yuejie.bills.closing.clouds.store import cloud_customers
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.draw import Drawing, agreements_by, gather, gather_beside
from yuejie.bills.closing.lines import LineKey
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.live import store
from yuejie.bills.live.live import Doubt, Live, Note
from yuejie.bills.live.memory import Forgetful, Memory
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import fx_by_id
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of

WAITING_MAX: Final = 10_000
"""Calls that wait are counted no further."""
_STATES: Final = {
    "estimated": "用量为估计",
    "unmeasured": "用量未知",
    "unpriced": "缺单价",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one customer."""

    tx: Tx
    who: Customer
    now: datetime
    epoch: int
    agreements: Agreements
    memory: Memory

    @property
    def month(self) -> BillingMonth:
        """The month that goes on, in the customer's zone."""
        return BillingMonth.of(self.now, zone_of(self.who.zone))


def look(
    db: Database, customer_id: CustomerId, *, now: datetime, memory: Memory | None = None
) -> Live:
    """Return what a customer would owe if its month ended now.

    With a `memory`, the month's service is not counted again each time; without, everything is.
    Raises NotFound where no contract holds, and what closing would raise.
    """
    with db.read(consistent=True) as tx:
        seen = _look_at(tx, find_customer(tx, customer_id), now, memory or Forgetful())
        who, contract = seen.who, seen.agreements.at_end_of(seen.month)
        if contract is None:
            raise NotFound(f"客户 {who.slug} 在 {seen.month} 没有生效的合同，没有实时账单")
        drawn: dict[BillingMonth, list[Bill]] = {}
        open_months = [*_unclosed(seen), seen.month]
        for month in open_months:
            ahead = tuple(bill for bills in drawn.values() for bill in bills)
            _, drawn[month] = _draw(seen, month, ahead, first=month == open_months[0])
        bills = [bill for bill in drawn[seen.month] if not is_beside(bill.part)]
        beside = [bill for bill in drawn.pop(seen.month) if is_beside(bill.part)]
        earlier = tuple(bill for each in drawn.values() for bill in each)
        return Live(
            slug=who.slug,
            month=seen.month,
            currency=contract.currency,
            epoch=seen.epoch,
            drawn_at=now,
            used_until=min(store.read_until(tx) or now, now),
            bills=tuple(bills),
            earlier=earlier,
            notes=(*_notes(seen, contract, bills, open_months), *map(_beside_note, beside)),
            beside=tuple(beside),
        )


def facts_of_open(tx: Tx, who: Customer, month: BillingMonth, *, now: datetime) -> Facts | None:
    """Return what the bills of a month that is not closed follow from; None: it owes nothing.

    Raises Conflict for a month that is closed or lies ahead, and what closing would raise.
    """
    seen, ahead = _look_at(tx, who, now, Forgetful()), tuple[Bill, ...]()
    open_months = [*_unclosed(seen), seen.month]
    if month not in open_months:
        raise Conflict(f"客户 {who.slug} 的 {month} 没有账单：该月已关账而无可出账，或尚未开始")
    for each in open_months:
        facts, drawn = _draw(seen, each, ahead, first=each == open_months[0])
        if each == month:
            return facts
        ahead = (*ahead, *drawn)
    return None


def _look_at(tx: Tx, who: Customer, now: datetime, memory: Memory) -> _Look:
    agreements = agreements_by(tx, who, now)
    return _Look(tx, who, now, closing.current_epoch(tx), agreements, memory)


def _unclosed(seen: _Look) -> list[BillingMonth]:
    """Return the months that are over, owe something and were not closed, in order."""
    tx, who = seen.tx, seen.who
    used = closing.used_months(tx, seen.month, who.customer_id)
    found = {BillingMonth.parse(row.month) for row in used if not row.closed}
    closed = closing.closed_months(tx, who.customer_id)
    versions = seen.agreements.versions
    starts = min((version.starts_at for version in versions), default=seen.now)
    label = BillingMonth.of(starts, zone_of(who.zone))
    while label < seen.month:
        if str(label) not in closed and seen.agreements.oblige(label):
            found.add(label)
        label = label.next
    return sorted(month for month in found if month < seen.month)


def _draw(
    seen: _Look, month: BillingMonth, ahead: tuple[Bill, ...], *, first: bool
) -> tuple[Facts | None, list[Bill]]:
    """Draw a month, and what waits beside it in another currency; the first also what came late.

    Nothing where closing would not look at the customer: nothing used, owed or waiting.
    """
    tx, who = seen.tx, seen.who
    rows = closing.used_months(tx, month, who.customer_id)
    used = rows if first else [row for row in rows if row.month == str(month)]
    owing = bool(used) or seen.agreements.oblige(month)
    waits = closing.waiting_customers(tx, month, who.customer_id)
    if not owing and not waits and not cloud_customers(tx, month, who.customer_id):
        return None, []
    closed = {BillingMonth.parse(row.month) for row in used if row.closed}
    months = tuple(sorted({*closed, month}))
    target: Mapping[LineKey, int] | None = None
    if month == seen.month:
        target = store.used(tx, who.customer_id, month)
    drawing = Drawing(
        seen.who,
        month,
        months,
        seen.epoch,
        seen.now,
        target=target,
        ahead=ahead,
        measured=seen.memory.measured,
    )
    facts = gather(tx, drawing)
    # What waited may stand on a bill that is drawn just before this one.
    waiting = facts and (facts.extras or facts.voided or facts.sold or facts.clouds)
    facts = facts if owing or waiting else None
    beside = gather_beside(tx, drawing, seen.agreements)
    return facts, [bill for each in (facts, *beside) if each for bill in compose(each)]


def _notes(
    seen: _Look, contract: Contract, bills: list[Bill], open_months: list[BillingMonth]
) -> list[Note]:
    """Say what of the bill is not final."""
    month, today = seen.month, seen.now.astimezone(zone_of(seen.who.zone)).date()
    notes = [Note(Doubt.OPEN_EPOCH, f"{month} 尚未关账：其间的用量与更正会随时计入")]
    notes += [
        Note(
            Doubt.EARLIER,
            f"{each} 已结束但尚未关账：这里按现有用量先算出，它的后到用量仍会计入 {each}",
        )
        for each in open_months[:-1]
    ]
    rows = store.waiting(seen.tx, seen.who.customer_id, open_months, limit=WAITING_MAX)
    for row in rows:
        more = "以上" if row.calls >= WAITING_MAX else ""
        said = f"{row.calls:,} 次{more}调用{_STATES[row.state]}，查明后计入，现在不在账单上"
        notes.append(Note(Doubt.WAITING, said))
    notes += _fx_notes(seen.tx, bills, month, today)
    promise = seen.agreements.promise(month, contract.currency)
    if promise.sla is not None:
        notes.append(Note(Doubt.SLA, "服务质量到月末才评定：SLA 赔付按至今的可用率与时延试算"))
    if any(line.kind is LineKind.TRUE_UP for bill in bills for line in bill.lines):
        notes.append(Note(Doubt.TRUE_UP, "承诺消费补足为截至目前的差额，随用量增加而减少"))
    waiting = store.undecided(seen.tx, seen.who.customer_id, month)
    if waiting:
        notes.append(Note(Doubt.UNDECIDED, f"{waiting} 笔调整待第二人审批，现在不在账单上"))
    return notes


def _beside_note(bill: Bill) -> Note:
    """Say what waits in another currency: fen of two currencies add up to nothing."""
    said = f"另有 {bill.gross} {bill.currency} 的费用与调整，关账时单独出一张该币种的账单"
    return Note(Doubt.BESIDE, said)


def _fx_notes(tx: Tx, bills: list[Bill], month: BillingMonth, today: date) -> list[Note]:
    """Name the exchange rates of the month, which a later one of it may replace."""
    used = {
        line.fx_id
        for bill in bills
        for line in bill.lines
        if line.fx_id is not None and line.service_month == month
    }
    found = [fx_by_id(tx, fx_id) for fx_id in sorted(used)]
    if today > month.last_day:
        return []
    return [
        Note(
            Doubt.FX,
            f"汇率暂按 {row.on_date} 的 1 {row.base} = {row.rate} {row.quote}"
            f"（{row.source}）折算，以月内最后公布的为准",
        )
        for row in found
    ]
