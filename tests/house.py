"""A whole house for tests: simulators, database, gateways, intake, clerk, each a real process.

The console is there where a test asks for it: it takes longer to start than all the others.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket

from tests.postgres import open_folder
from yuejie.app import app_url
from yuejie.apply import Applying, apply_house
from yuejie.db.session import Database
from yuejie.demo.house import demo_house
from yuejie.demo.show import shifted
from yuejie.demo.simulators.launch import Running, running
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.settings import Settings
from yuejie.supervisor import Child, Supervisor, programs


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """A running house and what a test needs to know of it."""

    settings: Settings
    simulator: Running
    supervisor: Supervisor
    db: Database
    keys: dict[str, str]
    told: threading.Event = field(default_factory=threading.Event)

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.settings.gateway_port}"

    def tend(self) -> None:
        """Tend the processes on a thread; a database that cannot start yet is tried again."""
        while not self.told.wait(0.02):
            with suppress(DomainError):
                self.supervisor.tend()

    def child(self, name: str) -> Child:
        (found,) = [c for c in self.supervisor.children if c.program.name == name]
        return found

    def pid(self, name: str) -> int | None:
        process = self.child(name).process
        return process.pid if process is not None and process.poll() is None else None

    def kill_database(self) -> None:
        """Kill -9 the database server and all its sessions' processes with it."""
        postgres = self.supervisor.postgres
        if postgres is not None and postgres.alive:
            os.kill(postgres.pid, signal.SIGKILL)

    def lose_database(self) -> None:
        """Stop the database and keep it stopped."""
        postgres, self.supervisor.postgres = self.supervisor.postgres, None
        if postgres is not None:
            postgres.stop()

    def retire_gateways(self) -> None:
        """Stop the gateways in good order; their journals are then dead and wholly readable."""
        gateways = [c for c in self.supervisor.children if c.program.name.startswith("gateway")]
        self.supervisor.retire(gateways)

    def kill(self, name: str) -> None:
        """Kill -9 one process; the supervisor brings it back."""
        process = self.child(name).process
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)


@contextmanager
def running_house(
    workers: int = 2, shift: timedelta = timedelta(), *, console: bool = False
) -> Iterator[House]:
    """Run a house, furnished like the demo's; `shift` moves the gateways' clock."""
    with open_folder() as home, running(home / "truth.jsonl") as simulator:
        settings = Settings.load(
            {
                "YUEJIE_HOME": str(home),
                "YUEJIE_GATEWAY_PORT": str(free_port()),
                "YUEJIE_API_PORT": str(free_port()),
                "YUEJIE_WORKERS": str(workers),
                "YUEJIE_NODE": "test",
            }
        )
        staged = [
            shifted(program, shift)
            for program in programs(settings)
            if console or program.name != "console"
        ]
        supervisor = Supervisor(settings, lambda _: None, staged, log_folder=home)
        supervisor.start()
        with Database.open(app_url(settings), size=4) as db:
            house = House(settings, simulator, supervisor, db, furnish(db, settings, simulator.url))
            thread = threading.Thread(target=house.tend)
            thread.start()
            try:
                yield house
            finally:
                house.told.set()
                thread.join()
                supervisor.stop()


def furnish(db: Database, settings: Settings, upstream: str) -> dict[str, str]:
    """Apply the demo's house file and return its keys' secrets by name."""
    now = datetime.now(UTC)
    applying = Applying(
        db=db,
        pepper=settings.pepper,
        credential_key=settings.credential_key,
        by="test",
        now=now,
        folder=Path(),
        environ={},
    )
    month_end = BillingMonth.of(now, zone_of("Asia/Shanghai")).previous.last_day
    changes = apply_house(demo_house(upstream, month_end), applying)
    return {change.key_name: change.secret for change in changes if change.secret}
