"""A cell prices as its calls would: whatever the revisions, context steps and hours of a book."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.intake.pricing import Draft
from yuejie.kernel.errors import Invalid
from yuejie.presales.replay.usage import Summing
from yuejie.usage.event import Item
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 9, 1, tzinfo=UTC)
SECONDS = 30 * 86_400
WINDOWS = ("", "Asia/Shanghai 1-7 09:00-12:00", "Asia/Shanghai 1-5 09:20-18:07 cn-workdays")

moments = st.integers(0, SECONDS * 10**6).map(lambda us: START + timedelta(microseconds=us))
sizes = st.integers(0, 3_000)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A book of some revisions at odd instants, with context steps and perhaps a window."""
    starts = [START - timedelta(days=1), *sorted(draw(st.lists(moments, max_size=3)))]
    steps = draw(st.lists(sizes.filter(bool), max_size=2, unique=True))
    window = draw(st.sampled_from(WINDOWS))
    rows: list[RateRow] = []
    for revision in range(1, len(starts) + 1):
        for step in (0, *steps):
            for when in {"", window}:
                rate_id = len(rows) + 1
                rows.append(
                    RateRow(
                        rate_id, revision, "m", "input", rate_id, "USD", "default", step, when, 0
                    )
                )
    revisions = [RevisionRow(n, unix_us(at)) for n, at in enumerate(starts, 1)]
    return Book(BookRows("b", "sale", "USD", revisions, rows))


def rate_at(book: Book, started_us: int, context: int) -> int:
    revision = book.revision_at(started_us)
    assert revision is not None
    found = book.resolve(
        "m",
        "input",
        revision=revision,
        started_us=started_us,
        service_tier="default",
        context_tokens=context,
    )
    assert found is not None
    return found.rate_id


def call(at: datetime, size: int) -> Draft:
    items = (Item("m", Meter.INPUT, size),)
    return Draft(
        customer="", project="", model="m", started_at=at, ended_at=at, items=items, key=""
    )


@given(books(), st.lists(st.tuples(moments, sizes), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_cell_prices_as_its_calls_would(book: Book, calls: list[tuple[datetime, int]]) -> None:
    summing = Summing.under([book], ZONE)
    wanted: dict[int, int] = {}
    for at, size in calls:
        summing.add(call(at, size), 2)
        rate = rate_at(book, unix_us(at), size)
        wanted[rate] = wanted.get(rate, 0) + size
    found: dict[int, int] = {}
    for cell in summing.cells():
        rate = rate_at(book, cell.key.started_us, cell.key.context_tokens)
        found[rate] = found.get(rate, 0) + cell.quantity
    assert {r: q for r, q in found.items() if q} == {r: q for r, q in wanted.items() if q}


def test_what_is_too_fine_is_refused() -> None:
    summing = Summing.under([], ZONE)
    summing.cells_max = 2
    for hours in range(3):
        summing.refuse_too_many()
        summing.add(call(START + timedelta(hours=hours), 1), 2)
    with pytest.raises(Invalid, match="先按小时"):
        summing.refuse_too_many()
