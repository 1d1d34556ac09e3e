"""Draw a customer's bills of a month: target minus billed, at frozen rates, terms, parts, tax.

Reads everything it needs in the caller's transaction and writes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from yuejie.bills.bill import METERED, Bill, BillLine, BillState, LineKind, TaxMode
from yuejie.bills.closing import store
from yuejie.bills.closing.agreed import (
    Extra,
    Ledgered,
    Promise,
    Target,
    TermKey,
    committed_months,
    differences,
    spend_of,
    targets_of,
)
from yuejie.bills.closing.lines import LineKey, Tariff, draw_lines, draw_term, owed
from yuejie.bills.closing.parts import HEAD, Parting, parting, spread
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.taxes import Taxed, TaxRule, tax_parts, totals
from yuejie.bills.sla.measure import measure
from yuejie.bills.sla.store import counted_epoch
from yuejie.bills.sla.verdict import judge
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.grants.store import grants_of
from yuejie.contracts.store import contracts_of, month_fx
from yuejie.contracts.terms import HeadShare
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import BillId, LineId, mint
from yuejie.kernel.limits import BILL_LINES
from yuejie.kernel.period import BillingMonth

_OUTSIDE_TERMS = frozenset({LineKind.CARRIED, LineKind.PACKAGE_PURCHASE})
"""Kinds that no service month's terms give."""


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


def draw_bills(tx: Tx, drawing: Drawing) -> list[Bill]:
    """Compute the bills of a customer's month, one per part; none if nothing is owed.

    Raises NotFound without a contract in the month's last instant, Invalid for a bill too long.
    """
    versions = contracts_of(tx, drawing.customer.customer_id)
    agreements = Agreements(versions, drawing.customer.zone)
    quantities = _owed(tx, drawing)
    contract = agreements.at_end_of(drawing.month)
    if contract is None:
        if not quantities:
            return []
        raise NotFound(
            f"客户 {drawing.customer.slug} 在 {drawing.month} 没有生效的合同，请先登记合同再关账"
        )
    tariff = _tariff(tx, drawing, contract, [key for key, _ in quantities])
    usage = draw_lines(drawing.month, quantities, tariff, _line_ids(drawing))
    terms = contract.terms
    units = store.units(tx, drawing.customer.customer_id, drawing.month)
    parted = parting(terms.split, terms.head_share, tariff.places, units)
    work = _Work(drawing, agreements, contract, tariff, parted)
    lines = work.parts(tx, usage)
    lines = {part: lines[part] for part in sorted(lines) if lines[part] or _was(drawing, part)}
    rule = TaxRule(TaxMode(contract.tax_mode), contract.tax_ppm, terms.tax_grouping)
    names = {place.project_id: place.name for place in tariff.places.values()}
    return [work.bill(part, taxed) for part, taxed in sorted(tax_parts(lines, rule, names).items())]


def _owed(tx: Tx, drawing: Drawing) -> list[tuple[LineKey, int]]:
    customer_id, drafts = drawing.customer.customer_id, [bill.bill_id for bill in drawing.drafts]
    if drawing.only is not None:
        return _kept(drawing)
    known = drawing.target
    unread = [each for each in drawing.months if known is None or each != drawing.month]
    target = store.targets(tx, customer_id, unread, drawing.epoch) if unread else {}
    if known is not None:
        target |= known
    billed = store.billed(tx, customer_id, drawing.months, except_bills=drafts)
    quantities = owed(target, billed)
    if len(quantities) > BILL_LINES:
        raise Invalid(f"客户 {drawing.customer.slug} 的账单超过 {BILL_LINES} 行，请按项目拆分客户")
    return quantities


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


def _line_ids(drawing: Drawing) -> Iterator[LineId]:
    while True:
        yield LineId(mint("line", drawing.now))


def _was(drawing: Drawing, part: str) -> Bill | None:
    return next((bill for bill in drawing.drafts if bill.part == part), None)


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


class _Work:
    """Puts a customer's month together, once usage and contract are known."""

    def __init__(
        self,
        drawing: Drawing,
        agreements: Agreements,
        contract: Contract,
        tariff: Tariff,
        parted: Parting,
    ) -> None:
        self._drawing = drawing
        self._agreements = agreements
        self._contract = contract
        self._tariff = tariff
        self._parting = parted
        self._ids = _line_ids(drawing)

    def parts(self, tx: Tx, usage: Sequence[BillLine]) -> dict[str, list[BillLine]]:
        """Return the lines of each part in printed order, before tax."""
        customer_id = self._drawing.customer.customer_id
        drafts = [bill.bill_id for bill in self._drawing.drafts]
        month = self._drawing.month
        printed = store.printed(tx, customer_id, except_bills=drafts)
        currency = self._contract.currency
        extras = store.extras(tx, customer_id, month, currency=currency, except_bills=drafts)
        voided = store.voided_months(tx, customer_id, month)
        carried = self._at_home(store.carried(tx, customer_id, except_bills=drafts))
        grants = grants_of(tx, customer_id)
        parts: dict[str, list[BillLine]] = defaultdict(list)
        for bill in self._drawing.drafts:
            parts[bill.part] = []
        for line in usage:
            parts[self._parting.of(line.project_id)].append(line)
        own, judged = self._own(extras), partial(self._judged, tx)
        agreed = list(self._agreed(printed, usage, own, grants, voided, judged=judged))
        lifted = _lifted(self._parting, parts[HEAD], [target for _, _, target in agreed])
        for service_month, key, target in agreed:
            weights = self._usage_by_part(service_month, printed, usage)
            shares = spread(target, lifted, weights)
            if self._drawing.only is not None:
                shares = [(self._drawing.only, target.amount_fen)]
            for part, amount in shares:
                share = replace(target, amount_fen=amount)
                parts[part].append(
                    draw_term(next(self._ids), service_month, key, share, self._tariff)
                )
        if self._drawing.only in {None, HEAD}:
            self._bought(parts, printed, grants)
        for part in sorted({*parts, *carried}):
            self._carry(parts, part, carried.get(part, {}))
        return {part: _numbered(lines) for part, lines in parts.items()}

    def _own(self, extras: Sequence[Extra]) -> Sequence[Extra]:
        """Leave out what belongs on another part than the one that is drawn alone; it waits."""
        only, known = self._drawing.only, self._parting.names
        if only is None:
            return extras
        return [
            extra
            for extra in extras
            if extra.shared or extra.part == only or (only == HEAD and extra.part not in known)
        ]

    def _at_home(self, carried: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
        """Say on which bill each part's carried amount goes back: a former part's on the head."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for part, amount in sorted(carried.items()):
            found[part if part in self._parting.names else HEAD][part] = amount
        return found

    def _agreed(
        self,
        printed: Sequence[store.PrintedRow],
        usage: Sequence[BillLine],
        extras: Sequence[Extra],
        grants: Sequence[Grant],
        voided: Iterable[BillingMonth],
        *,
        judged: Callable[[BillingMonth], Promise],
    ) -> Iterator[tuple[BillingMonth, TermKey, Target]]:
        """Yield what the terms of each month that is looked at still have to be billed."""
        by_model = _usage_by_model(printed, usage)
        ledgered = _ledgered(printed)
        drawing, currency = self._drawing, self._contract.currency
        waiting = (extra.service_month for extra in extras)
        looked_at = {*drawing.months, drawing.month, *voided, *waiting}

        def spent(month: BillingMonth) -> int:
            return spend_of(by_model.get(month, {}), self._agreements.promise(month, currency))

        looked_at |= self._counting(looked_at)
        for month in sorted(looked_at):
            promise = judged(month)
            own: Mapping[str, int] = by_model.get(month, {})
            targets = targets_of(month, promise, own, grants, extras, ledgered, spent)
            found = differences(month, targets, ledgered)
            for key, target in found:
                yield month, key, target
            ledgered = _with(ledgered, month, found)

    def _judged(self, tx: Tx, month: BillingMonth) -> Promise:
        """Return what a month's contract promises, with what its service was, up to the epoch.

        A part that is drawn anew alone may stand behind a later closing, whose bills give back
        what was known then: it must know as much, or it would take that away again.
        """
        who, epoch = self._drawing.customer, self._drawing.epoch
        promise = self._agreements.promise(month, self._contract.currency)
        if promise.sla is None:
            return promise
        if self._drawing.only is not None:
            epoch = max(epoch, counted_epoch(tx, who.customer_id))
        held = self._agreements.held(month)
        measured = measure(tx, who.customer_id, month, promise.sla, held=held, epoch=epoch)
        return replace(promise, verdict=judge(promise.sla, measured))

    def _counting(self, months: AbstractSet[BillingMonth]) -> set[BillingMonth]:
        """Return the months, up to the one drawn, whose minimum counts the spend of some of these.

        The version that holds when a minimum falls due says so, not the one of the month spent in.
        """
        found, each = set(), min(months).next
        while each < self._drawing.month:
            promise = self._agreements.promise(each, self._contract.currency)
            if not months.isdisjoint(committed_months(promise, each)):
                found.add(each)
            each = each.next
        return found

    def _usage_by_part(
        self,
        month: BillingMonth,
        printed: Sequence[store.PrintedRow],
        usage: Sequence[BillLine],
    ) -> Mapping[str, int]:
        weights: Counter[str] = Counter()
        for row in printed:
            if row.month == str(month) and row.kind in METERED:
                weights[self._parting.of(row.project_id)] += int(row.amount_fen)
        for line in usage:
            if line.service_month == month:
                weights[self._parting.of(line.project_id)] += line.amount_fen
        return weights

    def _bought(
        self,
        parts: dict[str, list[BillLine]],
        printed: Sequence[store.PrintedRow],
        grants: Sequence[Grant],
    ) -> None:
        """Bill packages that were agreed to be paid for, once each."""
        billed = {row.refers_to for row in printed if row.kind == LineKind.PACKAGE_PURCHASE}
        for grant in grants:
            due = grant.starts_on <= self._drawing.month.last_day
            same = grant.currency == self._contract.currency
            if grant.kind is GrantKind.PACKAGE and grant.paid_fen and due and same:
                if grant.grant_id in billed:
                    continue
                target = Target(grant.paid_fen, f"购买套餐 {grant.name}")
                key = TermKey(LineKind.PACKAGE_PURCHASE, grant.grant_id)
                parts[HEAD].append(self._term(key, target))

    def _carry(
        self, parts: dict[str, list[BillLine]], part: str, carried: Mapping[str, int]
    ) -> None:
        """Give back what was carried forward, and carry on what is still below zero.

        What is given back for another part names it: that part is even then, also when it is
        billed again. What was given and then carried by nobody, its bill being void, is owed
        even where nothing else is; what is still to be given waits for the part's next bill.
        """
        owing = sum(carried.values()) < 0 and self._drawing.only in {None, part}
        if not parts.get(part) and not owing:
            return
        lines = parts[part]
        for origin, open_fen in carried.items():
            key = TermKey(LineKind.CARRIED, "" if origin == part else origin)
            lines.append(self._term(key, Target(-open_fen, "上期结转")))
        total = sum(line.amount_fen for line in lines)
        if total < 0:
            lines.append(self._term(TermKey(LineKind.CARRIED), Target(-total, "结转下期")))

    def _term(self, key: TermKey, target: Target) -> BillLine:
        return draw_term(next(self._ids), self._drawing.month, key, target, self._tariff)

    def bill(self, part: str, taxed: Taxed) -> Bill:
        """Return the draft of a part."""
        drawing, contract = self._drawing, self._contract
        net, tax, gross = totals(taxed, contract.currency)
        was = _was(drawing, part)
        return Bill(
            bill_id=was.bill_id if was else BillId(mint("bill", drawing.now)),
            customer_id=drawing.customer.customer_id,
            month=drawing.month,
            number=None,
            state=BillState.DRAFT,
            contract_id=contract.contract_id,
            contract_version=contract.version,
            currency=contract.currency,
            fx_policy=contract.fx_policy,
            tax_mode=TaxMode(contract.tax_mode),
            tax_ppm=contract.tax_ppm,
            epoch=drawing.epoch,
            net=net,
            tax=tax,
            gross=gross,
            lines=taxed.lines,
            closed_at=drawing.now,
            issued_at=None,
            seal=None,
            previous_seal=None,
            part=part,
            part_name=self._parting.names.get(part, was.part_name if was else ""),
            purchase_order=contract.terms.purchase_order,
            tax_lines=taxed.tax_lines,
        )


def _lifted(parted: Parting, head: Sequence[BillLine], targets: Sequence[Target]) -> Parting:
    """Share what is taken off among the parts where it would put the head bill below zero.

    A discount on everybody's usage may be more than the head bill's own lines; carrying it forward
    would let the parts pay too much this month.
    """
    own = sum(line.amount_fen for line in head)
    own += sum(target.amount_fen for target in targets if not target.part)
    return replace(parted, reductions=HeadShare.APPORTIONED) if own < 0 else parted


def _usage_by_model(
    printed: Iterable[store.PrintedRow], usage: Iterable[BillLine]
) -> dict[BillingMonth, Counter[str]]:
    found: dict[BillingMonth, Counter[str]] = defaultdict(Counter)
    for row in printed:
        if row.kind in METERED:
            found[BillingMonth.parse(row.month)][row.model] += int(row.amount_fen)
    for line in usage:
        found[line.service_month][line.model] += line.amount_fen
    return found


def _ledgered(printed: Iterable[store.PrintedRow]) -> Ledgered:
    terms: dict[BillingMonth, Counter[TermKey]] = defaultdict(Counter)
    for row in printed:
        kind = LineKind(row.kind)
        if kind not in METERED and kind not in _OUTSIDE_TERMS:
            terms[BillingMonth.parse(row.month)][TermKey(kind, row.refers_to)] += int(
                row.amount_fen
            )
    return Ledgered(terms)


def _with(
    ledgered: Ledgered, month: BillingMonth, found: Iterable[tuple[TermKey, Target]]
) -> Ledgered:
    """Count what was just found as billed, so that later months see smaller balances."""
    terms = {each: Counter(known) for each, known in ledgered.terms.items()}
    for key, target in found:
        terms.setdefault(month, Counter())[key] += target.amount_fen
    return Ledgered(terms)


def _numbered(lines: Sequence[BillLine]) -> list[BillLine]:
    return [replace(line, position=number) for number, line in enumerate(lines, 1)]
