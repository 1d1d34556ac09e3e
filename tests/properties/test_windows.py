"""Windows of allowances tile time in every zone, and a cap in another currency never grows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from yuejie.budgets.allowance import FOREVER_S, Measure, Period, Slot, converted, window_of
from yuejie.budgets.lending.hold import Held, counted, is_known, read_holds, totals_of, write_holds

ZONES = ("Asia/Shanghai", "Asia/Kolkata", "America/New_York", "America/Sao_Paulo", "UTC")
TILED = [each for each in Period if each not in (Period.TERM, Period.ALWAYS)]

instants = st.integers(1_500_000_000, 2_000_000_000)


@given(period=st.sampled_from(TILED), zone=st.sampled_from(ZONES), at_s=instants)
def test_each_instant_is_in_exactly_one_window(period: Period, zone: str, at_s: int) -> None:
    place = ZoneInfo(zone)
    window = window_of(period, place, at_s, 0)
    assert window.starts_s <= at_s < window.ends_s
    assert window_of(period, place, window.starts_s, 0) == window
    assert window_of(period, place, window.ends_s - 1, 0) == window
    assert window_of(period, place, window.ends_s, 0).starts_s == window.ends_s


@given(terms=st.lists(instants, max_size=5), starts_s=instants, later=st.integers(0, 400_000_000))
def test_terms_tile_from_the_first_of_them_on(terms: list[int], starts_s: int, later: int) -> None:
    """From when a cap was added, each instant is in one term; before the first, in what was."""
    place, at_s = ZoneInfo("UTC"), starts_s + later
    window = window_of(Period.TERM, place, at_s, starts_s, terms)
    assert window.starts_s <= at_s < window.ends_s
    assert window_of(Period.TERM, place, window.starts_s, starts_s, terms) == window
    assert window_of(Period.TERM, place, window.ends_s - 1, starts_s, terms) == window
    behind = window_of(Period.TERM, place, window.ends_s, starts_s, terms)
    assert window.ends_s in (behind.starts_s, FOREVER_S)


def test_periods_begin_where_the_customers_calendar_says() -> None:
    at = int(datetime(2026, 11, 29, 16, 30, tzinfo=UTC).timestamp())
    place = ZoneInfo("Asia/Shanghai")
    said = {
        period: f"{datetime.fromtimestamp(window_of(period, place, at, 0).starts_s, place):%m-%d}"
        for period in (Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.YEAR)
    }
    assert said == {
        Period.DAY: "11-30",
        Period.WEEK: "11-30",
        Period.MONTH: "11-01",
        Period.QUARTER: "10-01",
        Period.YEAR: "01-01",
    }


@given(cap=st.integers(0, 10**20), e8=st.integers(1, 10**11))
def test_a_converted_cap_is_never_more_than_was_granted(cap: int, e8: int) -> None:
    there = converted(cap, e8)
    assert there * e8 <= cap * 10**8 < (there + 1) * e8


helds = st.builds(
    Held,
    st.sampled_from(list(Measure)),
    st.builds(Slot, st.integers(1, 10**6), instants, st.sampled_from(["", "CNY", "USD"])),
    st.integers(0, 10**18),
    st.booleans(),
)


@given(holds=st.lists(helds, max_size=5))
def test_what_a_journal_carries_reads_back(holds: list[Held]) -> None:
    assert read_holds(write_holds(holds)) == holds


@given(
    held=helds,
    quantity=st.integers(0, 10**9),
    pico=st.integers(0, 10**9),
    state=st.sampled_from(["measured", "partial", "unmeasured", "unpriced", "estimated"]),
    billable=st.booleans(),
)
def test_what_nobody_knows_counts_at_its_worst(
    held: Held, quantity: int, pico: int, state: str, *, billable: bool
) -> None:
    items = [("m", "input", quantity, 7, 0), ("m", "requests", 1, 0, 0)]
    totals = totals_of(items, {7: pico, 0: 0})
    assert totals == (quantity * pico, quantity, 1)
    known = is_known(state, billable=billable)
    found = counted(held.measure, held.worst, totals, known=known)
    assert found.total >= found.used >= 0
    if held.measure == Measure.CONCURRENCY:
        assert found.total == 0
    elif state in ("measured", "partial") or not billable:
        assert found.estimate == 0
    else:
        assert found.total == max(held.worst, found.used)
