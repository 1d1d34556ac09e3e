"""Where a message may go: public addresses, and hosts that the operator allowed by name.

A webhook's address is written by people outside the house. Without this guard it could reach the
database, a cloud's metadata server, or a neighbour on the private network (SSRF).
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import urlsplit

from yuejie.kernel.errors import Forbidden

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]

_METADATA: Final = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Azure's metadata server has a public address; the other clouds' are link-local or shared."""
_PROTOCOLS: Final = ipaddress.ip_network("192.0.0.0/24")
"""IETF protocol assignments; Oracle's metadata server is among them."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All that is routed of IPv6; what lies beside it is local, reserved, or given up long ago."""
_PORTS: Final = frozenset({443, 8443})
_NAME: Final = 253
_LABEL: Final = 63


class Guarded(Forbidden):
    """The address is one that no message may go to."""

    code: ClassVar[str] = "address_guarded"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: the host's name for TLS and headers, checked addresses for the socket."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    path: str


def read_url(url: str, allowed: frozenset[str]) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of an address that may be asked about at all.

    Only https, no user name, port 443 or 8443; a host that the operator allowed, as `host` or
    `host:port`, may be plain http and any port.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Guarded("地址格式不对，请写成 https://主机/路径") from error
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable() or " " in url:
        raise Guarded("地址格式不对，请写成 https://主机/路径")
    if not url.isascii() or not _is_name(host):
        raise Guarded("地址只能用英文字符：中文域名请写成 xn-- 形式，路径请用百分号编码")
    if parts.username is not None or parts.password is not None:
        raise Guarded(f"地址 {host} 不能带用户名和口令，请去掉后重试")
    port = port or (443 if parts.scheme == "https" else 80)
    if not is_allowed(host, port, allowed):
        if parts.scheme != "https":
            raise Guarded(
                f"地址 {host} 必须使用 https；内部主机请由运营方用 YUEJIE_NOTICE_HOSTS 放行"
            )
        if port not in _PORTS:
            raise Guarded(f"地址 {host} 的端口 {port} 不允许，请使用 443 或 8443")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, path


def _is_name(host: str) -> bool:
    """Tell whether a host can be asked for at all: labels of 1 to 63 characters, or an address."""
    labels = host.removesuffix(".").split(".")
    return len(host) <= _NAME and all(0 < len(label) <= _LABEL for label in labels)


def is_allowed(host: str, port: int, allowed: frozenset[str]) -> bool:
    """Tell whether the operator let this host pass by name."""
    return host in allowed or f"{host}:{port}" in allowed


def place_of(url: str, allowed: frozenset[str], resolve: Resolve | None = None) -> Place:
    """Resolve an address once and check every answer; the socket then uses the checked one.

    A name that resolves to one public and one private address is refused, and a name that changes
    its answer between the check and the connection changes nothing.
    """
    scheme, host, port, path = read_url(url, allowed)
    found = list((resolve or _resolve)(host, port))
    if not found:
        raise Guarded(f"主机 {host} 解析不到地址，请核对")
    if not is_allowed(host, port, allowed):
        for each in found:
            if not is_public(ipaddress.ip_address(each.partition("%")[0])):
                raise Guarded(f"主机 {host} 指向内部地址，不能发送；请改用公网地址")
    return Place(scheme, host, port, tuple(dict.fromkeys(found)), path)


def is_public(address: Address) -> bool:
    """Tell whether an address is out in the internet, also one that is wrapped in another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(each is not None and not is_public(each) for each in inner):
            return False
        if address.ipv4_mapped is not None or address in _NAT64:
            return True
        if address not in _UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and address not in _METADATA
        and address not in _PROTOCOLS
    )


def _resolve(host: str, port: int) -> list[str]:
    """Ask the system; what cannot be resolved now is an OSError, and may be tried again."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
