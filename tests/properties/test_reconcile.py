"""Guards assurance/reconcile: whatever differs, the parts add up, and ours never changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.assurance.injected import OCTOBER, RATES, daily, priced, run, told, used

DAYS = st.dates(OCTOBER.first_day, OCTOBER.last_day)
HOURS = st.integers(-48, 33 * 24).map(
    lambda n: datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=n)
)
METER = st.sampled_from(sorted(RATES))
MODEL = st.sampled_from(["gpt-4o", "o3"])
USED = st.builds(used, METER, HOURS, st.integers(1, 10**6), MODEL)
OPEN = st.builds(lambda u: type(u)(u.model, u.meter, u.hour, u.quantity, 0, is_open=True), USED)
CHANGE = st.tuples(st.tuples(DAYS, MODEL, METER), st.integers(-(10**6), 10**6))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(USED, max_size=25),
    st.lists(OPEN, max_size=4),
    st.lists(CHANGE, max_size=8),
    st.tuples(DAYS, DAYS),
)
def test_the_parts_of_every_cell_add_up_to_what_it_differs_by(
    entries: list[object],
    guesses: list[object],
    changes: list[tuple[tuple[date, str, str], int]],
    ends: tuple[date, date],
) -> None:
    """Also where the quantities are told until one day, and the amounts until another."""
    ours = daily(entries)  # type: ignore[arg-type]  # the strategy's own type
    theirs = dict(ours)
    for cell, change in changes:
        theirs[cell] = max(theirs.get(cell, 0) + change, 0)
    picos = {cell: n for cell, n in priced(theirs).items() if cell[0] <= ends[1]}
    theirs = {cell: n for cell, n in theirs.items() if cell[0] <= ends[0]}
    covers, charged = (
        frozenset(OCTOBER.first_day.replace(day=n) for n in range(1, end.day + 1)) for end in ends
    )
    report = replace(told(theirs, picos), covers=covers, charged=charged)
    found = run([*entries, *guesses], report)  # type: ignore[list-item]  # the same
    for cell in {*ours, *theirs}:
        parts = [d for d in found.differences if (d.day, d.model, d.meter) == cell]
        assert sum(d.quantity for d in parts) == theirs.get(cell, 0) - ours.get(cell, 0)
        pico = sum(d.pico for d in parts)
        assert pico == picos.get(cell, 0) - ours.get(cell, 0) * RATES[cell[2]]
    assert sum(d.pico for d in found.differences) == found.theirs_pico - found.ours_pico
