"""Close a month: usage up to an epoch becomes draft bills, one per customer.

Closing first ends the epoch, in its own transaction and alone; what arrives afterwards belongs to
the next epoch and to a later bill. Then each customer is its own transaction, so a close that is
interrupted is simply run again: what is drafted is drafted anew with the same result.
Every close also looks at earlier months that were closed and have got usage since, and bills the
difference as late lines. A dry run computes the same without ending the epoch or writing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from yuejie.bills import store as bill_store
from yuejie.bills.bill import Bill, BillLine, BillState, TaxMode, share_tax, tax_of
from yuejie.bills.closing import store
from yuejie.bills.closing.lines import LineKey, Tariff, draw_lines, owed
from yuejie.bills.life import BillEvent, advance
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import contract_at, month_fx
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.kernel.ids import BillId, CustomerId, LineId, mint
from yuejie.kernel.limits import (
    BILL_LINES,
    DRAIN_SECONDS,
    FIRST_BYTE_SECONDS,
    STREAM_SECONDS,
)
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of

GRACE: Final = timedelta(seconds=FIRST_BYTE_SECONDS + STREAM_SECONDS + DRAIN_SECONDS)
"""The longest a call that began in the month can go on; then its journal record is written."""


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
    bill: Bill | None = None
    why: str = ""


class MonthNotOver(Conflict):
    """The month has not ended everywhere, or calls of it may still be under way."""

    code = "month_not_over"


@dataclass(frozen=True, slots=True)
class _Case:
    """One customer's closing: which months are looked at, and whether each was closed before."""

    customer_id: CustomerId
    months: tuple[tuple[BillingMonth, bool], ...]


@dataclass(frozen=True, slots=True)
class _Closing:
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
        _refuse_early(tx, month, only, commit=commit, now=now)
    epoch = _end_epoch(db, month, now) if commit else _open_epoch(db)
    closing = _Closing(db, month, epoch, commit, by, now)
    with db.read() as tx:
        cases = _cases(store.used_months(tx, month, only.customer_id if only else None))
    closed: list[Closed] = []
    for number, case in enumerate(cases, 1):
        closed.append(_close_one(closing, case))
        progress(number, len(cases))
    if commit:
        with db.begin() as tx:
            busy = [case.customer_id for case in cases]
            who = only.customer_id if only else None
            store.note_idle_closes(tx, who, month, epoch=epoch, busy=busy, at=now)
    if only and not closed:
        closed.append(Closed(only.slug, Done.NO_USAGE, why=f"{month} 无用量数据"))
    return closed


def _refuse_early(
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


def _cases(used: list[store.UsedMonth]) -> list[_Case]:
    return [
        _Case(customer_id, tuple((BillingMonth.parse(row.month), row.closed) for row in rows))
        for customer_id, rows in groupby(used, key=lambda row: row.customer_id)
    ]


def _close_one(closing: _Closing, case: _Case) -> Closed:
    slug = str(case.customer_id)
    try:
        with closing.db.read() as tx:
            customer = find_customer(tx, slug)
            slug = customer.slug
            if not closing.commit:
                bill = _draw(tx, closing, case, customer, was=None)
                return Closed(slug, Done.WOULD_DRAFT if bill else Done.NO_USAGE, bill)
        return _draft(closing, case, customer)
    except DomainError as error:
        return Closed(slug, Done.FAILED, why=error.sentence)


def _draft(closing: _Closing, case: _Case, customer: Customer) -> Closed:
    """Write the draft of one customer in one transaction, whoever else may be closing."""
    with closing.db.begin() as tx:
        tx.lock_exclusive(f"close {customer.customer_id}")
        was = bill_store.bill_of_month(tx, customer.customer_id, closing.month)
        if was is not None and was.state is not BillState.DRAFT:
            return Closed(customer.slug, Done.ALREADY_ISSUED, was)
        _refuse_behind(tx, customer, closing.month)
        bill = _draw(tx, closing, case, customer, was=was)
        if bill is not None and was is not None and _same(bill, was):
            bill, done = was, Done.UNCHANGED
        elif bill is not None:
            bill_store.save_draft(tx, bill)
            _note(tx, closing, bill, was)
            done = Done.REDRAFTED if was else Done.DRAFTED
        else:
            done = Done.NO_USAGE
        store.note_close(
            tx,
            customer.customer_id,
            closing.month,
            epoch=closing.epoch,
            bill_id=bill.bill_id if bill else None,
            at=closing.now,
        )
        return Closed(customer.slug, done, bill)


def _note(tx: Tx, closing: _Closing, bill: Bill, was: Bill | None) -> None:
    event = BillEvent.RECOMPUTE
    became = advance(was.state, event) if was else BillState.DRAFT
    bill_store.note_transition(
        tx,
        bill.bill_id,
        event=event if was else "draft",
        was=was.state if was else "",
        became=became,
        by=closing.by,
        at=closing.now,
    )


def _refuse_behind(tx: Tx, customer: Customer, month: BillingMonth) -> None:
    """Refuse to draft behind a later closing, which has billed this month's late usage already."""
    later = store.later_close(tx, customer.customer_id, month)
    if later is not None:
        raise Conflict(
            f"客户 {customer.slug} 的 {later} 已关账，{month} 之后的用量会作为补计行出现在后续账单"
        )


def _draw(
    tx: Tx, closing: _Closing, case: _Case, customer: Customer, *, was: Bill | None
) -> Bill | None:
    """Compute a customer's bill: target minus billed, at frozen rates; None if nothing is owed."""
    month = closing.month
    unclosed = [label for label, closed in case.months if not closed and label < month]
    if unclosed:
        raise Conflict(
            f"客户 {customer.slug} 的 {unclosed[0]} 有用量但尚未关账，请先关 {unclosed[0]}"
        )
    months = [label for label, _ in case.months]
    bill_id = was.bill_id if was else BillId(mint("bill", closing.now))
    target = store.targets(tx, customer.customer_id, months, closing.epoch)
    billed = store.billed(tx, customer.customer_id, months, except_bill=bill_id)
    quantities = owed(target, billed)
    if not quantities and was is None:
        return None
    if len(quantities) > BILL_LINES:
        raise Invalid(f"客户 {customer.slug} 的账单超过 {BILL_LINES} 行，请按项目拆分客户")
    contract = _contract(tx, customer, month)
    tariff = _tariff(tx, customer, contract, [key for key, _ in quantities])
    ids = (LineId(mint("line", closing.now)) for _ in quantities)
    return _bill(closing, contract, bill_id, draw_lines(month, quantities, tariff, ids))


def _bill(closing: _Closing, contract: Contract, bill_id: BillId, lines: list[BillLine]) -> Bill:
    total = Money(sum(line.amount_fen for line in lines), contract.currency)
    mode = TaxMode(contract.tax_mode)
    totals = tax_of(total, mode, contract.tax_ppm)
    return Bill(
        bill_id=bill_id,
        customer_id=contract.customer_id,
        month=closing.month,
        number=None,
        state=BillState.DRAFT,
        contract_id=contract.contract_id,
        contract_version=contract.version,
        currency=contract.currency,
        fx_policy=contract.fx_policy,
        tax_mode=mode,
        tax_ppm=contract.tax_ppm,
        epoch=closing.epoch,
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
        lines=share_tax(lines, totals),
        closed_at=closing.now,
        issued_at=None,
        seal=None,
        previous_seal=None,
    )


def _contract(tx: Tx, customer: Customer, month: BillingMonth) -> Contract:
    """Return the contract version in force in the month's last instant."""
    end = month.span(zone_of(customer.zone)).end
    contract = contract_at(tx, customer.customer_id, end - timedelta(microseconds=1))
    if contract is None:
        raise NotFound(f"客户 {customer.slug} 在 {month} 没有生效的合同，请先登记合同再关账")
    return contract


def _tariff(tx: Tx, customer: Customer, contract: Contract, keys: list[LineKey]) -> Tariff:
    rates = store.sale_rates(tx, {key.sale_rate for key in keys})
    foreign = {
        (rates[key.sale_rate].currency, key.month)
        for key in keys
        if rates[key.sale_rate].currency != contract.currency
    }
    fx = {
        month: month_fx(tx, base=base, quote=contract.currency, month=month)
        for base, month in sorted(foreign)
    }
    return Tariff(contract.currency, rates, fx, store.places(tx, customer.customer_id))


def _same(bill: Bill, was: Bill) -> bool:
    """Tell whether a recomputation says the same; ids, epoch and time of closing may differ."""

    def content(one: Bill) -> Bill:
        lines = tuple(replace(line, line_id=LineId("")) for line in one.lines)
        return replace(one, lines=lines, epoch=0, closed_at=bill.closed_at)

    return content(bill) == content(was)
