"""Start the simulated tax platform as a process of its own, and know when it answers."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from yuejie.demo.simulators.launch import free_port
from yuejie.demo.tax.app import TaxServer
from yuejie.demo.tax.world import World
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import Unavailable

READY_SECONDS: Final = 20
_LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class TaxPlatform:
    """A simulator that answers."""

    url: str
    truth: Path
    process: "subprocess.Popen[bytes] | None" = None

    def tell(self, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Set its clock, its faults, its drawer; see `app.admin`."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.url}/_sim/{path}", data=json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own address
            told: dict[str, Any] = json.load(answer)
        return told

    def issued(self) -> list[dict[str, str]]:
        """Return what it has issued, from the truth log."""
        if not self.truth.exists():
            return []
        return [json.loads(line) for line in self.truth.read_text("utf-8").splitlines()]

    def stop(self) -> None:
        """End the process and wait for its end."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_tax(truth: Path, *, options: Sequence[str] = ()) -> Iterator[TaxPlatform]:
    """Have a tax platform for the length of a block."""
    port = free_port()
    command = [sys.executable, "-m", "yuejie.demo.tax", "--port", str(port), "--truth", str(truth)]
    platform = TaxPlatform(
        f"http://127.0.0.1:{port}", truth, subprocess.Popen([*command, *options])
    )
    try:
        _await_ready(platform)
        yield platform
    finally:
        platform.stop()


@contextmanager
def tax_here(
    truth: Path,
    *,
    at: datetime,
    callbacks: str = "never",
    sellers: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[TaxPlatform]:
    """Have a tax platform on a thread of this process, its clock standing at an instant.

    `sellers` are the names that the bureau knows, by tax number.
    """
    world = World(truth, SystemClock(), callbacks, stands_at=at, sellers=sellers)
    server = TaxServer(0, world)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield TaxPlatform(f"http://127.0.0.1:{server.server_port}", truth)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _await_ready(platform: TaxPlatform) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if platform.process is not None and platform.process.poll() is not None:
            raise Unavailable(f"税务模拟器未能启动，退出码 {platform.process.returncode}。")
        try:
            platform.tell("ready")
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_SECONDS)
        else:
            return
    raise Unavailable(f"税务模拟器在 {READY_SECONDS} 秒内没有就绪：{platform.url}。")
