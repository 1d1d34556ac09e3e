"""No message reaches a private network: not by literal, by name, by rebinding, by redirect."""

import ipaddress
import socket

import pytest

from tests.simulators.receivers import receiving
from yuejie.notices.channels.guard import Guarded, is_public, place_of, read_url
from yuejie.notices.channels.parcel import Request
from yuejie.notices.channels.wire import post

NONE: frozenset[str] = frozenset()
PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # AWS, GCP, Azure, Tencent
    "100.100.100.200",  # Aliyun
    "168.63.129.16",  # Azure, although it is public
    "100.64.0.1",
    "192.0.0.192",  # Oracle
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:a9fe:a9fe::1",
    "2001:db8::1",
    "64:ff9b:1::7f00:1",  # the NAT64 of one's own network
    "::7f00:1",  # IPv4-compatible, long given up
    "::ffff:0:7f00:1",
    "fec0::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told_from_public_ones(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_pass(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_even_beside_a_public_answer(address: str) -> None:
    for answers in ([address], ["1.1.1.1", address], [address, "1.1.1.1"]):
        with pytest.raises(Guarded, match="内部地址"):
            place_of("https://evil.example.com/x", NONE, lambda _h, _p, a=answers: a)  # type: ignore[misc]  # why: binds the loop's value


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https://",
        "//hooks.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/\r\nX-Evil: 1",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/通知",
        "https://例子.测试/",
        "https://a..b/",
        "https://.example.com/",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 140}com/",
        "https://[::1",
    ],
)
def test_an_address_that_is_no_plain_https_is_refused(url: str) -> None:
    with pytest.raises(Guarded):
        read_url(url, NONE)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",  # 127.0.0.1 as one number
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1%25lo]/",
    ],
)
def test_disguises_of_loopback_are_seen_through(url: str) -> None:
    try:
        place_of(url, NONE)
    except (Guarded, socket.gaierror):
        return
    pytest.fail(f"{url} passed")


def test_the_operator_lets_a_host_pass_by_name_and_nothing_beside_it() -> None:
    allowed = frozenset({"dingtalk.corp.internal", "10.1.1.1:8080"})
    place = place_of("http://dingtalk.corp.internal:9000/robot", allowed, lambda *_: ["10.0.0.9"])
    assert (place.addresses, place.port, place.path) == (("10.0.0.9",), 9000, "/robot")
    assert read_url("http://10.1.1.1:8080/", allowed)[2] == 8080
    for other in ("http://10.1.1.1:8081/", "http://x.dingtalk.corp.internal/"):
        with pytest.raises(Guarded):
            read_url(other, allowed)


def test_the_socket_goes_where_the_check_looked() -> None:
    """DNS rebinding: the name is asked once, and the connection uses that answer."""
    asked = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"] if len(asked) == 1 else ["127.0.0.1"]

    place = place_of("https://rebind.example.com/x", NONE, resolve)
    assert (place.addresses, asked) == (("1.1.1.1",), ["rebind.example.com"])


def test_a_redirect_is_not_followed() -> None:
    with receiving(lambda _: (302, {})) as receiver:
        request = Request(f"{receiver.url}/", {}, b"{}")
        reply = post(request, frozenset({receiver.host}))
    assert (reply.status, len(receiver.got)) == (302, 1)


def test_the_wire_refuses_loopback_unless_allowed() -> None:
    with receiving(lambda _: (200, {})) as receiver:
        for url in (receiver.url, f"https://127.0.0.1:{receiver.port}/"):
            with pytest.raises(Guarded):
                post(Request(url, {}, b"{}"), NONE)
        with pytest.raises(Guarded, match="内部地址"):
            post(Request("https://127.0.0.1/", {}, b"{}"), NONE)
    assert receiver.got == []
