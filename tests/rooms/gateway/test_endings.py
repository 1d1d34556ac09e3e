"""However a call ends, it ends once, with a state, by the table of wire-formats §1.13."""

import json
import socket
import time
from typing import Any

import httpx2
import pytest

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import KEY, ended_of, quantities, truth_lines
from yuejie.usage.journal import Ended


def ask(text: str, **more: object) -> dict[str, Any]:
    return {
        "model": "gpt-sim",
        "messages": [{"role": "user", "content": f"[[sim {text}]]"}],
        **more,
    }


def attempts(
    node: Node, client: httpx2.Client, text: str, **more: object
) -> tuple[Any, list[Ended]]:
    answer = client.post("/v1/chat/completions", json=ask(text, **more))
    return answer, ended_of(node.home, answer.headers["x-request-id"])


def leave_early(node: Node, text: str, *, after: bytes, model: str = "gpt-sim") -> str:
    """Call, read until some bytes have come, and hang up. Returns the request id."""
    body = json.dumps(ask(text, stream=True, model=model)).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", node.worker.port)) as wire:
        wire.sendall(head + body)
        came = b""
        while after not in came:
            came += wire.recv(4096)
        start = came.index(b"x-request-id: ") + len(b"x-request-id: ")
        return came[start : came.index(b"\r\n", start)].decode()


def test_a_client_that_leaves_pays_what_the_provider_reports(node: Node) -> None:
    request_id = leave_early(node, "in=100 out=60 events=30 pace_ms=20", after=b'"content"')
    (record,) = ended_of(node.home, request_id)
    assert (record.state, record.outcome, record.billable) == ("measured", "client_gone", True)
    assert quantities(record) == {"input": 100, "output": 60}


def test_a_client_that_leaves_a_buffered_call_pays_as_well(node: Node) -> None:
    body = json.dumps(ask("in=77 out=5 delay_ms=600")).encode()
    before = len(truth_lines(node.truth))
    with socket.create_connection(("127.0.0.1", node.worker.port)) as wire:
        wire.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: {KEY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        time.sleep(0.2)
    end = time.monotonic() + 5
    while len(truth_lines(node.truth)) == before and time.monotonic() < end:
        time.sleep(0.05)
    line = truth_lines(node.truth)[-1]
    assert line["outcome"] == "served"


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("no_usage=1", "unmeasured", "no_usage"),
        ("negative=1", "unmeasured", "negative"),
        ("absurd=1", "unmeasured", "absurd"),
        ("garbage=1", "unmeasured", "broken_json"),
    ],
)
def test_a_whole_answer_without_credible_usage_is_unmeasured(
    node: Node, client: httpx2.Client, fault: str, state: str, reason: str
) -> None:
    answer, (record,) = attempts(node, client, f"in=10 out=5 {fault}")
    assert answer.status_code == 200
    assert "x-yuejie-charge" not in answer.headers
    assert (record.state, record.reason, record.billable) == (state, reason, True)
    assert quantities(record) == {}


def test_a_stream_cut_in_the_middle_says_so_to_client_and_journal(
    node: Node, client: httpx2.Client
) -> None:
    answer, (record,) = attempts(node, client, "in=10 out=40 events=20 cut_after=8", stream=True)
    last = json.loads(answer.text.strip().rsplit("data: ", 1)[1])
    assert answer.headers["x-request-id"] in last["error"]["message"]
    assert (record.state, record.reason) == ("unmeasured", "stream_cut")
    assert (record.outcome, record.billable) == ("provider_cut", True)


def test_an_error_in_mid_stream_passes_and_is_unmeasured(node: Node, client: httpx2.Client) -> None:
    answer, (record,) = attempts(
        node, client, "in=10 out=40 events=20 error_midstream=8", stream=True
    )
    assert '"error"' in answer.text
    assert record.state == "unmeasured"
    assert record.billable


def test_anthropic_cut_in_the_middle_is_a_floor(node: Node, client: httpx2.Client) -> None:
    answer = client.post(
        "/v1/messages",
        headers={"anthropic-version": "2023-06-01"},
        json={
            "model": "claude-sim",
            "max_tokens": 64,
            "stream": True,
            "messages": [{"role": "user", "content": "[[sim in=90 out=40 events=20 cut_after=8]]"}],
        },
    )
    (record,) = ended_of(node.home, answer.headers["x-request-id"])
    assert (record.state, record.reason) == ("partial", "stream_cut")
    assert quantities(record)["input"] == 90
    assert "event: error" in answer.text


def test_a_connection_lost_before_the_answer_is_tried_again_and_on_the_worklist(
    node: Node, client: httpx2.Client
) -> None:
    answer, records = attempts(node, client, "in=10 out=5 cut_after=0 times=1 id=lost")
    assert answer.status_code == 200
    assert [(r.begun.attempt, r.state, r.reason, r.billable) for r in records] == [
        (1, "unmeasured", "connection_lost", False),
        (2, "measured", "", True),
    ]


def test_a_body_cut_in_the_middle_is_tried_again(node: Node, client: httpx2.Client) -> None:
    answer, records = attempts(node, client, "in=10 out=5 cut_before_usage=1 times=1 id=half")
    assert answer.json()["usage"]["prompt_tokens"] == 10
    assert [(r.state, r.billable) for r in records] == [("unmeasured", False), ("measured", True)]


@pytest.mark.parametrize("status", [500, 503, 529, 408])
def test_a_failing_provider_is_asked_again(node: Node, client: httpx2.Client, status: int) -> None:
    answer, records = attempts(node, client, f"in=10 out=5 http={status} times=1 id=f{status}")
    assert answer.status_code == 200
    assert [(r.http_status, r.state, r.billable) for r in records] == [
        (status, "measured", False),
        (200, "measured", True),
    ]
    assert [item.meter for item in records[0].items] == ["failed_requests"]
    assert sum(item.quantity for item in records[1].items if item.meter == "requests") == 1


def test_a_short_retry_after_is_waited_for(node: Node, client: httpx2.Client) -> None:
    start = time.monotonic()
    answer, records = attempts(node, client, "in=10 out=5 http=429 retry_after=1 times=1 id=wait")
    assert answer.status_code == 200
    assert len(records) == 2
    assert time.monotonic() - start >= 1


def test_a_long_retry_after_goes_to_the_client(node: Node, client: httpx2.Client) -> None:
    answer, records = attempts(node, client, "in=10 out=5 http=429 retry_after=30")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert [(r.http_status, r.billable) for r in records] == [(429, True)]
    assert [item.meter for item in records[0].items] == ["failed_requests"]


def test_an_error_of_the_provider_passes_as_it_came(node: Node, client: httpx2.Client) -> None:
    answer, records = attempts(node, client, "http=422")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]
    assert len(records) == 1


def test_a_provider_that_stays_broken_is_asked_three_times(
    node: Node, client: httpx2.Client
) -> None:
    answer, records = attempts(node, client, "http=500")
    assert answer.status_code == 500
    assert [record.billable for record in records] == [False, False, True]


def test_our_credential_refused_is_not_the_clients_fault(node: Node, client: httpx2.Client) -> None:
    answer, records = attempts(node, client, "http=401")
    assert answer.status_code == 502
    assert "凭证" in answer.json()["error"]["message"]
    assert [record.billable for record in records] == [False]
