"""What is offered under which path, what is not, and how a path is written upstream."""

import re
from dataclasses import dataclass
from typing import Final

from yuejie.gateway.refusal import Dialect
from yuejie.usage.dialects import Api


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a client can ask. `tail` is its path behind an account's address."""

    api: Api
    dialect: Dialect
    tail: str
    multipart: bool = False
    passes: bool = False
    """The answer may be long and is no JSON (speech): it is passed on as it comes."""


_OPENAI: Final = {
    "/v1/chat/completions": Api.OPENAI_CHAT,
    "/v1/completions": Api.OPENAI_COMPLETIONS,
    "/v1/responses": Api.OPENAI_RESPONSES,
    "/v1/embeddings": Api.OPENAI_EMBEDDINGS,
    "/v1/images/generations": Api.OPENAI_IMAGES,
    "/v1/audio/transcriptions": Api.OPENAI_TRANSCRIPTIONS,
    "/v1/audio/translations": Api.OPENAI_TRANSCRIPTIONS,
    "/v1/audio/speech": Api.OPENAI_SPEECH,
}
_ANTHROPIC: Final = {
    "/v1/messages": Api.ANTHROPIC_MESSAGES,
    "/v1/messages/count_tokens": Api.ANTHROPIC_COUNT_TOKENS,
}
POSTS: Final[dict[str, Endpoint]] = {
    path: Endpoint(
        api,
        Dialect.OPENAI,
        path.removeprefix("/v1"),
        multipart=api is Api.OPENAI_TRANSCRIPTIONS,
        passes=api is Api.OPENAI_SPEECH,
    )
    for path, api in _OPENAI.items()
} | {path: Endpoint(api, Dialect.ANTHROPIC, path) for path, api in _ANTHROPIC.items()}

_ACTIONS: Final = {
    "generateContent": Api.GEMINI_GENERATE,
    "streamGenerateContent": Api.GEMINI_GENERATE,
    "countTokens": Api.GEMINI_COUNT_TOKENS,
    "embedContent": Api.GEMINI_EMBED,
    "batchEmbedContents": Api.GEMINI_EMBED,
}
_GEMINI: Final = re.compile(r"/(v1beta|v1alpha|v1)/models/([^/:]+):([A-Za-z]+)\Z")
LISTING: Final = re.compile(r"/(v1beta|v1alpha|v1)/models(?:/([^/:]+))?\Z")

OFFERED: Final = (
    *(f"POST {path}" for path in POSTS),
    f"POST /v1beta/models/{{model}}:{'|'.join(_ACTIONS)}",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /v1beta/models",
)

_LATER: Final = (
    (re.compile(r"/v1(beta)?/(files|uploads|cachedContents)\b|/upload/"), "文件 files"),
    (re.compile(r"/v1/(batches|messages/batches)\b|:batchGenerateContent\Z"), "批处理 batch"),
    (re.compile(r"/v1/realtime\b|BidiGenerateContent"), "实时会话 realtime"),
    (re.compile(r"/v1/(assistants|threads|vector_stores|conversations|videos)\b"), "有状态接口"),
    (re.compile(r"/v1/(fine_tuning|moderations|evals|containers|skills)\b"), "该接口"),
    (re.compile(r"/v1/images/(edits|variations)\b"), "图片编辑"),
    (re.compile(r"/v1/responses/."), "已存应答的查询与续接"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """A call in Gemini's dialect: model and verb are in the path."""

    endpoint: Endpoint
    version: str
    model: str
    verb: str

    @property
    def stream(self) -> bool:
        """The answer comes in pieces."""
        return self.verb == "streamGenerateContent"


def action_of(path: str) -> Action | None:
    """Read a path in Gemini's dialect."""
    found = _GEMINI.match(path)
    if found is None:
        return None
    api = _ACTIONS.get(found[3])
    if api is None:
        return None
    return Action(Endpoint(api, Dialect.GEMINI, ""), found[1], found[2], found[3])


def not_offered(path: str) -> str | None:
    """Name what is known and not built yet."""
    return next((what for pattern, what in _LATER if pattern.search(path)), None)


def dialect_of(path: str, headers_say_anthropic: bool) -> Dialect:  # noqa: FBT001 - one fact
    """Guess in whose words a stranger's path is to be refused."""
    if path.startswith(("/v1beta", "/v1alpha", "/upload/")) or ":" in path:
        return Dialect.GEMINI
    if headers_say_anthropic or path.startswith("/v1/messages"):
        return Dialect.ANTHROPIC
    return Dialect.OPENAI
