from itertools import product

import pytest

from yuejie.bills.bill import BillState
from yuejie.bills.life import NEXT, BillEvent, IllegalTransition, advance


@pytest.mark.parametrize(("state", "event"), list(product(BillState, BillEvent)))
def test_every_pair_is_in_the_table_or_refused(state: BillState, event: BillEvent) -> None:
    if (state, event) in NEXT:
        assert advance(state, event) is NEXT[state, event]
    else:
        with pytest.raises(IllegalTransition):
            advance(state, event)


def test_nothing_leads_back_from_issued() -> None:
    reached, frontier = set[BillState](), {BillState.ISSUED}
    while frontier:
        reached |= frontier
        frontier = {NEXT[pair] for pair in NEXT if pair[0] in frontier} - reached
    assert BillState.DRAFT not in reached
