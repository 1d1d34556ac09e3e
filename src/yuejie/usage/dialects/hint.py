"""What must be remembered of a request; its messages are never built in memory."""

import re
from typing import Final

from yuejie.usage.dialects.document import (
    BrokenJson,
    Document,
    first,
    look,
    read_document,
    text,
)
from yuejie.usage.dialects.reading import Api, RequestHint

MEMBERS: Final = 1_000
"""No API knows so many; walking them costs time."""

_OUTPUT_BOUNDS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_NESTED_BOUNDS: Final = (
    "generationConfig.maxOutputTokens",
    "generation_config.max_output_tokens",
    "inferenceConfig.maxTokens",
)
_MARKERS: Final = re.compile(rb'"cache_control"\s*+:\s*+\{([^{}]*+)\}')
_POINTS: Final = re.compile(rb'"cachePoint"\s*+:\s*+\{([^{}]*+)\}')
_TTL: Final = re.compile(rb'"ttl"\s*+:\s*+"(5m|1h)"')


def request_hint(api: Api, body: bytes) -> RequestHint:
    """Read a JSON request; `BrokenJson` if it is none.

    The model and `stream` of Gemini and Bedrock are in the path: the caller fills those in.
    A member of the wrong type reads as missing: the provider will refuse it, in its own words.
    """
    document = read_document(body)
    if body.lstrip()[:1] != b"{" or len(document.raw) > MEMBERS:
        msg = "请求体不是一个 JSON 对象，或成员过多"
        raise BrokenJson(msg)
    pictures = api is Api.OPENAI_IMAGES
    answers = _whole(document.get("n"))
    if answers is None and "generationConfig" in document:
        answers = _whole(look(document, "generationConfig.candidateCount"))
    return RequestHint(
        model=text(document, ("model",)) or "",
        n=answers,
        max_output=_max_output(document),
        stream=document.get("stream") is True or document.get("stream_format") == "sse",
        include_usage=look(document, "stream_options.include_usage") is True,
        cache_ttl=_cache_ttl(api, document, body),
        characters=_characters(api, document),
        images=(answers or 1) if pictures else None,
        image_size=text(document, ("size",)) if pictures else None,
        image_quality=text(document, ("quality",)) if pictures else None,
        image_model=_image_model(api, document),
    )


def _max_output(document: Document) -> int | None:
    """The most one answer may have; where several bounds are given, the first that is one."""
    for name in _OUTPUT_BOUNDS:
        if name in document and (bound := _whole(document.get(name))):
            return bound
    return _whole(first(document, _NESTED_BOUNDS))


def _whole(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _characters(api: Api, document: Document) -> int | None:
    """Speech is priced by Unicode code points of its input."""
    spoken = document.get("input") if api is Api.OPENAI_SPEECH else None
    return len(spoken) if isinstance(spoken, str) else None


def _image_model(api: Api, document: Document) -> str | None:
    """The model of the hosted image tool, which is billed beside the answer's own."""
    if api is not Api.OPENAI_RESPONSES or "tools" not in document:
        return None
    return text(document, ("tools.image_generation.model",))


def _cache_ttl(api: Api, document: Document, body: bytes) -> str | None:
    """How long what is written to the cache shall live: one class, `mixed`, or not said."""
    said = look(document, "prompt_cache_options.ttl")
    if said in ("30m", "12h"):
        return str(said)
    if document.get("prompt_cache_retention") == "24h":
        return "12h"
    marks = _POINTS if api is Api.BEDROCK_CONVERSE else _MARKERS
    if body.find(b'"cachePoint"' if marks is _POINTS else b'"cache_control"') < 0:
        return None
    # Quotes inside texts are escaped, so what looks like a marker is a member.
    lives = {
        (found[1].decode() if (found := _TTL.search(marker)) else "5m")
        for marker in marks.findall(body)
    }
    if not lives:
        return None
    return lives.pop() if len(lives) == 1 else "mixed"
