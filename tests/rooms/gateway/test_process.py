"""Workers share a port, finish what they began, and leave a journal that tells all."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.world import (
    KEY,
    Draft,
    Program,
    ended,
    records,
    start_simulators,
    start_worker,
    truth_lines,
)
from yuejie.usage.journal import Begun, is_alive


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    simulators = start_simulators(tmp_path / "truth.jsonl")
    Draft(simulators.url).write(tmp_path / "home")
    yield tmp_path / "home"
    simulators.stop()


def ready(home: Path, *options: str, port: int | None = None) -> Program:
    worker = start_worker(home, port, *options)
    worker.wait_for("/readyz")
    return worker


def ask(worker: Program, text: str, *, stream: bool = False) -> httpx2.Response:
    return httpx2.post(
        f"{worker.url}/v1/chat/completions",
        json={
            "model": "gpt-sim",
            "stream": stream,
            "messages": [{"role": "user", "content": f"[[sim {text}]]"}],
        },
        headers={"authorization": f"Bearer {KEY}"},
        timeout=30,
    )


def test_workers_share_a_port_and_each_has_its_own_journal(home: Path) -> None:
    one = ready(home)
    two = ready(home, port=one.port)
    while len(list((home / "journals").iterdir())) < 2:
        time.sleep(0.02)  # whoever is ready answers for both
    for _ in range(40):
        assert ask(one, "in=5 out=2").status_code == 200
    assert len(ended(home)) == 40
    journals = list((home / "journals").iterdir())
    assert len(journals) == 2
    assert one.stop() == 0
    for _ in range(5):
        assert ask(two, "in=5 out=2").status_code == 200
    assert two.stop() == 0
    assert not any(is_alive(folder) for folder in journals)


def test_a_stream_finishes_after_sigterm(home: Path) -> None:
    worker = ready(home)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, worker, "in=50 out=40 events=20 pace_ms=60", stream=True)
        time.sleep(0.6)
        worker.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", worker.port)).close()
        assert answer.result().text.endswith("data: [DONE]\n\n")
    assert worker.process.wait(10) == 0
    (record,) = ended(home)
    assert (record.state, record.outcome) == ("measured", "ok")


def test_a_stream_that_does_not_finish_is_ended_and_written_down(home: Path) -> None:
    worker = ready(home, "--stop-seconds", "1")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, worker, "in=50 out=400 events=200 pace_ms=100", stream=True)
        time.sleep(0.6)
        assert worker.stop() == 0
        last = json.loads(answer.result().text.strip().rsplit("data: ", 1)[1])
    assert last["error"]["code"] == "upstream_cut"
    (record,) = ended(home)
    assert (record.state, record.reason, record.billable) == ("unmeasured", "worker_stopped", True)


def test_whoever_is_killed_leaves_every_call_begun_or_ended(home: Path) -> None:
    worker = ready(home)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, worker, f"in={50 + i} out=4 delay_ms={i * 7}") for i in range(60)]
        for _ in zip(range(10), as_completed(calls), strict=False):
            pass
        worker.process.send_signal(signal.SIGKILL)
        done = [call for call in calls if call.exception() is None]
    worker.process.wait()
    time.sleep(0.5)
    known = {
        r.begun.event.hex() if not isinstance(r, Begun) else r.event.hex() for r in records(home)
    }
    measured = {r.begun.event.hex(): r for r in ended(home)}
    served = {line["client_request_id"]: line for line in truth_lines(home.parent / "truth.jsonl")}
    assert served.keys() <= known
    assert len(measured) >= len(done) >= 10
    for event, record in measured.items():
        items = {item.meter: item.quantity for item in record.items}
        assert {name: items[name] for name in served[event]["usage"]} == served[event]["usage"]


def test_a_journal_that_cannot_be_written_kills_the_worker(home: Path) -> None:
    (home / "journals").write_text("a file where a folder should be")
    with pytest.raises(AssertionError, match="died with"):
        start_worker(home)
