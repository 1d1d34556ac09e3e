"""The embedded PostgreSQL: a real server that is a child of ours.

    with EmbeddedPostgres(home, progress=print) as postgres:
        migrate(postgres.url("owner"))
        db = Database.open(postgres.url("app"))

Its home:

    home/lock           held while we run the server, so that nobody else does
    home/secrets.json   the passwords of its three roles, mode 0600
    home/server.log     what the server says
    home/data           the data folder, or a link into the annex (below)
    home/run            the private socket, mode 0700; there is no TCP port

Started by root, the server runs as an unprivileged user (see `programs`). When that user may not
enter `home`, the data lies in the annex, /var/lib/yuejie by default, and `home/data` links to it.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Self
from urllib.parse import quote

import psycopg

from yuejie.db import roles
from yuejie.db.errors import AlreadyRunning, EmbeddedUnavailable, brief
from yuejie.db.process import LOG_BYTES, Launch, PidFile, Server, last_words, wait_for_orphan
from yuejie.db.programs import (
    FOLDERS,
    MAJOR,
    Identity,
    Programs,
    Progress,
    in_silence,
    open_annex,
    programs_for,
    wheel_folder,
)
from yuejie.db.roles import DATABASE, Role
from yuejie.db.session import connected

ANNEX: Final = Path("/var/lib/yuejie")
SOCKET_PATH_BYTES: Final = 107
"""`sun_path` of a Unix socket on Linux, less its closing zero."""
_SOCKET_NAME: Final = "/.s.PGSQL.5432.lock"


class EmbeddedPostgres:
    """One PostgreSQL server and its data, between `start` and `stop`."""

    def __init__(
        self,
        home: Path,
        *,
        fast: bool = False,
        major: int | None = None,
        run_as: str = "nobody",
        annex: Path = ANNEX,
        wheel: Path | None = None,
        progress: Progress = in_silence,
    ) -> None:
        self._home = home.absolute()
        self._fast = fast
        self._major = major
        self._run_as = run_as
        self._annex = annex
        self._wheel = wheel
        self._progress = progress
        self._lock: IO[str] | None = None
        self._server: Server | None = None
        self._spare_socket: Path | None = None

    def start(self) -> None:
        """Start the server, made new where there is none, and return when it takes connections.

        After a crash it first replays what it had promised; that takes as long as it takes, and
        `progress` hears of it.
        """
        assert self._server is None, "this server is started already"
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise EmbeddedUnavailable(
                f"内置数据库无法启动：{error.filename or self._home}：{error.strerror}；"
                "请检查目录权限与磁盘空间"
            ) from error
        except BaseException:
            self.stop()
            raise

    def furnish(self, fill: Callable[[Path], None]) -> None:
        """Make the data folder by other means than initdb, e.g. from a backup, and do not start.

        It appears under its name only when `fill` has filled it; the passwords have to be there.
        """
        self._home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        self._take_lock()
        try:
            roles.read_passwords(self._secrets)
            identity = Identity.choose(self._run_as, self._data)
            base = self._base_for(identity)
            fresh = base / "data.incoming"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            fill(fresh)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    identity.own(path)
            fresh.rename(base / "data")
            if base != self._home:
                self._data.symlink_to(base / "data")
        finally:
            self._release()

    def stop(self) -> None:
        """Stop the server in good order and give its home free; stopped already is fine."""
        if self._server is not None:
            self._server.stop(self._progress)
            self._server = None
        if self._spare_socket is not None:
            shutil.rmtree(self._spare_socket, ignore_errors=True)
            self._spare_socket = None
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Tell whether the server that we started still runs."""
        return self._server is not None and self._server.alive

    @property
    def pid(self) -> int:
        """Return the process id of the running server, whoever started it."""
        return int(self._running().pid)

    @property
    def log(self) -> Path:
        """Return where the server writes what it has to say."""
        return self._home / "server.log"

    def url(self, role: Role = "app", database: str = DATABASE) -> str:
        """Return the address of the running server for a role; also from another process."""
        socket = quote(self._running().socket, safe="")
        password = roles.read_passwords(self._secrets)[role]
        return f"postgresql://{roles.NAMES[role]}:{password}@/{quote(database)}?host={socket}"

    # -- the start, step by step ------------------------------------------------------------------

    def _start(self) -> None:
        # Root's server is another user, who must pass through to the data; he reads nothing here.
        private = 0o711 if os.geteuid() == 0 else 0o700
        self._home.mkdir(mode=private, parents=True, exist_ok=True)
        self._take_lock()
        identity = Identity.choose(self._run_as, self._data)
        wheel = self._wheel or wheel_folder()
        # Data of an older release keeps its version until somebody upgrades it.
        major = self._major or self._data_major() or MAJOR
        programs = programs_for(identity, wheel, self._annex, major)
        if self._data.is_symlink() and not self._data.exists():
            raise EmbeddedUnavailable(
                f"数据目录 {self._data} 指向的 {self._data.readlink()} 不存在；"
                "请恢复它，或确认数据已不需要后删除该链接"
            )
        if not self._data.exists():
            self._initialise(programs, identity)
        self._check_data(major)
        wait_for_orphan(self._data.resolve(), self._progress)
        self._server = Server.launch(self._launch(programs, identity), self._progress)
        try:
            with connected(self.url("superuser", "postgres"), name="yuejie set-up") as connection:
                roles.make_roles(connection, roles.read_passwords(self._secrets))
        except psycopg.OperationalError as error:
            # Whoever tends the server starts it again; it must not die of the server's death.
            raise EmbeddedUnavailable(
                f"数据库在启动时中断（{brief(error)}）；请查看 {self.log}，或再次启动"
            ) from error

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _secrets(self) -> Path:
        return self._home / "secrets.json"

    def _running(self) -> PidFile:
        found = PidFile.read(self._data)
        if not found.socket:
            raise EmbeddedUnavailable(
                f"数据目录 {self._home} 的数据库没有运行；请先执行 yuejie serve"
            )
        return found

    def _take_lock(self) -> None:
        """Hold the home for as long as this process lives; the kernel gives it back for us."""
        lock = (self._home / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunning(
                f"数据目录 {self._home} 的数据库已在运行；"
                "请直接使用它，或先停止正在运行的 yuejie serve"
            ) from None
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _initialise(self, programs: Programs, identity: Identity) -> None:
        """Make an empty data folder; it appears under its name only when it is complete."""
        self._progress("正在创建数据库（首次启动）")
        identity.require_name()
        base = self._base_for(identity)
        fresh = base / "data.incoming"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        identity.own(fresh)
        roles.make_passwords(self._secrets)
        with tempfile.TemporaryDirectory(prefix="yj-") as folder:
            password = Path(folder) / "password"
            password.write_text(roles.read_passwords(self._secrets)["superuser"])
            identity.own(password)
            identity.own(Path(folder))
            self._run_initdb(programs, identity, fresh, password)
        fresh.rename(base / "data")
        if base != self._home:
            self._data.symlink_to(base / "data")

    def _run_initdb(
        self, programs: Programs, identity: Identity, data: Path, password: Path
    ) -> None:
        # Locale C: order and case of text depend on no library that an upgrade could change.
        command = [
            str(programs.initdb),
            f"--pgdata={data}",
            f"--username={roles.NAMES['superuser']}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--data-checksums",
            "--no-instructions",
            *(["--no-sync"] if self._fast else []),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, **identity.options
        )
        if done.returncode != 0:
            raise EmbeddedUnavailable(
                f"无法在 {data} 创建数据库：{last_words(done.stderr)}；请检查目录权限与磁盘空间"
            )

    def _base_for(self, identity: Identity) -> Path:
        """Return the folder for the data: home, or a room of the annex when home is private."""
        if identity.enters(self._home):
            return self._home
        open_annex(self._annex)
        base = Path(tempfile.mkdtemp(prefix=f"{self._home.name}-", dir=self._annex))
        base.chmod(0o711)
        if not identity.enters(base):
            raise EmbeddedUnavailable(
                f"用户“{identity.name}”既进不了 {self._home}，也进不了 {self._annex}；"
                "请把数据目录放到所有人可进入的位置，或改用普通用户启动"
            )
        self._progress(f"用户“{identity.name}”进不了 {self._home}，数据存放在 {base}")
        return base

    def _data_major(self) -> int | None:
        """Return which version the data is of, where there is data and we have its programs."""
        try:
            found = int((self._data / "PG_VERSION").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found if found in FOLDERS else None

    def _check_data(self, major: int) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != str(major):
            raise EmbeddedUnavailable(
                f"数据目录 {self._data} 属于 PostgreSQL {found}，本程序使用 {major}；"
                "请用 yuejie database upgrade 升级数据，或改用原来的版本"
            )
        roles.read_passwords(self._secrets)

    def _launch(self, programs: Programs, identity: Identity) -> Launch:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        data = self._data.resolve()
        socket = data.parent / "run"
        if len(os.fsencode(socket)) + len(_SOCKET_NAME) > SOCKET_PATH_BYTES:
            socket = self._spare_socket = Path(tempfile.mkdtemp(prefix="yj-"))
        socket.mkdir(exist_ok=True)
        identity.own(socket)
        return Launch(programs, identity, data, socket, self.log, self._fast)
