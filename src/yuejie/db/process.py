"""The server as a process: its settings, its birth, its death.

The server ends when we do, also by kill -9: the kernel sends it SIGINT at our death
(PR_SET_PDEATHSIG), upon which it rolls back, writes everything down and stops. That signal comes
when the *thread* that started it ends, so a thread of its own starts it and stays. Elsewhere than
on Linux a server outlives a killed parent, and PostgreSQL refuses the next start until it is gone.
It has a session of its own, so that Ctrl-C reaches us first and the server is the last to go.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from yuejie.db.errors import AlreadyRunning, EmbeddedUnavailable
from yuejie.db.programs import Identity, Programs, Progress

STOP_SECONDS: Final = 120
"""A fast shutdown writes a checkpoint; a slow disk may need a minute."""
KILL_SECONDS: Final = 10
ORPHAN_SECONDS: Final = 60
"""How long a server whose parent was killed may take to stop."""
REMAINS_SECONDS: Final = 30
"""How long the sessions of a killed server may take to notice and to leave its shared memory."""
PROGRESS_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.02
LOG_BYTES: Final = 10 * 1024 * 1024

DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "wal_level": "replica",
    "max_slot_wal_keep_size": "8GB",
    "shared_buffers": "128MB",
}
FAST: Final = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}
"""For tests: a crash of the machine may lose everything, a crash of the server loses nothing."""
COMMON: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_startup_progress_interval": "1s",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "cluster_name": "yuejie",
}


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a running server writes about itself into `postmaster.pid`."""

    pid: str = ""
    socket: str = ""
    status: str = ""

    @classmethod
    def read(cls, data: Path) -> "PidFile":
        """Return what is written there, empty where nothing is."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return cls()
        padded = [line.strip() for line in lines] + [""] * 8
        return cls(pid=padded[0], socket=padded[4], status=padded[7])


@dataclass(frozen=True, slots=True)
class Launch:
    """All that it takes to start the server."""

    programs: Programs
    identity: Identity
    data: Path
    socket: Path
    log: Path
    fast: bool

    @property
    def command(self) -> list[str]:
        """Return the command line; settings stand in it, so that a new release brings its own."""
        settings = COMMON | (FAST if self.fast else DURABLE)
        settings["unix_socket_directories"] = str(self.socket)
        pairs = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs.postgres), "-D", str(self.data), *pairs]


class Server:
    """One running server, our child."""

    def __init__(self, process: subprocess.Popen[bytes], keeper: threading.Thread) -> None:
        self._process = process
        self._keeper = keeper

    @classmethod
    def launch(cls, launch: Launch, progress: Progress) -> "Server":
        """Start the server and return when it takes connections, however long recovery lasts."""
        deadline = time.monotonic() + REMAINS_SECONDS
        while True:
            said = launch.log.stat().st_size if launch.log.exists() else 0
            server = cls(*_keep(launch))
            try:
                if server._ready(launch, said, progress):
                    return server
            except BaseException:
                server.stop(progress)
                raise
            complaint = _last_line(_tail(launch.log, said), "FATAL")
            # kill -9 of a server leaves its sessions for a moment, and with them its memory.
            if "shared memory block" not in complaint or time.monotonic() > deadline:
                raise EmbeddedUnavailable(f"内置数据库启动失败：{complaint}；详见 {launch.log}")
            time.sleep(0.2)

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def stop(self, progress: Progress) -> None:
        """End it in good order; the first signal lets it write everything down."""
        for bad_news, patience in (
            (signal.SIGINT, STOP_SECONDS),
            (signal.SIGQUIT, KILL_SECONDS),
            (signal.SIGKILL, KILL_SECONDS),
        ):
            self._process.send_signal(bad_news)
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                progress(f"数据库在 {patience} 秒内没有停下，改用更强的信号")
        self._keeper.join(KILL_SECONDS)

    def _ready(self, launch: Launch, said: int, progress: Progress) -> bool:
        """Wait while the server lives; False when it gave up. Recovery has no time limit."""
        began = told = time.monotonic()
        while self.alive:
            found = PidFile.read(launch.data)
            if found.pid == str(self._process.pid) and found.status == "ready":
                return True
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                line = _last_line(_tail(launch.log, said))
                progress(f"数据库正在恢复，已用 {told - began:.0f} 秒：{line}")
            time.sleep(POLL_SECONDS)
        return False


def wait_for_orphan(data: Path, progress: Progress) -> None:
    """Clear the way after a crash: wait for a server that is still stopping, forget a dead one.

    PostgreSQL itself refuses to start while the recorded process id is alive, though after a
    reboot or in a container that id may belong to anything; so we look at what it is. Where there
    is no /proc to look at, we leave the decision to PostgreSQL.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS
    told = False
    while sys.platform == "linux" and (pid := PidFile.read(data).pid):
        if not _serves(pid, data):
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise AlreadyRunning(
                f"数据目录 {data} 已有一个数据库进程（{pid}）在运行；请先停止它：kill -INT {pid}"
            )
        if not told:
            progress(f"等待上一次的数据库进程（{pid}）停止")
            told = True
        time.sleep(POLL_SECONDS)


def _serves(pid: str, data: Path) -> bool:
    """Tell whether a process is a server on this data folder."""
    try:
        arguments = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
    return os.fsencode(data) in arguments


def _keep(launch: Launch) -> tuple[subprocess.Popen[bytes], threading.Thread]:
    """Start the server from a thread that stays until the server ends."""
    born: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            with open(launch.log, "ab", opener=_private) as log:
                process = _spawn(launch, log)
        except BaseException as error:  # noqa: BLE001 (handed to the caller, who raises it)
            born.set_exception(error)
            return
        born.set_result(process)
        process.wait()

    keeper = threading.Thread(target=keep, name="postgres keeper", daemon=True)
    keeper.start()
    return born.result(), keeper


def _private(path: str, flags: int) -> int:
    """Open a file for its owner alone: a log may quote a statement."""
    return os.open(path, flags, 0o600)


def _spawn(launch: Launch, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 (one system call, nothing that locks)
        **launch.identity.options,
    )


_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1


def _dying_with(parent: int) -> Callable[[], None]:
    """Return what the child runs before the server: ask the kernel for SIGINT when we die."""

    def arrange() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
            if os.getppid() != parent:
                os._exit(1)

    return arrange


def _tail(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(LOG_BYTES).decode(errors="replace")


def _last_line(text: str, word: str = "") -> str:
    """Return the last line that has the word, or just the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fitting = [line for line in lines if word in line]
    return (fitting or lines or ["无输出"])[-1]


def last_words(text: str) -> str:
    """Return the last thing that a program said."""
    return _last_line(text)
