"""The nouns of this folder: what an upstream speaks, what was asked, what the answer said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from yuejie.usage.event import Item


class Api(StrEnum):
    """What an upstream speaks. Stored with every event; never renamed.

    Every OpenAI-compatible provider (Azure, DeepSeek, Qwen, Kimi, GLM, Doubao, MiniMax, xAI, Groq,
    Mistral, OpenRouter, …) speaks `openai.chat`: their differences are told apart by arithmetic
    and by the names of their counts, never by who they are.
    """

    OPENAI_CHAT = "openai.chat"
    OPENAI_COMPLETIONS = "openai.completions"
    OPENAI_RESPONSES = "openai.responses"
    OPENAI_EMBEDDINGS = "openai.embeddings"
    OPENAI_IMAGES = "openai.images"
    OPENAI_TRANSCRIPTIONS = "openai.transcriptions"
    OPENAI_SPEECH = "openai.speech"
    OPENAI_REALTIME = "openai.realtime"
    ANTHROPIC_MESSAGES = "anthropic.messages"
    ANTHROPIC_COUNT_TOKENS = "anthropic.count_tokens"
    ANTHROPIC_BATCH_RESULT = "anthropic.batch_result"
    GEMINI_GENERATE = "gemini.generate"
    GEMINI_COUNT_TOKENS = "gemini.count_tokens"
    GEMINI_EMBED = "gemini.embed"
    GEMINI_INTERACTIONS = "gemini.interactions"
    GEMINI_LIVE = "gemini.live"
    VERTEX_PREDICT = "vertex.predict"
    BEDROCK_CONVERSE = "bedrock.converse"
    BEDROCK_INVOKE = "bedrock.invoke"
    COHERE_CHAT = "cohere.chat"
    COHERE_EMBED = "cohere.embed"
    COHERE_RERANK = "cohere.rerank"


class ReadingState(StrEnum):
    """How much of what there is to bill an answer told us."""

    MEASURED = "measured"
    """Everything to bill is in `items`."""
    PARTIAL = "partial"
    """At least `items`: a floor that the provider itself reported."""
    ABSENT = "absent"
    """Something was probably charged, but no trustworthy number came; `reason` says why."""
    NOT_APPLICABLE = "not_applicable"
    """Nothing to bill: refused before processing, or a free endpoint."""


class Reason(StrEnum):
    """Why a reading is not `measured`. Shown on the worklist; never renamed."""

    NO_USAGE = "no_usage"
    """The answer is whole and says nothing about usage."""
    STREAM_CUT = "stream_cut"
    """The stream ended before the provider said that the answer was complete."""
    BROKEN_JSON = "broken_json"
    INCOMPLETE_USAGE = "incomplete_usage"
    """The input or the output was counted, the other was not; or pictures of one call were counted
    one by one, and nothing says whether a count is of one of them or of all before it."""
    ERROR_IN_ANSWER = "error_in_answer"
    """The provider reported usage, then failed."""
    ERROR_WITH_USAGE = "error_with_usage"
    """The provider refused the request and yet reported usage."""
    NEGATIVE = "negative"
    NOT_INTEGER = "not_integer"
    ABSURD = "absurd"
    ARITHMETIC_MISMATCH = "arithmetic_mismatch"
    """A part is larger than its whole."""
    CONTENT_FILTER_CHARGED = "content_filter_charged"
    """Azure charges a filtered prompt and does not say how much."""
    TIMEOUT_CHARGED = "timeout_charged"
    """Azure charges a 408 and does not say how much."""


class RequestHint(msgspec.Struct, frozen=True, gc=False):
    """What must be remembered of a request to price its answer and to bound its cost.

    `cache_ttl` is `5m`, `30m`, `1h`, `12h`, `mixed` or None (not said).
    `context_window` comes from the model catalogue, not from the body; it bounds the plausible.
    """

    model: str
    n: int | None = None
    max_output: int | None = None
    stream: bool = False
    include_usage: bool = False
    cache_ttl: str | None = None
    characters: int | None = None
    images: int | None = None
    image_size: str | None = None
    image_quality: str | None = None
    image_model: str | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the provider told it, in our words."""

    error_class: str
    retryable: bool
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says was used: disjoint items, and the facts that choose their prices.

    A meter nobody reported is not among the items; a reported zero is there as 0.
    """

    state: ReadingState
    reason: Reason | None = None
    items: tuple[Item, ...] = ()
    billed_model: str | None = None
    service_tier: str | None = None
    response_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    context_tokens: int = 0
    error_class: str | None = None
    retryable: bool | None = None
    retry_after_ms: int | None = None

    @property
    def retry_after_s(self) -> int | None:
        """Whole seconds to wait, never less than the provider asked for."""
        return None if self.retry_after_ms is None else -(-self.retry_after_ms // 1000)
