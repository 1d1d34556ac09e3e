"""What the providers served beside what the house recorded."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tests.house import House
from yuejie.db.session import Database
from yuejie.demo.simulators.truth import TruthLine

EVENTS = """
    SELECT event_id, max(version) AS versions,
           (array_agg(state ORDER BY version DESC))[1] AS state,
           (array_agg(items ORDER BY version DESC))[1] AS items,
           (array_agg(billable ORDER BY version DESC))[1] AS billable
    FROM usage_event
    WHERE source <> 'scenario'
    GROUP BY event_id
"""
LIVE = "SELECT count(*) FROM journal WHERE state <> 'drained'"
COUNTS = frozenset({"requests", "failed_requests"})


@dataclass(frozen=True, slots=True)
class Recorded:
    event_id: UUID
    versions: int
    state: str
    items: list[list[str | int]]
    billable: bool

    @property
    def quantities(self) -> Counter[str]:
        return Counter(
            {str(i[1]): int(i[2]) for i in self.items if i[1] not in COUNTS and int(i[2])}
        )


def recorded(db: Database) -> dict[UUID, Recorded]:
    with db.read() as tx:
        return {row.event_id: row for row in tx.rows(Recorded, EVENTS)}


def served(lines: Iterable[TruthLine]) -> dict[UUID, TruthLine]:
    """Return the served calls by the id that our attempt sent; each id served at most once."""
    calls: dict[UUID, TruthLine] = {}
    for line in lines:
        attempt = UUID(line.client_request_id)
        assert attempt not in calls, f"{attempt} reached a provider twice"
        calls[attempt] = line
    return calls


def wait_until_drained(house: House, seconds: float = 60.0) -> None:
    """Stop the gateways in good order and wait until every journal is read to its end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with house.db.read() as tx:
            if tx.value(LIVE) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the journals were not drained in time")
