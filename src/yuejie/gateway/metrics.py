"""What a worker says of itself to Prometheus. Numbers are kept as plain ints and read on demand."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yuejie.gateway.call.live import Live
from yuejie.gateway.meter.metering import Metering
from yuejie.gateway.refusal import Code
from yuejie.gateway.upstream.breaker import Breakers

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Gauges(Collector):
    """Reads a worker's numbers when they are asked for."""

    def __init__(
        self,
        worker: str,
        metering: Metering,
        live: Live,
        breakers: Breakers,
        now_us: Callable[[], int],
    ) -> None:
        self._worker = worker
        self._metering = metering
        self._live = live
        self._breakers = breakers
        self._now_us = now_us
        self.refusals: dict[Code, int] = {}
        self.published_us = 0
        """When the snapshot in force was written; 0: there is none yet."""
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def refused(self, code: Code) -> None:
        """Count a refusal."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def page(self) -> bytes:
        """Write the page."""
        return generate_latest(self.registry)

    def describe(self) -> list[Metric]:
        """Say nothing in advance: what there is depends on who was called."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every number."""
        attempts = CounterMetricFamily(
            "yuejie_gateway_attempts",
            "Upstream attempts",
            labels=["worker", "deployment", "status", "state"],
        )
        for (deployment, status, state), count in self._metering.counts.items():
            attempts.add_metric([self._worker, deployment, str(status), state], count)
        yield attempts
        refusals = CounterMetricFamily(
            "yuejie_gateway_refusals", "Refused requests", labels=["worker", "code"]
        )
        for code, count in self.refusals.items():
            refusals.add_metric([self._worker, code.name.lower()], count)
        yield refusals
        health = GaugeMetricFamily(
            "yuejie_gateway_breaker_open",
            "1 while a deployment is left alone",
            labels=["worker", "deployment"],
        )
        for deployment, breaker in self._breakers.by_deployment.items():
            health.add_metric([self._worker, deployment], int(breaker.is_open))
        yield health
        for name, text, value in (
            ("running", "Operations under way", len(self._live.running)),
            ("draining", "Streams read on after their client left", len(self._live.draining)),
            ("open_attempts", "Attempts begun and not ended", self._metering.open_attempts),
            ("snapshot_age_seconds", "Age of the snapshot", self._age_s()),
        ):
            gauge = GaugeMetricFamily(f"yuejie_gateway_{name}", text, labels=["worker"])
            gauge.add_metric([self._worker], value)
            yield gauge

    def _age_s(self) -> int:
        return (self._now_us() - self.published_us) // 1_000_000 if self.published_us else 0
