"""A rival: another program between the same clients and the same upstream, measured alike."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import Skipped
from bench.load.order import Order, Report, Target, chat, run
from bench.processes import family_cpu_seconds

READY_SECONDS: Final = 120
STOP_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """One load on a rival: what the clients saw and what it cost."""

    report: Report
    cpu: float

    @property
    def per_cpu_second(self) -> float:
        """Answers per CPU-second of the rival's processes."""
        return self.report.answers / self.cpu


@dataclass(frozen=True, slots=True)
class Rival:
    """A rival that runs."""

    name: str
    port: int
    key: str
    pid: int

    def target(self, *, stream: bool = False) -> Target:
        """Return a chat request to the rival."""
        return chat(self.port, self.key, stream=stream)

    def load(self, order: Order) -> Seen:
        """Carry out a load."""
        before = family_cpu_seconds(self.pid)
        report = run(order)
        return Seen(report, family_cpu_seconds(self.pid) - before)


@contextmanager
def process(
    command: Sequence[str], environ: Mapping[str, str], log: Path, ready: str
) -> Iterator[int]:
    """Run a rival's process until the block ends; it is up when the address answers at all."""
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=dict(environ), stdout=file, stderr=file) as running,
    ):
        try:
            _await(ready, command[0], running, log)
            yield running.pid
        finally:
            running.terminate()
            try:
                running.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()


def _await(url: str, name: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback port
                return
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise Skipped(f"{Path(name).name} 没有启动：{log.read_text()[-300:].strip()}")
