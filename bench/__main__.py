"""`make bench`: measure, print, and write to bench/results/; names choose, default all.

make bench ARGS="gateway latency"
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Final

from bench.figures import Result, Unfair
from bench.machine import describe
from bench.report import TITLES, Page, write
from bench.trials import (
    anomaly,
    budgets,
    close,
    documents,
    forecast,
    gateway,
    ingest,
    latency,
    memory,
    pages,
    trend,
)
from yuejie.kernel.clock import SystemClock

TRIALS: Final[dict[str, Callable[[], Result]]] = {
    "gateway": gateway.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "budgets": budgets.measure,
    "ingest": ingest.measure,
    "close": close.measure,
    "documents": documents.measure,
    "anomaly": anomaly.measure,
    "trend": trend.measure,
    "forecast": forecast.measure,
    "pages": pages.measure,
}


def main() -> int:
    """Run what was asked for; 1 when something measured nothing, however fast the rest was."""
    parser = argparse.ArgumentParser("bench", description="基准测试；结果写入 bench/results/。")
    parser.add_argument("names", nargs="*", metavar="名称", help=f"{'、'.join(TRIALS)}；默认全部")
    names = parser.parse_args().names or list(TRIALS)
    unknown = [name for name in names if name not in TRIALS]
    if unknown:
        parser.error(f"没有名为“{unknown[0]}”的基准测试，可选：{'、'.join(TRIALS)}")
    spoilt = [name for name in names if not _run(name)]
    for name in spoilt:
        print(f"{name} 没有得到有效结果，见上文。", file=sys.stderr)
    return 1 if spoilt else 0


def _run(name: str) -> bool:
    print(f"{TITLES[name]}（{name}）…", flush=True)
    machine = describe()
    at, began = SystemClock().now(), time.monotonic()
    try:
        result = TRIALS[name]()
    except Unfair as why:
        print(f"  无效：{why}", file=sys.stderr)
        return False
    path = write(Page(at, time.monotonic() - began, machine, result))
    for line in (*result.figures, *result.notes):
        print(f"  {line}")
    print(f"  已写入 {path}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
