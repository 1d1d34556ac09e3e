"""Trends, as finance and the customer see them: live, exact, once, and what the bill says."""

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
import pytest

from tests.scenarios.books import FOUNDED, Books, Party
from yuejie.assurance.store import worth
from yuejie.bills.bill import LineKind
from yuejie.contracts.contract import Terms
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.publish import open_book
from yuejie.contracts.sign import sign_contract
from yuejie.customers.enrol import ProjectDraft, add_project
from yuejie.db.session import Database, Tx
from yuejie.insights.trend.billed import show_trend
from yuejie.insights.trend.compare import Comparison, Periods, show_comparison
from yuejie.insights.trend.effects import Effects
from yuejie.insights.trend.figures import Measure, Sums
from yuejie.insights.trend.places import By, Filter
from yuejie.insights.trend.series import Asked, Series, read_series, show_series
from yuejie.insights.trend.span import Grain, parse_period
from yuejie.intake.resolve import Measured, resolve_by_hand
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import PICO, Charge
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import Ended
from yuejie.usage.meters import Meter
from yuejie.usage.rebuild import rebuild
from yuejie.usage.show import By as UsageBy
from yuejie.usage.show import Question, show_usage
from yuejie.usage.sums.fold import announce, fold_step, fold_usage

PRICES: Final = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
cache_read = "10"
output = "80"

[models."gpt-4o-mini"]
input = "1"
cache_read = "0.5"
output = "4"
"""
DEARER: Final = PRICES.replace('input = "20"', 'input = "25"')
MODELS: Final = ("gpt-4o", "gpt-4o-mini")
KEYS: Final = ("key_shop", "key_crawler")
NOW: Final = datetime(2026, 10, 20, 4, 30, tzinfo=UTC)
BEGAN: Final = datetime(2026, 9, 28, tzinfo=UTC)


@dataclass
class Firm:
    """A customer of which calls come in any order."""

    books: Books
    party: Party
    rnd: random.Random

    def call(self, started: datetime, *, state: str = "measured") -> Ended:
        """Make one call with a key, a model, a project and a tag by chance."""
        meters = {
            "input": self.rnd.randrange(1, 5_000),
            "cache_read": self.rnd.randrange(3_000),
            "output": self.rnd.randrange(900),
            "requests": 1,
        }
        if state == "unmeasured":
            meters = {"requests": 1}
        model, project = self.rnd.choice(MODELS), self.rnd.choice(("main", "search"))
        ended = self.books.ended(self.party, started, model, project, state, meters)
        tags = self.rnd.choice(("", "team=a", "team=b"))
        key = self.rnd.choice(KEYS)
        return msgspec.structs.replace(
            ended, begun=msgspec.structs.replace(ended.begun, key=key, tags=tags)
        )

    def calls(self, count: int, since: datetime, until: datetime) -> None:
        seconds = int((until - since).total_seconds())
        passed = [self.rnd.randrange(seconds) for _ in range(count)]
        self.books.ingest([self.call(since + timedelta(seconds=each)) for each in passed])

    def series(self, by: By | None = None, grain: Grain = Grain.MONTH, **wanted: str) -> Series:
        asked = Asked(grain=grain, by=by, filter=Filter(**wanted))
        return show_series(self.books.db, self.party.customer, asked, now=NOW)


@pytest.fixture
def firm(books: Books) -> Firm:
    books.prices(PRICES, currency="CNY")
    return Firm(books, books.customer("acme", projects=("main", "search")), random.Random(7))


# The rollups, added up by hand -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RolledUp:
    month: str
    day: date
    project_id: str
    key_id: str
    model: str
    meter: str
    state: str
    quantity: int
    pico: int


ROLLED_UP: Final = """
    SELECT r.month, (r.hour AT TIME ZONE 'Asia/Shanghai')::date AS day, d.project_id, d.key_id,
           r.model, r.meter, r.state, r.quantity,
           r.quantity * coalesce(sale.pico, 0)::numeric AS pico
    FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
"""


def by_hand(tx: Tx, grain: Grain, by: str) -> dict[tuple[date, str], tuple[int, int, int, int]]:
    """Charge, tokens, requests and pending calls of each bucket and name."""
    sums: defaultdict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in tx.rows(RolledUp, ROLLED_UP):
        at = {
            Grain.MONTH: BillingMonth.parse(row.month).first_day,
            Grain.WEEK: row.day - timedelta(days=row.day.weekday()),
            Grain.DAY: row.day,
        }[grain]
        cell = sums[at, getattr(row, by) if by else ""]
        billed = row.state in {"measured", "partial"}
        cell[0] += int(row.pico) if billed else 0
        cell[1] += int(row.quantity) if billed and row.meter != "requests" else 0
        cell[2] += int(row.quantity) if billed and row.meter == "requests" else 0
        cell[3] += int(row.quantity) if not billed and row.meter == "requests" else 0
    return {key: tuple(cell) for key, cell in sums.items() if any(cell)}  # type: ignore[misc]  # four of them


FACES: Final = ((By.MODEL, "model"), (By.KEY, "key_id"), (None, ""))
"""Each asks another table."""
GRAINS: Final = (Grain.MONTH, Grain.WEEK, Grain.DAY)


def assert_exact(db: Database, firm: Firm) -> None:
    """Trends say what the rollups say, at this very moment."""
    customer = firm.party.customer
    with db.read(consistent=True) as tx:
        for grain in GRAINS:
            for by, column in FACES:
                series = read_series(tx, customer, Asked(grain=grain, by=by), now=NOW)
                assert _told(series) == by_hand(tx, grain, column)
        # What names both who and what is asked of the third table; hours are kept by themselves.
        models = read_series(tx, customer, Asked(by=By.MODEL), now=NOW).lines
        for model in models:
            asked = Asked(by=By.KEY, filter=Filter(model=model.name))
            assert read_series(tx, customer, asked, now=NOW).whole.sums == model.sums
        asked = Asked(grain=Grain.HOUR, count=744, by=By.KEY)
        hours = read_series(tx, customer, asked, now=NOW)
        asked = Asked(grain=Grain.DAY, count=31, by=By.KEY)
        assert hours.whole.whole == read_series(tx, customer, asked, now=NOW).whole.whole


def assert_totals(db: Database, firm: Firm) -> None:
    """What the sums say of days and months is what the hours say, while nobody writes."""
    for who in (firm.party.customer.customer_id, None):
        for wanted in TOTALS:
            # An instant that all usage is after: so the hours themselves are asked.
            by_hour = show_usage(db, who, Question(**MONTHS, **wanted, since=EPOCH))
            assert show_usage(db, who, Question(**MONTHS, **wanted)) == by_hour
    with db.read(consistent=True) as tx:
        for month in ("2026-09", "2026-10"):
            assert _worth(tx, month) == _worth_by_hand(tx, month)


MONTHS: Final[dict[str, Any]] = {
    "first": BillingMonth.parse("2026-09"),
    "last": BillingMonth.parse("2026-10"),
}
TOTALS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"by": (UsageBy.DAY,)},
    {"by": (UsageBy.MODEL, UsageBy.DAY), "state": "measured"},
    {"by": (UsageBy.METER, UsageBy.STATE), "model": "gpt-4o"},
    {"by": (UsageBy.PROVIDER,), "meter": "output"},
    {"by": (UsageBy.KEY, UsageBy.MODEL), "tag": "team=a"},
    {"by": (UsageBy.CUSTOMER, UsageBy.DAY), "key": "key_shop"},
)
"""Each is answered by the sums of the house, or of a customer."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _worth(tx: Tx, month: str) -> dict[str, int]:
    return {row.model: int(row.sale_pico) for row in worth(tx, month) if row.sale_currency == "CNY"}


def _worth_by_hand(tx: Tx, month: str) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for row in tx.rows(RolledUp, ROLLED_UP):
        if row.month == month and row.state in {"measured", "partial"}:
            sums[row.model] += int(row.pico)
    return {model: pico for model, pico in sums.items() if pico}


def _told(series: Series) -> dict[tuple[date, str], tuple[int, int, int, int]]:
    told = {}
    for line in series.lines or (series.whole,):
        for bucket, sums in zip(series.buckets, line.sums, strict=True):
            cell = (sums.charges.get("CNY", 0), sums.tokens, sums.requests, sums.pending)
            if any(cell):
                told[bucket.at, line.name] = cell
    return told


class Life:
    """What happens to a house: usage on time and late, corrections, clerks that come and die."""

    def __init__(self, firm: Firm, rnd: random.Random) -> None:
        self.firm, self.rnd, self.at = firm, rnd, BEGAN
        self.db = firm.books.db
        self.open: list[UUID] = []

    def on_time(self) -> None:
        self.firm.calls(5, self.at, self.at + timedelta(hours=3))
        self.at += timedelta(hours=self.rnd.choice((1, 30, 70)))

    def late(self) -> None:
        self.firm.calls(3, BEGAN, self.at + timedelta(hours=1))

    def unmeasured(self) -> None:
        started = BEGAN + timedelta(hours=self.rnd.randrange(48))
        call = self.firm.call(started, state="unmeasured")
        self.firm.books.ingest([call])
        self.open.append(UUID(bytes=call.begun.event))

    def corrected(self) -> None:
        if self.open:
            found = Measured(quantities={Meter.INPUT: 700, Meter.OUTPUT: 30})
            resolve_by_hand(self.db, self.open.pop(), found, by="test")

    def announced_and_died(self) -> None:
        announce(self.db, self.at)

    def step(self) -> None:
        fold_step(self.db, self.at - timedelta(hours=self.rnd.randrange(30)))

    def fold(self) -> None:
        fold_usage(self.db, self.at)

    def day(self) -> None:
        """Let something happen."""
        happens = (self.on_time, self.late, self.unmeasured, self.corrected)
        comes = (self.announced_and_died, self.step, self.fold)
        self.rnd.choice((*happens, *comes))()


@pytest.mark.parametrize("seed", range(2))
def test_sums_and_what_is_live_are_the_rollups_whatever_happens(firm: Firm, seed: int) -> None:
    """Usage on time and late, corrections, folds, and clerks that die between their two steps."""
    firm.rnd = random.Random(seed)
    life = Life(firm, firm.rnd)
    for _ in range(8):
        for _ in range(3):
            life.day()
        assert_exact(life.db, firm)
        assert_totals(life.db, firm)
    assert all(_agrees(life.db, month) for month in ("2026-09", "2026-10"))
    fold_usage(life.db, NOW)
    assert_exact(life.db, firm)
    assert_totals(life.db, firm)
    assert all(_agrees(life.db, month) for month in ("2026-09", "2026-10"))
    with life.db.read() as tx:
        assert tx.value("SELECT count(*) FROM usage_late") == 0
        assert tx.value("SELECT count(*) FROM usage_sum_model") > 0


def _agrees(db: Database, month: str) -> bool:
    return rebuild(db, BillingMonth.parse(month)).agrees


def test_usage_that_arrives_while_hours_are_folded_is_counted_once(firm: Firm) -> None:
    """Three writers and a clerk side by side; somebody looks all the time."""
    db, until = firm.books.db, BEGAN + timedelta(hours=40)
    made = [firm.call(BEGAN + timedelta(minutes=17 * n)) for n in range(60)]
    stop = threading.Event()

    def write(part: list[Ended]) -> None:
        books = Books(db)
        for call in part:
            books.ingest([call])

    def clerk() -> None:
        at = BEGAN
        while not stop.is_set():
            at = min(at + timedelta(hours=2), until)
            fold_step(db, at)
            fold_usage(db, BEGAN)

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, made[n::3]) for n in range(3)]
        folding = pool.submit(clerk)
        while not all(each.done() for each in writers):
            assert_exact(db, firm)
        stop.set()
        for each in (*writers, folding):
            each.result()
    fold_usage(db, NOW)
    assert_exact(db, firm)
    assert firm.series().whole.whole.requests == len(made)
    assert _agrees(db, "2026-09")


def test_a_clerk_that_dies_while_folding_leaves_nothing_behind(firm: Firm, owner_url: str) -> None:
    firm.calls(20, BEGAN, BEGAN + timedelta(hours=10))
    db = firm.books.db
    fold_usage(db, BEGAN + timedelta(minutes=10))
    announce(db, BEGAN + timedelta(hours=8))
    with Database.open(owner_url, size=1) as owner:
        with owner.begin() as tx:
            tx.run("ALTER TABLE usage_sum_place ADD CONSTRAINT dies CHECK (quantity < 0)")
        with pytest.raises(psycopg.errors.CheckViolation):
            fold_step(db, BEGAN + timedelta(hours=8))
        assert_exact(db, firm)
        with owner.begin() as tx:
            tx.run("ALTER TABLE usage_sum_place DROP CONSTRAINT dies")
    firm.calls(5, BEGAN, BEGAN + timedelta(hours=8))
    assert_exact(db, firm)
    fold_usage(db, BEGAN + timedelta(hours=9))
    assert_exact(db, firm)


def test_what_is_wrong_in_the_sums_is_found_and_put_right(firm: Firm, owner_url: str) -> None:
    firm.calls(20, BEGAN, BEGAN + timedelta(hours=30))
    db, month = firm.books.db, BillingMonth.parse("2026-09")
    fold_usage(db, NOW)
    for wrong in (
        "DELETE FROM usage_sum_whole WHERE meter = 'output'",
        "UPDATE usage_sum_model SET quantity = quantity + 1 WHERE meter = 'input'",
        "UPDATE usage_sum_place SET sale_pico = sale_pico - 1 WHERE meter = 'input'",
        "UPDATE usage_sum_house SET quantity = quantity + 1 WHERE meter = 'output'",
        "DELETE FROM usage_sum_house WHERE grain = 'month'",
    ):
        with Database.open(owner_url, size=1) as owner, owner.begin() as tx:
            tx.run(wrong)
        found = rebuild(db, month)
        assert (found.different, found.whole) == (0, False)
        assert found.sums.different > 0
        assert rebuild(db, month, check=False).whole
        assert rebuild(db, month).agrees
        assert_exact(db, firm)
        assert_totals(db, firm)


# What finance reads ----------------------------------------------------------------------------


def test_a_closed_month_is_what_its_bill_says(books: Books) -> None:
    """A line settles once to fen; the trend is exact: settle it line by line to compare."""
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme", projects=("main", "search"))
    for day in range(1, 29):
        acme.uses(f"2026-09-{day:02d}T11:00", "gpt-4o", input=1_003, cache_read=77, output=311)
        acme.uses(f"2026-09-{day:02d}T23:59", "gpt-4o-mini", project="search", input=7, output=1)
    fold_usage(books.db, datetime(2026, 9, 20, tzinfo=UTC))
    books.close("2026-09")
    lines = [line for line in acme.bill("2026-09").lines if line.kind is LineKind.USAGE]
    asked = Asked(count=1, until=datetime(2026, 9, 30, tzinfo=UTC), by=By.MODEL)
    series = show_series(books.db, acme.customer, asked, now=NOW)
    assert series.whole.whole.charges == {"CNY": sum(line.charge_pico for line in lines)}
    tokens = sum(line.quantity for line in lines)
    assert series.whole.whole.tokens == tokens
    for line in series.lines:
        of_model = [each for each in lines if each.model == line.name]
        assert line.whole.charges["CNY"] == sum(each.charge_pico for each in of_model)
    settled = sum(Charge(line.charge_pico, "CNY").settle().fen for line in lines)
    assert settled == sum(line.amount_fen for line in lines)


def test_a_dearer_price_and_more_calls_are_told_apart(books: Books) -> None:
    books.prices(PRICES, currency="CNY")
    books.clock.at = datetime(2026, 9, 20, tzinfo=UTC)
    acme = books.customer("acme")
    acme.uses("2026-09-10T11:00", "gpt-4o", input=1_000_000)
    dearer = PriceImport(
        book_id="list",
        name="dearer.toml",
        body=DEARER.encode(),
        starts_at=datetime(2026, 10, 1, tzinfo=UTC) - timedelta(hours=8),
        approve=True,
    )
    assert not import_prices(books.db, dearer, by="clerk", now=books.clock.now()).refused
    acme.uses("2026-10-10T11:00", "gpt-4o", input=3_000_000)
    (why,) = compared(books, acme, "2026-09", "2026-10").why
    assert why.effects == Effects(volume=40 * PICO, price=15 * PICO, mix=0)
    assert (why.before, why.after) == (20 * PICO, 75 * PICO)


def test_a_cheaper_model_for_the_same_tokens_is_mix(books: Books) -> None:
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-09-10T11:00", "gpt-4o", input=1_000_000)
    acme.uses("2026-10-10T11:00", "gpt-4o-mini", input=1_000_000)
    found = compared(books, acme, "2026-09", "2026-10", by=By.MODEL)
    (why,) = found.why
    assert why.effects == Effects(mix=-19 * PICO)
    assert {each.model: each.effects.change for each in why.models} == {
        "gpt-4o": -20 * PICO,
        "gpt-4o-mini": PICO,
    }
    assert [each.name for each in found.changes] == ["gpt-4o", "gpt-4o-mini"]


def test_periods_of_unequal_length_have_figures_per_day(books: Books) -> None:
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    for day in ("2026-09-28", "2026-09-30", "2026-10-01", "2026-10-20"):
        acme.uses(f"{day}T08:00", "gpt-4o", input=500_000, requests=1)
    fold_usage(books.db, datetime(2026, 10, 3, tzinfo=UTC))
    found = compared(books, acme, "2026-09-29..2026-10-02", "2026-10")
    assert (found.before.days, found.after.days) == (4, 20)
    assert found.before.sums.requests == found.after.sums.requests == 2
    assert found.before.per_day(Measure.CHARGE, "CNY") == 5
    assert found.after.per_day(Measure.CHARGE, "CNY") == 1
    assert found.why[0].effects == Effects()


def test_a_contract_that_moved_to_another_currency_is_not_subtracted(books: Books) -> None:
    books.prices(PRICES.replace("CNY", "USD"), currency="USD")
    acme = books.customer("acme", currency="USD")
    acme.uses("2026-09-10T11:00", "gpt-4o", input=1_000_000)
    open_book(books.db, "yuan", kind="sale", currency="CNY", by="clerk", now=FOUNDED)
    wanted = PriceImport(
        book_id="yuan", name="p.toml", body=PRICES.encode(), starts_at=FOUNDED, approve=True
    )
    assert not import_prices(books.db, wanted, by="clerk", now=FOUNDED).refused
    terms = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("yuan"),
        currency="CNY",
        starts_at=datetime(2026, 9, 30, 16, tzinfo=UTC),
    )
    sign_contract(books.db, terms, by="clerk", now=datetime(2026, 9, 12, tzinfo=UTC))
    acme.uses("2026-10-10T11:00", "gpt-4o", input=1_000_000)
    found = compared(books, acme, "2026-09", "2026-10", by=By.MODEL)
    assert found.why == ()
    assert "先 USD，后 CNY" in found.why_not
    assert found.before.sums.charges == {"USD": 20 * PICO}
    assert found.after.sums.charges == {"CNY": 20 * PICO}
    series = show_series(books.db, acme.customer, Asked(count=2), now=NOW)
    assert (series.currencies, series.currency) == (("CNY", "USD"), "CNY")
    assert series.whole.whole.value(Measure.PER_MTOK, "CNY") is None


def test_dollars_are_told_in_the_yuan_of_the_bill_by_the_months_rate(books: Books) -> None:
    books.prices(PRICES.replace("CNY", "USD"), currency="USD")
    books.fx("7.1", on="2026-09-30")
    acme = books.customer("acme", fx_policy="bill")
    acme.uses("2026-09-30T11:00", "gpt-4o", input=1_000_000)
    acme.uses("2026-10-10T11:00", "gpt-4o", input=100_000)
    series, billed = show_trend(books.db, acme.customer, Asked(count=2), now=NOW)
    assert series.currency == "USD"
    assert billed is not None
    assert billed.currency == "CNY"
    assert billed.amounts == (Fraction(142), Fraction("14.2"))
    assert "账期未结束" in billed.sentences[0]
    weeks = Asked(grain=Grain.WEEK, count=4)
    _, by_week = show_trend(books.db, acme.customer, weeks, now=NOW)
    assert by_week is not None
    assert by_week.amounts[0] is None  # of two months
    assert by_week.amounts[1] == Fraction("14.2")


def test_a_project_stands_for_its_subtree(books: Books) -> None:
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme", projects=("group", "shop"))
    customer_id = acme.customer.customer_id
    for name, parent in (("search", "shop"), ("ranking", "search"), ("cart", "shop")):
        draft = ProjectDraft(name=name, parent=parent, department=f"{name}部")
        add_project(books.db, customer_id, draft, by="clerk", now=FOUNDED)
    for project in ("group", "shop", "search", "ranking", "ranking", "cart"):
        acme.uses("2026-10-10T11:00", "gpt-4o", project=project, input=10, requests=1)

    def requests(by: By, **wanted: str) -> dict[str, int]:
        asked = Asked(count=1, by=by, filter=Filter(**wanted))
        lines = show_series(books.db, acme.customer, asked, now=NOW).lines
        return {line.label: line.whole.requests for line in lines}

    assert requests(By.PROJECT) == {"group": 1, "shop": 5}
    assert requests(By.PROJECT, project="shop") == {"shop": 1, "search": 3, "cart": 1}
    assert requests(By.PROJECT, project="ranking") == {"ranking": 2}
    assert requests(By.MODEL, project="search") == {"gpt-4o": 3}
    assert requests(By.DEPARTMENT, project="search") == {"search部": 1, "ranking部": 2}
    with pytest.raises(NotFound, match="项目“nope”不存在"):
        requests(By.MODEL, project="nope")


def test_the_largest_lines_and_the_rest_add_up_and_tags_are_split(firm: Firm) -> None:
    firm.calls(40, BEGAN, NOW)
    series = firm.series(By.KEY)
    first, rest = series.top(1).lines
    assert first.whole + rest.whole == series.whole.whole
    assert (rest.label, rest.members) == ("其余", 1)
    asked = Asked(by=By.TAG, tag_name="team")
    teams = show_series(firm.books.db, firm.party.customer, asked, now=NOW)
    assert {line.label for line in teams.lines} == {"（未填写）", "a", "b"}
    tagged = firm.series(tag="team=a").whole.whole
    (a,) = [line.whole for line in teams.lines if line.name == "a"]
    assert tagged == a
    with pytest.raises(Invalid, match="前几名"):
        series.top(0)


def test_nobody_sees_another_customers_usage(firm: Firm) -> None:
    firm.calls(10, BEGAN, NOW)
    other = firm.books.customer("other")
    fold_usage(firm.books.db, NOW)
    firm.calls(2, NOW - timedelta(minutes=20), NOW)
    for by in (None, *By):
        for grain in (Grain.MONTH, Grain.HOUR):
            asked = Asked(grain=grain, by=by)
            found = show_series(firm.books.db, other.customer, asked, now=NOW)
            assert (found.lines, found.whole.whole) == ((), Sums())


def compared(
    books: Books, party: Party, before: str, after: str, by: By | None = None
) -> Comparison:
    periods = Periods(parse_period(before), parse_period(after))
    return show_comparison(books.db, party.customer, periods, by=by, wanted=Filter(), now=NOW)
