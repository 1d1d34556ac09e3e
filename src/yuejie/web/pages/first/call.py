"""A test call: through the real gateway, with the key one has, and what was metered of it.

The key is in the form and in the request to the gateway, and is kept nowhere.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec
from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import BuilderError, RequestError

from yuejie.contracts.catalog import Model
from yuejie.contracts.store import accounts, deployments, models
from yuejie.customers.customer import Customer
from yuejie.customers.key import digest_of, digest_of_foreign
from yuejie.customers.store import key_by_digest
from yuejie.db.session import Database, Tx
from yuejie.gateway.refusal import Dialect
from yuejie.gateway.rights.view import SPEAKS
from yuejie.kernel.errors import DomainError, Invalid, NotFound, Unavailable
from yuejie.usage.show import parse_request_id, show_request
from yuejie.web.auth import Caller
from yuejie.web.desk import Desk
from yuejie.web.shapes.usage import AttemptOut

ANSWER_SECONDS: Final = 45
"""A model may think before it answers; whoever waits longer looks at the usage page."""
STORED_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
TESTABLE: Final = frozenset({"chat", "responses", "embedding"})
"""Modes of models that a test call knows how to ask."""
_QUESTION: Final = "请用一句话介绍你自己。"
_LONGEST: Final = 200
_SHOWN: Final = 400
_OK: Final = 200
_KNOWING_SECONDS: Final = 3.0
"""A gateway knows a fresh key, price or contract within a second or two."""
_UNKNOWN_YET: Final = frozenset({401, 403, 404})


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is called: the path and the body, in the dialect that its provider speaks."""

    path: str
    body: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    def curl(self, gateway: str, secret: str) -> str:
        """Return the same call for a terminal."""
        said = msgspec.json.encode(self.body).decode().replace("'", "'\\''")
        lines = [
            f"curl -i {gateway.rstrip('/')}{self.path}",
            f'-H "Authorization: Bearer {secret}"',
            *(f'-H "{name}: {value}"' for name, value in self.headers),
            '-H "Content-Type: application/json"',
            f"-d '{said}'",
        ]
        return " \\\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test call. `attempts` is empty while its usage is still on its way."""

    model: str
    path: str
    status: int
    took_ms: int
    request_id: str
    said: str
    attempts: tuple[AttemptOut, ...]

    @property
    def is_answered(self) -> bool:
        """Whether the model answered."""
        return self.status == _OK


def refuse_foreign(
    db: Database, party: Customer, secret: str, *, pepper: bytes, now: datetime
) -> None:
    """Refuse a key that is not this customer's, or no longer any good, before anything is sent.

    A key that was taken over from another gateway is known by the hash of its hash, as admission
    knows it.
    """
    with db.read() as tx:
        key = key_by_digest(tx, digest_of(secret, pepper))
        if key is None:
            key = key_by_digest(tx, digest_of_foreign(secret, pepper))
    if key is None or key.customer_id != party.customer_id:
        raise NotFound(
            "这把密钥不属于这个客户，请粘贴完整的密钥：签发的以 sk-yj- 开头，接管来的用它原来的"
        )
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise Invalid(f"密钥 {key.name} …{key.hint} 已吊销或到期，请换一把有效的密钥")


def try_call(db: Database, desk: Desk, caller: Caller, secret: str, model: str) -> Tried:
    """Call a model through the gateway, and wait a little until its usage is stored and rated."""
    with db.read() as tx:
        way = way_to(tx, model)
    url = f"{desk.gateway_url.rstrip('/')}{way.path}"
    began = time.monotonic()
    status, request_id, body = _send(url, secret, way)
    while status in _UNKNOWN_YET and time.monotonic() - began < _KNOWING_SECONDS:
        time.sleep(_LOOK_SECONDS * 3)
        status, request_id, body = _send(url, secret, way)
    took_ms = int((time.monotonic() - began) * 1000)
    return Tried(
        model=model,
        path=way.path,
        status=status,
        took_ms=took_ms,
        request_id=request_id,
        said=_words_of(body)[:_SHOWN],
        attempts=_stored(db, caller, request_id) if status == _OK else (),
    )


def usual(names: Sequence[str]) -> str:
    """Return the model that a first call asks for, of those there are; nothing where none is."""
    return "gpt-4o" if "gpt-4o" in names else next(iter(names), "")


def way_to(tx: Tx, model: str) -> Way:
    """Return how a model is called. Raises Invalid for what a test cannot call."""
    known: dict[str, Model] = {each.model_id: each for each in models(tx)}
    if model not in known:
        raise NotFound(f"模型“{model}”不存在，请从列表中选择")
    mode = known[model].mode
    if mode == "embedding":
        return Way("/v1/embeddings", {"model": model, "input": _QUESTION})
    if mode not in TESTABLE:
        raise Invalid(f"模型 {model} 不是对话或向量模型，测试调用不支持；请用 SDK 调用它")
    platforms = {each.account_id: (each.platform, each.base_url) for each in accounts(tx)}
    platform, base = next(
        (platforms[d.account_id] for d in deployments(tx) if d.model_id == model), ("", "")
    )
    dialect = Dialect.ANTHROPIC if base.endswith("/anthropic") else SPEAKS.get(platform)
    asked = [{"role": "user", "content": _QUESTION}]
    if dialect is Dialect.ANTHROPIC:
        body = {"model": model, "max_tokens": _LONGEST, "messages": asked}
        return Way("/v1/messages", body, (("anthropic-version", "2023-06-01"),))
    if dialect is Dialect.GEMINI:
        path = f"/v1beta/models/{quote(model, safe='')}:generateContent"
        return Way(path, {"contents": [{"role": "user", "parts": [{"text": _QUESTION}]}]})
    return Way("/v1/chat/completions", {"model": model, "messages": asked})


def _send(url: str, secret: str, way: Way) -> tuple[int, str, bytes]:
    """Send a call; no proxy of the environment comes between, and nothing is followed."""
    try:
        client = (
            SyncClientBuilder()
            .follow_redirects(enable=False)
            .timeout(timedelta(seconds=ANSWER_SECONDS))
            .no_proxy()
            .build()
        )
        with client:
            asked = client.post(url).header("content-type", "application/json")
            for name, value in (("authorization", f"Bearer {secret}"), *way.headers):
                asked = asked.header(name, value)
            answer = asked.body_bytes(msgspec.json.encode(way.body)).build().send()
            request_id = answer.headers.get("x-request-id") or ""
            return answer.status, request_id, answer.bytes().to_bytes()
    except (BuilderError, RequestError) as error:
        raise Unavailable(
            f"网关 {url} 没有应答（{type(error).__name__}），请确认网关在运行、地址填写正确后重试"
        ) from None


def _stored(db: Database, caller: Caller, request_id: str) -> tuple[AttemptOut, ...]:
    deadline = time.monotonic() + STORED_SECONDS
    while True:
        try:
            found = show_request(db, caller.customer_id, parse_request_id(request_id))
            return tuple(AttemptOut.of(each, with_cost=caller.is_operator) for each in found)
        except DomainError:
            if time.monotonic() > deadline:
                return ()
            time.sleep(_LOOK_SECONDS)


def _words_of(body: bytes) -> str:
    """Return what the model said, or why it was refused: the words of whichever dialect it is."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")
    for path in (
        ("choices", 0, "message", "content"),
        ("content", 0, "text"),
        ("candidates", 0, "content", "parts", 0, "text"),
        ("error", "message"),
        ("message",),
    ):
        found = _at(said, path)
        if isinstance(found, str) and found:
            return found
    return ""


def _at(said: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - JSON
    for step in path:
        try:
            said = said[step]
        except (KeyError, IndexError, TypeError):
            return None
    return said
