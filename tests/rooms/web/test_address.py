"""Whose request it is: the socket says it, or a reverse proxy that the settings name."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from fastapi import Request

from tests.rooms.web.conftest import desk_at
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.settings import Settings
from yuejie.web.desk import Desk, address_of

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def desk(database: Database) -> Desk:
    """A console behind two proxies: one on its machine, one in the network before that."""
    proxies = ip_network("127.0.0.1"), ip_network("10.0.0.0/8")
    return replace(desk_at(database, FixedClock(NOW)), proxies=proxies)


def asks(desk: Desk, peer: str, *said: str) -> str:
    app = SimpleNamespace(state=SimpleNamespace(desk=desk))
    headers = [(b"x-forwarded-for", each.encode()) for each in said]
    scope = {"type": "http", "client": (peer, 4711), "headers": headers, "app": app}
    return address_of(Request(scope))


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        ("198.51.100.7", (), "198.51.100.7"),
        # Anybody can write the header; only a proxy is believed.
        ("198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        ("127.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        # What a client wrote itself stands before what the proxy added.
        ("127.0.0.1", ("8.8.8.8, 203.0.113.9",), "203.0.113.9"),
        ("127.0.0.1", ("8.8.8.8", "203.0.113.9"), "203.0.113.9"),
        ("127.0.0.1", ("203.0.113.9, 10.1.2.3",), "203.0.113.9"),
        ("127.0.0.1", ("2001:db8::7",), "2001:db8::7"),
        ("127.0.0.1", ("unknown",), "127.0.0.1"),
        ("127.0.0.1", (), "127.0.0.1"),
    ],
)
def test_who_asks(desk: Desk, peer: str, said: tuple[str, ...], address: str) -> None:
    assert asks(desk, peer, *said) == address


def test_without_proxies_nobody_is_believed(desk: Desk) -> None:
    assert asks(replace(desk, proxies=()), "127.0.0.1", "203.0.113.9") == "127.0.0.1"


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(Invalid, match=r"YUEJIE_PROXIES 中的 lb\.internal 不是 IP 地址或网段"):
        Settings.load({"YUEJIE_PROXIES": "10.0.0.0/8, lb.internal"})
