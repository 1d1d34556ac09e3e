"""Forecasts, as finance asks for them: what will the month come to, and when is a budget gone?"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.scenarios.books import Books, Party, cny
from yuejie.budgets.allowance import Measure as Capped
from yuejie.budgets.allowance import Mode, Period
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.customers.enrol import ProjectDraft, add_project
from yuejie.insights.forecast.exhaust import exhaustions, foresee_all
from yuejie.insights.forecast.figures import Exhaustion, Forecast, Measure
from yuejie.insights.forecast.foresee import foresee, foresee_hours
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.money import PICO
from yuejie.kernel.period import local_hour
from yuejie.kernel.workdays import is_workday
from yuejie.usage.journal import Ended
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us
from yuejie.usage.sums.fold import fold_usage

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"

[models."gpt-4o-mini"]
input = "1"
output = "4"
"""
ZONE: Final = ZoneInfo("Asia/Shanghai")
BEGAN: Final = date(2026, 8, 3)
NOW: Final = datetime(2026, 10, 12, 18, 30, tzinfo=ZONE)


@dataclass
class Office:
    """A customer whose people work on weekdays: 100 yuan a day, a tenth of it at weekends."""

    books: Books
    party: Party
    records: list[Ended] = field(default_factory=list)
    first: dict[str, Ended] = field(default_factory=dict)
    """A call of each project, rated once; the others are like it."""

    def days(self, first: date, end: date, *, times: float = 1.0, project: str = "main") -> None:
        """Use the API at ten and at three, from day to day, the last day excluded."""
        day = first
        while day < end:
            rests = not is_workday(day)
            wobble = 1 + ((day.toordinal() * 37) % 11 - 5) / 50
            tokens = round(2_500_000 * times * wobble * (0.1 if rests else 1.0))
            for hour in (10, 15):
                self.call(day, hour, tokens, project)
            day += timedelta(days=1)
        self.flush()

    def call(self, day: date, hour: int, tokens: int, project: str = "main") -> None:
        at = datetime(day.year, day.month, day.day, hour, 7, tzinfo=ZONE).astimezone(UTC)
        meters: dict[str, int] = {Meter.INPUT: 1, Meter.REQUESTS: 50}
        if project not in self.first:
            self.first[project] = self.books.ended(
                self.party, at, "gpt-4o", project, "measured", meters
            )
        like, us = self.first[project], unix_us(at)
        begun = msgspec.structs.replace(
            like.begun,
            event=uuid7_at(us // 1000),
            operation=uuid7_at(us // 1000),
            started_us=us,
            month=f"{day:%Y-%m}",
            hour_s=int(local_hour(at, ZONE).timestamp()),
        )
        items = tuple(
            msgspec.structs.replace(item, quantity=tokens) if item.meter == Meter.INPUT else item
            for item in like.items
        )
        self.records.append(msgspec.structs.replace(like, begun=begun, items=items))

    def flush(self) -> None:
        self.books.ingest(self.records)
        self.records = []

    def told(self, now: datetime = NOW, measure: Measure = Measure.MONEY) -> Forecast:
        customer_id = self.party.customer.customer_id
        return foresee(self.books.db, customer_id, measure=measure, now=now)

    def gone(self, name: str, now: datetime = NOW) -> Exhaustion:
        found = exhaustions(self.books.db, self.party.customer.customer_id, now=now)
        return next(each for each in found if each.name == name)

    def caps(self, name: str, cap: int, now: datetime = NOW, **facts: object) -> None:
        told: dict[str, object] = {"measure": Capped.MONEY, "currency": "CNY", "mode": Mode.SOFT}
        draft = AllowanceDraft(name=name, cap=cap, **(told | facts))  # type: ignore[arg-type]  # why: facts of a draft
        add_allowance(self.books.db, self.party.customer, draft, by="tests", now=now)


@pytest.fixture
def acme(books: Books) -> Office:
    books.prices(PRICES, currency="CNY")
    office = Office(books, books.customer("acme"))
    office.days(BEGAN, date(2026, 10, 13))
    return office


def test_the_month_is_told_with_its_holiday_and_its_weekends(acme: Office) -> None:
    """
    Ten weeks of work, and the week of the national holiday.
    On 12 October the month is at 410 yuan; thirteen working days and four days of weekends remain.
    """
    told = acme.told()
    month = told.months[0]
    assert (str(month.month), told.unit, told.known_days) == ("2026-10", "CNY", 69)
    with acme.books.db.read() as tx:
        exact = tx.value(
            "SELECT sum(quantity * rate.pico)::numeric FROM usage_rollup"
            " JOIN rate ON rate_id = sale_rate WHERE month = '2026-10'"
        )
    assert month.used == cny(f"{exact / PICO:.2f}").fen
    acme.days(date(2026, 10, 13), date(2026, 11, 1))
    came = acme.told(datetime(2026, 11, 1, tzinfo=ZONE) - timedelta(seconds=1)).months[0].used
    assert month.told.middle == pytest.approx(came, rel=0.06)
    assert month.told.low80 is not None
    assert month.told.high80 is not None
    assert month.told.low80 <= came <= month.told.high80
    assert month.run_rate is not None
    assert abs(month.run_rate - came) > 3 * abs(month.told.middle - came)
    assert [str(each.month) for each in told.months] == ["2026-10", "2026-11", "2026-12", "2027-01"]


def test_what_past_forecasts_were_worth_stands_beside_them(acme: Office) -> None:
    proof = acme.told().proof
    assert proof is not None
    assert len(proof.trials) == 6
    assert proof.miss is not None
    assert proof.naive_miss is not None
    assert proof.miss < proof.naive_miss
    assert proof.mase is not None
    assert proof.mase < 1


def test_tokens_and_requests_are_told_as_well(acme: Office) -> None:
    tokens, requests = (acme.told(measure=each) for each in (Measure.TOKENS, Measure.REQUESTS))
    assert (tokens.unit, requests.unit) == ("tokens", "requests")
    assert requests.months[0].used == 12 * 100
    # 20 yuan a million tokens: a fen is 500 tokens.
    assert tokens.months[0].used == pytest.approx(500 * acme.told().months[0].used, rel=1e-6)


def test_a_project_is_told_with_those_below_it_and_nothing_beside(acme: Office) -> None:
    db, customer = acme.books.db, acme.party.customer
    for draft in (ProjectDraft(name="lab"), ProjectDraft(name="bench", parent="lab")):
        add_project(db, customer.customer_id, draft, by="tests", now=acme.books.clock.now())
    acme.days(date(2026, 9, 1), date(2026, 10, 13), times=0.5, project="bench")
    whole, lab, main = (
        foresee(db, customer.customer_id, project=project, now=NOW).months[0]
        for project in (None, "lab", "main")
    )
    assert whole.used == lab.used + main.used
    assert lab.told.middle == pytest.approx(main.told.middle / 2, rel=0.1)
    mini = foresee(db, customer.customer_id, model="gpt-4o-mini", now=NOW)
    assert (mini.months, mini.knows) == ((), "还没有满一天的用量，暂不能预测")
    with pytest.raises(NotFound, match="没有项目“nix”"):
        foresee(db, customer.customer_id, project="nix", now=NOW)


def test_another_customer_is_not_in_it(acme: Office) -> None:
    other = Office(acme.books, acme.books.customer("zeta"))
    before = acme.told()
    other.days(date(2026, 9, 1), date(2026, 10, 13), times=9)
    assert acme.told().months == before.months


def test_a_short_history_says_how_little_it_knows(books: Books) -> None:
    books.prices(PRICES, currency="CNY")
    young = Office(books, books.customer("young"))
    assert young.told().knows == "还没有满一天的用量，暂不能预测"
    young.days(date(2026, 10, 9), date(2026, 10, 13))
    told = young.told()
    assert told.knows == "只有 3 天的用量，还没有见过完整的一周：只给出推算值，不给区间"
    assert told.months[0].told.low80 is None
    assert told.proof is not None
    assert told.proof.trials == ()
    young.days(date(2026, 10, 13), date(2026, 10, 24))
    later = young.told(datetime(2026, 10, 24, 9, tzinfo=ZONE))
    assert later.knows.startswith("只有 14 天的用量，还没有见过完整的一个月")
    low, high = later.months[0].told.low80, later.months[0].told.high80
    assert low is not None
    assert high is not None
    assert high - low > 0.1 * later.months[0].told.middle


def test_a_customer_that_left_is_not_told_to_go_on(acme: Office) -> None:
    told = acme.told(datetime(2026, 10, 22, 9, tzinfo=ZONE))
    assert told.knows.startswith("已连续 9 天没有用量，比以往都久")
    month = told.months[0]
    assert month.used <= month.told.middle < month.used + 5_000


def test_a_budget_is_gone_on_a_day_between_two_days(acme: Office) -> None:
    """
    On 12 October 360 yuan of 1,000 are used and every working day takes 100.
    Six working days later, on the 20th or 21st, nothing is left.
    """
    acme.caps("本月", 1_000 * PICO)
    gone = acme.gone("本月")
    assert gone.likely is not None
    assert gone.early is not None
    assert gone.late is not None
    assert gone.early <= gone.likely <= gone.late
    assert date(2026, 10, 19) <= gone.likely.astimezone(ZONE).date() <= date(2026, 10, 22)
    assert gone.likely.astimezone(ZONE).hour in range(10, 17)
    acme.days(date(2026, 10, 13), date(2026, 10, 31))
    day = min(
        d
        for d in range(13, 31)
        if acme.told(datetime(2026, 10, d, 20, tzinfo=ZONE)).months[0].used >= 100_000
    )
    assert gone.early.astimezone(ZONE).day <= day <= gone.late.astimezone(ZONE).day


def test_a_budget_that_fits_is_not_gone_this_period(acme: Office) -> None:
    acme.caps("宽", 100_000 * PICO)
    acme.caps("宽 token", 10**12, measure=Capped.TOKENS, currency="")
    acme.caps("请求", 1_500, measure=Capped.REQUESTS, currency="")
    for name in ("宽", "宽 token"):
        gone = acme.gone(name)
        assert (gone.early, gone.likely, gone.late) == (None, None, None)
        assert gone.told is not None
        assert gone.told.middle < gone.cap
    requests = acme.gone("请求")
    assert requests.likely is not None
    # 1,200 are used, 100 come a day whatever the day: the 15th.
    assert requests.likely.astimezone(ZONE).date() in (date(2026, 10, 15), date(2026, 10, 16))


def test_what_is_used_up_is_used_up_and_what_is_by_the_minute_is_no_budget(acme: Office) -> None:
    acme.caps("用完", PICO)
    acme.caps(
        "限速", 5, measure=Capped.REQUESTS, currency="", period=Period.MINUTE, mode=Mode.PACED
    )
    gone = acme.gone("用完")
    assert gone.likely == NOW
    found = exhaustions(acme.books.db, acme.party.customer.customer_id, now=NOW)
    assert [each.name for each in found] == ["用完"]


def test_a_days_budget_is_gone_by_an_hour(acme: Office) -> None:
    """Half of a day comes at ten, half at three: 60 yuan of 100 are gone in the afternoon."""
    morning = datetime(2026, 10, 13, 9, tzinfo=ZONE)
    acme.caps("今天", 60 * PICO, now=morning, period=Period.DAY)
    gone = acme.gone("今天", morning)
    assert gone.likely is not None
    local = gone.likely.astimezone(ZONE)
    assert (local.date(), local.hour in range(11, 17)) == (date(2026, 10, 13), True)


def test_what_is_summed_and_what_is_not_yet_foretells_the_same(acme: Office) -> None:
    """
    With the sums behind, everything is read as it lies; with them up to date, the past of all
    budgets is read from them at once. Of the customer, of a project: not a figure differs.
    """
    books, who = acme.books, acme.party.customer
    tokens = 40 * 10**6
    acme.caps("全部", 1_000 * PICO)
    acme.caps("全部 token", tokens, measure=Capped.TOKENS, currency="")
    acme.caps("项目", 1_000 * PICO, project="main")
    acme.caps("项目 token", tokens, measure=Capped.TOKENS, currency="", project="main")

    def told() -> tuple[list[Exhaustion], Forecast, Forecast]:
        return (
            exhaustions(books.db, who.customer_id, now=NOW),
            foresee(books.db, who.customer_id, now=NOW),
            foresee(books.db, who.customer_id, project="main", now=NOW),
        )

    behind = told()
    assert all(each.likely is not None for each in behind[0])
    fold_usage(books.db, NOW)
    assert told() == behind


@pytest.mark.parametrize(
    ("project", "model"), [(None, None), ("main", None), (None, "gpt-4o-mini")]
)
def test_a_forecast_beside_the_ends_of_budgets_is_the_same_forecast(
    acme: Office, project: str | None, model: str | None
) -> None:
    """What a page reads once for both is what each verb reads by itself."""
    db, who = acme.books.db, acme.party.customer.customer_id
    acme.caps("全部", 1_000 * PICO)
    acme.caps("项目", 1_000 * PICO, project="main")
    fold_usage(db, NOW)
    found, ends = foresee_all(db, who, project=project, model=model, now=NOW)
    assert found == foresee(db, who, project=project, model=model, now=NOW)
    assert ends == exhaustions(db, who, now=NOW)
    assert len(ends) == 2


def test_hours_are_told_from_what_hours_came_to(acme: Office) -> None:
    found = foresee_hours(acme.books.db, acme.party.customer.customer_id, now=NOW, ahead=48)
    assert found.proof is not None
    ahead = {each.hour.astimezone(ZONE): each.told for each in found.hours if each.told is not None}
    assert len(ahead) == 48
    at_ten, at_noon = (ahead[datetime(2026, 10, 13, hour, tzinfo=ZONE)] for hour in (10, 12))
    assert at_ten is not None
    assert at_noon is not None
    assert at_ten.middle > 1_500_000
    assert at_noon.middle < 100_000
    with pytest.raises(Invalid, match="168"):
        foresee_hours(acme.books.db, acme.party.customer.customer_id, now=NOW, ahead=169)
