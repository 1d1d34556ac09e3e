"""What changes in the snapshot or on the block list is in force within a second."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import (
    KEY,
    OTHER_KEY,
    Draft,
    customer,
    key_row,
    now_us,
    start_worker,
)
from yuejie.gateway.blocklist import block, unblock
from yuejie.kernel.limits import SNAPSHOT_AGE

CHAT = {"model": "gpt-sim", "messages": [{"role": "user", "content": "hello"}]}
Change = Callable[[Draft], None]


@pytest.fixture(autouse=True)
def restored(node: Node) -> Iterator[None]:
    yield
    node.draft().write(node.home)
    within_a_second(lambda: call(node) == 200)


def call(node: Node, key: str = KEY, model: str = "gpt-sim") -> int:
    headers = {"authorization": f"Bearer {key}"}
    url = f"{node.url}/v1/chat/completions"
    return httpx2.post(url, json={**CHAT, "model": model}, headers=headers).status_code


def within_a_second(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 1
    while not holds():
        assert time.monotonic() < end, "a second has passed"
        time.sleep(0.02)


def revoke(draft: Draft) -> None:
    draft.keys = [key_row(revoked_us=now_us())]


def expire(draft: Draft) -> None:
    draft.keys = [key_row(expires_us=now_us())]


def suspend(draft: Draft) -> None:
    draft.customers = [customer(active=False)]


def bar_for_lateness(draft: Draft) -> None:
    draft.customers = [msgspec.structs.replace(customer(), barred="overdue")]


def bar_for_credit(draft: Draft) -> None:
    draft.customers = [msgspec.structs.replace(customer(), barred="credit_limit")]


def bar_for_prepayment(draft: Draft) -> None:
    draft.customers = [msgspec.structs.replace(customer(), barred="prepayment")]


def ask_for_money_first(draft: Draft) -> None:
    draft.contracts = [msgspec.structs.replace(draft.contracts[0], prepaid=True)]


def disable(draft: Draft) -> None:
    draft.models[0] = msgspec.structs.replace(draft.models[0], active=False)


def drain(draft: Draft) -> None:
    draft.deployments[0] = msgspec.structs.replace(draft.deployments[0], active=False)


def confine(draft: Draft) -> None:
    draft.projects = [msgspec.structs.replace(draft.projects[0], regions=["eu"])]


def forget_the_price(draft: Draft) -> None:
    sale = draft.books[0]
    rates = [rate for rate in sale.rates if rate.model != "gpt-sim"]
    draft.books[0] = msgspec.structs.replace(sale, rates=rates)


def end_the_contract(draft: Draft) -> None:
    draft.contracts = []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (revoke, 401),
        (expire, 401),
        (suspend, 403),
        (bar_for_lateness, 402),
        (bar_for_credit, 402),
        (bar_for_prepayment, 402),
        (ask_for_money_first, 402),
        (disable, 404),
        (drain, 503),
        (confine, 403),
        (forget_the_price, 400),
        (end_the_contract, 403),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_change_is_in_force_within_a_second(node: Node, change: Change, status: int) -> None:
    assert call(node) == 200
    draft = node.draft()
    change(draft)
    draft.write(node.home)
    within_a_second(lambda: call(node) == status)


def test_a_blocked_key_is_refused_within_a_second_and_others_are_not(node: Node) -> None:
    draft = node.draft()
    draft.keys.append(key_row(OTHER_KEY, "key_2"))
    draft.write(node.home)
    within_a_second(lambda: call(node, OTHER_KEY) == 200)
    assert block(node.home, "key_2")
    within_a_second(lambda: call(node, OTHER_KEY) == 401)
    assert call(node) == 200
    assert unblock(node.home, "key_2")
    within_a_second(lambda: call(node, OTHER_KEY) == 200)


class Slow:
    """A client whose body takes its time."""

    def __init__(self, node: Node) -> None:
        self._body = json.dumps(CHAT).encode()
        self._socket = socket.create_connection(("127.0.0.1", node.worker.port), 10)
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nconnection: close\r\n"
            f"authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(self._body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + self._body[:20])

    def finish(self) -> int:
        """Send the rest, and return the status."""
        with self._socket:
            self._socket.sendall(self._body[20:])
            return int(self._socket.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    ("change", "status"),
    [(revoke, 401), (expire, 401), (suspend, 403), (disable, 404), (end_the_contract, 403)],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_what_changed_while_a_body_was_on_its_way_holds_for_it(
    node: Node, change: Change, status: int
) -> None:
    slow = Slow(node)
    time.sleep(0.1)
    draft = node.draft()
    change(draft)
    draft.write(node.home)
    within_a_second(lambda: call(node) == status)
    assert slow.finish() == status


def test_a_key_that_expires_while_a_body_is_on_its_way_opens_nothing(node: Node) -> None:
    draft = node.draft()
    draft.keys = [key_row(expires_us=now_us() + 1_500_000)]
    draft.write(node.home)
    time.sleep(0.6)
    slow = Slow(node)
    within = time.monotonic() + 3
    while call(node) != 401:
        assert time.monotonic() < within
        time.sleep(0.05)
    assert slow.finish() == 401


def test_a_key_that_is_blocked_while_a_body_is_on_its_way_opens_nothing(node: Node) -> None:
    slow = Slow(node)
    time.sleep(0.1)
    block(node.home, "key_1")
    try:
        within_a_second(lambda: call(node) == 401)
        assert slow.finish() == 401
    finally:
        unblock(node.home, "key_1")


def test_a_key_is_blocked_by_its_digest_too(node: Node) -> None:
    digest = key_row().digest
    block(node.home, digest)
    within_a_second(lambda: call(node) == 401)
    unblock(node.home, digest)


def test_a_key_reaches_only_its_models(node: Node) -> None:
    draft = node.draft()
    draft.keys = [key_row(models=["embed-sim"])]
    draft.write(node.home)
    within_a_second(lambda: call(node) == 404)
    listed = httpx2.get(f"{node.url}/v1/models", headers={"x-api-key": KEY}).json()["data"]
    assert [model["id"] for model in listed] == ["embed-sim"]


def test_an_old_snapshot_is_refused_and_a_worker_without_one_is_not_ready(
    node: Node, tmp_path: Path
) -> None:
    node.draft().write(node.home, now_us() - int(SNAPSHOT_AGE.total_seconds() + 1) * 1_000_000)
    within_a_second(lambda: call(node) == 503)
    assert httpx2.get(f"{node.url}/readyz").status_code == 503
    bare = start_worker(tmp_path)
    assert httpx2.get(f"{bare.url}/readyz").status_code == 503
    node.draft().write(tmp_path)
    within_a_second(lambda: httpx2.get(f"{bare.url}/readyz").status_code == 200)
    assert bare.stop() == 0


def test_a_node_whose_clock_is_off_serves_but_is_not_ready(node: Node) -> None:
    draft = node.draft()
    draft.skew_ms = -1_500
    draft.write(node.home)
    within_a_second(lambda: httpx2.get(f"{node.url}/readyz").status_code == 503)
    assert "-1500" in httpx2.get(f"{node.url}/readyz").text
    assert call(node) == 200
    node.draft().write(node.home)
    within_a_second(lambda: httpx2.get(f"{node.url}/readyz").status_code == 200)


def test_a_broken_snapshot_changes_nothing(node: Node) -> None:
    (node.home / "snapshot.msgpack").write_bytes(b"not a snapshot at all")
    time.sleep(0.5)
    assert call(node) == 200


def test_metrics_count_what_happened(node: Node) -> None:
    call(node)
    call(node, "sk-yj-nobody")
    page = httpx2.get(f"{node.url}/metrics").text
    assert 'deployment="dep_gpt-sim",state="measured",status="200"' in page
    assert 'code="key_unknown"' in page
    assert "yuejie_gateway_snapshot_age_seconds" in page


def test_money_that_has_come_is_served_within_a_second(node: Node) -> None:
    """The contract asks for money before use: refused without cover, served once it is there."""
    draft = node.draft()
    ask_for_money_first(draft)
    draft.write(node.home)
    within_a_second(lambda: call(node) == 402)
    draft.customers = [msgspec.structs.replace(customer(), covered=True)]
    draft.write(node.home)
    within_a_second(lambda: call(node) == 200)
