"""A quote's life is its table, and only its table."""

from itertools import product

import pytest

from yuejie.presales.quote import (
    CALLED,
    NEXT,
    IllegalQuoteStep,
    QuoteEvent,
    QuoteState,
    advance,
)


@pytest.mark.parametrize(("state", "event"), list(product(QuoteState, QuoteEvent)))
def test_every_pair_is_the_tables_or_refused(state: QuoteState, event: QuoteEvent) -> None:
    if (state, event) in NEXT:
        assert advance(state, event) is NEXT[state, event]
    else:
        with pytest.raises(IllegalQuoteStep, match=CALLED[state]):
            advance(state, event)


def test_nothing_below_the_floor_is_offered_without_approval() -> None:
    """From `waiting` every way to the prospect leads through `approve`."""
    ways = {event: became for (state, event), became in NEXT.items() if state == "waiting"}
    assert [event for event, became in ways.items() if became == "ready"] == [QuoteEvent.APPROVE]
    assert QuoteState.OFFERED not in ways.values()
    leads_on = {state for (state, _), became in NEXT.items() if became != state}
    assert leads_on == {QuoteState.WAITING, QuoteState.READY, QuoteState.OFFERED}
    drafted = [state for state, event in NEXT if event is QuoteEvent.DRAFT]
    assert drafted == [QuoteState.ACCEPTED]
