"""What is wished beside a node: written, kept, followed by a supervisor, let go."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from yuejie.beside import Beside, unwish, wish, wished
from yuejie.contracts.import_prices import read_price_file
from yuejie.demo.practice.parties import MAIN, price_file
from yuejie.demo.practice.place import end, folder_of
from yuejie.demo.practice.usage import events_of
from yuejie.demo.tax.world import World
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.settings import Settings
from yuejie.supervisor import Supervisor

CHINA = zone_of("Asia/Shanghai")
PATIENCE_SECONDS = 20


def test_a_wish_keeps_its_ports_and_a_broken_file_is_none(tmp_path: Path) -> None:
    made = wish(tmp_path, Beside.PRACTICE, ports=3, by="王")
    assert wish(tmp_path, Beside.PRACTICE, ports=3, by="李") == made
    assert wished(tmp_path) == {Beside.PRACTICE: made}
    path = tmp_path / "beside" / "practice.json"
    path.write_text(json.dumps({"ports": "x"}))
    assert wished(tmp_path) == {}
    unwish(tmp_path, Beside.PRACTICE)
    unwish(tmp_path, Beside.PRACTICE)
    assert not path.exists()


def test_a_supervisor_follows_wishes(tmp_path: Path) -> None:
    """Simulators answer soon after they are wished, and are gone soon after they are not."""
    settings = Settings.load({"YUEJIE_HOME": str(tmp_path)})
    supervisor = Supervisor(settings, lambda _: None, [], log_folder=tmp_path)
    made = wish(tmp_path, Beside.SIMULATORS, ports=1, by="王")
    try:
        _tend(supervisor, lambda: _answers(f"{made.url}/_sim/ready"))
        unwish(tmp_path, Beside.SIMULATORS)
        _tend(supervisor, lambda: not supervisor.children)
    finally:
        supervisor.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", made.ports[0]))


def test_practice_usage_is_the_same_every_time_and_within_its_month() -> None:
    month = BillingMonth.parse("2026-09")
    keys = dict.fromkeys(MAIN.projects, "key_x")
    end_of = month.span(CHINA).end
    events = list(events_of(MAIN, keys, month, end_of, growth=1))
    assert events == list(events_of(MAIN, keys, month, end_of, growth=1))
    assert len({each.id for each in events}) == len(events) > 500
    assert {each.started_at[:7] for each in events} == {"2026-09"}
    runaway = list(events_of(MAIN, keys, month, end_of, growth=1, runaway=month.first_day))
    assert len(runaway) > len(events)


def test_practice_prices_can_be_read() -> None:
    for kind in ("cost", "sale"):
        read = read_price_file("practice.toml", price_file(kind), currency="CNY")
        assert len(read.lists) == 3
        assert read.remarks == []


def test_only_a_practice_house_is_removed(tmp_path: Path) -> None:
    assert not end(tmp_path)
    folder = folder_of(tmp_path)
    folder.mkdir()
    (folder / ".yuejie-practice").touch()
    assert end(tmp_path)
    assert not folder.exists()


def _tend(supervisor: Supervisor, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        supervisor.tend()
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_tax_office_started_again_gives_no_number_twice(tmp_path: Path) -> None:
    """What the practice house found: the house refuses a number that it has seen."""
    truth = tmp_path / "tax.jsonl"
    assert World(truth, SystemClock()).issued == 0
    truth.write_text('{"what": "blue"}\n{"what": "red"}\n', "utf-8")
    assert World(truth, SystemClock()).issued == 2
