"""A house to measure: the processes of `yuejie serve`, a database, a customer with a key.

Everything is on, as in production: keys, prices, policies, the journal on disk, the ingest.
It lives in a temporary folder and is gone afterwards.
"""

import shutil
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import store
from bench.demo import furnish
from bench.figures import Unfair
from bench.load.order import Order, Report, Target, chat, run
from bench.processes import cpu_seconds, family_cpu_seconds, resident_bytes
from bench.upstream import CACHED, INPUT, OUTPUT
from yuejie.app import app_url
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.demo.simulators.launch import free_port
from yuejie.settings import Settings
from yuejie.supervisor import Supervisor, programs

READY_SECONDS: Final = 60
DRAIN_SECONDS: Final = 60
"""How long the ingest may take, after the last answer, until every event is stored."""
_LOOK_SECONDS: Final = 0.1
_KEY: Final = "app"
_BY: Final = "bench"


@dataclass(frozen=True, slots=True)
class Pass:
    """One load on the gateway: what the clients saw and what it cost."""

    report: Report
    gateway_cpu: float
    intake_cpu: float
    postgres_cpu: float
    lag_seconds: float
    """From the last answer until its event was in the database."""

    @property
    def per_cpu_second(self) -> float:
        """Answers per CPU-second of gateway and intake."""
        return self.report.answers / (self.gateway_cpu + self.intake_cpu)

    @property
    def postgres_share(self) -> float:
        """CPU milliseconds of PostgreSQL per thousand answers."""
        return self.postgres_cpu * 1_000_000 / self.report.answers


class House:
    """The running processes, and the count of what they have answered."""

    def __init__(self, settings: Settings, db: Database, supervisor: Supervisor, key: str) -> None:
        self.settings = settings
        self.db = db
        self.key = key
        self._supervisor = supervisor
        self._answered = 0
        self._pids = self._alive()

    def target(self, *, stream: bool = False) -> Target:
        """Return a chat request to the gateway."""
        return chat(self.settings.gateway_port, self.key, stream=stream)

    def load(self, order: Order) -> Pass:
        """Carry out a load and wait until all of it is in the database; CPU counts until then."""
        gateway, intake, postgres = self._cpu()
        report = run(order)
        ended = time.perf_counter()
        self._answered += report.answers
        self._drain()
        lag = time.perf_counter() - ended
        now = self._cpu()
        return Pass(report, now[0] - gateway, now[1] - intake, now[2] - postgres, lag)

    def resident_bytes(self) -> int:
        """Return the memory of the largest gateway worker."""
        return max(resident_bytes(pid) for name, pid in self._pids.items() if _serves(name))

    def check(self) -> None:
        """Refuse the whole benchmark unless the database holds exactly what was answered."""
        with self.db.read() as tx:
            stored = store.stored(tx)
        n = self._answered
        expected = store.Stored(
            events=n,
            operations=n,
            measured=n,
            input=n * (INPUT - CACHED),
            cache_read=n * CACHED,
            output=n * OUTPUT,
        )
        if stored != expected:
            raise Unfair(f"数据库中的事件与应答不符：应为 {expected}，实为 {stored}")

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._stored() < self._answered:
            if time.monotonic() > deadline:
                raise Unfair(
                    f"{DRAIN_SECONDS} 秒后数据库中仍只有 {self._stored()} 个事件，"
                    f"应有 {self._answered} 个"
                )
            time.sleep(_LOOK_SECONDS)

    def _stored(self) -> int:
        with self.db.read() as tx:
            return store.counted(tx)

    def _cpu(self) -> tuple[float, float, float]:
        if self._alive() != self._pids:
            raise Unfair(f"有进程在测量中死去，见 {self.settings.home} 下的日志")
        gateways = [pid for name, pid in self._pids.items() if _serves(name)]
        postgres = EmbeddedPostgres(self.settings.postgres).pid
        return (
            cpu_seconds(gateways),
            cpu_seconds([self._pids["intake"]]),
            family_cpu_seconds(postgres),
        )

    def _alive(self) -> dict[str, int]:
        return {
            child.program.name: child.process.pid
            for child in self._supervisor.children
            if child.process is not None
        }


@contextmanager
def running(upstream: int, *, workers: int = 1) -> Iterator[House]:
    """Have a house for the length of a block, its models served by an upstream on this port."""
    with temporary_home() as home:
        settings = Settings.load(
            {
                "YUEJIE_HOME": str(home),
                "YUEJIE_NODE": socket.gethostname(),
                "YUEJIE_WORKERS": str(workers),
                "YUEJIE_GATEWAY_PORT": str(free_port()),
                "YUEJIE_API_PORT": str(free_port()),
            }
        )
        supervisor = Supervisor(settings, print, programs(settings), log_folder=home)
        supervisor.start()
        stop = threading.Event()
        tending = threading.Thread(target=_tend, args=(supervisor, stop), daemon=True)
        tending.start()
        try:
            with Database.open(app_url(settings), size=2, name="bench") as db:
                secrets = furnish(
                    db,
                    pepper=settings.pepper,
                    credential_key=settings.credential_key,
                    upstream=f"http://127.0.0.1:{upstream}",
                    by=_BY,
                )
                _await_ready(settings, home)
                yield House(settings, db, supervisor, secrets[_KEY])
        finally:
            stop.set()
            tending.join()
            supervisor.stop()


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Have a folder that the database's own user may enter, and that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="yuejie-bench-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home)


def _tend(supervisor: Supervisor, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        supervisor.tend()


def _await_ready(settings: Settings, home: Path) -> None:
    """Wait until the gateway serves with the rights that have just been set up."""
    deadline = time.monotonic() + READY_SECONDS
    url = f"http://127.0.0.1:{settings.gateway_port}/readyz"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                time.sleep(2)  # a snapshot is at most one second old
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_SECONDS)
    logs = "\n".join(f"{p.name}: {p.read_text()[-500:]}" for p in sorted(home.glob("*.log")))
    raise Unfair(f"网关在 {READY_SECONDS} 秒内没有就绪。\n{logs}")


def _serves(name: str) -> bool:
    return name.startswith("gateway")
