"""The supervisor: starts every process of a node, restarts what dies, drains on SIGTERM.

    yuejie serve
    ├── postgres            the embedded server, unless YUEJIE_DATABASE_URL names another
    ├── gateway × workers   each a process of its own on the shared port
    ├── intake              journals → database, database → snapshot
    ├── console             the API
    ├── backup              journals and the database's log → YUEJIE_BACKUP, where that is set
    ├── clerk               calendar, partitions, watches; leader by advisory lock
    └── what is wished      simulated providers, a house to practise in (`beside`), else nothing

A process that dies is started again, at once the first time and then with growing pauses; one that
stays up is forgiven. The supervisor itself holds no state: kill it and start it again.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import structlog

from yuejie.app import Say
from yuejie.beside import Beside, Wish, wished
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import held_by, migrate
from yuejie.kernel.errors import DomainError
from yuejie.settings import Settings

log = structlog.get_logger()

TICK_SECONDS: Final = 0.05
DRAIN_SECONDS: Final = 40
"""A gateway worker finishes its streams within 30 s of SIGTERM; then it writes down their ends."""
FORGIVEN_SECONDS: Final = 10
"""A process that has run this long starts again at once when it dies."""
SUPERVISOR: Final = "YUEJIE_SUPERVISOR"
"""Tells a program whose child it is; it ends when that process does."""
PAUSE_SECONDS_MAX: Final = 1.0
LOOK_SECONDS: Final = 0.5
"""How often one looks what is wished beside the node."""
METRICS_PORT: Final = "YUEJIE_METRICS_PORT"
"""Of the node it is the first of several: intake, clerk, gateways. The console has its own page."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running. `order` is when it stops: gateways first, the office last."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    order: int
    is_beside: bool = False


class Child:
    """A program that runs, ran, or is about to run again."""

    def __init__(self, program: Program, log_folder: Path | None) -> None:
        self.program = program
        self._log_folder = log_folder
        self.process: subprocess.Popen[bytes] | None = None
        self.wanted = True
        self.deaths = 0
        self._started = 0.0
        self._next = 0.0

    def tend(self, now: float) -> None:
        """Start the program if it does not run and its pause is over; note a death."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.process = None
            self._mourn(code, now)
        if self.wanted and now >= self._next:
            self.process = self._spawn()
            self._started = now
            log.info("process.started", name=self.program.name, pid=self.process.pid)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command, environ = list(self.program.command), dict(self.program.environ)
        if self._log_folder is None:
            return subprocess.Popen(command, env=environ, start_new_session=True)
        path = self._log_folder / f"{self.program.name}.log"
        with path.open("ab") as file:
            return subprocess.Popen(
                command, env=environ, start_new_session=True, stdout=file, stderr=file
            )

    def _mourn(self, code: int, now: float) -> None:
        self.deaths = 1 if now - self._started > FORGIVEN_SECONDS else self.deaths + 1
        pause = 0.0 if self.deaths == 1 else min(0.1 * 2**self.deaths, PAUSE_SECONDS_MAX)
        self._next = now + pause
        log.warning("process.died", name=self.program.name, code=code, pause_s=pause)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to a running program."""
        process = self.process
        if process is not None and process.poll() is None:
            process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until the deadline, then kill the program and what it started."""
        process = self.process
        if process is None:
            return
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process.killed", name=self.program.name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Supervisor:
    """Keeps the programs of one node running until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        say: Say,
        programs: Sequence[Program],
        *,
        log_folder: Path | None = None,
    ) -> None:
        """Prepare to run the programs; with a log folder each writes to a file of its own there."""
        self._settings = settings
        self._say = say
        self.children = [Child(program, log_folder) for program in programs]
        self.postgres: EmbeddedPostgres | None = None
        self._stopping = False
        self._log_folder = log_folder
        self._looked = 0.0

    def start(self) -> None:
        """Start the database, bring its schema up to date, then start every program."""
        if self._settings.database_url is None:
            self._settings.home.mkdir(parents=True, exist_ok=True)
            self.postgres = EmbeddedPostgres(self._settings.postgres, progress=self._say)
            self.postgres.start()
            owner = self.postgres.url("owner")
        else:
            owner = self._settings.direct_url or self._settings.database_url
        for name in migrate(owner):
            log.info("database.migrated", migration=name)
        if old := held_by(owner):
            log.warning("database.migration_waits", for_builds=old)
        self.tend()

    def tend(self) -> None:
        """Restart what has died, the database before its clients."""
        if self.postgres is not None and not self.postgres.alive:
            log.warning("postgres.died")
            self.postgres.stop()
            self.postgres.start()
            log.info("postgres.started")
        now = time.monotonic()
        for child in self.children:
            child.tend(now)
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._follow(wished(self._settings.home))

    def _follow(self, wishes: Mapping[Beside, Wish]) -> None:
        """Start what is wished beside the node, and let go of what no longer is."""
        beside = {child.program.name: child for child in self.children if child.program.is_beside}
        for what, wish in wishes.items():
            if what not in beside:
                program = beside_program(self._settings, wish)
                self.children.append(Child(program, self._log_folder))
        for name, child in beside.items():
            if name not in wishes:
                child.wanted = False
                child.ask_to_stop()
                if child.process is None:
                    self.children.remove(child)

    def replace(self, programs: Mapping[str, Program]) -> None:
        """Let children go on as other programs: whoever tends them starts the new ones."""
        for child in self.children:
            became = programs.get(child.program.name, child.program)
            if became != child.program:
                child.program = became
                self._end(child)

    def retire(self, leaving: Sequence[Child]) -> None:
        """Stop some children in good order and keep them stopped."""
        for child in leaving:
            child.wanted = False
            self._end(child)

    def _end(self, child: Child) -> None:
        child.ask_to_stop()
        child.wait_or_kill(time.monotonic() + DRAIN_SECONDS)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Tend the processes until a signal or `until` says stop, then stop them in order."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            while not self._stopping and not until():
                self._tend_or_wait()
                time.sleep(TICK_SECONDS)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop gateways first so that nothing new begins, the database last."""
        orders = sorted({child.program.order for child in self.children})
        for order in orders:
            group = [child for child in self.children if child.program.order == order]
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + DRAIN_SECONDS
            for child in group:
                child.wait_or_kill(deadline)
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres = None

    def _tend_or_wait(self) -> None:
        try:
            self.tend()
        except DomainError as error:
            log.error("postgres.unavailable", why=error.sentence)  # noqa: TRY400 - one sentence, no traceback
            time.sleep(1)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def programs(settings: Settings) -> list[Program]:
    """Return the programs of a node, each its own command of `yuejie`."""
    environ = dict(os.environ) | {
        "YUEJIE_HOME": str(settings.home),
        "YUEJIE_NODE": settings.node,
        "YUEJIE_HOST": settings.host,
        "YUEJIE_GATEWAY_PORT": str(settings.gateway_port),
        "YUEJIE_API_PORT": str(settings.api_port),
        "YUEJIE_DRAIN_NOTICE_S": str(settings.drain_notice_s),
        SUPERVISOR: str(os.getpid()),
    }
    yuejie = [sys.executable, "-m", "yuejie"]

    def program(name: str, noun: str, order: int, at: int) -> Program:
        port = settings.metrics_port and settings.metrics_port + at
        return Program(name, [*yuejie, noun], environ | {METRICS_PORT: str(port)}, order)

    workers = range(1, settings.workers + 1)
    return [
        *(program(f"gateway-{number}", "gateway", 1, number + 1) for number in workers),
        program("intake", "intake", 2, 0),
        program("console", "console", 2, 0),
        program("clerk", "clerk", 2, 1),
        *(
            [Program("backup", [*yuejie, "backup", "follow"], environ, order=3)]
            if settings.backups.backup is not None
            else []
        ),
    ]


def beside_program(settings: Settings, wish: Wish) -> Program:
    """Return the program of a wish; what it prints to nobody goes to the supervisor's own log."""
    environ = dict(os.environ) | {
        "YUEJIE_HOME": str(settings.home),
        SUPERVISOR: str(os.getpid()),
    }
    if wish.what is Beside.SIMULATORS:
        truth = settings.home / "beside" / "simulators.jsonl"
        port = str(wish.ports[0])
        command = ["-m", "yuejie.demo.simulators", "--port", port, "--truth", str(truth)]
    else:
        command = ["-m", "yuejie", "practice", "start"]
        command += [word for port in wish.ports for word in ("--port", str(port))]
    return Program(str(wish.what), [sys.executable, *command], environ, order=1, is_beside=True)
