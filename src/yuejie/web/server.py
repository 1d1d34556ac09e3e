"""The console process: one Granian, in this process, until SIGTERM.

It starts whether or not the database is there: `/healthz` says that it lives, `/readyz` that it
can work, and requests are refused with 503 until it can.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Protocol

import structlog
from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from yuejie.bills.documents.document import Seller
from yuejie.contracts.esign.choose import Accounts, reachable
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import marked
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import Pacer
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import Unavailable
from yuejie.kernel.limits import WATCHERS
from yuejie.web.app import THREADS, make_app
from yuejie.web.desk import Desk, FapiaoDesk
from yuejie.web.door import Door

log = structlog.get_logger()

BACKLOG: Final = 256
BACKPRESSURE: Final = 128 + WATCHERS
"""Requests taken in at once, beside streams; more wait in the backlog of the socket."""


class Wanted(Protocol):
    """What the console needs of the settings, which stand above it."""

    @property
    def database_url(self) -> str | None: ...  # noqa: D102
    @property
    def clickhouse_url(self) -> str: ...  # noqa: D102
    @property
    def postgres(self) -> Path: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def api_port(self) -> int: ...  # noqa: D102
    @property
    def seller_name(self) -> str: ...  # noqa: D102
    @property
    def seller_uscc(self) -> str: ...  # noqa: D102
    @property
    def seller_bank(self) -> str: ...  # noqa: D102
    @property
    def seller_account(self) -> str: ...  # noqa: D102
    @property
    def seller_stamp(self) -> Path | None: ...  # noqa: D102
    @property
    def pepper(self) -> bytes: ...  # noqa: D102
    @property
    def operator_token(self) -> str: ...  # noqa: D102
    @property
    def credential_key(self) -> bytes: ...  # noqa: D102
    @property
    def console_url(self) -> str: ...  # noqa: D102
    @property
    def gateway_url(self) -> str: ...  # noqa: D102
    @property
    def notice_hosts(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def sso_hosts(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]: ...  # noqa: D102
    @property
    def fapiao(self) -> "WantedFapiao": ...  # noqa: D102
    @property
    def signing(self) -> Accounts: ...  # noqa: D102
    @property
    def home(self) -> Path: ...  # noqa: D102
    @property
    def supervised(self) -> bool: ...  # noqa: D102
    @property
    def practice(self) -> bool: ...  # noqa: D102
    @property
    def short_pay_fen(self) -> Mapping[str, int]: ...  # noqa: D102


class WantedFapiao(Protocol):
    """What the console needs to know of who issues fapiao."""

    @property
    def fapiao_provider(self) -> str: ...  # noqa: D102
    @property
    def fapiao_tax_code(self) -> str: ...  # noqa: D102
    @property
    def fapiao_item(self) -> str: ...  # noqa: D102


def serve(settings: Wanted) -> None:
    """Serve the console until SIGTERM or Ctrl-C; requests under way are finished first."""
    _refuse_taken(settings.host, settings.api_port)
    door = Door(lambda: _open(settings))
    desk = Desk(
        door=door,
        clock=SystemClock(),
        seller=Seller(
            legal_name=settings.seller_name,
            uscc=settings.seller_uscc,
            bank_name=settings.seller_bank,
            bank_account=settings.seller_account,
        ),
        pepper=settings.pepper,
        operator_token=settings.operator_token,
        fapiao=FapiaoDesk(
            settings.fapiao.fapiao_provider,
            settings.fapiao.fapiao_tax_code,
            settings.fapiao.fapiao_item,
        ),
        credential_key=settings.credential_key,
        console_url=settings.console_url,
        gateway_url=settings.gateway_url,
        notice_hosts=settings.notice_hosts,
        sso_hosts=settings.sso_hosts,
        proxies=settings.proxies,
        signing=reachable(settings.signing),
        stamp_file=settings.seller_stamp,
        home=settings.home if settings.supervised else None,
        short_pay_fen=settings.short_pay_fen,
        practice=settings.practice,
    )
    door.start()
    app = make_app(desk)
    settle_down()
    try:
        asyncio.run(_serve(app, settings.host, settings.api_port))
    finally:
        door.stop()


def settle_down() -> None:
    """Take what is loaded by now out of the search for garbage: it stays.

    Else a page that happens to set the search off waits a quarter of a second for it.
    """
    gc.collect()
    gc.freeze()


def _open(settings: Wanted) -> Database:
    """Open the database that the settings name, else the embedded one of this house."""
    url = settings.database_url or EmbeddedPostgres(settings.postgres).url("app")
    pacer = Pacer("console")
    db = Database.open(
        url,
        size=THREADS + 1,
        name=marked("console"),
        statement_seconds=pacer.pace.wall_seconds,
        pacing=pacer,
    )
    if settings.clickhouse_url:
        db.warehouse = Warehouse(settings.clickhouse_url)
    return db


async def _serve(app: FastAPI, host: str, port: int) -> None:
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()

    end: Callable[[], None] = server.stop

    def stop() -> None:
        app.state.watchers.is_closing = True
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    log.info("console.serving", host=host, port=port)
    await server.serve()
    log.info("console.stopped")


def _refuse_taken(host: str, port: int) -> None:
    """Say in one sentence that somebody else has the port; Granian would share it silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"控制台不能使用 {host}:{port}（{error.strerror}），"
                "请停掉占用它的程序，或用 YUEJIE_API_PORT 另选端口"
            ) from None
