"""The simulator's own books: what was used, agreed and allowed, and what that comes to.

Plain Python and fractions; it knows nothing of the product's code, nor of its database. It is told
of every deed that happened, and says what all living bills together must print for a service month.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, takewhile


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
    """What a contract version says: it holds from its first day on."""

    since: date
    ends: date | None = None
    """The first day on which it no longer holds, None for none."""
    contract: int = 0
    """Which of the customer's contracts it is a version of."""
    term: int = 0
    """Which term of that contract: a renewal begins another."""
    currency: str = ""
    notice: int = 0
    """Days between asking to leave and leaving."""
    bound: bool = False
    """Whether leaving costs something: a fixed sum, and so many ppm of the rest of the promise."""
    fixed: int = 0
    rest: int = 0
    steps: tuple[tuple[int, int], ...] = ()
    """From so many fen on, so many ppm off."""
    volume: bool = False
    minimum: int = 0
    period: str = "month"
    fee: int = 0
    promised: Promised | None = None
    passed: Passed | None = None

    def __str__(self) -> str:
        """How it is called where something went wrong."""
        name = f"{self.contract}.{self.term} {self.currency} {self.since}..{self.ends or ''}"
        return f"{name} {self.minimum} a {self.period} fee {self.fee}"

    @property
    def whose(self) -> tuple[int, int]:
        """The contract and its term."""
        return self.contract, self.term


@dataclass
class Client:
    """A customer as the simulator knows it."""

    slug: str
    first: str
    deals: list[Deal]
    signed: int = 1
    """How many contracts were signed; one that was left before it began has no deal."""
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    """By event; the newest word counts."""
    allowed: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Approved adjustments: service month, fen and currency."""
    fees: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What leaving costs, by the month of the last day and the contract's currency."""
    voided: set[tuple[str, str]] = field(default_factory=set)
    """Service months of bills that were voided whole, and these bills' currency, until a closing
    in that has billed them again."""
    ended: Counter[tuple[date, str]] = field(default_factory=Counter)
    """How calls ended, by day: served, or at whose fault they failed."""
    grants: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Approved packages and vouchers: kind and fen."""
    asked: dict[str, dict[tuple[str, str, str], Asked]] = field(default_factory=dict)
    """What the cloud asks for, by period: of a project, for a service, of a category."""

    def on(self, day: date) -> Deal | None:
        """The version that was the newest to begin by a day; of one day, the one signed last."""
        begun = [deal for deal in self.deals if deal.since <= day]
        return max(reversed(begun), key=lambda deal: deal.since) if begun else None

    def deal(self, month: str) -> Deal | None:
        """The version that holds at a month's end."""
        return self.on(last_day(month))

    def serves(self, month: str) -> bool:
        """Whether somebody is served in a month: behind a contract's end nothing is admitted."""
        deal = self.deal(month)
        return deal is not None and (deal.ends is None or deal.ends > first_day(month))

    def term(self, deal: Deal) -> tuple[date, date | None]:
        """The first day of a version's term, and the first day behind it."""
        own = [each for each in self.deals if each.whose == deal.whose]
        return min(each.since for each in own), own[-1].ends

    def began(self, deal: Deal) -> date:
        """The first day of a version's contract."""
        return min(each.since for each in self.deals if each.contract == deal.contract)

    def leaves(self, contract: int, asked: date, wished: date) -> None:
        """Leave a contract from a day on, but for the notice; what that costs stands on a bill."""
        newest = [deal for deal in self.deals if deal.contract == contract][-1]
        over = max(wished, asked + timedelta(days=newest.notice))
        month = str(over - timedelta(days=1))[:7]
        self.fees[month, newest.currency] += break_fee(self, newest, over)
        self.deals = [
            self._left(deal, over) if deal.contract == contract else deal
            for deal in self.deals
            if deal.contract != contract or deal.since < over
        ]

    def _left(self, deal: Deal, over: date) -> Deal:
        """Let a deal end; what was promised for the whole of its term counts by the days held."""
        begins, ends = self.term(deal)
        minimum = deal.minimum
        if deal.period == "term" and ends is not None and begins < over < ends:
            minimum = rounded(Fraction(minimum * (over - begins).days, (ends - begins).days))
        return replace(deal, ends=min(deal.ends or over, over), minimum=minimum)

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


def first_day(month: str) -> date:
    """The first day of a month."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """The last day of a month."""
    return later(first_day(month), 1) - timedelta(days=1)


def later(day: date, months: int) -> date:
    """The same day so many months later; of a day that month lacks, its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    behind = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), behind - timedelta(days=1))


def days_of(since: date, until: date | None, month: str) -> Fraction:
    """The share of a month's days that lie from a day on and before another."""
    first, behind = first_day(month), later(first_day(month), 1)
    start, end = max(first, since), min(behind, until or behind)
    return Fraction(max(0, (end - start).days), (behind - first).days)


def expected_terms(client: Client, usage: dict[str, int], until: str) -> dict[tuple[str, str], int]:
    """What must stand on bills for each month: discount, minimum, fee; `usage` is as printed."""
    found: dict[tuple[str, str], int] = {}
    spent: dict[str, int] = {}
    for month in months_from(client.first, until):
        deal, own = client.deal(month), usage.get(month, 0)
        off = discount(deal, own) if deal else 0
        spent[month] = own - off
        found[month, "tier_discount"] = -off
        held = deal is not None and (deal.ends is None or deal.ends > first_day(month))
        whole = deal is not None and (deal.ends is None or deal.ends > last_day(month))
        found[month, "management_fee"] = deal.fee if deal and whole else 0
        found[month, "true_up"] = _missing(client, deal, month, spent) if deal and held else 0
        found[month, "sla_credit"] = -_back(client, deal, month, spent[month]) if held else 0
    return found


def _back(client: Client, deal: Deal | None, month: str, spent: int) -> int:
    """What the month's service gives back, of calls on days of the contract."""
    if deal is None or deal.promised is None:
        return 0
    said, since = deal.promised, client.began(deal)
    calls = Counter[str]()
    for (day, how), number in client.ended.items():
        inside = since <= day and (deal.ends is None or day < deal.ends)
        if str(day)[:7] == month and inside and how not in said.excluded:
            calls[how] += number
    whole = calls.total()
    if whole < said.least:
        return 0
    share = Fraction(calls["served"], whole)
    ppm = max([credit for below, credit in said.below if share * 10**6 < below] or [0])
    return rounded(Fraction(max(0, spent) * min(ppm, said.cap), 10**6))


def _missing(client: Client, deal: Deal, month: str, spent: dict[str, int]) -> int:
    """What lacks to the minimum that falls due in a month.

    That of a year or term counts the months of its term that are billed under it: the month within
    which another term or contract takes over is that one's.
    """
    if not deal.minimum:
        return 0
    since = client.began(deal)
    if deal.period == "month":
        due = deal.minimum * days_of(since, deal.ends, month)
        return max(0, rounded(Fraction(due)) - spent[month])
    counted = months_from(str(client.term(deal)[0])[:7], month)
    last = month == _last_billed(client, deal)
    if deal.period == "term":
        due = deal.minimum * _share_held(client, deal) if last else Fraction(0)
    else:
        counted = counted[(len(counted) - 1) // 12 * 12 :]
        held = sum((days_of(since, deal.ends, each) for each in counted), Fraction(0))
        due = deal.minimum * held / 12 if last or len(counted) == 12 else Fraction(0)
    return max(0, rounded(due) - sum(spent.get(each, 0) for each in counted)) if due else 0


def _last_billed(client: Client, deal: Deal) -> str | None:
    """The last month that is billed under a term, None where nothing ends it."""
    begins, ends = client.term(deal)
    until = ends - timedelta(days=1) if ends else max(each.since for each in client.deals)
    months = months_from(str(begins)[:7], str(until)[:7])
    own = list(takewhile(lambda month: _is_of(client.deal(month), deal), months))
    return own[-1] if own and (ends or len(own) < len(months)) else None


def _share_held(client: Client, deal: Deal) -> Fraction:
    """On which share of its days a term held before another contract took over."""
    begins, ends = client.term(deal)
    if ends is None:
        return Fraction(1)
    days = [begins + timedelta(days=n) for n in range((ends - begins).days)]
    held = list(takewhile(lambda day: _is_of(client.on(day), deal), days))
    return Fraction(len(held), len(days))


def _is_of(holds: Deal | None, deal: Deal) -> bool:
    return holds is not None and holds.whose == deal.whose


def break_fee(client: Client, newest: Deal, over: date) -> int:
    """What leaving costs: a sum, and a share of what the rest of each term was promised, by days.

    A month's promise counts by the days of each month, a year's by those of each year of its term,
    a term's by those of the term.
    """
    if not newest.bound or newest.ends is None:
        return 0
    rest = Fraction(0)
    terms = {deal.term: deal for deal in client.deals if deal.contract == newest.contract}
    for deal in terms.values():
        first, behind = client.term(deal)
        assert behind is not None
        span = 12 if deal.period == "year" else 1
        edges = [later(first, span * n) for n in range(99)]
        if deal.period == "term":
            edges = [first, behind]
        elif deal.period == "month":
            edges = [later(first.replace(day=1), n) for n in range(99)]
        for start, end in pairwise(edges):
            held = (min(end, behind) - max(start, over, first)).days
            rest += deal.minimum * Fraction(max(0, held), (end - start).days)
    return newest.fixed + rounded(rest * newest.rest / 10**6)


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
