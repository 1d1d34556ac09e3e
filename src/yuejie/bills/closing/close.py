"""Close a month: usage up to an epoch becomes draft bills, one per customer.

Closing first ends the epoch, in its own transaction and alone; what arrives afterwards belongs to
the next epoch and to a later bill. Then each customer is its own transaction, so a close that is
interrupted is simply run again: what is drafted is drafted anew with the same result. Whoever
knows the epoch goes on with it; what a later closing has drawn meanwhile stays as that drew it.
Every close also looks at earlier months that were closed and have got usage since, and bills the
difference as late lines. A dry run computes the same without ending the epoch or writing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.bills import store as bill_store
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.closing import store
from yuejie.bills.closing.clouds.store import cloud_customers
from yuejie.bills.closing.draw import Drawing, draw_bills
from yuejie.bills.closing.lines import LineKey
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.correct.store import voided_since
from yuejie.bills.drafts.store import keep_draft
from yuejie.bills.life import BillEvent, advance
from yuejie.bills.note import note_step
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import contracts, contracts_of
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, DomainError
from yuejie.kernel.ids import CustomerId, LineId
from yuejie.kernel.limits import DRAIN_SECONDS, FIRST_BYTE_SECONDS, STREAM_SECONDS
from yuejie.kernel.period import BillingMonth, zone_of

GRACE: Final = timedelta(seconds=FIRST_BYTE_SECONDS + STREAM_SECONDS + DRAIN_SECONDS)
"""The longest a call that began in the month can go on; then its journal record is written."""
TOGETHER: Final = 5_000
"""Customers whose month is read at once: some hundred thousand sums in memory."""
TOGETHER_MIN: Final = 20
"""Fewer than so many are quicker read one by one."""


class Done(StrEnum):
    """What closing did for a customer."""

    WOULD_DRAFT = "would_draft"
    DRAFTED = "drafted"
    REDRAFTED = "redrafted"
    UNCHANGED = "unchanged"
    ALREADY_ISSUED = "already_issued"
    NO_USAGE = "no_usage"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcome for one customer; `why` is the sentence for a failure."""

    customer: str
    done: Done
    bills: tuple[Bill, ...] = ()
    why: str = ""

    @property
    def bill(self) -> Bill | None:
        """The head bill, or the only one."""
        return self.bills[0] if self.bills else None


class MonthNotOver(Conflict):
    """The month has not ended everywhere, or calls of it may still be under way."""

    code = "month_not_over"


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's closing: which months are looked at, and whether each was closed before.

    `obliged`: the contract asks for a bill even where nothing was used.
    """

    customer_id: CustomerId
    months: tuple[tuple[BillingMonth, bool], ...]
    obliged: bool = False
    target: Mapping[LineKey, int] | None = None
    """What this month's usage comes to; None: not read yet."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What all customers of one closing share. Nothing is written unless `commit`."""

    db: Database
    month: BillingMonth
    epoch: int
    commit: bool
    by: str
    now: datetime


def close_month(
    db: Database,
    month: BillingMonth,
    *,
    customer: str | None,
    commit: bool,
    by: str,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Closed]:
    """Draft the bills of a month, or with `commit=False` tell what they would be.

    Raises NotFound for an unknown customer and MonthNotOver for a month that is not over; a
    customer whose bill cannot be drawn is reported as failed and the others are still closed.
    """
    with db.read() as tx:
        only = find_customer(tx, customer) if customer else None
        refuse_early(tx, month, only, commit=commit, now=now)
    epoch = epoch_for(db, month, commit=commit, now=now)
    closing = Closing(db, month, epoch, commit, by, now)
    cases = cases_of(closing, only)
    closed: list[Closed] = []
    for case in read_ahead(closing, cases):
        closed.append(_close_one(closing, case))
        progress(len(closed), len(cases))
    note_idle(closing, [case.customer_id for case in cases], only)
    if only and not closed:
        closed.append(Closed(only.slug, Done.NO_USAGE, why=f"{month} 无用量数据"))
    return closed


def epoch_for(db: Database, month: BillingMonth, *, commit: bool, now: datetime) -> int:
    """Return the epoch up to which a closing reads: it ends now, or goes on under a dry run."""
    return _end_epoch(db, month, now) if commit else _open_epoch(db)


def cases_of(closing: Closing, only: Customer | None = None) -> list[Case]:
    """Return whom a closing looks at, and at which months of each."""
    with closing.db.read() as tx:
        used = store.used_months(tx, closing.month, only.customer_id if only else None)
        return _cases(used, _obliged(tx, closing.month, only))


def note_idle(closing: Closing, busy: Sequence[CustomerId], only: Customer | None = None) -> None:
    """Note the month as closed for whoever was not looked at; a dry run notes nothing."""
    if not closing.commit:
        return
    with closing.db.begin() as tx:
        who = only.customer_id if only else None
        store.note_idle_closes(
            tx, who, closing.month, epoch=closing.epoch, busy=busy, at=closing.now
        )


def last_over(zone: ZoneInfo, now: datetime) -> BillingMonth:
    """Return the last month of a zone that may be closed: no call of it can still be under way."""
    return BillingMonth.of(now - GRACE, zone).previous


def refuse_early(
    tx: Tx, month: BillingMonth, only: Customer | None, *, commit: bool, now: datetime
) -> None:
    """Refuse a month that is not over; committing also waits for the longest call and journals."""
    zones = [only.zone] if only else [one.zone for one in customers(tx)]
    end = max(month.span(zone_of(zone)).end for zone in zones or ["Asia/Shanghai"])
    if now < end:
        raise MonthNotOver(f"{month} 尚未结束（{end:%Y-%m-%d %H:%M} UTC 结束），请在此之后关账")
    if not commit:
        return
    if now < end + GRACE:
        raise MonthNotOver(
            f"{month} 月末发起的调用可能仍在进行，请在 {end + GRACE:%Y-%m-%d %H:%M} UTC 之后关账"
        )
    lagging = store.lagging_journals(tx, end + GRACE)
    if lagging:
        raise MonthNotOver(
            f"流水 {lagging[0]} 等 {len(lagging)} 个尚未读到 {month} 月末，"
            "请确认 intake 进程在运行，稍后重试"
        )


def _end_epoch(db: Database, month: BillingMonth, now: datetime) -> int:
    with db.begin() as tx:
        tx.lock_exclusive(store.EPOCH_LOCK)
        return store.end_epoch(tx, why=f"close {month}", at=now)


def _open_epoch(db: Database) -> int:
    with db.read() as tx:
        return store.current_epoch(tx)


def _obliged(tx: Tx, month: BillingMonth, only: Customer | None) -> set[CustomerId]:
    """Return who is billed without usage: fees, minimums, and amounts that wait for a bill."""
    versions: dict[CustomerId, list[Contract]] = defaultdict(list)
    for version in contracts(tx) if only is None else contracts_of(tx, only.customer_id):
        versions[version.customer_id].append(version)
    zones = {each.customer_id: each.zone for each in ([only] if only else customers(tx))}
    found = store.waiting_customers(tx, month) | cloud_customers(tx, month)
    for customer_id, known in versions.items():
        if Agreements(known, zones[customer_id]).oblige(month):
            found.add(customer_id)
    return found & zones.keys()


def _cases(used: list[store.UsedMonth], obliged: set[CustomerId]) -> list[Case]:
    cases = [
        Case(
            customer_id,
            tuple((BillingMonth.parse(row.month), row.closed) for row in rows),
            customer_id in obliged,
        )
        for customer_id, rows in groupby(used, key=lambda row: row.customer_id)
    ]
    quiet = obliged - {case.customer_id for case in cases}
    return cases + [Case(customer_id, (), obliged=True) for customer_id in sorted(quiet)]


def read_ahead(closing: Closing, cases: Sequence[Case]) -> Iterator[Case]:
    """Yield the cases with what their month comes to, read once for many of them.

    Nothing is added to an epoch that has ended, so what is read before a customer's transaction
    is what it would read itself. A dry run, whose epoch goes on, and a single customer read alone.
    """
    if not closing.commit or len(cases) < TOGETHER_MIN:
        yield from cases
        return
    for first in range(0, len(cases), TOGETHER):
        some = cases[first : first + TOGETHER]
        with closing.db.read() as tx:
            asked = [case.customer_id for case in some]
            targets = store.targets_of_month(tx, asked, closing.month, closing.epoch)
        yield from (replace(case, target=targets[case.customer_id]) for case in some)


def _close_one(closing: Closing, case: Case) -> Closed:
    slug = str(case.customer_id)
    try:
        with closing.db.read() as tx:
            slug = find_customer(tx, slug).slug
        return close_case(closing, case)
    except DomainError as error:
        return Closed(slug, Done.FAILED, why=error.sentence)


def close_case(closing: Closing, case: Case) -> Closed:
    """Draft one customer's bills in one transaction, or tell what they would be.

    Raises DomainError for bills that cannot be drawn; then nothing was written.
    """
    with closing.db.read() as tx:
        customer = find_customer(tx, case.customer_id)
        if not closing.commit:
            return _try(tx, closing, case, customer)
    return _draft(closing, case, customer)


def _try(tx: Tx, closing: Closing, case: Case, customer: Customer) -> Closed:
    """Tell what drafting would give, and write nothing."""
    was = bill_store.bills_of_customer_month(tx, customer.customer_id, closing.month)
    if any(bill.state is not BillState.DRAFT for bill in was):
        return Closed(customer.slug, Done.ALREADY_ISSUED, tuple(was))
    bills = _draw(tx, closing, case, customer, tuple(was))
    return Closed(customer.slug, Done.WOULD_DRAFT if bills else Done.NO_USAGE, tuple(bills))


def _draft(closing: Closing, case: Case, customer: Customer) -> Closed:
    """Write the drafts of one customer in one transaction, whoever else may be closing."""
    with closing.db.begin() as tx:
        tx.lock_exclusive(f"close {customer.customer_id}")
        was = bill_store.bills_of_customer_month(tx, customer.customer_id, closing.month)
        if any(bill.state is not BillState.DRAFT for bill in was):
            return Closed(customer.slug, Done.ALREADY_ISSUED, tuple(was))
        if (store.closed_epoch(tx, customer.customer_id, closing.month) or 0) > closing.epoch:
            return Closed(customer.slug, Done.UNCHANGED, tuple(was))
        _refuse_behind(tx, customer, closing.month)
        _refuse_voided(tx, customer, closing.now)
        # What an approval meanwhile drew its drafts anew with is not taken off them.
        now = max([closing.now, *(bill.closed_at for bill in was)])
        bills = _draw(tx, replace(closing, now=now), case, customer, tuple(was))
        done = Done.NO_USAGE
        if bills:
            done, bills = save_drafts(tx, bills, was, by=closing.by, now=now)
        store.note_close(
            tx,
            customer.customer_id,
            closing.month,
            epoch=closing.epoch,
            bill_id=bills[0].bill_id if bills else None,
            at=closing.now,
        )
        return Closed(customer.slug, done, tuple(bills))


def save_drafts(
    tx: Tx, bills: Sequence[Bill], was: Sequence[Bill], *, by: str, now: datetime
) -> tuple[Done, list[Bill]]:
    """Write a month's drafts if any of them has changed, and tell what was done; ids stay.

    All parts of a month are of one epoch, so that what each counts on can be told later; what they
    said before is kept, for the same reason.
    """
    before = {bill.bill_id: bill for bill in was}
    if all(bill.bill_id in before and _same(bill, before[bill.bill_id]) for bill in bills):
        return Done.UNCHANGED, [before[bill.bill_id] for bill in bills]
    for bill in bills:
        old = before.get(bill.bill_id)
        if old:
            keep_draft(tx, bill.customer_id, bill.bill_id, at=now)
        bill_store.save_draft(tx, bill)
        event = BillEvent.RECOMPUTE if old else None
        became = advance(old.state, BillEvent.RECOMPUTE) if old else BillState.DRAFT
        note_step(tx, old, replace(bill, state=became), event, by=by, at=now)
    return Done.REDRAFTED if was else Done.DRAFTED, list(bills)


def _refuse_behind(tx: Tx, customer: Customer, month: BillingMonth) -> None:
    """Refuse to draft behind a later closing, which has billed this month's late usage already."""
    later = store.later_close(tx, customer.customer_id, month)
    if later is not None:
        raise Conflict(
            f"客户 {customer.slug} 的 {later} 已关账，{month} 之后的用量会作为补计行出现在后续账单"
        )


def _refuse_voided(tx: Tx, customer: Customer, now: datetime) -> None:
    """Refuse to bill again what was voided since the closing began: it stood then."""
    if voided_since(tx, customer.customer_id, now):
        raise Conflict(f"客户 {customer.slug} 在本次关账开始后作废了账单，请再关一次")


def _draw(
    tx: Tx, closing: Closing, case: Case, customer: Customer, was: tuple[Bill, ...]
) -> list[Bill]:
    """Compute a customer's bills, in order: no month is drawn before the one ahead of it."""
    month = closing.month
    unclosed = [label for label, closed in case.months if not closed and label < month]
    if unclosed:
        raise Conflict(
            f"客户 {customer.slug} 的 {unclosed[0]} 有用量但尚未关账，请先关 {unclosed[0]}"
        )
    if case.obliged:
        _refuse_skipped(tx, customer, month)
    months = tuple(label for label, _ in case.months)
    drawing = Drawing(customer, month, months, closing.epoch, closing.now, was, target=case.target)
    return draw_bills(tx, drawing)


def redraw(tx: Tx, draft: Bill, *, now: datetime) -> Bill:
    """Draw one draft anew with the usage it has, and with what was approved since."""
    customer = find_customer(tx, draft.customer_id)
    months = tuple(sorted({line.service_month for line in draft.lines} | {draft.month}))
    drawing = Drawing(customer, draft.month, months, draft.epoch, now, (draft,), draft.part)
    drawn = {bill.part: bill for bill in draw_bills(tx, drawing)}
    return drawn[draft.part]


def redraw_month(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, *, by: str, now: datetime
) -> None:
    """Draw what of a month is a draft anew, with the usage it has and what was approved since.

    All parts of a month are drawn together; where one was voided, each as it is taken back.
    """
    known = bill_store.bills_of_customer_month(tx, customer_id, month)
    was = [bill for bill in known if bill.state is BillState.DRAFT]
    if len(was) < len(known):
        drawn = [redraw(tx, draft, now=now) for draft in was]
    else:
        months = {line.service_month for draft in was for line in draft.lines} | {month}
        epoch = max(draft.epoch for draft in was)
        customer = find_customer(tx, customer_id)
        asked = Drawing(customer, month, tuple(sorted(months)), epoch, now, tuple(was))
        drawn = draw_bills(tx, asked)
    save_drafts(tx, drawn, was, by=by, now=now)


def _refuse_skipped(tx: Tx, customer: Customer, month: BillingMonth) -> None:
    """Refuse to pass over a month whose fee or minimum was never billed."""
    versions = contracts_of(tx, customer.customer_id)
    closed = store.closed_months(tx, customer.customer_id)
    zone = zone_of(customer.zone)
    if not versions:
        return
    label = BillingMonth.of(min(version.starts_at for version in versions), zone)
    agreements = Agreements(versions, customer.zone)
    while label < month:
        if str(label) not in closed and agreements.oblige(label):
            raise Conflict(
                f"客户 {customer.slug} 的 {label} 按合同应出账但尚未关账，请先关 {label}"
            )
        label = label.next


def _same(bill: Bill, was: Bill) -> bool:
    """Tell whether a recomputation says the same; ids, epoch and time of closing may differ."""

    def content(one: Bill) -> Bill:
        lines = tuple(replace(line, line_id=LineId("")) for line in one.lines)
        return replace(one, lines=lines, epoch=0, closed_at=bill.closed_at)

    return content(bill) == content(was)
