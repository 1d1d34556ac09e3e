"""Every fault on the wire, and what the truth says about it."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.rooms.demo.simulators.caller import OPENAI, Reply, Simulators

USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def by_chat(simulators: Simulators, marker: str) -> Reply:
    return simulators.chat(marker, **USAGE)


def by_message(simulators: Simulators, marker: str) -> Reply:
    return simulators.message(marker, stream=True)


def by_generate(simulators: Simulators, marker: str) -> Reply:
    return simulators.generate(marker, stream=True)


STREAMS = pytest.mark.parametrize("call", [by_chat, by_message, by_generate])
Call = Callable[[Simulators, str], Reply]


@STREAMS
def test_a_cut_breaks_the_connection_after_so_many_events_and_everything_is_billed(
    simulators: Simulators, call: Call
) -> None:
    reply = call(simulators, "[[sim in=10 out=60 cut_after=7]]")

    assert reply.status == 200
    assert not reply.whole
    assert len(reply.events()) == 7
    truth = simulators.last()
    assert (truth.outcome, truth.complete, truth.delivered_events) == ("cut", False, 7)
    assert (truth.usage, truth.reported) == ({"input": 10, "output": 60}, False)


@STREAMS
def test_a_cut_before_the_usage_delivers_the_words_and_not_the_bill(
    simulators: Simulators, call: Call
) -> None:
    reply = call(simulators, "[[sim in=10 out=60 cut_before_usage=1]]")

    assert not reply.whole
    assert b'"completion_tokens":60' not in reply.body
    assert b'"output_tokens":60' not in reply.body
    assert "STOP" not in reply.body.decode()
    assert simulators.last().reported is False


def test_a_cut_before_any_byte_is_billed_like_every_cut(simulators: Simulators) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        simulators.chat("[[sim in=10 out=60 cut_after=0]]")

    assert simulators.last().usage == {"input": 10, "output": 60}
    assert simulators.last().delivered_events == 0


def test_a_buffered_answer_can_be_cut_in_half(simulators: Simulators) -> None:
    reply = simulators.chat("[[sim in=10 out=60 fault=cut]]")

    assert (reply.status, reply.whole) == (200, False)
    assert simulators.last().outcome == "cut"


def test_an_error_in_mid_stream_bills_what_was_delivered(simulators: Simulators) -> None:
    reply = by_chat(simulators, "[[sim in=10 out=60 error_midstream=3]]")

    assert reply.whole
    assert reply.events()[-1]["error"]["type"] == "server_error"
    truth = simulators.last()
    assert (truth.outcome, truth.delivered_events) == ("error", 3)
    assert truth.usage["input"] == 10
    assert 0 < truth.usage["output"] < 60


def test_anthropic_words_its_error_as_an_event(simulators: Simulators) -> None:
    reply = by_message(simulators, "[[sim out=60 error_midstream=4]]")

    assert reply.events()[-1]["error"]["type"] == "overloaded_error"
    assert b"event: error\n" in reply.body


def test_gemini_does_not_bill_an_answer_that_failed(simulators: Simulators) -> None:
    reply = by_generate(simulators, "[[sim in=10 out=60 error_midstream=4]]")

    assert reply.events()[-1]["error"]["code"] == 503
    assert simulators.last().usage == {}


def test_responses_fail_with_an_event_of_their_own(simulators: Simulators) -> None:
    body = {"model": "gpt-5", "input": "[[sim out=60 error_midstream=5]]", "stream": True}
    reply = simulators.post("/v1/responses", body, OPENAI)

    assert reply.events()[-1]["type"] == "response.failed"
    assert reply.events()[-1]["sequence_number"] > 5


@STREAMS
def test_no_usage_is_a_whole_answer_that_says_nothing(simulators: Simulators, call: Call) -> None:
    reply = call(simulators, "[[sim in=10 out=6 no_usage=1]]")

    assert reply.whole
    assert not [e for e in reply.events() if e.get("usage") or e.get("usageMetadata")]
    truth = simulators.last()
    assert (truth.outcome, truth.reported) == ("no_usage", False)
    assert truth.usage == {"input": 10, "output": 6}


@pytest.mark.parametrize(("fault", "said"), [("negative", -7), ("absurd", 10**15)])
def test_a_broken_provider_reports_nonsense_and_bills_the_truth(
    simulators: Simulators, fault: str, said: int
) -> None:
    marker = f"[[sim in=10 out=6 {fault}=1]]"

    assert simulators.chat(marker).json()["usage"]["completion_tokens"] == said
    assert simulators.message(marker).json()["usage"]["output_tokens"] == said
    counts = simulators.generate(marker).json()["usageMetadata"]
    assert counts["candidatesTokenCount"] == said
    assert simulators.last().usage == {"input": 10, "output": 6}
    assert simulators.last().reported is False


def test_garbage_is_a_200_that_is_not_json(simulators: Simulators) -> None:
    reply = simulators.chat("[[sim fault=garbage]]")

    assert reply.status == 200
    with pytest.raises(ValueError, match=r"decode|delimiter|Unterminated"):
        reply.json()
    assert simulators.last().outcome == "garbage"
    assert b'data: {"broken\n' in by_chat(simulators, "[[sim fault=garbage]]").body


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_an_error_status_is_free_and_comes_in_the_dialect(
    simulators: Simulators, status: int
) -> None:
    before = len(simulators.truth())
    marker = f"[[sim fault={status} retry_after=9]]"

    chat, message = simulators.chat(marker), simulators.message(marker)
    content = simulators.generate(marker)

    assert [r.status for r in (chat, message, content)] == [status] * 3
    assert set(chat.json()["error"]) == {"message", "type", "param", "code"}
    assert message.json()["type"] == "error"
    assert message.json()["request_id"] == message.headers["request-id"]
    assert content.json()["error"]["code"] == status
    assert (chat.headers["retry-after"], message.headers["retry-after"]) == ("9", "9")
    assert "retry-after" not in content.headers
    assert len(simulators.truth()) == before


def test_gemini_says_in_the_body_how_long_to_wait(simulators: Simulators) -> None:
    error = simulators.generate("[[sim fault=429 retry_after=9]]").json()["error"]

    assert error["details"][1]["retryDelay"] == "9s"


def test_a_passing_fault_ends(simulators: Simulators) -> None:
    statuses = [simulators.chat("[[sim fault=503 times=2 id=z]]").status for _ in range(3)]

    assert statuses == [503, 503, 200]


def test_an_operator_sets_faults_by_model(simulators: Simulators) -> None:
    rules = {"faults": [{"model": "gpt-*", "percent": 100, "fault": 429}]}
    assert simulators.post("/_sim/faults", rules, {}).json() == {"faults": 1}

    assert simulators.chat("x").status == 429
    assert simulators.message("x").status == 200
    assert simulators.post("/_sim/faults", {"faults": []}, {}).status == 200
    assert simulators.chat("x").status == 200


@pytest.mark.parametrize("body", [b"{", b'{"faults": [{"fault": "flood"}]}', b"[]"])
def test_a_rule_that_cannot_be_read_is_refused(simulators: Simulators, body: bytes) -> None:
    reply = simulators.post("/_sim/faults", body, {})

    assert reply.status == 400
    assert "故障规则无法读取" in reply.json()["error"]


def test_a_slow_first_byte(simulators: Simulators) -> None:
    began = time.monotonic()
    assert simulators.chat("[[sim delay_ms=300]]").status == 200

    assert time.monotonic() - began >= 0.3


def test_a_pace_between_events(simulators: Simulators) -> None:
    began = time.monotonic()
    simulators.chat("[[sim events=10 pace_ms=20]]", stream=True)

    assert time.monotonic() - began >= 0.2


TAKEN_SECONDS = 1.0


def _leave(simulators: Simulators, marker: str, read: int) -> None:
    """Ask, read a little, and go."""
    host, _, port = simulators.url.removeprefix("http://").partition(":")
    ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": marker}], "stream": True}
    body = json.dumps(ask).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}authorization: Bearer sk-simulator\r\n\r\n".encode() + body)
        if read:
            connection.recv(read)
        else:
            # Gone before the request is taken, it would be nobody's call: there is no truth of it.
            time.sleep(TAKEN_SECONDS)


def _await(simulators: Simulators, calls: int) -> None:
    deadline = time.monotonic() + 10
    while len(simulators.truth()) < calls:
        assert time.monotonic() < deadline, "the truth was never written"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("marker", "read"),
    [
        ("[[sim in=10 out=60 pace_ms=50]]", 100),  # in mid-stream
        ("[[sim in=10 out=60 delay_ms=5000]]", 0),  # before the first byte
    ],
)
def test_a_caller_who_leaves_pays_for_the_whole_answer(
    simulators: Simulators, marker: str, read: int
) -> None:
    before = len(simulators.truth())
    _leave(simulators, marker, read)
    _await(simulators, before + 1)

    truth = simulators.last()
    assert (truth.outcome, truth.complete, truth.reported) == ("gone", False, False)
    assert truth.usage == {"input": 10, "output": 60}


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"{", 400, "JSON"),
        (b'{"model": "gpt-4o"}', 400, "messages"),
        (b'{"model": "gpt-4o", "messages": []}', 400, "messages"),
        (b'{"model": "claude-sonnet-5", "messages": [{"role": "user"}]}', 404, "claude-sonnet-5"),
        (b'{"model": "gpt-4o", "messages": [{"role": 3}]}', 400, "role"),
    ],
)
def test_a_malformed_request_is_refused_as_the_original_would(
    simulators: Simulators, body: bytes, status: int, part: str
) -> None:
    reply = simulators.post("/v1/chat/completions", body, OPENAI)

    assert reply.status == status
    assert part in json.dumps(reply.json())
    assert reply.headers["x-request-id"].startswith("req_")


def test_anthropic_wants_its_version_and_a_bound(simulators: Simulators) -> None:
    key = {"x-api-key": "sk-simulator"}
    assert "anthropic-version" in simulators.post("/v1/messages", {}, key).body.decode()
    assert "max_tokens" in simulators.message("x", max_tokens=None).body.decode()


def test_a_wrong_path_is_refused(simulators: Simulators) -> None:
    assert simulators.post("/v1/nothing", {}, OPENAI).status == 404
    assert simulators.get("/_sim/nothing").status == 404


@pytest.mark.parametrize(
    "path",
    ["/chat/completions", "/compatible-mode/v1/chat/completions", "/openai/v1/chat/completions"],
)
def test_a_prefix_does_not_matter(simulators: Simulators, path: str) -> None:
    ask = {"model": "deepseek-chat", "messages": [{"role": "user", "content": "x"}]}

    assert simulators.post(path, ask, OPENAI).status == 200
