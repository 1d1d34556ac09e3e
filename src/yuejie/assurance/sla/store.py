"""The only SQL of report and probe: which closing judged a month last, and the minutes seen."""

from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final[dict[str, str]] = {}
"""Reads that serve the operator; all others take `customer_id` first."""

JUDGED_EPOCH: Final = """
    SELECT max(epoch) FROM month_close
    WHERE customer_id = %(customer_id)s AND month >= %(month)s
      AND EXISTS (SELECT FROM month_close
                  WHERE customer_id = %(customer_id)s AND month = %(month)s)
"""


def judged_epoch(tx: Tx, customer_id: CustomerId, month: str) -> int | None:
    """Return up to which epoch a month was judged, by its own closing or a later one; or None."""
    found: int | None = tx.value(JUDGED_EPOCH, customer_id=customer_id, month=month)
    return found


NOTE_PROBE: Final = """
    INSERT INTO gateway_probe (minute, is_ready, status, why, took_ms, node)
    VALUES (%(minute)s, %(is_ready)s, %(status)s, %(why)s, %(took_ms)s, %(node)s)
    ON CONFLICT (minute) DO NOTHING
"""


def note_probe(
    tx: Tx, minute: datetime, *, is_ready: bool, status: int, why: str, took_ms: int, node: str
) -> None:
    """Write down what was seen of the gateway in a minute; whoever is first has it."""
    tx.run(
        NOTE_PROBE,
        minute=minute,
        is_ready=is_ready,
        status=status,
        why=why,
        took_ms=took_ms,
        node=node,
    )
