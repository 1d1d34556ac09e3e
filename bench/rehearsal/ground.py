"""The ground that nodes stand on: network namespaces of their own, or addresses of loopback.

In namespaces a node has two wires: the street, where clients and providers are, and the office,
where PostgreSQL is. One can be pulled and not the other.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from bench.rehearsal.relay import Relay
from yuejie.demo.simulators.launch import free_port

_OURS: Final = ("10.79.0.1/32", "10.79.0.2/32")
"""Where nodes in namespaces find the provider, by the street, and the database, by the office."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where who listens: free ports, for others may rehearse beside us."""

    databases: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    provider: int = field(default_factory=free_port)
    gateway: int = field(default_factory=free_port)


class Ground(Protocol):
    """Where processes of nodes run, and how they reach one another."""

    provider_host: str
    ports: Ports

    def stand(self, name: str) -> tuple[str, str]:
        """Give a node its address for clients, and the one at which it finds the database."""

    def within(self, name: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs a command in a node."""

    def cut(self, name: str, *, off: bool) -> None:
        """Part a node from the database, or join them again."""


class Loopback:
    """Nodes as processes of this machine; the database lies behind a relay of each."""

    provider_host = "127.0.0.1"

    def __init__(self, relay: Relay) -> None:
        self.ports = Ports()
        self._relay = relay
        self._hosts: dict[str, str] = {}

    def stand(self, name: str) -> tuple[str, str]:
        """Give a node an address."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = f"127.0.0.{2 + len(self._hosts)}"
            self._relay.open(name, host, self.ports.databases)
        return host, host

    def within(self, name: str, command: Sequence[str]) -> list[str]:
        """Run it as it is."""
        del name
        return list(command)

    def cut(self, name: str, *, off: bool) -> None:
        """Let the relay carry nothing."""
        self._relay.cut(name, off=off)


class Namespaces:
    """Nodes in namespaces, each with a wire to the street and one to the office."""

    provider_host = "10.79.0.1"

    def __init__(self, relay: Relay) -> None:
        self.ports = Ports()
        self._tag = f"yj{os.getpid() % 10_000}"
        self._known: dict[str, int] = {}
        for address in _OURS:
            _ip("addr", "add", address, "dev", "lo")
        relay.open("office", "10.79.0.2", self.ports.databases)

    def stand(self, name: str) -> tuple[str, str]:
        """Make a namespace and lay both wires."""
        number = self._known.get(name)
        if number is None:
            number = self._known[name] = len(self._known) + 1
            space = self._space(name)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            self._wire(name, "s", f"10.78.{number}", _OURS[0])
            self._wire(name, "o", f"10.77.{number}", _OURS[1])
        return f"10.78.{number}.2", "10.79.0.2"

    def within(self, name: str, command: Sequence[str]) -> list[str]:
        """Run it in the node's namespace."""
        return ["ip", "netns", "exec", self._space(name), *command]

    def cut(self, name: str, *, off: bool) -> None:
        """Pull the office's wire at our end, or put it back: packets vanish meanwhile."""
        _ip("link", "set", self._end(name, "o"), "down" if off else "up")

    def clear(self) -> None:
        """Take everything away again."""
        for name in self._known:
            for wire in "so":
                _ip("link", "del", self._end(name, wire), check=False)
            _ip("netns", "del", self._space(name), check=False)
        for address in _OURS:
            _ip("addr", "del", address, "dev", "lo", check=False)

    def _wire(self, name: str, wire: str, net: str, leads_to: str) -> None:
        space, ours, theirs = self._space(name), self._end(name, wire), f"{wire}0"
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space)
        _ip("addr", "add", f"{net}.1/24", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", space, "addr", "add", f"{net}.2/24", "dev", theirs)
        _ip("-n", space, "link", "set", theirs, "up")
        _ip("-n", space, "route", "add", leads_to, "via", f"{net}.1")

    def _space(self, name: str) -> str:
        return f"{self._tag}-{name}"

    def _end(self, name: str, wire: str) -> str:
        return f"{self._tag}{wire}{self._known[name]}"


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check)  # noqa: S607 - wherever the machine has it


@contextmanager
def ground(relay: Relay, *, namespaces: bool) -> Iterator[Ground]:
    """Have a ground for the length of a block."""
    if not namespaces:
        yield Loopback(relay)
        return
    made = Namespaces(relay)
    try:
        yield made
    finally:
        made.clear()
