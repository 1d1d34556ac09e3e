"""What the console tells Prometheus about itself. Labels are routes and statuses, never names."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from yuejie.db.upkeep.pace import HELD, OVER

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of one console process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "yuejie_console_requests",
            "Requests answered, by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "yuejie_console_request_seconds",
            "Seconds until the answer was out, by route.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._database = Gauge(
            "yuejie_console_database_up",
            "1 while the database answers, else 0.",
            registry=self._registry,
        )

        self._registry.register(HELD)
        self._registry.register(OVER)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. A method that HTTP does not know would be a label of the client's."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def text(self, *, database_up: bool) -> bytes:
        """Write everything in Prometheus' text format."""
        self._database.set(int(database_up))
        return generate_latest(self._registry)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
