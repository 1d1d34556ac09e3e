"""The simulator's own books: what was used, agreed and allowed, and what that comes to.

Plain Python and fractions; it knows nothing of the product's code, nor of its database. It is told
of every deed that happened, and says what all living bills together must print for a service month.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction


def rounded(value: Fraction) -> int:
    """Half away from zero."""
    size = abs(value)
    whole = int(size) + (size - int(size) >= Fraction(1, 2))
    return whole if value >= 0 else -whole


@dataclass(frozen=True)
class Fact:
    """What a call used: one meter's tokens, at the price of a million of them."""

    month: str
    project: str
    model: str
    meter: str
    tokens: int
    price: Decimal


@dataclass(frozen=True)
class Promised:
    """Which share of calls is promised to be served: below so many ppm, so many ppm back."""

    below: tuple[tuple[int, int], ...]
    least: int
    cap: int
    excluded: frozenset[str]


@dataclass(frozen=True)
class Passed:
    """How the cloud's bill is passed on: mark-ups in ppm, what is left out, which amount counts."""

    markup: int
    services: tuple[tuple[str, int], ...]
    left_out: frozenset[str]
    amortised: bool

    def times(self, service: str) -> Fraction:
        """What a cost of a service is multiplied by."""
        return 1 + Fraction(dict(self.services).get(service, self.markup), 10**6)


@dataclass(frozen=True)
class Asked:
    """What the cloud asks for, in dollars: as billed and amortised."""

    billed: Decimal
    effective: Decimal


@dataclass(frozen=True)
class Deal:
    """What a contract version says about a month: it holds from its first month on."""

    since: str
    steps: tuple[tuple[int, int], ...] = ()
    """From so many fen on, so many ppm off."""
    volume: bool = False
    minimum: int = 0
    period: str = "month"
    fee: int = 0
    promised: Promised | None = None
    passed: Passed | None = None
    ends: str = ""
    """The last month in which it holds, "" for none."""


@dataclass
class Client:
    """A customer as the simulator knows it."""

    slug: str
    first: str
    deals: list[Deal]
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    """By event; the newest word counts."""
    allowed: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Approved adjustments: service month and fen."""
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How calls ended, by month: served, or at whose fault they failed."""
    grants: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Approved packages and vouchers: kind and fen."""
    asked: dict[str, dict[tuple[str, str, str], Asked]] = field(default_factory=dict)
    """What the cloud asks for, by period: of a project, for a service, of a category."""

    def deal(self, month: str) -> Deal | None:
        """The version that holds at a month's end."""
        begun = [deal for deal in self.deals if deal.since <= month]
        return begun[-1] if begun else None

    def used(self, until: str) -> Counter[tuple[str, str, str, str, Decimal]]:
        """Tokens by month, project, model, meter and price."""
        found: Counter[tuple[str, str, str, str, Decimal]] = Counter()
        for facts in self.facts.values():
            for f in facts:
                if f.month <= until:
                    found[f.month, f.project, f.model, f.meter, f.price] += f.tokens
        return Counter({key: tokens for key, tokens in found.items() if tokens})

    def passed_on(self, until: str) -> dict[tuple[str, str, str, str], Decimal]:
        """The cloud's cost that is passed on, by period, project, service and category."""
        found: dict[tuple[str, str, str, str], Decimal] = {}
        for period, asked in self.asked.items():
            deal = self.deal(period)
            if period > until or deal is None or deal.passed is None:
                continue
            for (project, service, category), each in asked.items():
                cost = each.effective if deal.passed.amortised else each.billed
                if category not in deal.passed.left_out and cost:
                    found[period, project, service, category] = cost
        return found


def discount(deal: Deal, usage: int) -> int:
    """What is off a month's usage, in fen: walked fen by fen of steps, rounded once."""
    if usage <= 0 or not deal.steps:
        return 0
    if deal.volume:
        reached = [ppm for above, ppm in deal.steps if usage >= above]
        return rounded(Fraction(usage * (reached[-1] if reached else 0), 1_000_000))
    bounds = [*(above for above, _ in deal.steps[1:]), max(usage, deal.steps[-1][0])]
    worth = Fraction(0)
    for (above, ppm), upper in zip(deal.steps, bounds, strict=True):
        inside = min(usage, upper) - above
        if inside > 0:
            worth += Fraction(inside * ppm, 1_000_000)
    return rounded(worth)


def months_from(first: str, last: str) -> list[str]:
    """Labels from one to another, both included."""
    found, year, month = [], int(first[:4]), int(first[5:])
    while f"{year:04d}-{month:02d}" <= last:
        found.append(f"{year:04d}-{month:02d}")
        year, month = year + month // 12, month % 12 + 1
    return found


def expected_terms(client: Client, usage: dict[str, int], until: str) -> dict[tuple[str, str], int]:
    """What must stand on bills for each month: discount, minimum, fee; `usage` is as printed."""
    found: dict[tuple[str, str], int] = {}
    spent: dict[str, int] = {}
    for month in months_from(client.first, until):
        deal, own = client.deal(month), usage.get(month, 0)
        off = discount(deal, own) if deal else 0
        spent[month] = own - off
        found[month, "tier_discount"] = -off
        held = deal is not None and (not deal.ends or month <= deal.ends)
        found[month, "management_fee"] = deal.fee if deal and held else 0
        found[month, "true_up"] = _missing(client, deal, month, spent)
        found[month, "sla_credit"] = -_back(client, deal, month, spent[month]) if held else 0
    return found


def _back(client: Client, deal: Deal | None, month: str, spent: int) -> int:
    if deal is None or deal.promised is None:
        return 0
    said = deal.promised
    calls = {
        how: number
        for (label, how), number in client.ended.items()
        if label == month and how not in said.excluded
    }
    whole = sum(calls.values())
    if whole < said.least:
        return 0
    share = Fraction(calls.get("served", 0), whole)
    ppm = max([credit for below, credit in said.below if share * 10**6 < below] or [0])
    return rounded(Fraction(max(0, spent) * min(ppm, said.cap), 10**6))


def _missing(client: Client, deal: Deal | None, month: str, spent: dict[str, int]) -> int:
    if deal is None or not deal.minimum or (deal.ends and month > deal.ends):
        return 0
    so_far = months_from(client.first, month)
    if deal.period == "month":
        return max(0, deal.minimum - spent[month])
    if deal.period == "year":
        year = so_far[(len(so_far) - 1) // 12 * 12 :]
        if len(year) != 12 and month != deal.ends:
            return 0
        due = rounded(Fraction(deal.minimum * len(year), 12))
        return max(0, due - sum(spent[each] for each in year))
    return max(0, deal.minimum - sum(spent[m] for m in so_far)) if month == deal.ends else 0


def worth(tokens: int, price: Decimal, fx: Fraction | None) -> int:
    """Fen of tokens at a price per million, through an exchange rate."""
    exact = Fraction(price) * tokens / 10**6 * 100
    return rounded(exact if fx is None else exact * fx)


@dataclass
class Truth:
    """Everything that happened."""

    clients: dict[str, Client] = field(default_factory=dict)
    fx: dict[str, set[Fraction]] = field(default_factory=lambda: defaultdict(set))
    """Rates published for a month."""
    prices: list[tuple[date, dict[tuple[str, str], Decimal]]] = field(default_factory=list)

    def price(self, on: date, model: str, meter: str) -> Decimal:
        """The price on a day: changes start with a day."""
        return [table for start, table in self.prices if start <= on][-1][model, meter]
