"""Compose a customer's bills of a month from everything that is known of it. Pure.

`Facts` says all of it: usage still to bill, contract, rates, grants, what other bills say. Closing
gathers them from the database (`draw.py`); whoever asks what a bill would be under other prices or
terms changes some of them and composes again, by the same arithmetic to the fen.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from yuejie.bills.bill import (
    HEAD,
    METERED,
    Bill,
    BillLine,
    BillState,
    LineKind,
    TaxMode,
    named_for,
)
from yuejie.bills.closing.agreed import (
    Extra,
    Ledgered,
    Promise,
    Target,
    TermKey,
    committed_months,
    differences,
    extras_of,
    spend_of,
    targets_of,
)
from yuejie.bills.closing.clouds.owed import CloudOwed, draw_cloud
from yuejie.bills.closing.lines import LineKey, PrintedRow, Tariff, draw_lines, draw_term
from yuejie.bills.closing.parts import Parting, spread
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.taxes import Taxed, TaxRule, tax_parts, totals
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.terms import HeadShare
from yuejie.kernel.ids import BillId, CustomerId, LineId, mint
from yuejie.kernel.period import BillingMonth

_OUTSIDE_TERMS = frozenset({LineKind.CARRIED, LineKind.CLOUD, LineKind.PACKAGE_PURCHASE})
"""Kinds that no service month's terms give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a customer's bills of a month follow from."""

    customer_id: CustomerId
    month: BillingMonth
    months: tuple[BillingMonth, ...]
    """Months whose usage was looked at; the terms of each are computed anew."""
    epoch: int
    now: datetime
    agreements: Agreements
    contract: Contract
    """The version that the bills stand under."""
    usage: Sequence[tuple[LineKey, int]]
    """What is still to bill: should have been billed less was billed, never zero."""
    tariff: Tariff
    parting: Parting
    judged: Callable[[BillingMonth], Promise]
    """What is promised for a month, with what its service was."""
    printed: Sequence[PrintedRow] = ()
    """What other bills in the contract's currency say: all that stand, but for those composed."""
    extras: Sequence[Extra] = ()
    voided: Sequence[BillingMonth] = ()
    """Service months up to this one that stood on bills which were voided."""
    carried: Mapping[str, int] = field(default_factory=dict)
    """What each part carried forward and was not given back yet."""
    grants: Sequence[Grant] = ()
    clouds: Sequence[CloudOwed] = ()
    """Costs of cloud bills that are still to bill."""
    drafts: tuple[Bill, ...] = ()
    """The drafts of the month that these bills take the place of; ids and empty parts stay."""
    only: str | None = None
    """Set where one part is composed alone: its usage stays, and what terms give goes to it."""
    beside: bool = False
    """Whether this is what is owed in another currency than the month's own, on the part `only`:
    what was approved and what was carried, and nothing of terms but those of `due`."""
    due: AbstractSet[BillingMonth] = frozenset()
    """Months whose terms are looked at beside a month: a minimum fell due there, unforeseen."""

    @property
    def sold(self) -> list[Grant]:
        """The packages that were agreed to be paid for, have begun, and stand on no other bill."""
        billed = {row.refers_to for row in self.printed if row.kind == LineKind.PACKAGE_PURCHASE}
        return [
            grant
            for grant in self.grants
            if grant.kind is GrantKind.PACKAGE
            and grant.paid_fen
            and grant.starts_on <= self.month.last_day
            and grant.currency == self.contract.currency
            and grant.grant_id not in billed
        ]


def compose(facts: Facts) -> list[Bill]:
    """Return the bills of a customer's month, one per part; none where nothing is owed."""
    work = _Work(facts)
    lines = work.parts()
    lines = {part: lines[part] for part in sorted(lines) if lines[part] or _draft_of(facts, part)}
    contract = facts.contract
    rule = TaxRule(TaxMode(contract.tax_mode), contract.tax_ppm, contract.terms.tax_grouping)
    names = {place.project_id: place.name for place in facts.tariff.places.values()}
    return [work.bill(part, taxed) for part, taxed in sorted(tax_parts(lines, rule, names).items())]


class _Work:
    """Puts a customer's month together."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._parting = facts.parting
        self._ids = _line_ids(facts.now)

    def parts(self) -> dict[str, list[BillLine]]:
        """Return the lines of each part in printed order, before tax."""
        facts = self._facts
        usage = draw_lines(facts.month, facts.usage, facts.tariff, _line_ids(facts.now))
        carried = self._at_home(facts.carried)
        parts: dict[str, list[BillLine]] = defaultdict(list)
        for bill in facts.drafts:
            parts[bill.part] = []
        for line in usage:
            parts[self._parting.of(line.project_id)].append(line)
        agreed = list(self._agreed(usage))
        lifted = _lifted(self._parting, parts[HEAD], [target for _, _, target in agreed])
        for service_month, key, target in agreed:
            weights = self._usage_by_part(service_month, usage)
            shares = spread(target, lifted, weights)
            if facts.only is not None:
                shares = [(facts.only, target.amount_fen)]
            for part, amount in shares:
                share = replace(target, amount_fen=amount)
                parts[part].append(
                    draw_term(next(self._ids), service_month, key, share, facts.tariff)
                )
        self._clouds(parts)
        if facts.only in {None, HEAD}:
            self._bought(parts)
        for part in sorted({*parts, *carried}):
            self._carry(parts, part, carried.get(part, {}))
        return {part: _numbered(lines) for part, lines in parts.items()}

    def _own(self) -> Sequence[Extra]:
        """Leave out what belongs on another part than the one that is drawn alone; it waits.

        What stood on the part stays on it, also where it was the whole customer's and no other
        part had a share.
        """
        only, known = self._facts.only, self._parting.names
        stood = {line.refers_to for bill in self._facts.drafts for line in bill.lines}
        extras = self._facts.extras
        if only is None or self._facts.beside:
            return extras
        return [
            extra
            for extra in extras
            if extra.shared
            or extra.adjustment_id in stood
            or extra.part == only
            or (only == HEAD and extra.part not in known)
        ]

    def _at_home(self, carried: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
        """Say on which bill each part's carried amount goes back: a former part's on the head.

        In a currency that the month's contract does not have, there is but one bill.
        """
        found: dict[str, dict[str, int]] = defaultdict(dict)
        former = self._facts.only or HEAD if self._facts.beside else HEAD
        for part, amount in sorted(carried.items()):
            found[part if part in self._parting.names else former][part] = amount
        return found

    def _agreed(self, usage: Sequence[BillLine]) -> Iterator[tuple[BillingMonth, TermKey, Target]]:
        """Yield what the terms of each month that is looked at still have to be billed."""
        facts, extras = self._facts, self._own()
        by_model = _usage_by_model(facts.printed, usage)
        ledgered = _ledgered(facts.printed)
        waiting = {extra.service_month for extra in extras}

        def spent(month: BillingMonth) -> int:
            return spend_of(by_model.get(month, {}), self._promise(month))

        looked_at = sorted(self._looked_at(waiting, ledgered))
        anew = {month for month in looked_at if self._in_our_currency(month)}
        ledgered = replace(ledgered, anew=anew)
        for month in looked_at:
            if month not in anew:
                # Its terms are amounts of another currency: they stay as its own bills say.
                targets = extras_of(month, extras)
                every = differences(month, targets, ledgered)
                found = [each for each in every if each[0] in targets]
            else:
                own: Mapping[str, int] = by_model.get(month, {})
                promise = facts.judged(month)
                targets = targets_of(month, promise, own, facts.grants, extras, ledgered, spent)
                found = differences(month, targets, ledgered)
            for key, target in found:
                yield month, key, target
            ledgered = _with(ledgered, month, found)

    def _in_our_currency(self, month: BillingMonth) -> bool:
        """Tell whether the terms of a month are amounts of the currency that is billed."""
        beside = self._facts.beside and month not in self._facts.due
        return not beside and self._promise(month).currency == self._facts.contract.currency

    def _looked_at(
        self, waiting: AbstractSet[BillingMonth], ledgered: Ledgered
    ) -> set[BillingMonth]:
        """Return the months whose terms are computed anew, or for which something waits."""
        facts = self._facts
        if facts.beside:
            return {*waiting, *facts.due}
        clouded = (owed.key.month for owed in facts.clouds)
        found = {*facts.months, facts.month, *facts.voided, *waiting, *clouded}
        found |= facts.agreements.signed_behind(facts.month)
        found |= {each.previous for each in found if facts.agreements.overdue(each)}
        found |= self._undue(ledgered)
        return found | self._counting(found)

    def _promise(self, month: BillingMonth) -> Promise:
        """Return what a month's contract promises, whatever its service was."""
        facts = self._facts
        return facts.agreements.promise(month, facts.contract.currency)

    def _undue(self, ledgered: Ledgered) -> set[BillingMonth]:
        """Return the months of which a minimum is printed that falls due in them no more.

        Who was to take over was left before that, or a term that was over has been renewed.
        """
        own = self._facts.contract.currency
        printed = {each for each in ledgered.terms if ledgered.of(each, TermKey(LineKind.TRUE_UP))}
        promises = {each: self._promise(each) for each in printed if each < self._facts.month}
        return {
            each
            for each, promise in promises.items()
            if promise.currency == own and not committed_months(promise, each)
        }

    def _counting(self, months: AbstractSet[BillingMonth]) -> set[BillingMonth]:
        """Return the months, up to the one drawn, whose minimum counts the spend of some of these.

        The version that holds when a minimum falls due says so, not the one of the month spent in.
        """
        found, each = set(), min(months).next
        while each < self._facts.month:
            promise = self._promise(each)
            if not months.isdisjoint(committed_months(promise, each)):
                found.add(each)
            each = each.next
        return found

    def _usage_by_part(self, month: BillingMonth, usage: Sequence[BillLine]) -> Mapping[str, int]:
        weights: Counter[str] = Counter()
        for row in self._facts.printed:
            if row.month == str(month) and row.kind in METERED:
                weights[self._parting.of(row.project_id)] += int(row.amount_fen)
        for line in usage:
            if line.service_month == month:
                weights[self._parting.of(line.project_id)] += line.amount_fen
        return weights

    def _clouds(self, parts: dict[str, list[BillLine]]) -> None:
        """Bill what clouds ask for, in the part of its project, or of the whole customer."""
        facts = self._facts
        for owed in facts.clouds:
            place = facts.tariff.places.get(owed.key.project_id)
            called = (place.name, place.department) if place else ("", "")
            line = draw_cloud(next(self._ids), owed, facts.contract.currency, called)
            part = facts.only if facts.only is not None else self._parting.of(owed.key.project_id)
            parts[part].append(line)

    def _bought(self, parts: dict[str, list[BillLine]]) -> None:
        """Bill packages that were sold, once each."""
        for grant in self._facts.sold:
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
        owing = sum(carried.values()) < 0 and self._facts.only in {None, part}
        if not parts.get(part) and not owing:
            return
        lines = parts[part]
        for origin, open_fen in carried.items():
            key = TermKey(LineKind.CARRIED, named_for(origin, part))
            lines.append(self._term(key, Target(-open_fen, "上期结转")))
        total = sum(line.amount_fen for line in lines)
        if total < 0:
            lines.append(self._term(TermKey(LineKind.CARRIED), Target(-total, "结转下期")))

    def _term(self, key: TermKey, target: Target) -> BillLine:
        facts = self._facts
        return draw_term(next(self._ids), facts.month, key, target, facts.tariff)

    def bill(self, part: str, taxed: Taxed) -> Bill:
        """Return the draft of a part."""
        facts, contract = self._facts, self._facts.contract
        net, tax, gross = totals(taxed, contract.currency)
        was = _draft_of(facts, part)
        return Bill(
            bill_id=was.bill_id if was else BillId(mint("bill", facts.now)),
            customer_id=facts.customer_id,
            month=facts.month,
            number=None,
            state=BillState.DRAFT,
            contract_id=contract.contract_id,
            contract_version=contract.version,
            currency=contract.currency,
            fx_policy=contract.fx_policy,
            tax_mode=TaxMode(contract.tax_mode),
            tax_ppm=contract.tax_ppm,
            epoch=facts.epoch,
            net=net,
            tax=tax,
            gross=gross,
            lines=taxed.lines,
            closed_at=facts.now,
            issued_at=None,
            seal=None,
            previous_seal=None,
            part=part,
            part_name=self._parting.names.get(part, was.part_name if was else ""),
            purchase_order=contract.terms.purchase_order,
            tax_lines=taxed.tax_lines,
        )


def _draft_of(facts: Facts, part: str) -> Bill | None:
    return next((bill for bill in facts.drafts if bill.part == part), None)


def _line_ids(now: datetime) -> Iterator[LineId]:
    while True:
        yield LineId(mint("line", now))


def _lifted(parted: Parting, head: Sequence[BillLine], targets: Sequence[Target]) -> Parting:
    """Share what is taken off among the parts where it would put the head bill below zero.

    A discount on everybody's usage may be more than the head bill's own lines; carrying it forward
    would let the parts pay too much this month.
    """
    own = sum(line.amount_fen for line in head)
    own += sum(target.amount_fen for target in targets if not target.part)
    return replace(parted, reductions=HeadShare.APPORTIONED) if own < 0 else parted


def _usage_by_model(
    printed: Iterable[PrintedRow], usage: Iterable[BillLine]
) -> dict[BillingMonth, Counter[str]]:
    found: dict[BillingMonth, Counter[str]] = defaultdict(Counter)
    for row in printed:
        if row.kind in METERED:
            found[BillingMonth.parse(row.month)][row.model] += int(row.amount_fen)
    for line in usage:
        found[line.service_month][line.model] += line.amount_fen
    return found


def _ledgered(printed: Iterable[PrintedRow]) -> Ledgered:
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
    return replace(ledgered, terms=terms)


def _numbered(lines: Sequence[BillLine]) -> list[BillLine]:
    return [
        line if line.position == number else replace(line, position=number)
        for number, line in enumerate(lines, 1)
    ]
