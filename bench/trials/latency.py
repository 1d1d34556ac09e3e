"""Added latency at light load: pairs of the same request, through the gateway and directly."""

from typing import Final

from bench import house, upstream
from bench.figures import ROUNDS, Figure, Result, quantile
from bench.load.order import Order, chat

RATE: Final = 50.0
SECONDS: Final = 10.0
P50_TARGET_MS: Final = 1.0
P99_TARGET_MS: Final = 3.0


def measure() -> Result:
    """Measure what the gateway adds on one connection and on four, fifty requests a second each."""
    figures: list[Figure] = []
    with upstream.running() as port, house.running(port) as gateway:
        direct = chat(port, "sk-simulator")
        for connections in (1, 4):
            p50, p99 = [], []
            for number in range(1, ROUNDS + 1):
                order = Order(gateway.target(), connections, SECONDS, rate=RATE, beside=direct)
                report = gateway.load(order).report
                added = [
                    one - two for one, two in zip(report.took_ms, report.beside_ms, strict=True)
                ]
                p50.append(quantile(added, 0.5))
                p99.append(quantile(added, 0.99))
                print(
                    f"  {number}/{ROUNDS} {connections} 连接：经网关 p50 {report.p50_ms:.2f} ms，"
                    f"增加 p50 {p50[-1]:.2f} ms、p99 {p99[-1]:.2f} ms",
                    flush=True,
                )
            what = f"{connections} 连接、每连接每秒 {RATE:.0f} 次，增加的时延"
            figures.append(Figure(f"{what} p50", "ms", tuple(p50), at_most=P50_TARGET_MS))
            figures.append(Figure(f"{what} p99", "ms", tuple(p99), at_most=P99_TARGET_MS))
        gateway.check()
    notes = [
        "每个请求与直连上游的同一请求成对，取两者之差的分位数。",
        "每次调用之前流水先落盘，机器一栏的 fdatasync paced 就是这一步在轻载时的时间。",
    ]
    return Result("latency", figures, notes)
