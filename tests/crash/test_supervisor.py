"""The supervisor as a process: killed with -9 it takes its node down, and the next one starts."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import free_port
from tests.postgres import open_folder


@contextmanager
def serving(environ: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "yuejie", "serve"], env=environ, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def await_ready(port: int, *, ready: bool = True) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if answers(port) is ready:
            return
        time.sleep(0.1)
    raise AssertionError(f"port {port} is not {'ready' if ready else 'free'}")


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_a_killed_supervisor_leaves_nothing_behind_that_holds_a_port() -> None:
    """kill -9 the supervisor; gateways and console go with it; `yuejie serve` starts again."""
    gateway, api = free_port(), free_port()
    with open_folder() as home:
        environ = {
            **os.environ,
            "YUEJIE_HOME": str(home),
            "YUEJIE_GATEWAY_PORT": str(gateway),
            "YUEJIE_API_PORT": str(api),
            "YUEJIE_WORKERS": "1",
        }
        log = home / "serve.log"
        with serving(environ, log) as first:
            await_ready(gateway)
            await_ready(api)
            first.send_signal(signal.SIGKILL)
            first.wait(10)
            await_ready(gateway, ready=False)
            await_ready(api, ready=False)
        with serving(environ, log) as second:
            await_ready(gateway)
            await_ready(api)
        assert second.returncode == 0, log.read_text()[-2000:]
