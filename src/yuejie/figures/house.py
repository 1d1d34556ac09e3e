"""The figures of the house, read once a minute by whoever carries the clerk's errands."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from yuejie.db.session import Database
from yuejie.figures.store import HouseNow, house_now

EVERY: Final = timedelta(minutes=1)


class HouseFigures(Collector):
    """Reads the house when it is due, and tells what it read last.

    Until it has read, and while the database is away, it tells nothing: an old figure would lie.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._read_at: datetime | None = None
        self._found: list[tuple[str, str, float]] = []
        registry.register(self)

    def __call__(self, db: Database, now: datetime) -> int:
        """Read if it is due; return 0, for there is never more to do at once.

        Raises Unavailable where the database is away.
        """
        if self._read_at is not None and now - self._read_at < EVERY:
            return 0
        self._found, self._read_at = [], None
        with db.read() as tx:
            self._found = list(told(house_now(tx, now), now))
        self._read_at = now
        return 0

    def describe(self) -> list[Metric]:
        """Say nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        for name, text, value in self._found:
            yield GaugeMetricFamily(f"yuejie_house_{name}", text, value=value)


def told(found: HouseNow, now: datetime) -> Iterator[tuple[str, str, float]]:
    """Yield name, meaning and value of each figure. Pure."""
    yield "worklist_calls", "Calls whose usage is not known yet", found.worklist_calls
    yield "worklist_age_seconds", "Age of the oldest of them", _age(found.worklist_since, now)
    yield (
        "notices_late_seconds",
        "How long the oldest notice that is due has waited",
        _age(found.notices_due_since, now),
    )
    yield "notices_given_up", "Notices given up in a day", found.notices_given_up
    yield "fapiao_parked", "Errands at the tax platform that wait for a person", found.fapiao_parked
    yield (
        "fapiao_waiting_seconds",
        "Age of the oldest errand that the tax platform has not finished",
        _age(found.fapiao_waiting_since, now),
    )
    yield "drawer_out", "1 while the drawer is logged out", int(found.drawer_out)
    yield "receipts_unclaimed", "Receipts that are nobody's yet", found.receipts_unclaimed
    yield "receipts_age_seconds", "Age of the oldest of them", _age(found.receipts_since, now)
    yield "jobs_waiting", "Jobs that nobody has begun", found.jobs_waiting
    yield "jobs_waiting_seconds", "Age of the oldest of them", _age(found.jobs_since, now)
    yield "journals_parked", "Journals that wait for a person", found.journals_parked
    yield (
        "journal_unread_seconds",
        "How long ago the live journal that waits longest was read to its end",
        _age(found.journals_seen_at, now),
    )
    yield (
        "sums_behind_seconds",
        "How far sums by day, week and month are behind",
        _age(found.summed_through, now),
    )
    yield (
        "probe_ready",
        "Looks at the gateway in five minutes that found it ready",
        found.probe_ready,
    )
    yield "probe_failed", "Looks that did not", found.probe_failed
    yield (
        "refused_ours",
        "Calls in five minutes that were in order and that gateways turned away all the same",
        found.refused_ours,
    )
    yield "refused_others", "Other calls that they turned away", found.refused_others
    yield "months_ahead", "Months ahead for whose events there is a partition", found.months_ahead
    yield "database_bytes", "Size of the database", found.database_bytes


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0
