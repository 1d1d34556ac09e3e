"""What a contract makes of a month's usage: discount, packages, minimum, fee, SLA credit, vouchers.

Pure. Terms are functions of a service month's totals, as they stand on printed lines, in this order
(HOUSE 9): usage → tier discount → packages → commitment true-up → management fee → SLA credit and
adjustments → vouchers; tax comes last, in `taxes.py`. Each is computed anew whenever the month is
looked at, and what differs from what was billed becomes a line: target − billed, of either sign.
A percentage applies to a settled total and is rounded once, half away from zero.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from yuejie.bills.bill import LineKind
from yuejie.bills.sla.verdict import Verdict
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.terms import Commitment, CommitmentPeriod, Sla, TierDiscount, TierMode
from yuejie.kernel.money import PPM, apportion, divide
from yuejie.kernel.period import BillingMonth

_YEAR = 12


class TermKey(NamedTuple):
    """What makes a line that a contract adds: its kind, and what it comes from."""

    kind: LineKind
    refers_to: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What should stand on bills for one service month, and in which words."""

    amount_fen: int
    item: str
    part: str | None = None
    """None: the whole customer's, so it goes to the head bill or is apportioned."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The terms that hold for one service month, and the days of the contract around it.

    `since` is the contract's first day, `until` the first on which its term no longer holds.
    """

    tier_discount: TierDiscount | None
    commitment: Commitment | None
    management_fee_fen: int
    since: date
    until: date | None
    currency: str
    sla: Sla | None = None
    verdict: Verdict | None = None
    """How that was kept; None: it is not judged, since nothing is promised or nobody asks."""
    renewed_on: date | None = None
    """The first day of its term, where that is not the contract's first: it was renewed."""
    term_share: tuple[int, int] = (1, 1)
    """How much of a promise for the whole term counts: less than all where another contract takes
    over within it."""


@dataclass(frozen=True, slots=True)
class Extra:
    """An approved adjustment, credit or fee that waits for a bill."""

    adjustment_id: str
    kind: LineKind
    service_month: BillingMonth
    part: str
    amount_fen: int
    item: str
    shared: bool = False
    """Some of it stands on other bills: the rest is a part's that was voided or is drawn anew."""


@dataclass(frozen=True, slots=True)
class Ledgered:
    """What the terms are printed with already, on other bills: fen by month and term."""

    terms: Mapping[BillingMonth, Mapping[TermKey, int]]
    anew: AbstractSet[BillingMonth] = frozenset()
    """The months that are computed anew in this drawing."""

    def of(self, month: BillingMonth, key: TermKey) -> int:
        """Return what was billed of a term for a service month."""
        return self.terms.get(month, {}).get(key, 0)

    def drawn_elsewhere(self, grant_id: str, month: BillingMonth) -> tuple[int, int]:
        """Return what other months drew of a grant, and what of it was paid for; both positive.

        A bill that is drawn anew behind a later one may find that others only gave back of a month:
        what it drew itself. It draws that again, so nothing of it is left for the other months.
        """
        total = bought = 0
        for each in self.terms.keys() - {month}:
            paid = -self.of(each, TermKey(LineKind.PACKAGE, grant_id))
            drawn = paid - self.of(each, TermKey(LineKind.VOUCHER, grant_id))
            if each in self.anew:
                drawn = max(0, drawn)
                paid = min(max(0, paid), drawn)
            total, bought = total + drawn, bought + paid
        return total, bought


@dataclass(slots=True)
class _Reckoning:
    """One service month while its terms are computed, in order."""

    month: BillingMonth
    promise: Promise
    left: dict[str, int]
    """What usage still costs, by model, after discount and packages."""
    targets: dict[TermKey, Target] = field(default_factory=dict)

    def add(self, kind: LineKind, amount_fen: int, item: str, refers_to: str = "") -> None:
        """Note a target; nothing is noted as nothing, so that it can be taken back later."""
        self.targets[TermKey(kind, refers_to)] = Target(amount_fen, item)


def discount_of(usage_fen: int, tier: TierDiscount) -> int:
    """Return the discount on a month's usage, as a positive amount; one rounding.

    Graduated steps discount what lies above them, so paying is monotone and without jumps; a
    volume step, once reached, discounts everything.
    """
    if usage_fen <= 0:
        return 0
    if tier.mode is TierMode.VOLUME:
        reached = [step for step in tier.steps if usage_fen >= step.above_fen]
        return divide(usage_fen * reached[-1].discount_ppm, PPM) if reached else 0
    ends = [step.above_fen for step in tier.steps[1:]]
    worth = 0
    for step, end in zip(tier.steps, [*ends, None], strict=True):
        top = usage_fen if end is None else min(usage_fen, end)
        worth += max(0, top - step.above_fen) * step.discount_ppm
    return divide(worth, PPM)


def spend_of(usage: Mapping[str, int], promise: Promise) -> int:
    """Return what counts towards a commitment: usage after tier discount."""
    total = sum(usage.values())
    return total - (discount_of(total, promise.tier_discount) if promise.tier_discount else 0)


def credit_of(spend_fen: int, verdict: Verdict) -> int:
    """Return what a month's service gives back of what it cost, as a positive amount."""
    return divide(max(0, spend_fen) * verdict.credit_ppm, PPM)


def targets_of(
    month: BillingMonth,
    promise: Promise,
    usage: Mapping[str, int],
    grants: Sequence[Grant],
    extras: Iterable[Extra],
    ledgered: Ledgered,
    spent: Callable[[BillingMonth], int],
) -> dict[TermKey, Target]:
    """Return everything that should stand on bills for a service month besides its usage.

    `usage` holds the month's printed amounts by model; `spent` tells what any month, under its own
    contract version, counts towards a commitment.
    """
    reckoning = _Reckoning(month, promise, dict(usage))
    _discount(reckoning)
    _packages(reckoning, grants, ledgered)
    _true_up(reckoning, spent)
    if promise.management_fee_fen:
        reckoning.add(LineKind.MANAGEMENT_FEE, promise.management_fee_fen, "管理费")
    if promise.verdict is not None:
        off = credit_of(spend_of(usage, promise), promise.verdict)
        reckoning.add(LineKind.SLA_CREDIT, -off, promise.verdict.words)
    reckoning.targets |= extras_of(month, extras)
    _vouchers(reckoning, grants, ledgered)
    return reckoning.targets


def extras_of(month: BillingMonth, extras: Iterable[Extra]) -> dict[TermKey, Target]:
    """Return what was approved for a service month, each to stand on bills as it is."""
    return {
        TermKey(extra.kind, extra.adjustment_id): Target(
            extra.amount_fen, extra.item, extra.part or None
        )
        for extra in extras
        if extra.service_month == month
    }


def _discount(reckoning: _Reckoning) -> None:
    tier = reckoning.promise.tier_discount
    if tier is None:
        return
    off = discount_of(sum(reckoning.left.values()), tier)
    reckoning.add(LineKind.TIER_DISCOUNT, -off, "阶梯折扣")
    models = sorted(reckoning.left)
    shares = apportion(off, [max(0, reckoning.left[model]) for model in models]) if models else []
    for model, share in zip(models, shares, strict=True):
        reckoning.left[model] -= share


def _packages(reckoning: _Reckoning, grants: Sequence[Grant], ledgered: Ledgered) -> None:
    """Draw packages; what one is good for beyond its price was given, and is taxed like a voucher.

    So whoever bought 1,000 for 800 gets fapiao for 800 of the 1,000 that it covers.
    """
    for grant in _usable(reckoning, grants, GrantKind.PACKAGE):
        before, bought = ledgered.drawn_elsewhere(grant.grant_id, reckoning.month)
        drawn = _draw(reckoning.left, grant, grant.amount_fen - before)
        paid = _paid_of(grant, before + drawn, drawn, bought)
        reckoning.add(LineKind.PACKAGE, -paid, f"套餐抵扣 {grant.name}", grant.grant_id)
        reckoning.add(LineKind.VOUCHER, paid - drawn, f"套餐赠额 {grant.name}", grant.grant_id)


def _paid_of(grant: Grant, used: int, drawn: int, bought: int) -> int:
    """Return how much of what a month draws was paid for: all draws together, in proportion.

    One rounding for all that is used, less what the other months' lines say was bought: a package
    that is used up was paid for to the fen.
    """
    due = divide(grant.paid_fen * used, grant.amount_fen) - bought
    return min(max(0, due), drawn)


def _usable(reckoning: _Reckoning, grants: Sequence[Grant], kind: GrantKind) -> list[Grant]:
    """Return the grants that hold in the month, the one that ends first first."""
    first, after = reckoning.month.first_day, reckoning.month.next.first_day
    held = [
        grant
        for grant in grants
        if grant.kind is kind
        and grant.currency == reckoning.promise.currency
        and grant.starts_on < after
        and grant.ends_on > first
    ]
    return sorted(held, key=lambda grant: (grant.ends_on, grant.starts_on, grant.grant_id))


def _draw(left: dict[str, int], grant: Grant, balance: int) -> int:
    """Take from what usage still costs, model by model, as far as the balance goes."""
    drawn = 0
    for model in sorted(left):
        if grant.covers(model):
            taken = max(0, min(balance - drawn, left[model]))
            left[model] -= taken
            drawn += taken
    return drawn


def _true_up(reckoning: _Reckoning, spent: Callable[[BillingMonth], int]) -> None:
    promise, month = reckoning.promise, reckoning.month
    if promise.commitment is None:
        return
    months = committed_months(promise, month)
    if not months:
        return
    times, by = due_share(promise, months)
    owed = divide(promise.commitment.amount_fen * times, by)
    span = f"{months[0]} 至 {months[-1]}" if len(months) > 1 else f"{month}"
    reckoning.add(
        LineKind.TRUE_UP, max(0, owed - sum(map(spent, months))), f"承诺消费补足（{span}）"
    )


def committed_months(promise: Promise, month: BillingMonth) -> list[BillingMonth]:
    """Return the months whose spend counts towards the minimum that falls due in this one.

    A monthly minimum falls due each month; one of a year or term in its last month, which is also
    the term's last. A renewed contract counts anew from its term's first month. Empty: none is due.
    """
    if promise.commitment is None:
        return []
    if promise.commitment.period is CommitmentPeriod.MONTH:
        return [month]
    began = promise.renewed_on or promise.since
    first = BillingMonth(began.year, began.month)
    last_day = promise.until - timedelta(days=1) if promise.until else None
    last = BillingMonth(last_day.year, last_day.month) if last_day else None
    number = _months_between(first, month)
    ends = month == last
    if promise.commitment.period is CommitmentPeriod.YEAR:
        if (number + 1) % _YEAR and not ends:
            return []
        begins = number - number % _YEAR
    else:
        if not ends:
            return []
        begins = 0
    return [_later(first, at) for at in range(begins, number + 1)]


def due_share(promise: Promise, months: Sequence[BillingMonth]) -> tuple[int, int]:
    """Return how much of a minimum falls due for the months that count: so many parts of so many.

    Of a month's or a year's, a month in which the contract began or ended counts by its days.
    """
    period = promise.commitment.period if promise.commitment else CommitmentPeriod.TERM
    if period is CommitmentPeriod.TERM:
        return promise.term_share
    times, by = 0, 1
    for month in months:
        held, days = held_days(promise, month)
        if held == days:
            times += by
        else:
            times, by = times * days + held * by, by * days
    return times, by * (_YEAR if period is CommitmentPeriod.YEAR else 1)


def held_days(promise: Promise, month: BillingMonth) -> tuple[int, int]:
    """Return on how many days of the month the contract held, and how many the month has."""
    start = max(month.first_day, promise.since)
    end = month.next.first_day
    if promise.until is not None:
        end = min(end, promise.until)
    return max(0, (end - start).days), (month.next.first_day - month.first_day).days


def _months_between(first: BillingMonth, month: BillingMonth) -> int:
    return (month.year - first.year) * _YEAR + month.month - first.month


def _later(month: BillingMonth, months: int) -> BillingMonth:
    at = month.year * _YEAR + month.month - 1 + months
    return BillingMonth(at // _YEAR, at % _YEAR + 1)


def _vouchers(reckoning: _Reckoning, grants: Sequence[Grant], ledgered: Ledgered) -> None:
    """Draw vouchers on what usage still costs, and unrestricted ones on the fees as well."""
    fees = sum(
        target.amount_fen
        for key, target in reckoning.targets.items()
        if key.kind not in {LineKind.TIER_DISCOUNT, LineKind.PACKAGE, LineKind.VOUCHER}
    )
    # What was adjusted on earlier bills is still owed when the month is looked at again.
    fees += sum(
        amount
        for key, amount in ledgered.terms.get(reckoning.month, {}).items()
        if not _recomputed(key) and key not in reckoning.targets
    )
    for grant in _usable(reckoning, grants, GrantKind.VOUCHER):
        balance = grant.amount_fen - ledgered.drawn_elsewhere(grant.grant_id, reckoning.month)[0]
        drawn = _draw(reckoning.left, grant, balance)
        if not grant.models:
            rest = max(0, min(balance - drawn, fees))
            fees -= rest
            drawn += rest
        reckoning.add(LineKind.VOUCHER, -drawn, f"代金券 {grant.name}", grant.grant_id)


def differences(
    month: BillingMonth, targets: Mapping[TermKey, Target], ledgered: Ledgered
) -> list[tuple[TermKey, Target]]:
    """Return what is still to bill of a service month's terms; never zero, in printed order."""
    order = list(LineKind)
    known = Counter(dict(ledgered.terms.get(month, {})))
    found: list[tuple[TermKey, Target]] = []
    for key in sorted({*targets, *known}, key=lambda k: (order.index(k.kind), k.refers_to)):
        if key not in targets and not _recomputed(key):
            continue
        target = targets.get(key, Target(0, _TAKEN_BACK.get(key.kind, "更正")))
        rest = target.amount_fen - known[key]
        if rest:
            found.append((key, Target(rest, target.item, target.part)))
    return found


_RECOMPUTED = frozenset(
    {
        LineKind.TIER_DISCOUNT,
        LineKind.PACKAGE,
        LineKind.TRUE_UP,
        LineKind.MANAGEMENT_FEE,
        LineKind.VOUCHER,
    }
)
"""Kinds whose target follows from terms: without one, what was billed is taken back."""


def _recomputed(key: TermKey) -> bool:
    """Tell whether terms give this; an SLA credit that a person gave refers to its adjustment."""
    return key.kind in _RECOMPUTED or key == TermKey(LineKind.SLA_CREDIT)


_TAKEN_BACK: Mapping[LineKind, str] = {
    LineKind.TIER_DISCOUNT: "阶梯折扣（更正）",
    LineKind.PACKAGE: "套餐抵扣（更正）",
    LineKind.TRUE_UP: "承诺消费补足（更正）",
    LineKind.MANAGEMENT_FEE: "管理费（更正）",
    LineKind.SLA_CREDIT: "SLA 赔付（更正）",
    LineKind.VOUCHER: "代金券（更正）",
}
