"""The prober sees a real server, or none, and writes down one answer a minute."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from yuejie.assurance.sla.probe import APART, TRIES, Prober, Seen, asking
from yuejie.bills.sla.store import minutes, outages
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.kernel.period import Span

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
UP, DOWN = Seen(200, "", 3), Seen(503, "快照过旧", 2)


@dataclass
class Gateway:
    """Answers as it is told, and counts how often it was asked."""

    answers: list[Seen] = field(default_factory=list)
    asked: int = 0

    def __call__(self) -> Seen:
        self.asked += 1
        return self.answers.pop(0) if self.answers else UP


def live(prober: Prober, db: Database, since: datetime, seconds: int) -> None:
    for at in range(seconds):
        assert prober(db, since + timedelta(seconds=at)) == 0


def seen(db: Database, until: datetime = NOON + timedelta(hours=1)) -> tuple[int, int]:
    with db.read() as tx:
        found = minutes(tx, Span(NOON, until))
    return found.probed, found.down


def test_one_answer_a_minute_is_enough(database: Database) -> None:
    gateway = Gateway()
    live(Prober(gateway, "n1"), database, NOON, 180)
    assert (gateway.asked, seen(database)) == (3, (3, 0))


def test_a_minute_is_down_when_every_try_failed(database: Database) -> None:
    gateway = Gateway([DOWN] * (2 * TRIES) + [DOWN] * (TRIES - 1))
    live(Prober(gateway, "n1"), database, NOON, 180)
    assert seen(database) == (3, 2)
    with database.read() as tx:
        [outage] = outages(tx, Span(NOON, NOON + timedelta(hours=1)), limit=10)
    assert (outage.since, outage.minutes, outage.why) == (NOON, 2, "快照过旧")


def test_a_minute_that_we_did_not_see_whole_is_not_judged(database: Database) -> None:
    gateway = Gateway([DOWN] * TRIES)
    live(Prober(gateway, "n1"), database, NOON + timedelta(seconds=60) - APART, 5)
    assert seen(database) == (0, 0)


def test_of_two_clerks_the_first_word_stands(database: Database) -> None:
    live(Prober(Gateway(), "n1"), database, NOON, 1)
    live(Prober(Gateway([DOWN] * TRIES), "n2"), database, NOON, 60)
    assert seen(database) == (1, 0)


def test_what_the_database_could_not_take_waits_for_it(
    database: Database, database_url: str
) -> None:
    away = Database.open(database_url, size=1, name="away")
    away.close()
    prober = Prober(Gateway([DOWN] * TRIES), "n1")
    decided = (TRIES - 1) * APART.seconds
    live(prober, away, NOON, decided)
    for at in range(decided, 60):
        with pytest.raises(DomainError):
            prober(away, NOON + timedelta(seconds=at))
    live(prober, database, NOON + timedelta(minutes=1), 1)
    assert seen(database) == (2, 1)


def test_what_was_seen_is_never_changed(database: Database) -> None:
    live(Prober(Gateway(), "n1"), database, NOON, 1)
    with pytest.raises(Exception, match="permission denied"), database.begin() as tx:
        tx.run("UPDATE gateway_probe SET is_ready = FALSE")
    with pytest.raises(Exception, match="permission denied"), database.begin() as tx:
        tx.run("DELETE FROM gateway_probe")


@pytest.fixture
def server() -> Iterator[Callable[[int], str]]:
    """Serve one status on a port of our own."""
    started: list[HTTPServer] = []

    def serve(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write("网关正在停机\n".encode())

            def log_message(self, *_: object) -> None: ...

        http = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        started.append(http)
        return f"http://127.0.0.1:{http.server_port}/readyz"

    yield serve
    for http in started:
        http.shutdown()
        http.server_close()


def test_it_asks_as_a_client_would(server: Callable[[int], str]) -> None:
    assert asking(server(200))()[:2] == (200, "")
    assert asking(server(503))()[:2] == (503, "网关正在停机")


def test_nobody_there_is_an_answer_too() -> None:
    status, why, _ = asking("http://127.0.0.1:1/readyz")()
    assert status == 0
    assert why.startswith("ConnectError")


def test_what_is_no_address_is_refused_at_once_and_no_outage() -> None:
    with pytest.raises(Invalid, match="YUEJIE_PROBE_URL"):
        asking("gateway:8400/readyz")
