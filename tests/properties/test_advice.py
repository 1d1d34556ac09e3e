"""Guards the room insights: a saving is what rating each call by itself would save, to the pico."""

from collections import defaultdict
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.insights.advice.advice import gathered, worth
from yuejie.insights.advice.traffic.cells import CellRow, Tariff, cells_of, slot_seconds
from yuejie.rating.price import rate_items
from yuejie.usage.event import Item
from yuejie.usage.meters import Meter

FIRST_S = int(datetime(2026, 8, 31, 16, tzinfo=UTC).timestamp())
NOW_US = (FIRST_S + 31 * 86_400) * 10**6
WINDOW = "Asia/Shanghai 1-5 22:20-24:00"
STEPS = (0, 10_000, 50_000)
MODELS = ("dear", "cheap")
TIERS = ("default", "flex")
Call = tuple[int, str, str, int, int, int]
"""Second of the month, model, tier, input, cache_read, output."""

calls = st.lists(
    st.tuples(
        st.integers(0, 30 * 86_400 - 1),
        st.sampled_from(MODELS),
        st.sampled_from(TIERS),
        st.integers(0, 60_000),
        st.integers(0, 20_000),
        st.integers(0, 9_000),
    ),
    max_size=30,
)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A book of two models with tiers, context steps and a window; an older revision for one."""
    rates = [
        RateRow(
            number,
            revision,
            model,
            meter,
            draw(st.integers(0, 10**9)),
            "CNY",
            tier,
            above,
            window,
            0,
        )
        for number, (revision, model, meter, tier, above, window) in enumerate(
            (
                (revision, model, meter, tier, above, window)
                for revision, model in ((1, "dear"), (1, "cheap"), (2, "dear"))
                for meter in ("input", "cache_read", "output")
                for tier in TIERS
                for above in STEPS
                for window in ("", WINDOW)
            ),
            start=1,
        )
    ]
    starts = [RevisionRow(1, 0), RevisionRow(2, (FIRST_S + 86_400) * 10**6)]
    return Book(BookRows("list", "sale", "CNY", starts, rates))


def summed(found: list[Call], slot_s: int) -> list[CellRow]:
    """Sum calls as the store does."""
    cuts = [step + 1 for step in STEPS[1:]]
    sums: defaultdict[tuple[str, str, int, int, str], list[tuple[int, int, int, bool]]]
    sums = defaultdict(list)
    for second, model, tier, plain, cached, out in found:
        context, slot = plain + cached, (FIRST_S + second) // slot_s * slot_s
        step = sum(cut <= context for cut in cuts)
        for meter, quantity in (("input", plain), ("cache_read", cached), ("output", out)):
            place = (model, tier, step, slot, meter)
            sums[place].append((quantity, context, (FIRST_S + second) * 10**6, meter == "input"))
    return [
        CellRow(
            project_id="p",
            key_id="k",
            dimension_id=1,
            model=model,
            api="push",
            service_tier=tier,
            inference_geo="",
            processing="",
            endpoint="",
            speed="",
            sale_book="",
            sale_revision=0,
            context_step=step,
            reach_step=0,
            output_step=0,
            slot=slot,
            meter=meter,
            quantity=sum(each[0] for each in rows),
            billed_pico=0,
            calls=sum(each[3] for each in rows),
            context=max(each[1] for each in rows),
            reach=0,
            output=0,
            first_us=min(each[2] for each in rows),
            days=1,
        )
        for (model, tier, step, slot, meter), rows in sums.items()
    ]


def singly(book: Book, found: list[Call], *, model: str = "", tier: str = "") -> int:
    """Rate every call by itself, as the gateway does, at the revision that is in force now."""
    picos = {rate.rate_id: rate.pico for rate in book.rows.rates}
    total = 0
    for second, own, its, plain, cached, out in found:
        # What holds now is judged at its time of day: four weeks are whole weeks of the window.
        start_us = (FIRST_S + second + 28 * 86_400) * 10**6
        asked = model or own
        rated = rate_items(
            [
                Item(asked, Meter.INPUT, plain),
                Item(asked, Meter.CACHE_READ, cached),
                Item(asked, Meter.OUTPUT, out),
            ],
            sale=book,
            cost=None,
            sale_model=asked,
            cost_prefix="",
            sale_revision=2,
            cost_revision=0,
            started_us=start_us,
            service_tier=tier or its,
            context_tokens=plain + cached,
            billable=True,
        )
        assert not rated.unpriced
        total += sum(item.quantity * picos[item.sale_rate] for item in rated.items)
    return total


@settings(max_examples=30, deadline=None)
@given(books(), calls)
def test_cells_are_worth_what_their_calls_are(book: Book, found: list[Call]) -> None:
    slot_s = slot_seconds([WINDOW])
    cells = cells_of(summed(found, slot_s), [WINDOW])
    tariff = Tariff(book, NOW_US)
    assert sum(cell.calls for cell in cells) == len(found)
    for model, tier in (("", ""), ("cheap", ""), ("", "flex")):
        lines = [tariff.price(cell, model=model or None, tier=tier or None) for cell in cells]
        assert None not in lines
        flat = [line for each in lines if each is not None for line in each]
        assert worth(flat) == worth(gathered(flat)) == singly(book, found, model=model, tier=tier)


def test_no_edge_of_a_window_lies_within_a_slot() -> None:
    assert slot_seconds([WINDOW]) == 5 * 60
    assert slot_seconds(["Asia/Shanghai 1-7 00:00-08:30"]) == 15 * 60
    assert slot_seconds([]) == 0
