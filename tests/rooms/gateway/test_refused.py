"""What the gateway turns away is counted, whose it was and why, and reaches the journal."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.rooms.gateway.world import KEY, Draft, Program, start_worker
from yuejie.gateway.meter.refused import ENTRIES, FACT_LENGTH, ONES, ROWS, WAIT_US, Turned, Whose
from yuejie.gateway.refusal import Code
from yuejie.kernel.ids import request_id, uuid7_at
from yuejie.kernel.limits import (
    RECORD_BYTES,
    REFUSED_OF_CUSTOMER,
    REFUSED_OF_REASON,
    REFUSED_OF_WORKER,
)
from yuejie.usage.journal import (
    START,
    RefusedOne,
    RefusedRow,
    Returned,
    encode,
    is_alive,
    read_from,
)
from yuejie.usage.refusals.reason import FACTS, REASONS, Party, is_ours

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

    def note(rows: Sequence[RefusedRow], ones: Sequence[RefusedOne]) -> None:
        assert not ones
        pieces.append(len(rows))
        assert len(encode(Returned(bytes(16), NOW_US, (), tuple(rows)))) < RECORD_BYTES
        noted.extend(rows)

    turned = Turned(note)
    number = 5 * ENTRIES
    for at in range(number):
        who = f"cus_{at % (3 * ENTRIES):032x}"
        turned.count(NOW_US, "rate_limited", 429, Whose(who, who, who, "m" * 64))
    turned.tidy(NOW_US + WAIT_US - 1)
    assert not noted
    turned.tidy(NOW_US + WAIT_US)
    assert counted(noted).total() == number
    assert len(noted) <= 2 * ENTRIES + 1
    assert max(pieces) <= ROWS
    turned.tidy(NOW_US + 9 * WAIT_US)
    assert counted(noted).total() == number


class Kept:
    """The single calls that a worker keeps, and how large the records are that carry them."""

    def __init__(self) -> None:
        self.ones: list[RefusedOne] = []
        self.turned = Turned(self._note)

    def _note(self, rows: Sequence[RefusedRow], ones: Sequence[RefusedOne]) -> None:
        assert len(encode(Returned(bytes(16), NOW_US, (), tuple(rows), (), tuple(ones)))) < (
            RECORD_BYTES
        )
        self.ones += ones

    def turn_away(self, number: int, whose: Whose, reason: str, now_us: int = NOW_US) -> None:
        for at in range(number):
            self.turned.keep(uuid7_at(at), now_us, reason, 429, {}, whose)

    def of(self, customer: str) -> Counter[str]:
        self.turned.hand_over()
        return Counter(one.reason for one in self.ones if one.customer == customer)


def test_a_loop_does_not_hide_what_is_rare() -> None:
    """One key in a loop fills its own bound; another reason, key and minute have theirs."""
    kept, loop = Kept(), Whose("acme", "p", "loops")
    kept.turn_away(1_000, loop, "key_revoked")
    kept.turn_away(1, loop, "model_unknown")
    kept.turn_away(1, Whose("acme", "p", "other"), "key_revoked")
    assert kept.of("acme") == {"key_revoked": REFUSED_OF_REASON + 1, "model_unknown": 1}
    kept.turn_away(1_000, loop, "key_revoked", NOW_US + 60_000_000)
    assert kept.of("acme")["key_revoked"] == 2 * REFUSED_OF_REASON + 1


def test_single_calls_are_bounded_by_customer_and_by_worker() -> None:
    kept = Kept()
    for number in range(100):
        kept.turn_away(3, Whose("acme", "p", f"key_{number}"), "rate_limited")
    kept.turn_away(1_000, Whose(), "key_unknown")
    assert kept.of("acme").total() == REFUSED_OF_CUSTOMER
    assert kept.of("").total() == REFUSED_OF_REASON
    for number in range(1_000):
        kept.turn_away(9, Whose(f"cus_{number}", "p", "k"), "rate_limited")
    kept.turned.hand_over()
    assert len(kept.ones) == REFUSED_OF_WORKER


def test_of_facts_only_ours_are_kept_and_no_record_is_too_large() -> None:
    kept = Kept()
    facts = dict.fromkeys([*FACTS, "model", "path", "why", "models", "hint"], "额" * 5_000)
    for number in range(ONES + 1):
        whose = Whose(f"cus_{number:032x}", "p" * 36, "k" * 36, "m" * 64)
        kept.turned.keep(uuid7_at(number), NOW_US, "cap_used_up", 402, facts, whose)
    kept.turned.tidy(NOW_US + WAIT_US - 1)
    assert not kept.ones
    kept.turned.tidy(NOW_US + WAIT_US)
    assert len(kept.ones) == ONES + 1
    assert kept.ones[0].about == dict.fromkeys(FACTS, "额" * FACT_LENGTH)


def noted(home: Path) -> list[Returned]:
    return [
        record
        for folder in sorted((home / "journals").iterdir())
        for _, record in read_from(folder, START, alive=is_alive(folder))
        if isinstance(record, Returned)
    ]


def refused(home: Path) -> list[RefusedRow]:
    return [row for record in noted(home) for row in record.refused]


@pytest.fixture
def worker(tmp_path: Path) -> Program:
    Draft("http://127.0.0.1:9").write(tmp_path)
    return start_worker(tmp_path)


def test_a_worker_writes_down_whom_it_turned_away(worker: Program, tmp_path: Path) -> None:
    """Of strangers only the reason is kept, and of a model only a name that the catalogue knows."""
    began_s = int(time.time()) // 60 * 60
    url = f"{worker.url}/v1/chat/completions"
    own = {"authorization": f"Bearer {KEY}"}
    stranger = {"authorization": "Bearer sk-yj-nobody"}
    answers = [
        *(
            httpx2.post(url, json={**CHAT, "model": "my secret prompt"}, headers=own)
            for _ in range(3)
        ),
        httpx2.post(url, json={**CHAT, "model": "claude-sim"}, headers=own),
        httpx2.post(url, json=CHAT, headers=stranger),
        httpx2.get(f"{worker.url}/v1/models", headers=stranger),
    ]
    told = [answer.headers["x-request-id"] for answer in answers]
    assert worker.stop() == 0
    rows = refused(tmp_path)
    assert all(began_s <= minute_s <= time.time() for minute_s, *_ in rows)
    assert sorted(row[5:] for row in rows) == [
        ("key_unknown", 401, 1),
        ("model_other_dialect", 400, 1),
        ("model_unknown", 404, 3),
    ]
    by_reason = {row[5]: row[1:5] for row in rows}
    ones = {request_id(one.request): one for record in noted(tmp_path) for one in record.ones}
    assert [ones[each].reason for each in told] == [
        *3 * ["model_unknown"],
        *["model_other_dialect", "key_unknown", "key_unknown"],
    ]
    assert {one.about.get("model") for one in ones.values()} == {None}
    assert "secret prompt" not in str(ones)
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
