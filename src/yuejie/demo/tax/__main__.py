"""`python -m yuejie.demo.tax --port 8410 --truth tax.jsonl`: run the simulated tax platform."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from yuejie.demo.tax.app import TaxServer
from yuejie.demo.tax.world import World, to_utc
from yuejie.kernel.clock import SystemClock


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("yuejie.demo.tax", description="模拟税务开票平台。")
    parser.add_argument("--port", type=int, required=True, help="监听 127.0.0.1 的端口")
    parser.add_argument("--truth", type=Path, required=True, help="真值日志，只追加")
    parser.add_argument("--at", help="时钟停在这一刻（RFC 3339），由 /_sim/clock 拨动")
    parser.add_argument("--callbacks", choices=("once", "twice", "never"), default="once")
    parser.add_argument(
        "--seller", action="append", default=[], help="税号=名称：发票上的销售方，可多次"
    )
    options = parser.parse_args(arguments)
    sellers = dict(each.split("=", 1) for each in options.seller if "=" in each)
    world = World(options.truth, SystemClock(), options.callbacks, sellers=sellers)
    world.stands_at = to_utc(options.at) if options.at else None
    server = TaxServer(options.port, world)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
