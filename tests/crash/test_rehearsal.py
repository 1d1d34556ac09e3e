"""Three nodes under load: a rolling upgrade, a wire that is cut, a disk that is lost, a drain.

The small rehearsal. The large one, a million calls in network namespaces, is
`python -m bench.rehearsal --namespaces`; see docs/runbooks/rolling-upgrade.md.
"""

import pytest

from bench.rehearsal.stage import is_past_here
from bench.rehearsal.story import Plan, rehearse

SMALL = Plan(calls=900, clients=16, cut_seconds=2, freeze_seconds=0.6, hurry=True, rate=150)


def test_a_lost_disk_costs_its_tail_and_nothing_else_goes_wrong() -> None:
    """
    Three nodes of the build before this one serve, and are taken to this one under load; one is cut
    off the database and comes back, one is lost with its disk and replaced, one leaves and comes
    back. What is lost is the lost disk's tail, call by call; nothing is doubled, the hard cap holds
    to the pico, and no client saw an error that a retry did not cure. The disk is found, two nodes
    adopt it at once, and nothing is lost any more.
    """
    if not is_past_here():
        pytest.skip("the build before this one is not in this copy of the repository")
    verdict = rehearse(SMALL, print)
    assert verdict.faults() == []
    assert len(verdict.tail) > 0
    assert verdict.seen.spent > 0, "the cap was never reached"
    assert verdict.facts["drain_retried"] == "0", "a client noticed that a node left"
