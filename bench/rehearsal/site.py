"""A node of the rehearsal: a home, a build, an intake and gateways, each a real process."""

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.figures import Unfair
from bench.rehearsal.ground import Ground
from bench.rehearsal.provider import FREE, request_body
from yuejie.settings import Settings
from yuejie.supervisor import SUPERVISOR, Child, Program

READY_SECONDS: Final = 60
STOP_SECONDS: Final = 40


@dataclass
class Site:
    """One node; whoever made it tends it on a thread until told to end."""

    name: str
    home: Path
    ground: Ground
    secrets: Mapping[str, str]
    login: str
    """User and password for the database."""
    workers: int
    build: Path | None = None
    """The source of another build; None runs this one."""
    children: list[Child] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self.host, self.database_host = self.ground.stand(self.name)
        threading.Thread(target=self._tend, name=self.name, daemon=True).start()

    @property
    def database_url(self) -> str:
        """Where the node finds the database: two servers, of which one writes."""
        places = (f"{self.database_host}:{port}" for port in self.ground.ports.databases)
        return f"postgresql://{self.login}@{','.join(places)}/yuejie"

    def start(self, *kinds: str) -> None:
        """Start processes: `intake`, `gateway`."""
        with self._lock:
            for kind in kinds:
                for number in range(self.workers if kind == "gateway" else 1):
                    self.children.append(Child(self._program(kind, number), self.home))

    def stop(self, kind: str) -> None:
        """Stop processes in good order and keep them stopped."""
        with self._lock:
            leaving = [c for c in self.children if c.program.name.startswith(kind)]
            self.children = [c for c in self.children if c not in leaving]
        for child in leaving:
            child.ask_to_stop()
        for child in leaving:
            child.wait_or_kill(time.monotonic() + STOP_SECONDS)

    def signal(self, kind: str, number: int) -> None:
        """Send a signal to processes."""
        for child in self.children:
            if child.program.name.startswith(kind) and child.process is not None:
                with suppress(ProcessLookupError):
                    os.kill(child.process.pid, number)

    def die(self) -> None:
        """Kill -9 everything at once, as when the power goes."""
        with self._lock:
            dying, self.children = self.children, []
        for child in dying:
            if child.process is not None:
                with suppress(ProcessLookupError):
                    os.kill(child.process.pid, signal.SIGKILL)
        for child in dying:
            if child.process is not None:
                child.process.wait()

    def end(self) -> None:
        """Stop whatever runs, and tend no more."""
        self.stop("gateway")
        self.stop("intake")
        self._end.set()

    def await_ready(self) -> None:
        """Wait until the node serves."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(self.url("/readyz"), timeout=1).close()  # noqa: S310 - ours
                return
            time.sleep(0.05)
        logs = "\n".join(f"{p.name}: {p.read_text()[-800:]}" for p in self.home.glob("*.log"))
        raise Unfair(f"节点 {self.name} 在 {READY_SECONDS} 秒内没有就绪。\n{logs}")

    def url(self, path: str) -> str:
        """Where clients find the node."""
        return f"http://{self.host}:{self.ground.ports.gateway}{path}"

    def status(self, key: str) -> int:
        """Return what the node answers to a call of a key."""
        call = urllib.request.Request(  # noqa: S310 - ours
            self.url("/v1/chat/completions"),
            request_body(FREE),
            {"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(call, timeout=5) as answer:  # noqa: S310 - ours
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)
        except OSError:
            return -1

    def _program(self, kind: str, number: int) -> Program:
        environ = {
            **os.environ,
            **self.secrets,
            "YUEJIE_HOME": str(self.home),
            "YUEJIE_NODE": self.name,
            "YUEJIE_HOST": self.host,
            "YUEJIE_GATEWAY_PORT": str(self.ground.ports.gateway),
            "YUEJIE_DATABASE_URL": self.database_url,
            "YUEJIE_DRAIN_NOTICE_S": "1",
            SUPERVISOR: str(os.getpid()),
        }
        if self.build is not None:
            environ["PYTHONPATH"] = str(self.build)
        command = self.ground.within(self.name, [sys.executable, "-m", "yuejie", kind])
        return Program(f"{kind}-{number}", command, environ, order=1)

    def _tend(self) -> None:
        while not self._end.wait(0.05):
            with self._lock:
                for child in self.children:
                    child.tend(time.monotonic())


def secrets_of(settings: Settings) -> dict[str, str]:
    """Return what all nodes of a house share."""
    return {
        "YUEJIE_PEPPER": settings.pepper.hex(),
        "YUEJIE_CREDENTIAL_KEY": settings.credential_key.hex(),
        "YUEJIE_OPERATOR_TOKEN": settings.operator_token,
    }
