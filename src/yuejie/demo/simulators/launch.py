"""Start the simulators as a process of their own, and know when they answer.

with running(truth) as simulators:
    OpenAI(base_url=f"{simulators.url}/v1", api_key=simulators.key)
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yuejie.kernel.errors import Unavailable

READY_SECONDS: Final = 20
KEY: Final = "sk-simulator"
_LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Running:
    """Simulators that answer."""

    url: str
    truth: Path
    process: "subprocess.Popen[bytes]"
    key: str = KEY

    def stop(self) -> None:
        """End the process and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(truth: Path, *, port: int = 0, options: Sequence[str] = ()) -> Running:
    """Start simulators that write to a truth log; port 0 takes a free one."""
    port = port or free_port()
    command = [sys.executable, "-m", "yuejie.demo.simulators", "--port", str(port)]
    command += ["--truth", str(truth), *options]
    running = Running(f"http://127.0.0.1:{port}", truth, subprocess.Popen(command))
    try:
        _await_ready(running)
    except BaseException:
        running.stop()
        raise
    return running


@contextmanager
def running(truth: Path, *, port: int = 0, options: Sequence[str] = ()) -> Iterator[Running]:
    """Have simulators for the length of a block."""
    simulators = start(truth, port=port, options=options)
    try:
        yield simulators
    finally:
        simulators.stop()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(simulators: Running) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if simulators.process.poll() is not None:
            raise Unavailable(f"模拟器未能启动，退出码 {simulators.process.returncode}，见其输出。")
        try:
            with urllib.request.urlopen(f"{simulators.url}/_sim/ready", timeout=1) as answer:  # noqa: S310 — our own address
                if json.load(answer)["pid"] == simulators.process.pid:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_SECONDS)
    raise Unavailable(
        f"模拟器在 {READY_SECONDS} 秒内没有就绪：{simulators.url}，请检查端口是否被占用。"
    )
