"""Each refusal is one sentence that says what to do, in the client's dialect, id first."""

import http.client
import json
from typing import Any

import httpx2
import pytest

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import KEY
from yuejie.gateway.refusal import Code, Dialect, Refused, body_of
from yuejie.kernel.limits import BODY_BYTES

CHAT = {"model": "gpt-sim", "messages": [{"role": "user", "content": "hello"}]}


def sentence(answer: httpx2.Response) -> str:
    message = str(answer.json()["error"]["message"])
    assert message.startswith(f"请求 {answer.headers['x-request-id']}：")
    return message


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"authorization": ""}, "没有带密钥"),
        ({"authorization": "Bearer sk-yj-nobody"}, "密钥（…body）无效"),
    ],
)
def test_wrong_keys(client: httpx2.Client, headers: dict[str, str], said: str) -> None:
    answer = client.post("/v1/chat/completions", json=CHAT, headers=headers)
    assert answer.status_code == 401
    assert said in sentence(answer)


@pytest.mark.parametrize("header", ["x-api-key", "x-goog-api-key"])
def test_keys_are_taken_from_every_usual_place(node: Node, header: str) -> None:
    answer = httpx2.post(f"{node.url}/v1/chat/completions", json=CHAT, headers={header: KEY})
    assert answer.status_code == 200


def test_a_key_in_the_query_is_taken_and_does_not_travel(node: Node) -> None:
    url = f"{node.url}/v1beta/models/gemini-sim:generateContent?key={KEY}&alt=json"
    answer = httpx2.post(url, json={"contents": [{"parts": [{"text": "hello"}]}]})
    assert answer.status_code == 200


def test_an_unknown_model_names_those_there_are(client: httpx2.Client) -> None:
    answer = client.post("/v1/chat/completions", json={**CHAT, "model": "gpt-none"})
    assert answer.status_code == 404
    assert "gpt-sim" in sentence(answer)
    assert answer.json()["error"]["code"] == "model_not_found"


def test_a_model_of_another_dialect_names_its_path(client: httpx2.Client) -> None:
    answer = client.post("/v1/chat/completions", json={**CHAT, "model": "claude-sim"})
    assert answer.status_code == 400
    assert "/v1/messages" in sentence(answer)


def test_no_model(client: httpx2.Client) -> None:
    answer = client.post("/v1/chat/completions", json={"messages": []})
    assert answer.status_code == 400
    assert "填写 model" in sentence(answer)


def test_broken_json_says_where(client: httpx2.Client) -> None:
    answer = client.post("/v1/chat/completions", content=b'{"model": "gpt-sim", oops}')
    assert answer.status_code == 400
    assert "21" in sentence(answer)


def test_a_body_that_says_it_is_too_large(node: Node) -> None:
    wire = http.client.HTTPConnection("127.0.0.1", node.worker.port, timeout=5)
    wire.putrequest("POST", "/v1/chat/completions")
    wire.putheader("authorization", f"Bearer {KEY}")
    wire.putheader("content-length", str(BODY_BYTES + 1))
    wire.endheaders()
    answer = wire.getresponse()
    assert answer.status == 413
    assert str(BODY_BYTES) in json.loads(answer.read())["error"]["message"]
    wire.close()


def test_a_body_that_does_not_say_how_long_it_is(client: httpx2.Client) -> None:
    pieces = iter([json.dumps(CHAT).encode()[:20], json.dumps(CHAT).encode()[20:]])
    answer = client.post("/v1/chat/completions", content=pieces)
    assert answer.status_code == 200


def test_an_unknown_path_lists_what_there_is(client: httpx2.Client) -> None:
    answer = client.post("/v1/chat/complete", json=CHAT)
    assert answer.status_code == 404
    assert "POST /v1/chat/completions" in sentence(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files",
        "/v1/batches",
        "/v1/realtime",
        "/v1/messages/batches",
        "/v1beta/files",
        "/v1beta/models/gemini-sim:batchGenerateContent",
        "/v1/images/edits",
        "/v1/fine_tuning/jobs",
    ],
)
def test_what_is_not_offered_yet_says_so(client: httpx2.Client, path: str) -> None:
    answer = client.post(path, json={})
    assert answer.status_code == 501
    assert "暂未开通" in answer.json()["error"]["message"]


def test_undeclared_tags(client: httpx2.Client) -> None:
    for told, said in (
        ("city=%E5%8C%97%E4%BA%AC", "没有登记"),
        ("feature=北京", "百分号编码"),
        ("feature=a%3Db", "名称=值"),
        ("feature", "名称=值"),
        ("team=sales", "已由密钥定为“ai”"),
    ):
        answer = client.post(
            "/v1/chat/completions", json=CHAT, headers={b"x-yuejie-tags": told.encode()}
        )
        assert answer.status_code == 400
        assert said in sentence(answer)


def test_english_for_those_who_ask_for_it(client: httpx2.Client) -> None:
    answer = client.post("/v1/nothing", json={}, headers={"accept-language": "en-GB,en;q=0.9"})
    message = answer.json()["error"]["message"]
    assert message.startswith(f"Request {answer.headers['x-request-id']}: There is no POST")


def test_a_form_without_a_model(client: httpx2.Client) -> None:
    answer = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"RIFF")})
    assert answer.status_code == 400
    assert "没有 model 字段" in sentence(answer)


def test_a_form_that_is_none(client: httpx2.Client) -> None:
    answer = client.post("/v1/audio/transcriptions", json=CHAT)
    assert answer.status_code == 400
    assert "multipart/form-data" in sentence(answer)


FACTS: dict[str, Any] = {
    "name": "十一月",
    "whose": "整个客户",
    "period": "每月",
    "cap": "100.00 CNY",
    "left": "1.00 CNY",
    "need": "2.00 CNY",
    "until": "",
    "until_en": "",
    "contract": "con_1",
    "hint": "abcd",
    "model": "m",
    "models": "a, b",
    "path": "/p",
    "paths": "POST /v1/…",
    "method": "POST",
    "instead": "/q",
    "what": "files",
    "why": "because",
    "why_en": "because",
    "task": "t",
    "task_en": "t",
    "names": "team",
    "limit": 1,
    "skew_ms": 1500,
    "attempts": 3,
    "first": "req_1",
    "state": "已完成",
}


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("english", [False, True])
def test_every_refusal_can_be_told_in_every_dialect(
    code: Code, dialect: Dialect, *, english: bool
) -> None:
    body = json.loads(body_of(Refused(code, FACTS), dialect, "req_9", english=english))
    assert "req_9" in body["error"]["message"][:20]
    assert 400 <= code.value.status < 600
    if dialect is Dialect.GEMINI:
        assert body["error"]["code"] == code.value.status
