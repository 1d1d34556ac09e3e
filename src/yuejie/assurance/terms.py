"""The slow oracle of terms: what a contract makes of a month, computed by other means than bills.

Fractions throughout, straight from the contract's JSON, the grants, the adjustments and the lines
that are printed on other bills. It shares no arithmetic with `bills`: differential steps where
bills walk intervals, one rounding written out again, its own sharing by largest remainder.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, NamedTuple

from yuejie.assurance.history import Held, History, Version
from yuejie.assurance.oracle import half_away
from yuejie.assurance.sla.oracle import credited
from yuejie.bills.bill import BillLine
from yuejie.kernel.period import BillingMonth, zone_of

_PPM: Final = 10**6
_DAY: Final = timedelta(days=1)
TERMS: Final = {"tier_discount", "package", "true_up", "management_fee", "voucher"}
"""Kinds whose target follows from terms; without one, what was billed is taken back."""
OTHERS: Final = {"adjustment", "sla_credit", "late_fee", "break_fee"}
METERED: Final = {"usage", "late"}
SLA: Final = "sla_credit"
"""Of both: what terms give back refers to nothing, what a person gave to its adjustment."""


class TermLine(NamedTuple):
    """What makes a line of terms: month, kind, and what it comes from."""

    month: str
    kind: str
    refers_to: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """An amount still to bill, and the part it is meant for (None: the whole customer's)."""

    line: TermLine
    fen: int
    part: str | None = None


def share(total: int, weights: Sequence[int]) -> list[int]:
    """Share by largest remainder, ties to the earlier: exact parts, then one fen each."""
    whole = sum(weights)
    if whole == 0:
        return share(total, [1] * len(weights))
    exact = [Fraction(abs(total) * weight, whole) for weight in weights]
    parts = [part.numerator // part.denominator for part in exact]
    for _ in range(abs(total) - sum(parts)):
        most = max(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i))
        parts[most] += 1
    return [part if total >= 0 else -part for part in parts]


def discount(usage_fen: int, tier: Mapping[str, Any]) -> int:
    """Return what a month's usage is discounted: each step adds its difference of rate."""
    if usage_fen <= 0:
        return 0
    steps = tier["steps"]
    if tier.get("mode", "graduated") == "volume":
        rates = [step["discount_ppm"] for step in steps if step["above_fen"] <= usage_fen]
        return half_away(Fraction(usage_fen * (rates[-1] if rates else 0), _PPM))
    worth, before = Fraction(0), 0
    for step in steps:
        rise, before = step["discount_ppm"] - before, step["discount_ppm"]
        worth += Fraction(max(0, usage_fen - step["above_fen"]) * rise, _PPM)
    return half_away(worth)


def by_terms(line: TermLine) -> bool:
    """Tell whether terms give a line, so that without them it is taken back."""
    return line.kind in TERMS or (line.kind == SLA and not line.refers_to)


class Reckoner:
    """Computes what every looked-at month still owes, with what was known at an instant."""

    def __init__(
        self,
        history: History,
        known: datetime,
        before: Iterable[BillLine],
        own: Iterable[BillLine],
        *,
        epoch: int,
    ) -> None:
        self.history = history
        self.known = known
        self.epoch = epoch
        self.usage: dict[str, Counter[str]] = defaultdict(Counter)
        self.billed: Counter[TermLine] = Counter()
        self.bought: set[str] = set()
        self.anew: set[str] = set()
        """The months whose terms are computed anew."""
        for line in [*before, *own]:
            if line.kind in METERED:
                self.usage[str(line.service_month)][line.model] += line.amount_fen
        for line in before:
            self._count(line)
        self.grants = [g for g in history.grants if g.approved_at <= known]
        self.allowed = [e for e in history.allowed if e.decided_at <= known]

    def _count(self, line: BillLine) -> None:
        if line.kind in TERMS | OTHERS:
            key = TermLine(str(line.service_month), str(line.kind), line.refers_to)
            self.billed[key] += line.amount_fen
        elif line.kind == "package_purchase":
            self.bought.add(line.refers_to)

    def only(self, references: set[str]) -> None:
        """Count only on these adjustments: others waited for another part of the month."""
        self.allowed = [e for e in self.allowed if e.adjustment_id in references]

    def owed(self, months: Iterable[str], now: BillingMonth, currency: str) -> list[Owed]:
        """Return every line of terms that the month's bills should have, earliest month first."""
        waiting = self._waiting(now, currency)
        looked_at = {*months, str(now), *(extra.service_month for extra in waiting)}
        looked_at |= self._signed_behind(now)
        for label in list(looked_at):
            looked_at |= self._handed_over(BillingMonth.parse(label))
        looked_at |= self._due_no_more(now, currency)
        looked_at |= self._due_before(now, {BillingMonth.parse(label) for label in looked_at})
        self.anew = {label for label in looked_at if self._ours(label, currency)}
        found: list[Owed] = []
        for label in sorted(looked_at):
            found += self._fresh(label, waiting, currency, ours=label in self.anew)
        return found

    def _ours(self, label: str, currency: str) -> bool:
        version = self._version(BillingMonth.parse(label))
        return version is None or version.currency == currency

    def owed_beside(self, now: BillingMonth, currency: str) -> list[Owed]:
        """Return what waits in another currency than a month is billed in.

        What was approved, and the terms of `due_beside`.
        """
        waiting, due = self._waiting(now, currency), self.due_beside(now, currency)
        self.anew = due
        found: list[Owed] = []
        for label in sorted({*due, *(extra.service_month for extra in waiting)}):
            found += self._fresh(label, waiting, currency, ours=label in due)
        return found

    def due_beside(self, now: BillingMonth, currency: str) -> set[str]:
        """Return the month before, if a minimum in a currency fell due there, unforeseen."""
        version = self._version(now.previous)
        same = version is not None and version.currency == currency
        return self._handed_over(now) if same else set()

    def _fresh(
        self, label: str, waiting: Iterable[Any], currency: str, *, ours: bool
    ) -> list[Owed]:
        """Return what a month still owes, and count it as billed; `ours`: by its terms as well."""
        targets = self._targets(BillingMonth.parse(label), currency) if ours else {}
        keys = {key for key in self.billed if ours and key.month == label and by_terms(key)}
        fresh = [
            Owed(key, targets.get(key, 0) - self.billed[key]) for key in sorted({*targets, *keys})
        ]
        fresh += [
            Owed(key, e.amount_fen - self.billed[key], e.part or None)
            for e in waiting
            for key in [TermLine(label, e.kind, e.adjustment_id)]
            if e.service_month == label
        ]
        for owed in fresh:
            self.billed[owed.line] += owed.fen
        return [owed for owed in fresh if owed.fen]

    def purchases(self, now: BillingMonth, currency: str) -> dict[str, int]:
        """Return the packages that were to be paid and stand on no bill yet."""
        return {
            g.grant_id: g.paid_fen
            for g in self.grants
            if g.kind == "package" and g.paid_fen and g.grant_id not in self.bought
            if g.starts_on <= now.last_day and g.currency == currency
        }

    def _waiting(self, now: BillingMonth, currency: str) -> list[Any]:
        on_bills: Counter[str] = Counter()
        for key, fen in self.billed.items():
            on_bills[key.refers_to] += fen if key.kind in OTHERS else 0
        return [
            extra
            for extra in self.allowed
            if extra.currency == currency
            if extra.service_month <= str(now) and on_bills[extra.adjustment_id] != extra.amount_fen
        ]

    def _version(self, month: BillingMonth) -> Version | None:
        return self.history.contract(month, self.known)

    def _targets(self, month: BillingMonth, currency: str) -> dict[TermLine, int]:
        """Return what terms give for a month, in the order of HOUSE 9."""
        label, version = str(month), self._version(month)
        left = dict(self.usage.get(label, Counter()))
        targets: dict[TermLine, int] = {}
        terms: Mapping[str, Any] = version.terms if version else {}
        if terms.get("tier_discount"):
            off = discount(sum(left.values()), terms["tier_discount"])
            targets[TermLine(label, "tier_discount")] = -off
            models = sorted(left)
            if models:
                for model, part in zip(
                    models, share(off, [max(0, left[m]) for m in models]), strict=True
                ):
                    left[model] -= part
        for grant in self._usable(month, "package", version.currency if version else currency):
            drawn = self._draw(left, grant, self._balance(grant, label))
            bought = self._bought_of(grant, drawn, label)
            targets[TermLine(label, "package", grant.grant_id)] = -bought
            targets[TermLine(label, "voucher", grant.grant_id)] = bought - drawn
        fees = self._true_up(month, version, targets) if version else 0
        fee = terms.get("management_fee_fen")
        if version and fee and (version.ends_on is None or version.ends_on > month.last_day):
            targets[TermLine(label, "management_fee")] = fee
            fees += fee
        fees += self._sla_credit(month, version, targets) if version else 0
        fees += sum(
            extra.amount_fen - self.billed[TermLine(label, extra.kind, extra.adjustment_id)]
            for extra in self._waiting(month, currency)
            if extra.service_month == label
        )
        fees += sum(
            fen
            for key, fen in self.billed.items()
            if key.month == label and key.kind in OTHERS and not by_terms(key)
        )
        self._vouchers(month, left, fees, targets, version.currency if version else currency)
        return targets

    def _vouchers(
        self,
        month: BillingMonth,
        left: dict[str, int],
        fees: int,
        targets: dict[TermLine, int],
        currency: str,
    ) -> None:
        for grant in self._usable(month, "voucher", currency):
            balance = self._balance(grant, str(month))
            drawn = self._draw(left, grant, balance)
            if not grant.models:
                rest = max(0, min(balance - drawn, fees))
                fees, drawn = fees - rest, drawn + rest
            targets[TermLine(str(month), "voucher", grant.grant_id)] = -drawn

    def _usable(self, month: BillingMonth, kind: str, currency: str) -> list[Held]:
        held = [
            g
            for g in self.grants
            if g.kind == kind and g.currency == currency
            if g.starts_on <= month.last_day and g.ends_on > month.first_day
        ]
        return sorted(held, key=lambda g: (g.ends_on, g.starts_on, g.grant_id))

    def _balance(self, grant: Held, label: str) -> int:
        return grant.amount_fen - sum(drawn for drawn, _ in self._elsewhere(grant, label))

    def _elsewhere(self, grant: Held, label: str) -> Iterator[tuple[int, int]]:
        """Yield what each other month drew of a grant, and what of it had been paid for.

        Of a month that is computed anew no less than nothing: what others gave back beyond their
        own draws is what its own bill drew, and draws again.
        """
        for month in {key.month for key in self.billed if key.refers_to == grant.grant_id}:
            if month == label:
                continue
            bought = -self.billed[TermLine(month, "package", grant.grant_id)]
            drawn = bought - self.billed[TermLine(month, "voucher", grant.grant_id)]
            if month in self.anew:
                drawn = max(0, drawn)
                bought = sorted((0, bought, drawn))[1]
            yield drawn, bought

    def _bought_of(self, grant: Held, drawn: int, label: str) -> int:
        """Return what of a draw had been paid for: the price's share of all draws, once rounded."""
        others = list(self._elsewhere(grant, label))
        used = drawn + sum(fen for fen, _ in others)
        share_of_price = half_away(Fraction(grant.paid_fen * used, grant.amount_fen))
        return sorted((0, share_of_price - sum(bought for _, bought in others), drawn))[1]

    @staticmethod
    def _draw(left: dict[str, int], grant: Held, balance: int) -> int:
        drawn = 0
        for model in sorted(left):
            if not grant.models or model in grant.models:
                taken = max(0, min(balance - drawn, left[model]))
                left[model], drawn = left[model] - taken, drawn + taken
        return drawn

    def _spent(self, month: BillingMonth) -> int:
        version, total = self._version(month), sum(self.usage.get(str(month), Counter()).values())
        tier = version.terms.get("tier_discount") if version else None
        return total - (discount(total, tier) if tier else 0)

    def _true_up(self, month: BillingMonth, version: Version, targets: dict[TermLine, int]) -> int:
        """Note what is missing to the minimum that falls due in the month, and return it."""
        promised = version.terms.get("commitment")
        if not promised or (version.ends_on is not None and version.ends_on <= month.first_day):
            return 0
        months = self._counted(month, version)
        if not months:
            return 0
        due = Fraction(promised["amount_fen"])
        period = promised.get("period", "month")
        if period == "term":
            due *= self._share_of_term(version)
        else:
            due *= sum(self._held(each, version) for each in months)
            due /= 12 if period == "year" else 1
        missing = max(0, half_away(due) - sum(self._spent(each) for each in months))
        targets[TermLine(str(month), "true_up")] = missing
        return missing

    def _sla_credit(
        self, month: BillingMonth, version: Version, targets: dict[TermLine, int]
    ) -> int:
        """Note what the month's service gives back, and return it."""
        sla = version.terms.get("sla")
        if not sla or (version.ends_on is not None and version.ends_on <= month.first_day):
            return 0
        since = self.history.since(version.contract_id, self.known)
        service = self.history.service(month, since, version.ends_on, self.epoch)
        back = credited(sla, service, self._spent(month))
        targets[TermLine(str(month), SLA)] = back
        return back

    def _held(self, month: BillingMonth, version: Version) -> Fraction:
        """Return the share of the month's days on which the contract held."""
        day, held = month.first_day, 0
        since = self.history.since(version.contract_id, self.known)
        while day <= month.last_day:
            held += since <= day and (version.ends_on is None or day < version.ends_on)
            day += _DAY
        return Fraction(held, month.last_day.day)

    def _counted(self, month: BillingMonth, version: Version) -> list[BillingMonth]:
        """Return the months that count towards the minimum due in this one; none: none is due."""
        promised = version.terms.get("commitment")
        if not promised:
            return []
        period = promised.get("period", "month")
        if period == "month":
            return [month]
        first = _month_of(self.history.began(self._term(version)[0]))
        last = self._last(version)
        months = [first]
        while months[-1] < month:
            months.append(months[-1].next)
        if period == "term":
            return months if month == last else []
        rest = len(months) % 12
        return months[-(rest or 12) :] if rest == 0 or month == last else []

    def _last(self, version: Version) -> BillingMonth | None:
        """Return the last month that is billed under a term, None where it has no end."""
        lost = self._lost(version)
        if lost is not None:
            return lost.previous
        return _month_of(version.ends_on - _DAY) if version.ends_on else None

    def _term(self, version: Version) -> list[Version]:
        """Return the versions of one term: from a renewal, or the first version, to the next."""
        own = [v for v in self.history.versions if v.contract_id == version.contract_id]
        own = [v for v in own if v.signed_at <= self.known]
        own.sort(key=lambda v: v.place)
        heads = (
            [0] + [n for n in range(1, len(own)) if self._renews(own[n - 1], own[n])] + [len(own)]
        )
        here = own.index(version)
        return next(own[a:b] for a, b in pairwise(heads) if a <= here < b)

    def _renews(self, before: Version, version: Version) -> bool:
        """Tell whether a version goes on from where the one before it was over."""
        first = self.history.began(version)
        over = before.ends_on is not None and before.ends_on <= first
        return over and (version.ends_on is None or version.ends_on > first)

    def _lost(self, version: Version) -> BillingMonth | None:
        """Return the month from which on a term holds and another has every bill, if any."""
        term = self._term(version)
        ended = max(term, key=lambda v: v.version).ends_on
        month = _month_of(self.history.began(term[0]))
        last = _month_of(max(self.history.began(v) for v in self.history.versions))
        lost: BillingMonth | None = None
        while month <= (_month_of(ended - _DAY) if ended else last):
            heir = self._version(month)
            taken = heir is not None and heir not in term and self._comes_behind(heir, term[0])
            lost = (lost or month) if taken else None
            month = month.next
        return lost

    @staticmethod
    def _comes_behind(heir: Version, first: Version) -> bool:
        return heir.place > first.place

    def _share_of_term(self, version: Version) -> Fraction:
        """Return on which share of the days that a version promised for its term held.

        Another may have taken over for good, or a later version have ended the term sooner.
        """
        term = self._term(version)
        ended = max(term, key=lambda v: v.version).ends_on
        if ended is None or version.ends_on is None:
            return Fraction(1)
        day = first = self.history.began(term[0])
        taken: date | None = None
        while day < ended:
            taken = (taken or day) if self._taken_by(day, term) else None
            day += _DAY
        held = min(taken or ended, version.ends_on)
        return Fraction((held - first).days, (version.ends_on - first).days)

    def _taken_by(self, day: date, term: Sequence[Version]) -> bool:
        """Tell whether on a day another holds than a term, which began before it."""
        held = self.history.on(day, self.known)
        return held is not None and held not in term and self._comes_behind(held, term[0])

    def _handed_over(self, now: BillingMonth) -> set[str]:
        """Return the month before, where a term with a minimum lost this month to another."""
        before = self._version(now.previous)
        if before is None or self._lost(before) != now:
            return set()
        held = before.ends_on is None or before.ends_on > now.previous.first_day
        return {str(now.previous)} if held and self._counted(now.previous, before) else set()

    def _signed_behind(self, now: BillingMonth) -> set[str]:
        """Return the months before one for which somebody signed a version within it."""
        zone, found = zone_of(self.history.zone), set[str]()
        for version in self.history.versions:
            signed = version.signed_at <= self.known and version.signed_at in now.span(zone)
            first, month = self.history.began(version), now.previous
            while signed and self._before(version) and month.last_day >= first:
                held = self._version(month)
                if held is not None and held.contract_id == version.contract_id:
                    found.add(str(month))
                month = month.previous
        return found

    def _before(self, version: Version) -> bool:
        """Tell whether the contract had a version that began before one."""
        return any(
            v.contract_id == version.contract_id and v.starts_at < version.starts_at
            for v in self.history.versions
        )

    def _due_no_more(self, now: BillingMonth, currency: str) -> set[str]:
        """Return the months of which a minimum is printed that does not fall due in them."""
        found: set[str] = set()
        for key, fen in self.billed.items():
            month = BillingMonth.parse(key.month)
            version = (
                self._version(month) if key.kind == "true_up" and fen and month < now else None
            )
            if version is not None and version.currency == currency:
                over = version.ends_on is not None and version.ends_on <= month.first_day
                found |= set() if not over and self._counted(month, version) else {key.month}
        return found

    def _due_before(self, now: BillingMonth, spent_in: set[BillingMonth]) -> set[str]:
        """Return the months before one whose minimum counts what was spent in some of these."""
        found: set[str] = set()
        month = min(spent_in)
        while month < now:
            version = self._version(month)
            held = version is not None and (
                version.ends_on is None or version.ends_on > month.first_day
            )
            if version is not None and held and spent_in & set(self._counted(month, version)):
                found.add(str(month))
            month = month.next
        return found


def _month_of(day: date) -> BillingMonth:
    return BillingMonth(day.year, day.month)
