"""One gateway worker: one process, one loop, one journal, a port shared with its siblings.

    python -m yuejie.gateway.worker --home DIR --port 8400 [--host 127.0.0.1] [--core N]

Environment: YUEJIE_PEPPER and YUEJIE_CREDENTIAL_KEY (hex), YUEJIE_DATABASE_URL (only for
`Idempotency-Key`). The port is opened with SO_REUSEPORT, so that workers started one by one
share it and the kernel spreads connections over them.

SIGTERM: no new connections, what is under way may finish, the journal is closed, exit 0.
A node that leaves (`usage.nodes.home`): the same, after load balancers had time to hear of it from
`/readyz`; a worker that is started then waits, without a journal, for the node's return.
A journal that cannot be written: exit 70 at once, before anything else is served.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import structlog
import uvloop

from yuejie.db.migrate import marked
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import Pacer
from yuejie.figures.serve import serve_figures
from yuejie.gateway.allow.leases import TIDY_SECONDS, Leases
from yuejie.gateway.allow.lender import Lender
from yuejie.gateway.call.claims import THREADS, Claims
from yuejie.gateway.call.live import SWEEP_SECONDS, Live
from yuejie.gateway.call.operation import Workshop
from yuejie.gateway.credentials import decrypt
from yuejie.gateway.http import Gateway
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.ink import Ink
from yuejie.gateway.meter.metering import Metering
from yuejie.gateway.meter.prefix import Sketch
from yuejie.gateway.meter.refused import Turned
from yuejie.gateway.metrics import Gauges
from yuejie.gateway.rights.admission import Admission
from yuejie.gateway.rights.watch import Watch
from yuejie.gateway.server.listen import Server
from yuejie.gateway.snapshot import AccountRow
from yuejie.gateway.trace import open_traces
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.gateway.upstream.reqwest import ReqwestUpstream
from yuejie.gateway.upstream.vitals import Vitals
from yuejie.gateway.upstream.wire import WireUpstream
from yuejie.kernel.clock import Clock, SystemClock
from yuejie.kernel.errors import Invalid, Unavailable
from yuejie.kernel.ids import uuid7
from yuejie.usage.journal import RefusedOne, RefusedRow, Returned
from yuejie.usage.nodes.home import is_leaving, node_of, sign_writer

log = structlog.get_logger()

JOURNALS: Final = "journals"
STOP_SECONDS: Final = 30
"""How long streams may finish after SIGTERM."""
BROKEN_JOURNAL: Final = 70
LATCH_SECONDS: Final = 0.2
"""How often a worker looks whether its node leaves."""
NOTICE_SECONDS: Final = 5
"""How long a worker of a node that leaves still serves while `/readyz` says so."""
TOLD_US: Final = 1_000_000
"""What calls under paced caps may come to is told at most once a second."""
GARBAGE: Final = 100_000
PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Setting:
    """How one worker is to run."""

    home: Path
    host: str
    port: int
    pepper: bytes
    secret_key: bytes
    database_url: str
    stop_seconds: int = STOP_SECONDS
    core: int | None = None
    notice_seconds: float = NOTICE_SECONDS
    metrics_port: int = 0


def main(argv: list[str] | None = None) -> None:
    """Run a worker until it is told to stop."""
    setting = read_setting(argv if argv is not None else sys.argv[1:], dict(os.environ))
    uvloop.run(serve(setting, SystemClock()))


def read_setting(argv: list[str], environment: dict[str, str]) -> Setting:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(prog="yuejie.gateway.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int)
    parser.add_argument("--stop-seconds", type=int, default=STOP_SECONDS)
    told = parser.parse_args(argv)
    return Setting(
        home=told.home,
        host=told.host,
        port=told.port,
        pepper=_secret(environment, "YUEJIE_PEPPER"),
        secret_key=_secret(environment, "YUEJIE_CREDENTIAL_KEY"),
        database_url=environment.get("YUEJIE_DATABASE_URL", ""),
        stop_seconds=told.stop_seconds,
        core=told.core,
    )


async def serve(setting: Setting, clock: Clock) -> None:
    """Serve until SIGTERM, or until the node leaves."""
    _prepare(setting)
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if not await _is_wanted(setting, told):
        return
    node_id = node_of(setting.home, uuid7(clock.now()))
    ink = Ink(setting.home / JOURNALS, uuid7(clock.now()), loop, _die)
    sign_writer(setting.home, ink.journal.journal_id)
    upstream = open_upstream(loop, dict(os.environ))
    chrono, live, breakers = Chrono(clock), Live(), Breakers()
    metering = Metering(ink, chrono)
    claims = Claims(lambda: _database(setting))
    lender = Lender(lambda: _database(setting), ink.journal.journal_id, clock, node_id)

    def over() -> None:
        log.warning("gateway.journal_over", journal=ink.journal.journal_id.hex)
        told.set()

    leases = Leases(lender.ask, lambda slots: _give_back(ink, chrono, slots), chrono.now_us, over)
    gauges = Gauges(str(os.getpid()), metering, live, breakers, chrono.now_us)
    serve_figures(setting.host, setting.metrics_port, gauges.registry)
    turned = Turned(lambda rows, ones: _note_refused(ink, chrono, rows, ones))
    shop = Workshop(upstream, metering, breakers, live, Random(), Vitals(), turned)  # noqa: S311 - spreads load
    sketch = Sketch(setting.home)
    traces = open_traces(os.environ, chrono, Random())  # noqa: S311 - chooses whom to watch
    gateway = Gateway(shop, chrono, claims, leases, gauges, setting.pepper, sketch, traces)

    def hand_over(admission: Admission, published_us: int) -> None:
        loop.call_soon_threadsafe(gateway.know, admission, published_us)

    def unlock(row: AccountRow) -> str:
        return decrypt(row.credential, setting.secret_key, row.account_id)

    watch = Watch(setting.home, unlock, hand_over)
    watch.start()
    await asyncio.sleep(0)  # the rights handed over by the first look are in force
    sweeper = asyncio.create_task(_sweep(live))
    tidier = asyncio.create_task(_tidy(leases, turned, ink, chrono))
    latch = asyncio.create_task(_leave(setting, gateway, told))
    log.info("gateway.started", port=setting.port, journal=ink.journal.journal_id.hex)
    try:
        await _until_told(setting, Server(gateway.answer, loop, clock), live, told)
    finally:
        sweeper.cancel()
        tidier.cancel()
        latch.cancel()
        watch.stop()
        await upstream.close()
        turned.hand_over()
        for each in (claims, leases, lender, sketch, ink, traces):
            if each is not None:
                each.close()
        log.info("gateway.stopped", journal=ink.journal.journal_id.hex)


def open_upstream(
    loop: asyncio.AbstractEventLoop, environment: dict[str, str]
) -> WireUpstream | ReqwestUpstream:
    """Choose the way to the providers: straight, or through the proxy the environment names."""
    proxied = any(environment.get(name) or environment.get(name.lower()) for name in PROXIES)
    return ReqwestUpstream.open() if proxied else WireUpstream(loop)


def _prepare(setting: Setting) -> None:
    """Take the worker's core, and stop looking for garbage where there is none.

    What is loaded by now stays, and a request leaves no cycles behind.
    """
    if setting.core is not None:
        os.sched_setaffinity(0, {setting.core})
    gc.freeze()
    gc.set_threshold(GARBAGE)


async def _is_wanted(setting: Setting, told: asyncio.Event) -> bool:
    """Wait while the node has left or leaves; False when told to stop meanwhile."""
    while is_leaving(setting.home):
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), LATCH_SECONDS)
        if told.is_set():
            return False
    return True


async def _leave(setting: Setting, gateway: Gateway, told: asyncio.Event) -> None:
    """Stop the worker when its node leaves, some seconds after `/readyz` has begun to say so."""
    while True:
        gateway.is_leaving = is_leaving(setting.home)
        if gateway.is_leaving:
            await asyncio.sleep(setting.notice_seconds)
            if is_leaving(setting.home):
                told.set()
        await asyncio.sleep(LATCH_SECONDS)


async def _until_told(setting: Setting, server: Server, live: Live, told: asyncio.Event) -> None:
    await server.open(setting.host, setting.port)
    await told.wait()
    # Stopped, the server takes no new connection and lets those at work finish their answers.
    server.stop()
    await live.stop(setting.stop_seconds)
    await server.close()


async def _sweep(live: Live) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        live.sweep()


async def _tidy(leases: Leases, turned: Turned, ink: Ink, chrono: Chrono) -> None:
    told_us = 0
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        leases.tidy()
        now_us = chrono.now_us()
        turned.tidy(now_us)
        if now_us - told_us >= TOLD_US and (flying := leases.under_way()):
            told_us = now_us
            ink.noted(Returned(chrono.new_id(now_us), now_us, (), (), tuple(flying)))


def _give_back(ink: Ink, chrono: Chrono, slots: Sequence[tuple[int, int, str, int]]) -> None:
    now_us = chrono.now_us()
    ink.noted(Returned(chrono.new_id(now_us), now_us, tuple(slots)))


def _note_refused(
    ink: Ink, chrono: Chrono, rows: Sequence[RefusedRow], ones: Sequence[RefusedOne]
) -> None:
    now_us = chrono.now_us()
    ink.noted(Returned(chrono.new_id(now_us), now_us, (), tuple(rows), ones=tuple(ones)))


def _database(setting: Setting) -> Database:
    if not setting.database_url:
        raise Unavailable("没有配置数据库地址，请设置 YUEJIE_DATABASE_URL")
    pacer = Pacer("gateway")
    return Database.open(
        setting.database_url,
        size=THREADS,
        name=marked("gateway"),
        statement_seconds=pacer.pace.wall_seconds,
        idle_seconds=pacer.pace.idle_seconds,
        pacing=pacer,
    )


def _die() -> None:
    """Serve nothing more that cannot be metered."""
    log.critical("journal.broken")
    os._exit(BROKEN_JOURNAL)


def _secret(environment: dict[str, str], name: str) -> bytes:
    try:
        secret = bytes.fromhex(environment.get(name, ""))
    except ValueError:
        secret = b""
    if not secret:
        raise Invalid(f"环境变量 {name} 缺失或不是十六进制，请由 yuejie serve 启动或自行设置")
    return secret


if __name__ == "__main__":
    main()
