"""What a request asks of whoever answers it, read from its body once, for auto models alone.

Text that is all in the request is bounded by its bytes, as for worst cases; a picture counts as
the nominal number of tokens that providers name for a large one. Both only help to choose.
"""

from typing import Any, Final

import msgspec

from yuejie.contracts.auto.routed import Out
from yuejie.gateway.allow.text import HIDDEN, HIDDEN_TOOLS, read_plain
from yuejie.gateway.allow.worst import Call
from yuejie.gateway.upstream.choice import Wants

PICTURE_TOKENS: Final = 1_600
"""A picture of some 1,500 pixels at Anthropic; OpenAI's high detail is as much, Gemini's less."""
BYTES_PER_TOKEN: Final = 4
"""English prose; whatever has fewer bytes to a token is larger than the least, never smaller."""
_PICTURES: Final = frozenset(
    {"image_url", "input_image", "image", "document", "input_file", "file"}
)
_PARTS: Final = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_BULKY: Final = frozenset({"data", "url", "file_data", "image_url"})
_JSON: Final = frozenset({"json_object", "json_schema"})
_NOTHING: Final[frozenset[Out]] = frozenset()
_STREAM: Final = frozenset({Out.STREAMING})


def wants_of(call: Call) -> Wants:
    """Read what a request asks for."""
    api, hint, body = call.api, call.hint, call.body
    needs = _STREAM if hint.stream else _NOTHING
    answers = hint.n or 1
    longest = hint.max_output or 0
    plain = read_plain(api, body)
    if plain is not None and not _may_need(body):
        return Wants(needs, plain.tokens_in, len(body) // BYTES_PER_TOKEN, longest, answers)
    found = _Found()
    try:
        asked = msgspec.json.decode(body or b"{}")
        found.walk(asked)
    except (msgspec.DecodeError, RecursionError):
        asked = {}
    if isinstance(asked, dict):
        needs |= _needs(asked)
    if found.pictures:
        needs |= {Out.IMAGES}
    text = max(len(body) - found.bulk, 0)
    extra = HIDDEN + (HIDDEN_TOOLS if Out.TOOLS in needs else 0)
    pictures = found.pictures * PICTURE_TOKENS
    least = text // BYTES_PER_TOKEN + pictures
    return Wants(needs, text + extra + pictures, least, longest, answers)


def _may_need(body: bytes) -> bool:
    """Tell quickly that a request of plain text asks for nothing special.

    Inside of texts a quotation mark is escaped, so that only names of members, and the few texts
    that end so, look like this.
    """
    return (
        b'"tools"' in body
        or b'"functions"' in body
        or b'ormat"' in body
        or b'ime_type"' in body
        or b'imeType"' in body
        or b'chema"' in body
        or b"\\u00" in body
    )


class _Found:
    """Pictures and files of a request, and the bytes that are theirs and no text."""

    def __init__(self) -> None:
        self.pictures = 0
        self.bulk = 0

    def walk(self, node: object) -> None:
        """Look through a document."""
        if isinstance(node, list):
            for each in node:
                self.walk(each)
        elif isinstance(node, dict):
            if node.get("type") in _PICTURES or not _PARTS.isdisjoint(node):
                self.pictures += 1
                self._weigh(node)
                return
            for each in node.values():
                if isinstance(each, dict | list):
                    self.walk(each)

    def _weigh(self, node: object) -> None:
        if isinstance(node, dict):
            for name, each in node.items():
                if isinstance(each, str) and name in _BULKY:
                    self.bulk += len(each)
                else:
                    self._weigh(each)
        elif isinstance(node, list):
            for each in node:
                self._weigh(each)


def _needs(asked: dict[str, Any]) -> frozenset[Out]:
    needs = set()
    if asked.get("tools") or asked.get("functions"):
        needs.add(Out.TOOLS)
    config = asked.get("generationConfig") or asked.get("generation_config")
    said = config if isinstance(config, dict) else {}
    mime = said.get("responseMimeType") or said.get("response_mime_type")
    schema = any("chema" in name for name in said)
    formats = (
        _kind(asked, "response_format"),
        _kind(asked, "text", "format"),
        _kind(asked, "output_format"),
        _kind(asked, "output_config", "format"),
    )
    if schema or mime == "application/json" or not _JSON.isdisjoint(formats):
        needs.add(Out.JSON)
    return frozenset(needs)


def _kind(asked: object, *path: str) -> str:
    for name in (*path, "type"):
        asked = asked.get(name) if isinstance(asked, dict) else None
    return asked if isinstance(asked, str) else ""
