"""Auto models through the official SDKs: who answered is told, written down and billed."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
from google import genai
from google.genai import types

from tests.rooms.gateway.autos import LARGE, MIDDLE, SMALL, draft, rule
from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import KEY, Draft, account, ended_of, free_port, key_row
from yuejie.contracts.auto.routed import Out, asked_of, read_routed
from yuejie.gateway.refusal import Code

SPEC = "[[sim in=374 out=44]]"
SAID: Any = [{"role": "user", "content": SPEC}]
"""The SDKs have a type of their own for this."""
RULES = (
    rule(LARGE, tasks=["legal", "法务"]),
    rule("claude-sim", tasks=["claude"]),
    rule("gemini-sim", tasks=["gemini"]),
    rule(SMALL, MIDDLE, LARGE),
)


_marks = count(1)


@pytest.fixture(scope="module", autouse=True)
def autos(node: Node) -> Iterator[None]:
    write(node, draft(*RULES, base_url=node.simulators.url))
    yield
    node.draft().write(node.home)
    await_mark(node, None)


def write(node: Node, made: Draft) -> None:
    """Write a world whose policy starts in a second of its own, and wait until it is known."""
    mark = next(_marks)
    made.autos = [msgspec.structs.replace(each, starts_us=mark * 1_000_000) for each in made.autos]
    made.write(node.home)
    await_mark(node, mark)


def await_mark(node: Node, mark: int | None) -> None:
    end = time.monotonic() + 3
    headers = {"authorization": f"Bearer {KEY}"}
    while time.monotonic() < end:
        page = httpx2.get(f"{node.url}/v1/models", headers=headers).json()
        if {each["id"]: each["created"] for each in page["data"]}.get("auto") == mark:
            return
        time.sleep(0.02)
    raise AssertionError("the snapshot was not read")


@pytest.fixture
def gpt(node: Node) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=f"{node.url}/v1", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_answered_by_the_cheapest_and_billed_as_answered(
    node: Node, gpt: openai.OpenAI, *, stream: bool
) -> None:
    raw = gpt.chat.completions.with_raw_response.create(model="auto", messages=SAID, stream=stream)
    if stream:
        assert list(raw.parse())
    assert raw.headers["x-yuejie-model"] == SMALL
    assert raw.headers["x-yuejie-policy"] == "auto@1"
    (record,) = ended_of(node.home, raw.headers["x-request-id"])
    assert (record.begun.model, record.begun.deployment) == (SMALL, "dep_small")
    assert {item.model for item in record.items} == {SMALL}
    assert asked_of(record.facts, record.begun.model) == "auto"
    routed = read_routed(record.facts)
    assert routed is not None
    assert routed.chosen == SMALL
    if not stream:
        assert raw.headers["x-yuejie-charge"] == "0.00055", "374 × 1 + 44 × 4 per million"


def test_a_task_is_told_by_the_request_else_by_the_key(node: Node, gpt: openai.OpenAI) -> None:
    told = {"X-Yuejie-Task": "legal"}
    raw = gpt.chat.completions.with_raw_response.create(
        model="auto",
        messages=SAID,
        extra_headers=told,
    )
    assert raw.headers["x-yuejie-model"] == LARGE
    made = draft(*RULES, base_url=node.simulators.url)
    made.keys = [key_row(task="legal"), key_row("sk-yj-plain", "key_2")]
    write(node, made)
    try:
        raw = gpt.chat.completions.with_raw_response.create(model="auto", messages=SAID)
        assert raw.headers["x-yuejie-model"] == LARGE
    finally:
        write(node, draft(*RULES, base_url=node.simulators.url))


def test_a_task_may_be_chinese_and_is_not_lost_in_silence(node: Node) -> None:
    headers = {"authorization": f"Bearer {KEY}", "X-Yuejie-Task": "%E6%B3%95%E5%8A%A1"}
    url, body = f"{node.url}/v1/chat/completions", {"model": "auto", "messages": SAID}
    assert httpx2.post(url, json=body, headers=headers).headers["x-yuejie-model"] == LARGE
    raw = headers | {"X-Yuejie-Task": "法务".encode()}
    told = httpx2.post(url, json=body, headers=raw)  # type: ignore[arg-type]  # bytes as they are
    assert (told.status_code, told.json()["error"]["code"]) == (400, "task_unfit")


def test_every_dialect_has_its_own_candidates(node: Node) -> None:
    task = {"X-Yuejie-Task": "claude"}
    with anthropic.Anthropic(api_key=KEY, base_url=node.url, max_retries=0) as claude:
        said = claude.messages.with_raw_response.create(
            model="auto",
            max_tokens=100,
            messages=SAID,
            extra_headers=task,
        )
        assert said.headers["x-yuejie-model"] == "claude-sim"
        with pytest.raises(anthropic.BadRequestError) as caught:
            claude.messages.create(model="auto", max_tokens=100, messages=SAID)
    assert "small：不能从这个接口调用" in str(caught.value.message)
    options = types.HttpOptions(base_url=node.url, headers={"X-Yuejie-Task": "gemini"})
    client = genai.Client(api_key=KEY, http_options=options)
    assert client.models.generate_content(model="auto", contents=SPEC).text
    client.close()


def test_nobody_fits_is_told_by_name(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.chat.completions.create(
            model="auto", messages=SAID, extra_headers={"X-Yuejie-Task": "claude"}
        )
    assert caught.value.code == Code.MODEL_NONE_FITS.name.lower()
    assert "claude-sim：不能从这个接口调用" in caught.value.message


def without_small(node: Node) -> Draft:
    """The world, with nobody at home where the cheapest is served."""
    made = draft(*RULES, base_url=node.simulators.url)
    made.accounts.append(account("acc_dead", "openai", f"http://127.0.0.1:{free_port()}"))
    made.deployments = [
        msgspec.structs.replace(each, account_id="acc_dead") if each.model_id == SMALL else each
        for each in made.deployments
    ]
    return made


def test_what_fails_is_made_up_for_inside_the_policy(node: Node, gpt: openai.OpenAI) -> None:
    """The cheapest is down: the next answers, is billed, and after a while is asked at once."""
    write(node, without_small(node))
    try:
        raw = gpt.chat.completions.with_raw_response.create(model="auto", messages=SAID)
        attempts = ended_of(node.home, raw.headers["x-request-id"])
        assert raw.headers["x-yuejie-model"] == MIDDLE
        assert [(a.begun.model, a.billable) for a in attempts] == [(SMALL, False), (MIDDLE, True)]
        assert {asked_of(a.facts, a.begun.model) for a in attempts} == {"auto"}
        for _ in range(6):
            raw = gpt.chat.completions.with_raw_response.create(model="auto", messages=SAID)
        (record,) = ended_of(node.home, raw.headers["x-request-id"])
        routed = read_routed(record.facts)
        assert routed is not None
        assert routed.chosen == MIDDLE
        assert dict(routed.why.out) == {SMALL: Out.DOWN}
    finally:
        write(node, draft(*RULES, base_url=node.simulators.url))


def test_a_backup_model_says_what_was_asked_for(node: Node, gpt: openai.OpenAI) -> None:
    made = without_small(node)
    made.models = [
        msgspec.structs.replace(each, backup_model="gpt-sim") if each.model_id == SMALL else each
        for each in made.models
    ]
    write(node, made)
    try:
        raw = gpt.chat.completions.with_raw_response.create(model=SMALL, messages=SAID)
        record = ended_of(node.home, raw.headers["x-request-id"])[-1]
        assert (record.begun.model, raw.headers["x-yuejie-model"]) == ("gpt-sim", "gpt-sim")
        assert asked_of(record.facts, record.begun.model) == SMALL
        assert read_routed(record.facts) is None
    finally:
        write(node, draft(*RULES, base_url=node.simulators.url))
