"""What the gateway turns away is counted, whose it was and why, and reaches the journal."""

import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.world import KEY, Draft, Program, start_worker
from yuejie.gateway.meter.refused import ENTRIES, ROWS, WAIT_US, Turned
from yuejie.gateway.refusal import Code
from yuejie.kernel.limits import RECORD_BYTES
from yuejie.usage.journal import START, RefusedRow, Returned, encode, is_alive, read_from
from yuejie.usage.refusals.reason import REASONS, Party, is_ours

CHAT = {"model": "gpt-sim", "messages": [{"role": "user", "content": "hello"}]}
NOW_US = 1_793_376_030_000_000
ATTEMPTED = {
    *("upstream_down", "upstream_cut", "upstream_slow", "upstream_credential"),
    "upstream_too_large",
}
"""Such calls are events: each was attempted."""


def test_every_refusal_has_its_reason_and_no_other() -> None:
    assert {code.name.lower() for code in Code} - ATTEMPTED == set(REASONS)
    for code in Code:
        if code.name.lower() in REASONS and code.value.status >= 500:
            assert is_ours(code.name.lower()) or code is Code.NOT_OFFERED


def test_what_is_owed_to_nobody_is_not_ours() -> None:
    assert not is_ours("cap_used_up")
    assert not is_ours("a_reason_of_tomorrow")
    assert {each.party for each in REASONS.values()} == set(Party)


def counted(rows: list[RefusedRow]) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    for _, customer, _, _, _, reason, _, calls in rows:
        sums[customer, reason] += calls
    return sums


def test_counters_are_bounded_and_lose_no_call() -> None:
    noted: list[RefusedRow] = []
    pieces: list[int] = []

    def note(rows: object) -> None:
        assert isinstance(rows, list)
        pieces.append(len(rows))
        assert len(encode(Returned(bytes(16), NOW_US, (), tuple(rows)))) < RECORD_BYTES
        noted.extend(rows)

    turned = Turned(note)
    number = 5 * ENTRIES
    for at in range(number):
        who = f"cus_{at % (3 * ENTRIES):032x}"
        turned.count(
            NOW_US, "rate_limited", 429, customer=who, project=who, key=who, model="m" * 64
        )
    turned.tidy(NOW_US + WAIT_US - 1)
    assert not noted
    turned.tidy(NOW_US + WAIT_US)
    assert counted(noted).total() == number
    assert len(noted) <= 2 * ENTRIES + 1
    assert max(pieces) <= ROWS
    turned.tidy(NOW_US + 9 * WAIT_US)
    assert counted(noted).total() == number


def refused(home: Path) -> list[RefusedRow]:
    return [
        row
        for folder in sorted((home / "journals").iterdir())
        for _, record in read_from(folder, START, alive=is_alive(folder))
        if isinstance(record, Returned)
        for row in record.refused
    ]


@pytest.fixture
def worker(tmp_path: Path) -> Program:
    Draft("http://127.0.0.1:9").write(tmp_path)
    return start_worker(tmp_path)


def test_a_worker_writes_down_whom_it_turned_away(worker: Program, tmp_path: Path) -> None:
    """Of strangers only the reason is kept, and of a model only a name that the catalogue knows."""
    began_s = int(time.time()) // 60 * 60
    url = f"{worker.url}/v1/chat/completions"
    own = {"authorization": f"Bearer {KEY}"}
    for _ in range(3):
        httpx2.post(url, json={**CHAT, "model": "my secret prompt"}, headers=own)
    httpx2.post(url, json={**CHAT, "model": "claude-sim"}, headers=own)
    httpx2.post(url, json=CHAT, headers={"authorization": "Bearer sk-yj-nobody"})
    httpx2.get(f"{worker.url}/v1/models", headers={"authorization": "Bearer sk-yj-nobody"})
    assert worker.stop() == 0
    rows = refused(tmp_path)
    assert all(began_s <= minute_s <= time.time() for minute_s, *_ in rows)
    assert sorted(row[5:] for row in rows) == [
        ("key_unknown", 401, 1),
        ("model_other_dialect", 400, 1),
        ("model_unknown", 404, 3),
    ]
    by_reason = {row[5]: row[1:5] for row in rows}
    assert by_reason["key_unknown"] == ("", "", "", "")
    assert by_reason["model_unknown"][2:] == ("key_1", "")
    assert by_reason["model_other_dialect"][2:] == ("key_1", "claude-sim")
    assert by_reason["model_unknown"][0]


def test_old_rights_are_turned_away_under_their_customer(tmp_path: Path) -> None:
    """Nobody asks whose key it is when the snapshot is too old; the customer's SLA must know."""
    Draft("http://127.0.0.1:9").write(tmp_path, published_us=1)
    worker = start_worker(tmp_path)
    url = f"{worker.url}/v1/chat/completions"
    answer = httpx2.post(url, json=CHAT, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 503
    assert worker.stop() == 0
    [(_, customer, _, key, _, reason, status, calls)] = refused(tmp_path)
    assert (bool(customer), key, reason, status, calls) == (True, "key_1", "snapshot_stale", 503, 1)
