"""The stage: two database servers, a provider, the ground, a house with a key and a hard cap."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO, Final, cast
from urllib.parse import urlsplit

import msgspec

from bench.house import temporary_home
from bench.rehearsal.furnish import BY, Furnished, Order
from bench.rehearsal.ground import Ground, ground
from bench.rehearsal.relay import Relay
from bench.rehearsal.servers import Servers, two_servers
from bench.rehearsal.site import Site, secrets_of
from bench.rehearsal.verdict import COST
from yuejie.customers.key import digest_of
from yuejie.customers.keys import revoke_key
from yuejie.customers.store import key_by_digest
from yuejie.db.session import Database
from yuejie.kernel.clock import SystemClock
from yuejie.settings import Settings

_GIT: Final = which("git") or "git"
_TAR: Final = which("tar") or "tar"
_REPOSITORY: Final = Path(__file__).parents[2]
_MIGRATIONS: Final = "src/yuejie/db/migrations"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the story is played on."""

    folder: Path
    settings: Settings
    servers: Servers
    db: Database
    ground: Ground
    truth: Path
    provider: "subprocess.Popen[bytes]"
    keys: dict[str, str]
    """Secrets by name."""
    allowance: int
    """The number of the hard cap."""
    old: Path | None
    """The source of the build that the nodes begin with; None: this one."""

    def site(self, name: str, home: str, *, workers: int, build: Path | None = None) -> Site:
        """Make a node."""
        address = urlsplit(self.servers.url("app"))
        return Site(
            name,
            self.folder / home,
            self.ground,
            secrets_of(self.settings),
            f"{address.username}:{address.password}",
            workers,
            build,
        )

    def revoke(self, name: str) -> None:
        """Revoke a key."""
        with self.db.read() as tx:
            key = key_by_digest(tx, digest_of(self.keys[name], self.settings.pepper))
        assert key is not None  # noqa: S101 - the house was made so
        revoke_key(self.db, key.key_id, by=BY, now=SystemClock().now())

    def close_truth(self) -> None:
        """Let the provider write down what it has not written yet."""
        self.provider.terminate()
        self.provider.wait(30)


def is_past_here() -> bool:
    """Tell whether the repository's past is here; a copy without it has no build to begin with."""
    return _packed() is not None


def old_build(folder: Path) -> Path | None:
    """Take an older build out of the repository; None where its past is not here."""
    packed = _packed()
    if packed is None:
        return None
    folder.mkdir()
    subprocess.run([_TAR, "-x", "-C", str(folder)], input=packed, check=True)
    return folder / "src"


def _packed() -> bytes | None:
    """Pack the newest build whose migrations are all behind those that this build adds."""
    ours = sorted(path.name for path in (_REPOSITORY / _MIGRATIONS).glob("*.sql"))
    for commit in _git("log", "--format=%H", "--", _MIGRATIONS).decode().split():
        listed = _git("ls-tree", "--name-only", f"{commit}:{_MIGRATIONS}").decode().split()
        names = sorted(name for name in listed if name.endswith(".sql"))
        if names and len(names) < len(ours) and names == ours[: len(names)]:
            return _git("archive", commit, "src") or None
    return None


def _git(*words: str) -> bytes:
    """Ask git about the repository; nothing where it does not know, or is not there."""
    try:
        done = subprocess.run(
            [_GIT, "-C", str(_REPOSITORY), *words], capture_output=True, check=False
        )
    except FileNotFoundError:
        return b""
    return b"" if done.returncode else done.stdout


@contextmanager
def open_stage(*, namespaces: bool, delay_ms: int, fits: int, old: bool) -> Iterator[Stage]:
    """Have a stage for the length of a block; the cap fits so many calls."""
    with temporary_home() as folder, ExitStack() as stack:
        settings = Settings.load({"YUEJIE_HOME": str(folder / "house"), "YUEJIE_NODE": BY})
        servers = stack.enter_context(two_servers(folder))
        relay = Relay(servers.sockets)
        stack.callback(relay.stop)
        here = stack.enter_context(ground(relay, namespaces=namespaces))
        truth = folder / "truth"
        provider = stack.enter_context(_provider(here, truth, delay_ms))
        build = old_build(folder / "old") if old else None
        order = Order(
            owner=servers.url("owner"),
            app=servers.url("app"),
            pepper=settings.pepper,
            credential_key=settings.credential_key,
            upstream=f"http://{here.provider_host}:{here.ports.provider}",
            cap_pico=fits * COST,
        )
        made = _furnish(order, build)
        db = stack.enter_context(Database.open(servers.url("app"), size=4, name=BY))
        yield Stage(
            folder,
            settings,
            servers,
            db,
            here,
            truth,
            provider,
            made.keys,
            made.allowance,
            build,
        )


def _furnish(order: Order, build: Path | None) -> Furnished:
    """Have the house made by the build that begins, in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(build)} if build is not None else None
    done = subprocess.run(
        [sys.executable, "-m", "bench.rehearsal.furnish"],
        input=msgspec.json.encode(order),
        stdout=subprocess.PIPE,
        env=environ,
        cwd=_REPOSITORY,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Furnished)


@contextmanager
def _provider(here: Ground, truth: Path, delay_ms: int) -> Iterator["subprocess.Popen[bytes]"]:
    words = {"--host": here.provider_host, "--port": here.ports.provider}
    words |= {"--truth": truth, "--delay-ms": delay_ms}
    command = [sys.executable, "-m", "bench.rehearsal.provider"]
    command += [str(word) for pair in words.items() for word in pair]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_REPOSITORY) as process:
        cast("IO[bytes]", process.stdout).readline()  # it says when it listens
        try:
            yield process
        finally:
            process.terminate()
