"""Draw a customer's bills of a month: target minus billed, at frozen rates, terms, parts, tax.

Reads everything it needs in the caller's transaction and writes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from yuejie.bills.bill import Bill, is_beside
from yuejie.bills.closing import store
from yuejie.bills.closing.agreed import Extra, Promise
from yuejie.bills.closing.clouds import store as cloud_store
from yuejie.bills.closing.clouds.owed import CloudOwed, kept_on, owed_of
from yuejie.bills.closing.clouds.owed import billed_on as clouds_on
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.lines import LineKey, PrintedRow, Tariff, owed
from yuejie.bills.closing.parts import beside, parting
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.standing import (
    billed_on,
    carried_on,
    carried_with,
    printed_on,
    waiting_beside,
)
from yuejie.bills.sla.measure import measure
from yuejie.bills.sla.store import counted_epoch
from yuejie.bills.sla.verdict import Measured, judge
from yuejie.contracts.agreed.cloud import CloudTerms
from yuejie.contracts.contract import Contract, holding
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.grants.store import grants_known
from yuejie.contracts.store import contracts_of, month_fx
from yuejie.contracts.terms import Sla
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import BILL_LINES
from yuejie.kernel.money import CURRENCIES
from yuejie.kernel.period import BillingMonth, Span

Measure = Callable[[Tx, CustomerId, BillingMonth, Sla, Span, int], Measured]
"""How a month's service is measured: whose, which month, under which promise, between which
instants, up to which epoch."""


def _measured(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
) -> Measured:
    return measure(tx, customer_id, month, sla, held=held, epoch=epoch)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn: whose month, with usage up to which epoch, in place of which drafts."""

    customer: Customer
    month: BillingMonth
    months: tuple[BillingMonth, ...]
    """Months whose usage is looked at: this one, and earlier ones that have more since."""
    epoch: int
    now: datetime
    drafts: tuple[Bill, ...] = ()
    only: str | None = None
    """Set where one part is drawn anew alone: its usage stays, and what terms give goes to it."""
    target: Mapping[LineKey, int] | None = None
    """What the month itself comes to, where the closing has read that for many customers."""
    ahead: tuple[Bill, ...] = ()
    """Bills of earlier months that are drawn in the same breath and stand in no table yet."""
    measured: Measure = _measured
    """How service is measured; whoever looks each second may remember what it saw."""


def draw_bills(tx: Tx, drawing: Drawing) -> list[Bill]:
    """Compute the bills of a customer's month, one per part; none if nothing is owed.

    What waits in another currency than the month's contract has stands on a bill of its own.
    Raises NotFound without a contract in the month's last instant, Invalid for a bill too long.
    """
    agreements = agreements_by(tx, drawing.customer, drawing.now)
    facts: list[Facts | None] = []
    if drawing.only is None or not is_beside(drawing.only):
        facts.append(_gather(tx, drawing, agreements))
    if drawing.only is None or is_beside(drawing.only):
        facts += gather_beside(tx, drawing, agreements)
    return [bill for each in facts if each for bill in compose(each)]


def gather(tx: Tx, drawing: Drawing) -> Facts | None:
    """Read what the bills in the month's own currency follow from; None: no usage, no contract.

    Raises what `draw_bills` does; also where an approved amount waits for a bill, and no contract
    is to come: the only one was left before it began.
    """
    return _gather(tx, drawing, agreements_by(tx, drawing.customer, drawing.now))


def agreements_by(tx: Tx, customer: Customer, now: datetime) -> Agreements:
    """Return what was signed by the instant that is drawn for; a closing goes on for minutes."""
    signed = contracts_of(tx, customer.customer_id)
    known = [version for version in signed if version.signed_at <= now]
    return Agreements(known, customer.zone)


def _gather(tx: Tx, drawing: Drawing, agreements: Agreements) -> Facts | None:
    who, month = drawing.customer, drawing.month
    quantities = _owed(tx, drawing)
    contract = agreements.at_end_of(month)
    if contract is None:
        to_come = holding(agreements.versions)
        if not quantities and (to_come or not store.waiting_customers(tx, month, who.customer_id)):
            return None
        raise NotFound(f"客户 {who.slug} 在 {month} 没有生效的合同，请先登记合同再关账")
    tariff = _tariff(tx, drawing, contract, [key for key, _ in quantities])
    terms = contract.terms
    units = store.units(tx, who.customer_id, month)
    extras, carried = _waiting(tx, drawing, contract.currency)
    return Facts(
        customer_id=who.customer_id,
        month=month,
        months=drawing.months,
        epoch=drawing.epoch,
        now=drawing.now,
        agreements=agreements,
        contract=contract,
        usage=quantities,
        tariff=tariff,
        parting=parting(terms.split, terms.head_share, tariff.places, units),
        judged=partial(_judged, tx, drawing, agreements, contract.currency),
        printed=_printed(tx, drawing, contract.currency),
        extras=extras,
        voided=store.voided_months(tx, who.customer_id, month),
        carried=carried,
        grants=grants_known(tx, who.customer_id, drawing.now),
        clouds=_clouds(tx, drawing, agreements, contract.currency),
        drafts=tuple(bill for bill in drawing.drafts if not is_beside(bill.part)),
        only=drawing.only,
    )


def gather_beside(tx: Tx, drawing: Drawing, agreements: Agreements) -> Iterator[Facts]:
    """Yield what the bills in other currencies than the month's contract has follow from.

    Only what was approved by itself stands on them (fees, adjustments), what was carried, and a
    minimum that fell due in the month before, which was closed before anybody knew: other terms
    are amounts of their own contract's bills. Without such a bill the last fees of a contract that
    nobody goes on with in its currency would wait for ever. A draft in what is the month's own
    currency by now is emptied.
    """
    own = agreements.at_end_of(drawing.month)
    drafts = {bill.part: bill for bill in drawing.drafts}
    for currency in sorted(CURRENCIES):
        contract, parted = agreements.last_in(currency, drawing.month), beside(currency)
        (part,) = parted.names
        if own is None or contract is None or drawing.only not in {None, part}:
            continue
        foreign = currency != own.currency
        extras, carried = _waiting(tx, drawing, currency) if foreign else ([], {})
        due = _due_before(agreements, drawing.month, currency) if foreign else set()
        if extras or due or sum(carried.values()) < 0 or part in drafts:
            yield Facts(
                customer_id=drawing.customer.customer_id,
                month=drawing.month,
                months=(),
                epoch=drawing.epoch,
                now=drawing.now,
                agreements=agreements,
                contract=contract,
                usage=(),
                tariff=Tariff(currency, {}, {}, {}),
                parting=parted,
                judged=partial(_judged, tx, drawing, agreements, currency),
                printed=_printed(tx, drawing, currency),
                extras=extras,
                carried=carried,
                grants=grants_known(tx, drawing.customer.customer_id, drawing.now),
                due=due,
                drafts=(drafts[part],) if part in drafts else (),
                only=part,
                beside=True,
            )


def _due_before(agreements: Agreements, month: BillingMonth, currency: str) -> set[BillingMonth]:
    """Return the month before, if a minimum in a currency fell due there once this one is known."""
    before = agreements.at_end_of(month.previous)
    same = before is not None and before.currency == currency
    return {month.previous} if same and agreements.overdue(month) else set()


def _waiting(tx: Tx, drawing: Drawing, currency: str) -> tuple[list[Extra], dict[str, int]]:
    """Return the approved amounts that wait for a bill in a currency, and what is carried there."""
    who, written = drawing.customer.customer_id, [bill.bill_id for bill in drawing.drafts]
    extras = store.extras(
        tx, who, drawing.month, currency=currency, known=drawing.now, except_bills=written
    )
    carried = store.carried(tx, who, currency=currency, except_bills=written)
    return waiting_beside(extras, drawing.ahead), carried_with(
        carried, carried_on(drawing.ahead, currency)
    )


def _printed(tx: Tx, drawing: Drawing, currency: str) -> list[PrintedRow]:
    who, written = drawing.customer.customer_id, [bill.bill_id for bill in drawing.drafts]
    printed = store.printed(tx, who, currency=currency, except_bills=written)
    return [*printed, *printed_on(drawing.ahead, currency)]


def _owed(tx: Tx, drawing: Drawing) -> list[tuple[LineKey, int]]:
    customer_id, drafts = drawing.customer.customer_id, [bill.bill_id for bill in drawing.drafts]
    if drawing.only is not None:
        return _kept(drawing)
    known = drawing.target
    unread = [each for each in drawing.months if known is None or each != drawing.month]
    target = store.targets(tx, customer_id, unread, drawing.epoch) if unread else {}
    if known is not None:
        target |= known
    billed = Counter(store.billed(tx, customer_id, drawing.months, except_bills=drafts))
    billed.update(billed_on(drawing.ahead, drawing.months))
    quantities = owed(target, billed)
    if len(quantities) > BILL_LINES:
        raise Invalid(f"客户 {drawing.customer.slug} 的账单超过 {BILL_LINES} 行，请按项目拆分客户")
    return quantities


def _clouds(tx: Tx, drawing: Drawing, agreements: Agreements, currency: str) -> list[CloudOwed]:
    """Return what clouds ask for beyond what was billed; a part drawn alone keeps its lines."""
    if drawing.only is not None:
        return kept_on(drawing.drafts)
    who, month = drawing.customer.customer_id, drawing.month
    charged = cloud_store.charged(tx, who, month, drawing.epoch)
    drafts = [bill.bill_id for bill in drawing.drafts]
    billed = cloud_store.billed(tx, who, month, except_bills=drafts)
    billed.update(clouds_on(drawing.ahead))

    def agreed(each: BillingMonth) -> Sequence[CloudTerms]:
        contract = agreements.at_end_of(each)
        same = contract is not None and contract.currency == currency
        return contract.terms.clouds if contract is not None and same else ()

    def fx_of(base: str, each: BillingMonth) -> MonthFx | None:
        return None if base == currency else month_fx(tx, base=base, quote=currency, month=each)

    return owed_of(charged, billed, agreed, fx_of)


def _kept(drawing: Drawing) -> list[tuple[LineKey, int]]:
    """Return the usage that stands on the drafts: later bills count on it staying there."""
    return sorted(
        (
            LineKey(line.service_month, line.project_id, line.model, line.meter, line.sale_rate),
            line.quantity,
        )
        for bill in drawing.drafts
        for line in bill.lines
        if line.metered
    )


def _tariff(tx: Tx, drawing: Drawing, contract: Contract, keys: list[LineKey]) -> Tariff:
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
    places = store.places(tx, drawing.customer.customer_id)
    return Tariff(contract.currency, rates, fx, places)


def _judged(
    tx: Tx, drawing: Drawing, agreements: Agreements, currency: str, month: BillingMonth
) -> Promise:
    """Return what a month's contract promises, with what its service was, up to the epoch.

    A part that is drawn anew alone may stand behind a later closing, whose bills give back
    what was known then: it must know as much, or it would take that away again.
    """
    who, epoch = drawing.customer, drawing.epoch
    promise = agreements.promise(month, currency)
    if promise.sla is None:
        return promise
    if drawing.only is not None:
        epoch = max(epoch, counted_epoch(tx, who.customer_id))
    held = agreements.held(month)
    measured = drawing.measured(tx, who.customer_id, month, promise.sla, held, epoch)
    return replace(promise, verdict=judge(promise.sla, measured))
