"""The figures of a node: whether its disk has room for what gateways must write down."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry


class NodeFigures(Collector):
    """Looks at the disk below a node's home when it is asked."""

    def __init__(self, home: Path, registry: CollectorRegistry = REGISTRY) -> None:
        self._home = home
        registry.register(self)

    def describe(self) -> list[Metric]:
        """Say nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield room and size in bytes; nothing while there is no home yet."""
        if self._home.exists():
            disk = shutil.disk_usage(self._home)
            yield GaugeMetricFamily(
                "yuejie_node_free_bytes", "Room left for journals", value=disk.free
            )
            yield GaugeMetricFamily("yuejie_node_disk_bytes", "Size of that disk", value=disk.total)
