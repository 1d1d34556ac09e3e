"""Memory: one worker while a thousand streams are open, each with ten events a second."""

import threading
from typing import Final, Self

from bench import house, upstream
from bench.figures import ROUNDS, Figure, Result
from bench.house import House
from bench.load.order import Order
from bench.upstream import EVENTS

STREAMS: Final = 1_000
PACE_MS: Final = 100
SECONDS: Final = 10.0
TARGET_MIB: Final = 150.0
_LOOK_SECONDS: Final = 0.1
_MIB: Final = 1 << 20


class Watch:
    """Looks at a worker's memory ten times a second."""

    def __init__(self, gateway: House) -> None:
        self._gateway = gateway
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            self.most = max(self.most, self._gateway.resident_bytes())


def measure() -> Result:
    """Measure the largest memory of a worker with a thousand streams under way."""
    most, cpu, idle = [], [], 0.0
    with upstream.running(burst=1, pace_ms=PACE_MS) as port, house.running(port) as gateway:
        idle = gateway.resident_bytes() / _MIB
        for number in range(1, ROUNDS + 1):
            with Watch(gateway) as watch:
                done = gateway.load(Order(gateway.target(stream=True), STREAMS, SECONDS))
            most.append(watch.most / _MIB)
            cpu.append(done.report.events / (done.gateway_cpu + done.intake_cpu))
            print(
                f"  {number}/{ROUNDS} {STREAMS:,} 条流：{most[-1]:.0f} MiB，"
                f"{done.report.answers:,} 条各 {EVENTS} 个事件答完",
                flush=True,
            )
        gateway.check()
    what = f"{STREAMS:,} 条同时进行的流（每秒 10 个事件）"
    figures = [
        Figure(f"{what}：一个网关进程的内存", "MiB", tuple(most), at_most=TARGET_MIB),
        Figure("空闲时一个网关进程的内存", "MiB", (idle,)),
        Figure(f"{what}：网关 + 采集", "事件 / CPU 秒", tuple(cpu)),
    ]
    return Result("memory", figures)
