"""Properties of contract prices: derived once, never above the list, and held while locked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing, discounted
from yuejie.contracts.agreed.schedule import Hold, Listed, rates_at, turning_points
from yuejie.contracts.prices import RateRow

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def row(pico: int, meter: str = "input", context_above: int = 0, rate_id: int = 1) -> RateRow:
    return RateRow(rate_id, 1, "m", meter, pico, "CNY", "default", context_above, "", 0)


picos = st.integers(0, 10**13)
shares = st.integers(1, 10**6)


@given(picos, shares)
def test_a_discount_rounds_once_to_a_pico_and_never_above_the_list(pico: int, ppm: int) -> None:
    rate = discounted(pico, ppm)
    assert 0 <= rate <= pico
    assert abs(rate * 10**6 - pico * (10**6 - ppm)) * 2 <= 10**6


@given(picos, shares)
def test_a_derived_rate_names_the_list_rate_it_comes_from(pico: int, ppm: int) -> None:
    derived = Pricing(discounts=(FamilyDiscount("m*", ppm),)).derive(row(pico, rate_id=7))
    assert (derived.pico, derived.list_rate) == (discounted(pico, ppm), 7)


@given(picos, picos, shares)
def test_an_override_stands_whatever_the_list_says(pico: int, agreed: int, ppm: int) -> None:
    pricing = Pricing((Override("m", "input", agreed),), (FamilyDiscount("*", ppm),))
    assert pricing.derive(row(pico)).pico == agreed


steps = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30), picos), min_size=1, max_size=7)


def history(drawn: list[tuple[int, int, int]]) -> list[Listed]:
    """Lists announced in order, each starting no earlier than the one before."""
    lists: list[Listed] = []
    published = starts = START
    for gap, lead, pico in drawn:
        published += gap * DAY
        starts = max(starts, published + lead * DAY)
        lists.append(Listed(published, starts, (row(pico),)))
    return lists


@given(steps, st.integers(0, 200), st.integers(0, 60), st.integers(0, 400))
def test_a_lock_holds(drawn: list[tuple[int, int, int]], lock: int, notice: int, at: int) -> None:
    """While locked the rate never rises; it never exceeds the list that could be in force."""
    lists = history(drawn)
    hold = Hold(lists[0].starts_at, START + lock * DAY, notice * DAY)
    days = [START + n * DAY for n in range(at + 1)]
    held = [rates[0].pico for day in days if (rates := rates_at(lists, hold, day))]
    locked = [
        rates[0].pico
        for day in days
        if day < START + lock * DAY and (rates := rates_at(lists, hold, day))
    ]
    assert locked == sorted(locked, reverse=True)
    for day, before in zip(days[1:], days, strict=False):
        now, was = rates_at(lists, hold, day), rates_at(lists, hold, before)
        if now and was and now[0].pico > was[0].pico:
            assert any(each.published_at + notice * DAY <= day for each in lists[1:])
    started = [each.rows[0].pico for each in lists if each.starts_at <= days[-1]]
    if started:
        assert held[-1] <= started[-1]


@given(steps, st.integers(0, 200), st.integers(0, 60))
def test_a_fall_reaches_a_locked_contract_at_once(
    drawn: list[tuple[int, int, int]], lock: int, notice: int
) -> None:
    lists = history(drawn)
    hold = Hold(lists[0].starts_at, START + lock * DAY, notice * DAY)
    for each in lists:
        (rate,) = rates_at(lists, hold, each.starts_at)
        newest = [one for one in lists if one.starts_at <= each.starts_at][-1]
        assert rate.pico <= newest.rows[0].pico


@given(steps, st.integers(0, 200), st.integers(0, 60), st.integers(0, 600))
def test_rates_change_at_turning_points_only(
    drawn: list[tuple[int, int, int]], lock: int, notice: int, at: int
) -> None:
    lists = history(drawn)
    hold = Hold(lists[0].starts_at, START + lock * DAY, notice * DAY)
    instant = START + at * DAY
    before = [point for point in turning_points(lists, hold) if point <= instant]
    expected = rates_at(lists, hold, before[-1]) if before else ()
    assert rates_at(lists, hold, instant) == expected


@given(steps, st.integers(0, 600))
def test_a_contract_that_is_not_held_follows_the_list(
    drawn: list[tuple[int, int, int]], at: int
) -> None:
    lists = history(drawn)
    instant = START + at * DAY
    started = [each for each in lists if each.starts_at <= instant]
    expected = [started[-1].rows[0].pico] if started else []
    assert [r.pico for r in rates_at(lists, Hold(START), instant)] == expected
