"""The only SQL of the demo."""

from typing import Final

from yuejie.db.session import Tx

OPERATOR_READS: Final = {"count_gateway_events": "the demo asks how much of its traffic is stored"}

COUNT_GATEWAY_EVENTS: Final = "SELECT count(*) FROM usage_event WHERE source = 'gateway'"


def count_gateway_events(tx: Tx) -> int:
    """Return how many events came through a gateway's journal."""
    return int(tx.value(COUNT_GATEWAY_EVENTS))
