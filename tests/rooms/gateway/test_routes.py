"""Which deployment is asked: priority, weight, backup, policy, breakers; and what is spliced."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import httpx2
import msgspec
import pytest

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import (
    CREDENTIAL,
    KEY,
    Draft,
    account,
    deployment,
    ended_of,
    free_port,
    quantities,
)
from yuejie.gateway.refusal import Dialect, Refused
from yuejie.gateway.rights.admission import Admission, Plan, Route
from yuejie.gateway.rights.view import View
from yuejie.gateway.upstream.breaker import FAILURES, PAUSE_US, Breakers
from yuejie.gateway.upstream.routing import in_order

NOW = 1_800_000_000_000_000


def plan_of(draft: Draft, model: str = "gpt-sim") -> Plan:
    admission = Admission(View(draft.snapshot(), lambda _: CREDENTIAL))
    key = draft.keys[0]
    plan = admission.admit(
        key.digest, "test", model, Dialect.OPENAI, "/v1/chat/completions", now_us=NOW
    )
    assert isinstance(plan, Plan), plan
    return plan


def second(draft: Draft, account_id: str = "acc_openai", **changes: object) -> Draft:
    draft.deployments.append(deployment("dep_second", "gpt-sim", account_id, **changes))
    return draft


def names(routes: Sequence[Route]) -> list[str]:
    return [route.target.deployment_id for route in routes]


def test_the_lower_priority_number_goes_first() -> None:
    plan = plan_of(second(Draft("http://x"), priority=1))
    ordered = in_order(plan.routes, Breakers(), Random(1), NOW)
    assert names(ordered) == ["dep_gpt-sim", "dep_second"]


def test_equals_share_by_weight() -> None:
    plan = plan_of(second(Draft("http://x"), weight=3))
    chance = Random(1)
    first = Counter(names(in_order(plan.routes, Breakers(), chance, NOW))[0] for _ in range(1000))
    assert 700 < first["dep_second"] < 800


def test_what_keeps_failing_goes_last_and_is_probed_once_when_its_pause_is_over() -> None:
    plan = plan_of(second(Draft("http://x"), priority=1))
    breakers = Breakers()
    breaker = breakers.of("dep_gpt-sim")
    for _ in range(FAILURES):
        breaker.failed(NOW)
    assert names(in_order(plan.routes, breakers, Random(1), NOW)) == ["dep_second", "dep_gpt-sim"]
    later = NOW + PAUSE_US
    assert names(in_order(plan.routes, breakers, Random(1), later))[0] == "dep_gpt-sim"
    breaker.goes(later)
    assert names(in_order(plan.routes, breakers, Random(1), later))[0] == "dep_second"
    breaker.failed(later)
    assert not breaker.may_pass(later + PAUSE_US)
    assert breaker.may_pass(later + 2 * PAUSE_US)
    breaker.worked()
    assert breaker.may_pass(later)


def test_the_first_is_drawn_among_those_that_work_and_the_others_only_when_asked_for() -> None:
    draft = second(Draft("http://x"), weight=3)
    draft.deployments.append(deployment("dep_third", "gpt-sim", "acc_openai", weight=96))
    plan, breakers, chance = plan_of(draft), Breakers(), Random(1)
    for _ in range(FAILURES):
        breakers.of("dep_third").failed(NOW)
    orders = [in_order(plan.routes, breakers, chance, NOW) for _ in range(1000)]
    assert 700 < sum(names([order[0]]) == ["dep_second"] for order in orders) < 800
    drawn = chance.getstate()
    assert all(len(order) == 3 and order[0] is order[0] for order in orders)
    assert chance.getstate() == drawn
    assert all(names(order)[2] == "dep_third" for order in orders)
    assert all(set(names(order)) == set(names(plan.routes)) for order in orders)
    for name in ("dep_gpt-sim", "dep_second"):
        for _ in range(FAILURES):
            breakers.of(name).failed(NOW)
    firsts = [names(in_order(plan.routes, breakers, chance, NOW))[0] for _ in range(1000)]
    assert 930 < firsts.count("dep_third") < 990


def test_a_backup_comes_after_every_route_of_the_agreed_model() -> None:
    draft = Draft("http://x")
    draft.models[0] = msgspec.structs.replace(draft.models[0], backup_model="embed-sim")
    second(draft, priority=9)
    ordered = in_order(plan_of(draft).routes, Breakers(), Random(1), NOW)
    assert names(ordered) == ["dep_gpt-sim", "dep_second", "dep_embed-sim"]


def test_policy_is_never_crossed_not_even_by_a_backup() -> None:
    draft = Draft("http://x")
    draft.models[0] = msgspec.structs.replace(draft.models[0], backup_model="embed-sim")
    draft.accounts.append(account("acc_us", "openai", "http://us", region="us"))
    second(draft, account_id="acc_us")
    draft.deployments = [
        msgspec.structs.replace(row, account_id="acc_us") if row.model_id == "embed-sim" else row
        for row in draft.deployments
    ]
    draft.projects = [msgspec.structs.replace(draft.projects[0], regions=["cn"])]
    assert names(plan_of(draft).routes) == ["dep_gpt-sim"]


def test_a_plan_ends_when_something_scheduled_starts() -> None:
    draft = Draft("http://x")
    draft.contracts.append(
        msgspec.structs.replace(draft.contracts[0], version=2, starts_us=NOW + 5)
    )
    admission = Admission(View(draft.snapshot(), lambda _: CREDENTIAL))

    def version(now_us: int) -> int:
        plan = admission.admit(
            draft.keys[0].digest, "test", "gpt-sim", Dialect.OPENAI, "/v1/x", now_us=now_us
        )
        assert not isinstance(plan, Refused)
        return plan.contract.version

    assert [version(NOW), version(NOW + 4), version(NOW + 5)] == [1, 1, 2]


@contextmanager
def recorder(answer: bytes = b"{}") -> Iterator[tuple[str, list[bytes]]]:
    """A provider that writes down exactly what it is sent."""
    port, heard = free_port(), list[bytes]()
    server = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            with wire:
                wire.settimeout(5)
                request = b""
                while not _whole(request):
                    request += wire.recv(65536)
                heard.append(request)
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=b\r\n"
                head += b"x-ratelimit-remaining-tokens: 9\r\nopenai-version: 2020-10-01\r\n"
                wire.sendall(
                    head + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer
                )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}", heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def _whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return body.endswith(b"0\r\n\r\n")


@contextmanager
def known(node: Node, change: Callable[[Draft], None]) -> Iterator[None]:
    draft = node.draft()
    change(draft)
    draft.write(node.home)
    time.sleep(0.4)
    yield
    node.draft().write(node.home)
    time.sleep(0.4)


def test_a_dead_deployment_costs_nothing_and_the_next_one_answers(
    node: Node, client: httpx2.Client
) -> None:
    def change(draft: Draft) -> None:
        dead = f"http://127.0.0.1:{free_port()}"
        draft.accounts.append(account("acc_dead", "openai", dead))
        second(draft, account_id="acc_dead", priority=-1)

    with known(node, change):
        answer = client.post(
            "/v1/chat/completions",
            json={
                "model": "gpt-sim",
                "messages": [{"role": "user", "content": "[[sim in=9 out=3]]"}],
            },
        )
    assert answer.status_code == 200
    first, other = ended_of(node.home, answer.headers["x-request-id"])
    assert (first.begun.deployment, first.state, first.outcome) == (
        "dep_second",
        "measured",
        "provider_error",
    )
    assert (first.billable, quantities(first)) == (False, {})
    assert all(item.sale_rate == 0 for item in first.items)
    assert (other.begun.deployment, other.billable) == ("dep_gpt-sim", True)
    assert quantities(other) == {"input": 9, "output": 3}


def test_only_what_must_differ_differs(node: Node, client: httpx2.Client) -> None:
    body = (
        b'{ "messages" : [ {"role":"user","content":"\\u4f60"} ] ,"model":"gpt-sim", "x_new":1e2}'
    )
    with recorder() as (url, heard):

        def change(draft: Draft) -> None:
            draft.accounts[0] = account("acc_openai", "openai", f"{url}/compatible/v1")
            draft.deployments[0] = msgspec.structs.replace(
                draft.deployments[0], upstream_model="up-1"
            )

        with known(node, change):
            answer = client.post(
                "/v1/chat/completions?beta=1",
                content=body,
                headers={
                    "openai-beta": "assistants=v9",
                    "x-yuejie-tags": "feature=search",
                    "cookie": "a=b",
                    "content-type": "application/json",
                },
            )
    (request,) = heard
    head, _, sent = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /compatible/v1/chat/completions?beta=1 HTTP/1.1"
    assert sent == body.replace(b"gpt-sim", b"up-1")
    assert headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert headers["openai-beta"] == "assistants=v9"
    assert headers["accept-encoding"] == "identity"
    assert KEY not in request.decode()
    assert not {"cookie", "x-yuejie-tags"} & set(headers)
    assert not {"set-cookie", "x-ratelimit-remaining-tokens"} & set(answer.headers)
    assert answer.headers["openai-version"] == "2020-10-01"
    (record,) = ended_of(node.home, answer.headers["x-request-id"])
    assert headers["x-client-request-id"] == record.begun.event.hex()
    assert record.begun.tags == "feature=search,team=ai"


def test_usage_is_asked_for_and_nothing_else_touched(node: Node, client: httpx2.Client) -> None:
    body = b'{"model":"gpt-sim","stream":true,"messages":[]}'
    with recorder() as (url, heard):

        def change(draft: Draft) -> None:
            draft.accounts[0] = account("acc_openai", "openai", url)

        with known(node, change):
            client.post("/v1/chat/completions", content=body)
    sent = json.loads(heard[0].partition(b"\r\n\r\n")[2])
    assert sent.pop("stream_options") == {"include_usage": True}
    assert sent == json.loads(body)


@pytest.mark.parametrize("order", ["model first", "file first"])
def test_a_form_streams_through_with_the_models_name_changed(
    node: Node, client: httpx2.Client, order: str
) -> None:
    parts = [
        b'--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-sim\r\n',
        b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + bytes(range(256)) * 2000
        + b"\r\n",
    ]
    body = b"".join(parts if order == "model first" else reversed(parts)) + b"--xx--\r\n"
    with recorder(b'{"text":"hi","usage":{"type":"duration","seconds":3}}') as (url, heard):

        def change(draft: Draft) -> None:
            draft.accounts[0] = account("acc_openai", "openai", url)
            draft.deployments = [
                msgspec.structs.replace(row, upstream_model="whisper-1")
                for row in draft.deployments
            ]

        with known(node, change):
            answer = client.post(
                "/v1/audio/transcriptions",
                content=body,
                headers={"content-type": "multipart/form-data; boundary=xx"},
            )
    assert answer.json()["text"] == "hi"
    assert unchunked(heard[0].partition(b"\r\n\r\n")[2]) == body.replace(
        b"whisper-sim", b"whisper-1"
    )
    (record,) = ended_of(node.home, answer.headers["x-request-id"])
    assert quantities(record) == {"seconds": 3}


def unchunked(data: bytes) -> bytes:
    body = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            return body
        body, data = body + data[:size], data[size + 2 :]
