"""From the database to the file, and the clients' idempotency keys."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.world import (
    KEY,
    PEPPER,
    SECRET_KEY,
    Draft,
    Program,
    start_simulators,
    start_worker,
)
from yuejie.contracts import store as contracts
from yuejie.contracts.catalog import ProviderAccount
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.keys import KeyDraft, issue_key, revoke_key
from yuejie.db.session import Database
from yuejie.gateway.credentials import decrypt, encrypt
from yuejie.gateway.publish import Publisher, publish_snapshot, skew_ms
from yuejie.gateway.snapshot import FILE, read_head, read_snapshot
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.ids import AccountId
from yuejie.payments.dunning.store import StandingRow, save_standing

Chat = Callable[..., httpx2.Response]
NOW = datetime(2026, 10, 1, tzinfo=UTC)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Astray:
    """The machine's clock, off by as much as it is told."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


def test_the_snapshot_says_what_the_database_says(database: Database, tmp_path: Path) -> None:
    customer = enrol_customer(
        database, Particulars(slug="acme", legal_name="Acme", tag_names=["team"]), by="t", now=NOW
    )
    project = add_project(
        database,
        customer.customer_id,
        ProjectDraft(name="web", allowed_regions=["cn"]),
        by="t",
        now=NOW,
    )
    issued = issue_key(
        database,
        customer,
        KeyDraft(project="web", name="k", expires_at=NOW + timedelta(days=1)),
        pepper=PEPPER,
        by="t",
        now=NOW,
    )
    sealed = encrypt("sk-up", SECRET_KEY, "acc_1")
    with database.begin() as tx:
        contracts.save_account(
            tx,
            ProviderAccount(
                AccountId("acc_1"), "openai", "openai", "https://x/v1", "us", sealed, "active", NOW
            ),
        )
    written = publish_snapshot(database, tmp_path, now=NOW)
    head, snapshot = read_snapshot(tmp_path / FILE)
    assert snapshot == written
    assert head.published_us == int(NOW.timestamp()) * 1_000_000
    (key,) = snapshot.keys
    assert (key.digest, key.project_id, key.revoked_us) == (
        issued.key.digest,
        project.project_id,
        0,
    )
    assert key.expires_us == int((NOW + timedelta(days=1)).timestamp()) * 1_000_000
    assert snapshot.projects[0].regions == ["cn"]
    assert snapshot.customers[0].tag_names == ["team"]
    account = snapshot.accounts[0]
    assert decrypt(account.credential, SECRET_KEY, account.account_id) == "sk-up"


def test_the_publisher_writes_when_something_changed_and_redates_when_not(
    database: Database, tmp_path: Path
) -> None:
    clock = Hand()
    publisher = Publisher(database, tmp_path, clock)
    assert publisher.step()
    assert not publisher.step()
    first = read_head(tmp_path / FILE)
    clock.at += timedelta(seconds=10)
    assert publisher.step()
    redated = read_head(tmp_path / FILE)
    assert redated.digest == first.digest
    assert redated.published_us == first.published_us + 10_000_000
    enrol_customer(database, Particulars(slug="b", legal_name="B"), by="t", now=NOW)
    assert publisher.step()
    assert read_head(tmp_path / FILE).digest != first.digest


@pytest.mark.parametrize(
    ("state", "reason", "barred"),
    [
        ("suspended", "overdue", "overdue"),
        ("suspended", "credit_limit", "credit_limit"),
        ("suspended", "prepayment", "prepayment"),
        ("warned", "", ""),
    ],
)
def test_a_suspension_for_money_is_in_the_file_and_goes_again(
    database: Database, tmp_path: Path, state: str, reason: str, barred: str
) -> None:
    customer = enrol_customer(database, Particulars(slug="a", legal_name="A"), by="t", now=NOW)
    publisher = Publisher(database, tmp_path, Hand())
    assert publisher.step()
    stands = StandingRow(
        customer_id=customer.customer_id,
        state=state,
        reason=reason,
        credit_step=0,
        episode=1,
        since=NOW,
    )
    with database.begin() as tx:
        save_standing(tx, stands)
    assert publisher.step(), "a standing moves the snapshot's revision"
    assert read_snapshot(tmp_path / FILE)[1].customers[0].barred == barred
    with database.begin() as tx:
        save_standing(tx, replace(stands, state="normal", reason="", covered=True))
    assert publisher.step()
    row = read_snapshot(tmp_path / FILE)[1].customers[0]
    assert (row.barred, row.covered) == ("", True)


def test_a_revoked_key_is_in_the_file_within_half_a_second(
    database: Database, tmp_path: Path
) -> None:
    customer = enrol_customer(database, Particulars(slug="a", legal_name="A"), by="t", now=NOW)
    add_project(database, customer.customer_id, ProjectDraft(name="p"), by="t", now=NOW)
    draft = KeyDraft(project="p", name="k")
    issued = issue_key(database, customer, draft, pepper=PEPPER, by="t", now=NOW)
    stop = threading.Event()
    publisher = Publisher(database, tmp_path, SystemClock())
    thread = threading.Thread(target=publisher.run, args=(stop,))
    thread.start()
    wait_until((tmp_path / FILE).exists, 5)
    revoke_key(database, issued.key.key_id, by="t", now=NOW)
    wait_until(lambda: read_snapshot(tmp_path / FILE)[1].keys[0].revoked_us > 0, 0.5)
    stop.set()
    thread.join()


def test_a_skewed_clock_is_told_and_told_no_more_once_it_is_set(
    database: Database, tmp_path: Path
) -> None:
    clock, machine = Hand(), Astray()
    publisher = Publisher(database, tmp_path, clock, machine=machine)
    for off in (0, -5, 5, 0):
        machine.off = timedelta(seconds=off)
        publisher.step()
        told = read_snapshot(tmp_path / FILE)[1].skew_ms
        assert told == 0 if off == 0 else abs(told + 1_000 * off) < 1_000
        clock.at += timedelta(seconds=10)


@pytest.mark.parametrize(
    ("before", "there", "after", "told"),
    [
        (0, 4_000, 9_000, 0),
        (0, 1_000, 0, 0),
        (0, 1_001, 0, 1_001),
        (0, -1_001, 5_000, -1_001),
        (0, 3_000, 1_000, 2_000),
    ],
)
def test_only_what_is_certainly_off_counts(before: int, there: int, after: int, told: int) -> None:
    at = [NOW + timedelta(milliseconds=each) for each in (before, there, after)]
    assert skew_ms(*at) == told


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.fixture
def worker(tmp_path: Path, database_url: str) -> Iterator[Program]:
    """Give a worker that has a database, so that it can keep an Idempotency-Key."""
    simulators = start_simulators(tmp_path / "truth.jsonl")
    Draft(simulators.url).write(tmp_path / "home")
    worker = start_worker(tmp_path / "home", database=database_url)
    worker.wait_for("/readyz")
    yield worker
    worker.stop()
    simulators.stop()


@pytest.fixture
def chat(worker: Program) -> Chat:
    """Call it with an Idempotency-Key."""

    def call(client_key: str, text: str = "hello") -> httpx2.Response:
        return httpx2.post(
            f"{worker.url}/v1/chat/completions",
            json={"model": "gpt-sim", "messages": [{"role": "user", "content": text}]},
            headers={"authorization": f"Bearer {KEY}", "idempotency-key": client_key},
            timeout=20,
        )

    return call


def test_a_repeat_is_told_of_the_first_call(chat: Chat, tmp_path: Path) -> None:
    first = chat("order-1")
    assert first.status_code == 200
    repeat = chat("order-1")
    assert repeat.status_code == 409
    assert first.headers["x-request-id"] in repeat.json()["error"]["message"]
    other = chat("order-1", "something else")
    assert other.status_code == 409
    assert "内容不同" in other.json()["error"]["message"]
    assert other.headers["x-should-retry"] == "false"
    assert chat("order-2").status_code == 200
    served = (tmp_path / "truth.jsonl").read_text().splitlines()
    assert len(served) == 2


def test_a_call_that_came_to_nothing_frees_its_key(worker: Program) -> None:
    """Before its client hears of it: who sends it again at once, on the same line, is served."""
    url = f"{worker.url}/v1/chat/completions"
    with httpx2.Client(timeout=20, headers={"authorization": f"Bearer {KEY}"}) as line:
        for nth in range(20):
            fails_once = f"[[sim http=422 times=1 id=free-{nth}]]"
            body = {"model": "gpt-sim", "messages": [{"role": "user", "content": fails_once}]}
            named = {"idempotency-key": f"order-3-{nth}"}
            assert line.post(url, json=body, headers=named).status_code == 422
            assert line.post(url, json=body, headers=named).status_code == 200


def test_an_upload_that_broke_frees_its_key(worker: Program) -> None:
    """The line breaks in the middle of a file; the client sends the same again, and it passes."""
    parts: list[tuple[str, tuple[str | None, bytes]]] = [
        ("model", (None, b"whisper-sim")),
        ("file", ("a.wav", b"RIFF" + b"\0" * 900_000)),
    ]
    whole = httpx2.Request("POST", f"{worker.url}/v1/audio/transcriptions", files=parts)
    body = whole.read()
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: {whole.url.host}\r\n"
        f"authorization: Bearer {KEY}\r\nidempotency-key: speech-1\r\n"
        f"content-type: {whole.headers['content-type']}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((whole.url.host, whole.url.port or 80)) as line:
        line.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(1)
    headers = {"authorization": f"Bearer {KEY}", "idempotency-key": "speech-1"}
    answers: list[httpx2.Response] = []

    def passes() -> bool:
        answers.append(httpx2.post(str(whole.url), files=parts, headers=headers, timeout=20))
        return answers[-1].status_code == 200

    wait_until(passes, 5)
    again = httpx2.post(str(whole.url), files=parts, headers=headers, timeout=20)
    assert again.status_code == 409, "what was answered is not sent twice"


def test_another_upload_under_the_same_key_is_told_apart(worker: Program, tmp_path: Path) -> None:
    """Each try divides the form anew; what stands in it is what counts, to its last byte."""

    def upload(sound: bytes) -> httpx2.Response:
        return httpx2.post(
            f"{worker.url}/v1/audio/transcriptions",
            files=[("model", (None, b"whisper-sim")), ("file", ("a.wav", sound))],
            headers={"authorization": f"Bearer {KEY}", "idempotency-key": "speech-2"},
            timeout=20,
        )

    sound = b"RIFF" + b"\0" * 900_000
    first = upload(sound)
    assert first.status_code == 200
    same, other = upload(sound), upload(sound[:-1] + b"!")
    assert (same.status_code, other.status_code) == (409, 409)
    assert first.headers["x-request-id"] in same.json()["error"]["message"]
    assert "内容不同" not in same.json()["error"]["message"]
    assert "内容不同" in other.json()["error"]["message"]
    assert len((tmp_path / "truth.jsonl").read_text().splitlines()) == 1


def test_without_a_database_nothing_is_called(tmp_path: Path) -> None:
    simulators = start_simulators(tmp_path / "truth.jsonl")
    Draft(simulators.url).write(tmp_path / "home")
    worker = start_worker(tmp_path / "home", database="postgresql://nobody@127.0.0.1:1/none")
    worker.wait_for("/readyz")
    answer = httpx2.post(
        f"{worker.url}/v1/chat/completions",
        json={"model": "gpt-sim", "messages": []},
        headers={"authorization": f"Bearer {KEY}", "idempotency-key": "order-4"},
        timeout=20,
    )
    assert answer.status_code == 503
    assert "Idempotency-Key" in answer.json()["error"]["message"]
    assert not (tmp_path / "truth.jsonl").read_text()
    worker.stop()
    simulators.stop()
