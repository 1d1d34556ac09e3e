"""The desk: what every route is given, and how it asks for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from yuejie.bills.documents.document import Seller
from yuejie.contracts.esign.choose import Reachable
from yuejie.db.session import Database
from yuejie.fapiao.codes import DEFAULT_CODE, DEFAULT_ITEM
from yuejie.fapiao.request import MANUAL
from yuejie.kernel.clock import Clock
from yuejie.payments.apportion.waiver import SHORT_PAY_FEN
from yuejie.web.door import Door


@dataclass(frozen=True, slots=True)
class FapiaoDesk:
    """Who issues fapiao, and under which tax code and item."""

    provider: str = MANUAL
    code: str = DEFAULT_CODE
    item: str = DEFAULT_ITEM


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the console has at hand."""

    door: Door
    clock: Clock
    seller: Seller
    pepper: bytes = field(repr=False)
    operator_token: str = field(repr=False)
    credential_key: bytes = field(repr=False)
    console_url: str = "http://127.0.0.1:8401"
    gateway_url: str = "http://127.0.0.1:8400"
    notice_hosts: frozenset[str] = frozenset()
    sso_hosts: frozenset[str] = frozenset()
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Reverse proxies that are believed about whom they speak for."""
    stamp_file: Path | None = None
    fapiao: FapiaoDesk = field(default_factory=FapiaoDesk)
    signing: Reachable = field(default_factory=Reachable, repr=False)
    home: Path | None = None
    """The home of a supervised node, which may be asked to run something beside; else None."""
    short_pay_fen: Mapping[str, int] = field(default_factory=lambda: SHORT_PAY_FEN)
    """Up to how much a difference may be a bank's fee, by currency."""
    practice: bool = False
    """Whether this is a house to practise in; every page says so."""


async def desk_of(request: Request) -> Desk:
    """Return the desk of the application that serves a request."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


# Asking for these waits for nothing, so it takes no thread.
DeskHere = Annotated[Desk, Depends(desk_of)]


async def _database(desk: DeskHere) -> Database:
    return desk.door.database()


async def _now(desk: DeskHere) -> datetime:
    return desk.clock.now()


Db = Annotated[Database, Depends(_database)]
"""The open database; away, the request ends here with 503."""
Now = Annotated[datetime, Depends(_now)]
"""The instant of the request: asked once, the same throughout the deed."""


def address_of(request: Request) -> str:
    """Return the address of whoever asks; empty where the socket knows none.

    A reverse proxy that the settings name is believed about whom it speaks for, and so is one
    behind it: it is the last address of `X-Forwarded-For` that is no proxy's. Nobody else is
    believed, for anybody can write that header.
    """
    address = request.client.host if request.client else ""
    desk: Desk = request.app.state.desk
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for further in reversed(said):
        if not _is_one_of(address, desk.proxies):
            break
        try:
            address = str(ip_address(further.strip()))
        except ValueError:
            break
    return address


def _is_one_of(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in networks)
