"""`python -m yuejie.demo.simulators`: serve, or report what was served."""

import argparse
import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from yuejie.demo.simulators.app import Simulators
from yuejie.demo.simulators.report import FORMATS, render
from yuejie.demo.simulators.truth import read
from yuejie.demo.simulators.world import POLICIES, Settings, World
from yuejie.kernel.clock import SystemClock
from yuejie.node import die_with_supervisor

_GARBAGE: Final = 100_000
"""Calls leave no cycles behind; to look for them every 700 costs a tenth of the time."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says."""
    if arguments[:1] == ["report"]:
        return _report(arguments[1:])
    die_with_supervisor()
    return _serve(arguments)


def _serve(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("yuejie.demo.simulators", description="模拟模型厂商接口。")
    parser.add_argument("--port", type=int, required=True, help="监听 127.0.0.1 的端口")
    parser.add_argument("--truth", type=Path, required=True, help="真值日志，只追加")
    parser.add_argument("--seed", type=int, default=0, help="回答内容与故障抽签的种子")
    parser.add_argument("--pace-ms", type=int, default=0, help="流式事件之间的毫秒数")
    parser.add_argument("--burst", type=int, default=10, help="不限速时一次写出的事件数")
    parser.add_argument("--key", action="append", help="接受的密钥，可重复（默认 sk-simulator）")
    for name, meaning in (("gone", "客户端中途离开"), ("failed", "流中途出错")):
        words = "|".join(POLICIES)
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=f"厂商={words}",
            help=f"{meaning}时如何计费",
        )
    options = parser.parse_args(arguments)
    if not _is_free(options.port):
        parser.error(f"端口 {options.port} 已被占用，请换一个，或停掉占用它的进程。")
    settings = Settings(
        truth=options.truth,
        seed=options.seed,
        pace_ms=options.pace_ms,
        burst=max(options.burst, 1),
        keys=frozenset(options.key or ["sk-simulator"]),
    )
    settings = _with_policies(settings, options.gone, options.failed, parser)
    uvloop.run(_run(settings, options.port))
    return 0


def _with_policies(
    settings: Settings,
    gone: Sequence[str],
    failed: Sequence[str],
    parser: argparse.ArgumentParser,
) -> Settings:
    for given, table in ((gone, settings.gone), (failed, settings.failed)):
        for word in given:
            dialect, _, policy = word.partition("=")
            if dialect not in table or policy not in POLICIES:
                parser.error(f"计费方式 {word} 无法识别，应形如 openai=full。")
            table[dialect] = policy
    return settings


def _is_free(port: int) -> bool:
    """Say whether nobody listens; the server itself would share the port without a word."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _run(settings: Settings, port: int) -> None:
    """Serve until told to stop."""
    world = World(settings, SystemClock())
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    server = Server(
        Simulators(world),
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=4096,
        backpressure=4096,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    await server.serve()
    world.truth.close()


def _report(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("yuejie.demo.simulators report", description="厂商用量报告。")
    parser.add_argument("truth", type=Path, help="真值日志")
    parser.add_argument("--format", choices=FORMATS, default="jsonl", help="报告格式")
    options = parser.parse_args(arguments)
    if not options.truth.exists():
        parser.error(f"没有真值日志 {options.truth}，请先运行模拟器。")
    sys.stdout.buffer.write(render(read(options.truth), options.format))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
