"""From the form to calls: by hand, and as properties."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.presales.form import form_of
from yuejie.presales.requirement import Requirement
from yuejie.presales.trace import Tracing, check_trace
from yuejie.presales.volume import calendar_of, day_parts, plan_volume

BASE = {
    "company": {"name": "甲"},
    "task": "support",
    "first_month": "2026-10",
    "months": 3,
    "tokens": {"input": 100, "output": 10},
}


def need(**volume: object) -> Requirement:
    return form_of(BASE | {"volume": volume})


def test_october_has_eighteen_working_days() -> None:
    """
    2026-10: a holiday from the first to the seventh, a Saturday worked (10 October): 18 working
    days and 13 others. A thousand items on a working day, three tenths of that on another day:
    18,000 + 3,900.
    """
    found = plan_volume(need(items_per_day=1_000, days="workdays", off_days="30%"), Tracing())
    assert found[0].requests.expected == 21_900
    assert found[0].tokens_in.expected == 2_190_000


def test_growth_compounds_and_promotions_multiply_their_days() -> None:
    """
    1.2 calls an item, 10 % more each month: December is 31 days × 1,000 × 1.2 × 1.21. Double 11
    is eleven days of threefold; where two promotions meet, the larger factor holds.
    """
    promotions = [
        {"name": "双 11", "first": date(2026, 11, 1), "last": date(2026, 11, 11), "factor": "3"},
        {"name": "预售", "first": date(2026, 11, 11), "last": date(2026, 11, 12), "factor": "1.5"},
    ]
    volume = need(items_per_day=1_000, calls_per_item="1.2", growth="10%", promotion=promotions)
    october, november, december = plan_volume(volume, Tracing())
    assert october.requests.expected == 31 * 1_200
    assert november.requests.expected == (30 + 11 * 2) * 1_320 + 660
    assert december.requests.expected == 31 * 1_452


def test_queries_a_second_follow_the_shape_of_the_day() -> None:
    """Half a query a second in the busiest hour; two busy hours and one half as busy."""
    hours = [0] * 21 + [50, 100, 100]
    found = plan_volume(need(qps="0.5", hours=hours), Tracing())[0]
    assert found.requests.expected == 31 * 1_800 * 5 // 2


def test_a_year_nobody_announced_is_said_to_be_a_guess() -> None:
    assert calendar_of(need(items_per_day=1, days="workdays")) is True
    later = BASE | {"first_month": "2031-01", "volume": {"items_per_day": 1, "days": "workdays"}}
    assert calendar_of(form_of(later)) is False
    assert calendar_of(form_of(later | {"volume": {"items_per_day": 1}})) is True


volumes = st.fixed_dictionaries(
    {
        "items_per_day": st.tuples(*[st.integers(1, 10**7)] * 3)
        .map(sorted)
        .map(lambda t: {"low": t[0], "expected": t[1], "high": t[2]}),
        "calls_per_item": st.integers(1, 5_000).map(lambda n: f"{n // 1000}.{n % 1000:03}"),
        "off_days": st.integers(0, 100).map(lambda n: f"{n}%"),
        "growth": st.integers(-50, 50).map(lambda n: f"{n}%"),
    }
)


@given(volumes)
@settings(max_examples=30, deadline=None)
def test_low_is_never_above_high_and_every_figure_computes_again(volume: dict[str, object]) -> None:
    tracing = Tracing()
    for month in plan_volume(need(**volume), tracing):
        for found in (month.requests, month.tokens_in, month.tokens_out):
            assert 0 <= found.low <= found.expected <= found.high
        assert month.tokens_in.expected == 100 * month.requests.expected
    assert check_trace(tracing.all()) == len(tracing.all())


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(1, 10_000))
def test_a_promotion_never_lowers_another(day: date, factor: int) -> None:
    known = {"name": "a", "first": day, "last": day, "factor": "2"}
    other = {
        "name": "b",
        "first": day,
        "last": day,
        "factor": f"{factor // 1000}.{factor % 1000:03}",
    }
    both = need(items_per_day=1, promotion=[known, other]).volume
    assert day_parts(both, day) == 10**6 * max(2_000, factor)
