"""The real process: it starts without its database, serves when it is there, and stops in order."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client, TransportError

from tests.postgres import open_folder
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.web.auth import API

TOKEN = "yj-process"
PATIENCE_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(home: Path, port: int) -> dict[str, Any]:
    program = (
        "from yuejie.settings import Settings\n"
        "from yuejie.web.server import serve\n"
        "serve(Settings.load())\n"
    )
    environ = {name: value for name, value in os.environ.items() if "YUEJIE" not in name}
    environ |= {
        "YUEJIE_HOME": str(home),
        "YUEJIE_API_PORT": str(port),
        "YUEJIE_OPERATOR_TOKEN": TOKEN,
    }
    return {"args": [sys.executable, "-c", program], "env": environ}


@pytest.fixture
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def until(asked: Callable[[], bool]) -> None:
    """Wait for something to become true, asking again after a moment."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if asked():
                return
        except TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"not within {PATIENCE_SECONDS} s")


def test_the_database_may_come_and_go(home: Path) -> None:
    port = free_port()
    headers = {"authorization": f"Bearer {TOKEN}"}
    process = subprocess.Popen(**command(home, port), stderr=subprocess.PIPE)
    try:
        with Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=15) as client:

            def status(path: str) -> int:
                return client.get(path).status_code

            until(lambda: status("/healthz") == 200)
            assert (status("/readyz"), status(f"{API}/customers")) == (503, 503)
            with EmbeddedPostgres(home / "postgres", fast=True) as postgres:
                migrate(postgres.url("owner"))
                until(lambda: status("/readyz") == 200)
                assert status(f"{API}/customers") == 200
            until(lambda: status("/readyz") == 503)
            assert (status("/healthz"), status(f"{API}/customers")) == (200, 503)
            with EmbeddedPostgres(home / "postgres", fast=True):
                until(lambda: status("/readyz") == 200)
                assert status(f"{API}/customers") == 200
                assert status("/%ff%fe") == 404
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        _, said = process.communicate()
    assert b"Traceback" not in said


def test_a_port_in_use_is_one_sentence(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            **command(home, port), check=False, capture_output=True, timeout=PATIENCE_SECONDS
        )
    assert done.returncode != 0
    last = done.stderr.decode().strip().splitlines()[-1]
    assert "Unavailable" in last
    assert f"127.0.0.1:{port}" in last
