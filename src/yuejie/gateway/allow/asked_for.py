"""How long an answer a request asks for, and how many: read for its worst case, never guessed.

Only what the provider at hand is known to obey is a bound: DeepSeek does not know
`max_completion_tokens`, and Qwen's `max_tokens` leaves thinking out. Where a request says a thing
twice, one provider takes the first word and another the last: then nothing is known.
"""

from typing import Final

from yuejie.gateway.allow.text import INPUTS, inputs_in, with_thoughts
from yuejie.usage.dialects import Api
from yuejie.usage.dialects.document import Document, look, read_document
from yuejie.usage.dialects.splice import members, replace_member

OBEYED: Final[dict[str, frozenset[str]]] = {
    "openai": frozenset({"max_completion_tokens", "max_tokens"}),
    "azure": frozenset({"max_completion_tokens", "max_tokens"}),
    "azure_openai": frozenset({"max_completion_tokens", "max_tokens"}),
    "deepseek": frozenset({"max_tokens"}),
    "moonshot": frozenset({"max_tokens"}),
    "mistral": frozenset({"max_tokens"}),
    "anthropic": frozenset({"max_tokens"}),
    "gemini": frozenset(),
    "gemini_api": frozenset(),
    "vertex_ai": frozenset(),
}
"""By platform, the members of a chat or message that bound all that is answered, thoughts too.
Responses' `max_output_tokens` and Gemini's `maxOutputTokens` bound it wherever they are spoken."""
_CONFIGS: Final = ("generationConfig", "generation_config")
_LONGEST: Final = ("maxOutputTokens", "max_output_tokens")
_MANY: Final = ("candidateCount", "candidate_count")


def obeyed(api: Api, platform: str) -> frozenset[str]:
    """Return the members by which this platform lets an answer be bounded."""
    return _RESPONSES if api is Api.OPENAI_RESPONSES else OBEYED[platform]


_RESPONSES: Final = frozenset({"max_output_tokens"})


class Twice(Exception):
    """A request says twice what bounds it."""


class Unclear(Exception):
    """A request says how many answers it wants in a way that not every provider reads alike."""


class AskedFor:
    """What one request asks for."""

    __slots__ = ("_api", "_document")

    def __init__(self, api: Api, body: bytes) -> None:
        """Read a request; `Twice` where a member that bounds it is there twice."""
        self._api = api
        self._document: Document = read_document(body or b"{}")
        if body and may_repeat(body):
            _refuse_repeats(body)
        if api is Api.GEMINI_GENERATE:
            for config in _CONFIGS:
                _refuse_repeats(bytes(self._document.raw.get(config, b"")))
        elif api is Api.ANTHROPIC_MESSAGES:
            _refuse_repeats(bytes(self._document.raw.get("thinking", b"")))

    @property
    def document(self) -> Document:
        """The request itself."""
        return self._document

    def longest(self, platform: str) -> int | None:
        """Return the longest answer that this platform may give; None where nothing says so."""
        if platform not in OBEYED:
            return None
        said = [self._document.get(name) for name in sorted(obeyed(self._api, platform))]
        if self._api is Api.GEMINI_GENERATE:
            said = self._configured(_LONGEST)
        longest = max((each for each in said if type(each) is int and each > 0), default=None)
        if longest is not None and self._api is Api.ANTHROPIC_MESSAGES:
            return with_thoughts(longest, look(self._document, "thinking.budget_tokens"))
        return longest

    @property
    def answers(self) -> int:
        """How many answers are asked for; `Unclear` where no whole number says so."""
        said = [self._document.get("n"), self._document.get("best_of"), *self._configured(_MANY)]
        counts = [each for each in said if type(each) is int]
        if any(each is not None and type(each) is not int for each in said):
            raise Unclear
        return max([1, *counts])

    @property
    def inputs(self) -> int:
        """How many inputs there are, each with a context window and answers of its own."""
        member = self._document.raw.get(INPUTS.get(self._api, ""))
        return 1 if member is None else max(inputs_in(bytes(member)), 1)

    def _configured(self, names: tuple[str, ...]) -> list[object]:
        return [look(self._document, f"{config}.{name}") for config in _CONFIGS for name in names]


def _refuse_repeats(text: bytes) -> None:
    """Raise `Twice` where an object has a member twice."""
    names = [member.key for member in members(text)] if text.startswith(b"{") else []
    if len(names) != len(set(names)):
        raise Twice


def with_longest(api: Api, platform: str, body: bytes, longest: int) -> bytes:
    """Write a longest answer into a request that names none this platform obeys."""
    name: str | None
    if platform not in OBEYED or AskedFor(api, body).longest(platform) is not None:
        return body
    if api is Api.GEMINI_GENERATE:
        document = read_document(body)
        config = next((each for each in _CONFIGS if each in document), _CONFIGS[0])
        return replace_member(body, config, lambda was: _configured(was, longest))
    name = _NAMES.get(api)
    if api is Api.OPENAI_CHAT and "max_completion_tokens" in OBEYED[platform]:
        name = "max_completion_tokens"
    if name is None:
        return body
    return replace_member(body, name, lambda _: str(longest).encode())


_NAMES: Final = {
    Api.OPENAI_CHAT: "max_tokens",
    Api.OPENAI_COMPLETIONS: "max_tokens",
    Api.OPENAI_RESPONSES: "max_output_tokens",
    Api.ANTHROPIC_MESSAGES: "max_tokens",
}


def _configured(config: bytes | None, longest: int) -> bytes:
    if config is None or not config.startswith(b"{"):
        return b'{"maxOutputTokens":%d}' % longest
    return replace_member(config, "maxOutputTokens", lambda _: str(longest).encode())


def may_repeat(body: bytes) -> bool:
    """Tell quickly that nothing that bounds a request is there twice, or spelt by escapes."""
    return (
        body.count(b'"max_') > 1
        or body.count(b'"messages"') > 1
        or body.count(b'"n"') > 1
        or body.count(b'"budget_tokens"') > 1
        or body.count(b"eneration") > 1
        or b"\\u00" in body
    )
