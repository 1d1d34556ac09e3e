"""Replay a month under a supposition, and say how it would differ. Nothing is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from yuejie.bills.bill import Bill
from yuejie.bills.closing.agreed import Promise
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.lines import Tariff, owed
from yuejie.bills.closing.parts import parting
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.store import units
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import month_fx
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.insights.whatif.assumed import assumptions
from yuejie.insights.whatif.compare import (
    Cause,
    LineChange,
    Step,
    Totals,
    line_changes,
    step,
    totals_of,
)
from yuejie.insights.whatif.cost import Costs
from yuejie.insights.whatif.price import Priced
from yuejie.insights.whatif.replay import Replay, replay
from yuejie.insights.whatif.suppose import Supposition
from yuejie.insights.whatif.used import Tell, Used, untold
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import BILL_LINES
from yuejie.kernel.period import BillingMonth

GAPS_SHOWN: Final = 10
Suppose = Callable[[Tx, Replay], Supposition]
"""Says what is supposed, once it is known what was: read in the same moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A month as it is and as it would be. `was` are the real bills, or the live ones."""

    slug: str
    month: BillingMonth
    currency: str
    is_open: bool
    was: tuple[Bill, ...]
    became: tuple[Bill, ...]
    steps: tuple[Step, ...]
    lines: tuple[LineChange, ...]
    assumptions: tuple[str, ...]
    costs: Costs | None
    """Where a route was supposed: what providers charge, the operator's alone."""

    @property
    def before(self) -> Totals:
        """What is owed."""
        return totals_of(self.was, self.currency)

    @property
    def after(self) -> Totals:
        """What would be owed."""
        return totals_of(self.became, self.currency)


def what_if(
    db: Database,
    who: Customer,
    month: BillingMonth,
    suppose: Suppose,
    *,
    now: datetime,
    tell: Tell = untold,
) -> Outcome:
    """Return how a month would differ under a supposition; `tell` hears how far that is.

    Without one the bills come out as they are, to the fen: a month of which that cannot be had is
    refused (NotReplayable). Raises Invalid where something supposed has no price, by name.
    """
    with db.read(consistent=True) as tx:
        known = replay(tx, who, month, now=now)
        supposed = suppose(tx, known)
        work = _Work(tx, known, supposed, tell)
        steps, facts = work.steps()
        became = _drawn(facts)
        return Outcome(
            slug=who.slug,
            month=month,
            currency=known.facts.contract.currency,
            is_open=known.is_open,
            was=known.bills,
            became=became,
            steps=tuple(steps),
            lines=tuple(line_changes(known.bills, became)),
            assumptions=(*assumptions(known, supposed, facts), *work.used.untouched()),
            costs=work.used.costs() if supposed.routes else None,
        )


class _Work:
    """One month under one supposition."""

    def __init__(self, tx: Tx, known: Replay, supposed: Supposition, tell: Tell) -> None:
        self._tx, self._known, self._supposed = tx, known, supposed
        self.used = Used(tx, known, supposed, tell)

    def steps(self) -> tuple[list[Step], Facts]:
        """Suppose one thing after another; return what each changes, and the last facts."""
        facts, currency = self._known.facts, self._known.facts.contract.currency
        drawn, steps = self._known.bills, list[Step]()
        for cause, became in self._stages(facts):
            fresh = _drawn(became)
            steps.append(step(cause, drawn, fresh, currency))
            facts, drawn = became, fresh
        return steps, facts

    def _stages(self, facts: Facts) -> Iterator[tuple[Cause, Facts]]:
        supposed = self._supposed
        swaps = Supposition(swaps=supposed.swaps, meters=supposed.meters)
        whole = replace(swaps, prices=supposed.prices)
        if supposed.swaps and supposed.prices is None:
            facts = self._priced(facts, self.used.price(swaps))
            yield Cause.MAPPING, facts
        elif supposed.swaps:
            apart = self.used.price(swaps)
            if not apart.gaps:
                yield Cause.MAPPING, self._priced(facts, apart)
            facts = self._priced(facts, self.used.price(whole))
            yield Cause.MAPPING_AND_PRICES if apart.gaps else Cause.PRICES, facts
        elif supposed.prices is not None:
            facts = self._priced(facts, self.used.price(whole))
            yield Cause.PRICES, facts
        yield from self._agreed(facts)

    def _agreed(self, facts: Facts) -> Iterator[tuple[Cause, Facts]]:
        """Suppose the terms first, under the tax there is, and then the tax."""
        contract, was = self._supposed.contract, facts.contract
        if contract is None:
            return
        taxed_as_was = replace(contract, tax_mode=was.tax_mode, tax_ppm=was.tax_ppm)
        facts = self._under(facts, taxed_as_was)
        yield Cause.TERMS, facts
        if contract != taxed_as_was:
            yield Cause.TAX, self._under(facts, contract)

    def _under(self, facts: Facts, contract: Contract) -> Facts:
        """Return the facts under another contract: its terms hold for this month alone."""
        month, known = facts.month, self._known
        agreements = Supposed(facts.agreements.versions, facts.agreements.zone, month, contract)

        def judged(each: BillingMonth) -> Promise:
            return known.judged(agreements, each)

        terms, was = contract.terms, facts.contract.terms
        parted = facts.parting
        if (terms.split, terms.head_share) != (was.split, was.head_share):
            named = units(self._tx, facts.customer_id, month)
            parted = parting(terms.split, terms.head_share, facts.tariff.places, named)
        return replace(
            facts, agreements=agreements, contract=contract, judged=judged, parting=parted
        )

    def _priced(self, facts: Facts, priced: Priced) -> Facts:
        """Return the facts with the month's own usage as it was priced anew."""
        if priced.gaps:
            shown = [
                f"{gap}，用量 {quantity:,}" for gap, quantity in priced.gaps.most_common(GAPS_SHOWN)
            ]
            raise Invalid(
                f"无法重放：{'；'.join(shown)}。请补上单价，"
                "或写明按哪个计量项计（例如 cache_read=input）"
            )
        month, kept = facts.month, [p for p in facts.usage if p[0].month != facts.month]
        usage = [*kept, *owed(priced.quantities, {})]
        if len(usage) > BILL_LINES:
            raise Invalid(f"重放后的账单超过 {BILL_LINES} 行，请缩小范围")
        rates = {**facts.tariff.rates, **priced.rates}
        currency = facts.contract.currency
        foreign = {rates[key.sale_rate].currency for key, _ in usage if key.month == month}
        fx = dict(facts.tariff.fx)
        for base in sorted(foreign - {currency}):
            if month not in fx or fx[month].rate.base != base:
                fx[month] = month_fx(self._tx, base=base, quote=currency, month=month)
        tariff = Tariff(currency, rates, fx, facts.tariff.places)
        return replace(facts, usage=usage, tariff=tariff)


@dataclass(frozen=True, slots=True)
class Supposed(Agreements):
    """A customer's contract versions, with another in the place of one month's."""

    month: BillingMonth
    contract: Contract

    def at_end_of(self, month: BillingMonth) -> Contract | None:
        """Return the version in force in a month's last instant, supposed or real."""
        return self.contract if month == self.month else Agreements.at_end_of(self, month)


def _drawn(facts: Facts) -> tuple[Bill, ...]:
    return tuple(bill for bill in compose(facts) if bill.lines)
