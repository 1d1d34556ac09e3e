"""Guards the room contracts: what a published list promises at run time."""

from datetime import UTC, datetime

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.rooms.contracts.shelf import rows_of
from yuejie.contracts.formats.pricelist import (
    Multiplier,
    PriceList,
    RateDraft,
    Severity,
    check,
    complete,
)
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.contracts.tier import plainer
from yuejie.contracts.window import CALENDAR_LAST, Window
from yuejie.kernel.money import FX_SCALE, Charge, FxRate, Rate
from yuejie.usage.meters import Meter

START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST_US = int(START.timestamp()) * 10**6
LAST_US = int(datetime(CALENDAR_LAST, 12, 31, 12, tzinfo=UTC).timestamp()) * 10**6
WINDOWS = (
    "Asia/Shanghai 1-5 08:00-22:00 cn-workdays",
    "Asia/Shanghai 6-7 00:00-24:00 cn-holidays",
    "Asia/Shanghai 1-5 22:00-24:00 cn-workdays",
)
PARSED = {text: Window.parse(text) for text in WINDOWS}
METERS = (Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ, Meter.REASONING, Meter.CACHE_WRITE_5M)

instants = st.integers(FIRST_US, LAST_US)
picos = st.integers(0, 10**9)


@st.composite
def price_lists(draw: st.DrawFn) -> PriceList:
    """Lists of any shape that an operator may write, faults excluded."""
    rates = {(Meter.INPUT, "default", 0, ""): 1, (Meter.OUTPUT, "default", 0, ""): 1}
    for meter in METERS:
        for tier in ("default", "batch"):
            levels = [0, *draw(st.lists(st.sampled_from((100, 200)), max_size=2))]
            for above in levels if draw(st.booleans()) else ():
                rates[meter, tier, above, ""] = draw(picos)
                for window in draw(st.lists(st.sampled_from(WINDOWS), max_size=3)):
                    rates[meter, tier, above, window] = draw(picos)
    marks = draw(st.lists(st.sampled_from(("geo_us", "geo_eu", "fast")), unique=True))
    return PriceList(
        "m",
        "chat",
        tuple(
            RateDraft(meter, pico, tier, above, window)
            for (meter, tier, above, window), pico in rates.items()
        ),
        tuple(Multiplier(mark.split("_")[0], mark, 1_100_000) for mark in marks),
    )


def shelf(prices: PriceList) -> Book:
    faults = [r for r in check(prices, START) if r.severity is Severity.ERROR]
    assume(not faults)
    rows = rows_of(complete(prices)[0], 1, "USD", first=1)
    return Book(BookRows("b", "sale", "USD", [RevisionRow(1, FIRST_US)], rows))


def fitting(book: Book, meter: str, tier: str, context: int, at: int) -> list[RateRow]:
    """The rows that claim an item: found by reading the rule aloud, row by row."""
    rows = [row for row in book.rows.rates if row.meter == meter]
    for key in plainer(tier):
        mine = [row for row in rows if row.service_tier == key]
        if mine:
            break
    else:
        return []
    level = max((row.context_above for row in mine if row.context_above < context), default=0)
    here = [row for row in mine if row.context_above == level]
    inside = [row for row in here if row.time_window and PARSED[row.time_window].holds(at)]
    return inside or [row for row in here if not row.time_window]


@settings(max_examples=60)
@given(price_lists(), instants, st.integers(0, 300), st.data())
def test_exactly_one_rate_for_every_item_instant_tier_and_context(
    prices: PriceList, at: int, context: int, data: st.DataObject
) -> None:
    book = shelf(prices)
    tier = data.draw(st.sampled_from(sorted({row.service_tier for row in book.rows.rates})))
    for meter in sorted({row.meter for row in book.rows.rates}):
        claims = fitting(book, meter, tier, context, at)
        assert len(claims) == 1
        assert claims[0] == book.resolve(
            "m", meter, revision=1, started_us=at, service_tier=tier, context_tokens=context
        )


@given(price_lists())
def test_completing_a_list_adds_rows_and_changes_none(prices: PriceList) -> None:
    shelf(prices)
    whole = complete(prices)[0].rates
    places = [(rate.meter, rate.place) for rate in whole]
    assert len(set(places)) == len(places)
    assert set(prices.rates) <= set(whole)


@given(instants)
def test_windows_tile_the_year(at: int) -> None:
    day, rest, evening = (window.holds(at) for window in PARSED.values())
    night = Window.parse("Asia/Shanghai 1-5 00:00-08:00 cn-workdays").holds(at)
    assert [day, rest, evening, night].count(True) == 1


@st.composite
def windows(draw: st.DrawFn) -> Window:
    days = sorted(draw(st.sets(st.integers(1, 7), min_size=1)))
    cuts = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    hours = ",".join(f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}" for a, b in pairs)
    calendar = draw(st.sampled_from(("", " cn-workdays", " cn-holidays")))
    return Window.parse(f"Asia/Shanghai {','.join(map(str, days))} {hours}{calendar}")


@given(windows(), windows(), instants)
def test_windows_that_do_not_overlap_never_both_hold(one: Window, two: Window, at: int) -> None:
    assert Window.parse(str(one)) == one
    if not one.overlaps(two):
        assert not (one.holds(at) and two.holds(at))


@given(picos, st.integers(1, 10**12))
def test_a_card_rate_is_the_nearest_pico_and_charges_stay_exact(pico: int, e8: int) -> None:
    card = Rate(pico, "USD").card(FxRate("USD", "CNY", e8))
    assert 2 * abs(card.pico * FX_SCALE - pico * e8) <= FX_SCALE
    assert card.charge(1_000_000).pico == card.pico * 1_000_000
    assert card.charge(3) + card.charge(4) == card.charge(7)
    assert isinstance(card.charge(1), Charge)
