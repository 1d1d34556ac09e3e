"""Put a customer's month together again as it was known when its bills were drawn.

What became known later (late usage, contract versions, grants, adjustments, bills and voids) is
left out, so that composing the facts again gives the bills to the fen. A month whose parts were
drawn anew at different times, or whose ground was, cannot be known as it was; it is refused rather
than replayed nearly. A month that is not closed is replayed from the facts of this moment.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.assurance import store as assurance
from yuejie.assurance.history import History, Sheet, sheets_of
from yuejie.bills.bill import Bill, BillState, LineKind, is_beside
from yuejie.bills.closing import store as closing
from yuejie.bills.closing.agreed import Extra, Promise
from yuejie.bills.closing.clouds.owed import kept_on
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.lines import LineKey, Tariff, owed
from yuejie.bills.closing.parts import Parting, parting
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.standing import billed_on, carried_on, carried_with, printed_on
from yuejie.bills.correct.store import adjustments_of
from yuejie.bills.live.live import same
from yuejie.bills.live.look import facts_of_open
from yuejie.bills.sla.measure import measure
from yuejie.bills.sla.verdict import judge
from yuejie.bills.store import whole_bills
from yuejie.contracts.contract import Contract
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.grants.grant import Grant
from yuejie.contracts.grants.store import grants_of
from yuejie.contracts.store import contracts_of, fx_by_id
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.period import BillingMonth

Judged = Callable[[Agreements, BillingMonth], Promise]
"""What a contract promises for a month, with what its service was, as known then."""


class NotReplayable(Conflict):
    """The month cannot be put together again exactly as it was."""

    code = "not_replayable"


@dataclass(frozen=True, slots=True)
class Replay:
    """A month as it was known: the facts, and the bills that follow from them."""

    who: Customer
    facts: Facts
    bills: tuple[Bill, ...]
    judged: Judged
    is_open: bool
    """Whether the month is not closed: its bills are live ones."""

    @property
    def month(self) -> BillingMonth:
        """The month that is replayed."""
        return self.facts.month


def replay(tx: Tx, who: Customer, month: BillingMonth, *, now: datetime) -> Replay:
    """Return a month with everything its bills follow from, checked against them to the fen.

    A month is what is billed in its own currency; what stands beside it in another has no prices.
    Raises NotReplayable where that cannot be known any more, Conflict for a month without a bill.
    """
    bills = whole_bills(tx, who.customer_id)
    own = [bill for bill in bills if bill.month == month and not is_beside(bill.part)]
    standing = [bill for bill in own if bill.state is not BillState.VOIDED]
    if own and not standing:
        raise NotReplayable(f"客户 {who.slug} 的 {month} 账单已全部作废，用量在后续账单上")
    if not standing:
        return _open(tx, who, month, now)
    history = assurance.history_of(tx, who.customer_id, zone=who.zone, bills=bills)
    sheet = sheets_of(history, month)[-1]
    then = _Then(tx, who, history, sheet)
    facts = then.facts()
    drawn = compose(facts)
    if not _all_same(drawn, sheet.parts):
        raise _drawn_anew(who, month)
    shown = tuple(bill for bill in sheet.parts if bill.lines)
    return Replay(who, facts, shown, then.judged, is_open=False)


def _drawn_anew(who: Customer, month: BillingMonth) -> NotReplayable:
    return NotReplayable(
        f"客户 {who.slug} 的 {month} 账单关账后曾重新生成（撤回、作废或分部分重算），"
        "已无法逐分还原当时的依据，不能重放；可改用相邻月份"
    )


def _open(tx: Tx, who: Customer, month: BillingMonth, now: datetime) -> Replay:
    """Return a month that is not closed, with what is known now."""
    facts = facts_of_open(tx, who, month, now=now)
    if facts is None:
        raise NotFound(f"客户 {who.slug} 的 {month} 没有用量也没有合同，无可重放")

    def judged(agreements: Agreements, each: BillingMonth) -> Promise:
        return _judge(tx, who, agreements, each, facts.contract.currency, facts.epoch)

    bills = tuple(bill for bill in compose(facts) if bill.lines)
    return Replay(who, facts, bills, judged, is_open=True)


def _judge(
    tx: Tx, who: Customer, agreements: Agreements, month: BillingMonth, currency: str, epoch: int
) -> Promise:
    promise = agreements.promise(month, currency)
    if promise.sla is None:
        return promise
    held = agreements.held(month)
    measured = measure(tx, who.customer_id, month, promise.sla, held=held, epoch=epoch)
    return replace(promise, verdict=judge(promise.sla, measured))


@dataclass(frozen=True, slots=True)
class _Then:
    """What was known when a sheet was drawn."""

    tx: Tx
    who: Customer
    history: History
    sheet: Sheet

    def facts(self) -> Facts:
        """Return everything that the sheet follows from."""
        month, epoch = self.sheet.month, self.sheet.epoch
        agreements = self._agreements()
        contract = agreements.at_end_of(month)
        if contract is None:
            raise NotReplayable(f"客户 {self.who.slug} 的 {month} 当时没有生效的合同，不能重放")
        usage, months = self._usage()
        before = self.sheet.before(self.history)
        if before is None:
            raise _drawn_anew(self.who, month)
        tariff = self._tariff(contract, [key for key, _ in usage])
        return Facts(
            customer_id=self.who.customer_id,
            month=month,
            months=months,
            epoch=epoch,
            now=self.sheet.drawn_at,
            agreements=agreements,
            contract=contract,
            usage=usage,
            tariff=tariff,
            parting=self._parting(contract, tariff),
            judged=lambda each: self.judged(agreements, each),
            printed=printed_on(before, contract.currency),
            extras=self._extras(contract.currency, before),
            voided=self._voided(),
            carried=carried_with({}, carried_on(before, contract.currency)),
            grants=self._grants(),
            clouds=kept_on(self.sheet.parts),
            only=self._alone,
        )

    @property
    def _alone(self) -> str | None:
        """The one part of a month that was drawn anew behind its closing: its usage stayed."""
        parts = self.sheet.parts
        return parts[0].part if len(parts) == 1 and self.sheet.redrawn(self.history) else None

    def judged(self, agreements: Agreements, month: BillingMonth) -> Promise:
        """Return what is promised for a month and how it was kept, as known then."""
        contract = agreements.at_end_of(self.sheet.month)
        assert contract is not None, "a month is replayed under a contract"
        epoch = self.sheet.judged_epoch(self.history)
        return _judge(self.tx, self.who, agreements, month, contract.currency, epoch)

    def _agreements(self) -> Agreements:
        known = [
            version
            for version in contracts_of(self.tx, self.who.customer_id)
            if version.signed_at <= self.sheet.drawn_at
        ]
        return Agreements(known, self.who.zone)

    def _usage(self) -> tuple[list[tuple[LineKey, int]], tuple[BillingMonth, ...]]:
        """Return what was still to bill, and which months were looked at."""
        history, sheet, who = self.history, self.sheet, self.who.customer_id
        if self._alone is not None:
            looked_at = {line.service_month for bill in sheet.parts for line in bill.lines}
            kept = billed_on(sheet.parts, looked_at)
            return sorted(kept.items()), tuple(sorted({*looked_at, sheet.month}))
        label = str(sheet.month)
        earlier = (epoch for closed, epoch in history.closes.items() if closed < label)
        found = assurance.touched_months(
            self.tx, who, label, after=max(earlier, default=0), upto=sheet.epoch
        )
        lines = [line for bill in sheet.parts for line in bill.lines if line.metered]
        months = {sheet.month, *(line.service_month for line in lines), *self._voided()}
        months |= {BillingMonth.parse(each) for each in found}
        target = closing.targets(self.tx, who, sorted(months), sheet.epoch)
        billed = billed_on(sheet.billed_before(history), months)
        return owed(target, billed), tuple(sorted(months))

    def _voided(self) -> list[BillingMonth]:
        found = self.history.reopened(self.sheet.month, self.sheet.drawn_at)
        return sorted(BillingMonth.parse(each) for each in found)

    def _tariff(self, contract: Contract, keys: Sequence[LineKey]) -> Tariff:
        """Return the rates of the lines, and the exchange rates that stand on them.

        A cloud's line brings its own rate, and closing asks for no other where that is all.
        """
        rates = closing.sale_rates(self.tx, {key.sale_rate for key in keys})
        used = {
            line.service_month: line.fx_id
            for bill in self.sheet.parts
            for line in bill.lines
            if line.fx_id is not None and line.kind is not LineKind.CLOUD
        }
        fx: dict[BillingMonth, MonthFx] = {}
        for month, fx_id in used.items():
            row = fx_by_id(self.tx, fx_id)
            fx[month] = MonthFx(row.fx_id, row.rate, row.on_date, row.source, month)
        places = closing.places(self.tx, self.who.customer_id)
        return Tariff(contract.currency, rates, fx, places)

    def _parting(self, contract: Contract, tariff: Tariff) -> Parting:
        """Return the parts as projects were assigned then, under the names on the bills."""
        month, at = self.sheet.month, self.sheet.drawn_at
        named = closing.units(self.tx, self.who.customer_id, month)
        names = dict(named.values())
        begun = [a for a in self.history.assigned if a.since <= str(month) and a.assigned_at <= at]
        units: dict[str, tuple[str, str]] = {}
        for each in sorted(begun, key=lambda a: (a.since, a.assigned_at)):
            units[each.project_id] = (each.unit_id, names.get(each.unit_id, ""))
        terms = contract.terms
        parted = parting(terms.split, terms.head_share, tariff.places, units)
        printed = {bill.part: bill.part_name for bill in self.sheet.parts}
        return replace(parted, names={**parted.names, **printed})

    def _extras(self, currency: str, before: Sequence[Bill]) -> list[Extra]:
        """Return the adjustments approved by then that those bills do not print whole."""
        printed: Counter[str] = Counter()
        for bill in before:
            for line in bill.lines:
                printed[line.refers_to] += line.amount_fen
        known = {e.adjustment_id: e for e in adjustments_of(self.tx, self.who.customer_id)}
        return [
            Extra(
                adjustment_id=each.adjustment_id,
                kind=known[each.adjustment_id].kind,
                service_month=BillingMonth.parse(each.service_month),
                part=each.part,
                amount_fen=each.amount_fen,
                item=known[each.adjustment_id].item,
                shared=printed[each.adjustment_id] != 0,
            )
            for each in self.history.allowed
            if each.decided_at <= self.sheet.drawn_at
            and each.service_month <= str(self.sheet.month)
            and each.currency == currency
            and printed[each.adjustment_id] != each.amount_fen
        ]

    def _grants(self) -> list[Grant]:
        at = self.sheet.drawn_at
        known = {held.grant_id for held in self.history.grants if held.approved_at <= at}
        return [g for g in grants_of(self.tx, self.who.customer_id) if g.grant_id in known]


def _all_same(drawn: Sequence[Bill], printed: Sequence[Bill]) -> bool:
    one, other = ({bill.part: bill for bill in bills if bill.lines} for bills in (drawn, printed))
    return one.keys() == other.keys() and all(same(one[part], other[part]) for part in one)
