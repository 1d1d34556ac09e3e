"""The ordinary chat call, read quickly.

Nine of ten calls are alike: a plain request, an answer with nothing but the documented counts.
Those are read here in a tenth of the time. Whatever is unusual in any way gives None,
and `usage.dialects` reads it: a property test holds that the two never disagree.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from yuejie.kernel.limits import PLAUSIBLE_TOKENS
from yuejie.usage.dialects import Api, RequestHint
from yuejie.usage.meters import Meter

_RAW: Final = msgspec.Raw()
_ENDS: Final = frozenset({"stop", "length", "tool_calls"})
_WINDOWS: Final = 10
# A member that is looked up in its enum costs as much as ten names of a module.
_CHAT: Final = Api.OPENAI_CHAT
_INPUT: Final = Meter.INPUT
_OUTPUT: Final = Meter.OUTPUT
_CACHE_READ: Final = Meter.CACHE_READ
_REASONING: Final = Meter.REASONING
_AUDIO_IN: Final = Meter.AUDIO_IN
_AUDIO_OUT: Final = Meter.AUDIO_OUT


class _Options(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Request(msgspec.Struct, gc=False):
    model: str
    stream: bool | None = None
    stream_options: _Options | None = None
    n: int | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    # What is said in other ways is left to those who know them.
    max_output_tokens: msgspec.Raw = _RAW
    stream_format: msgspec.Raw = _RAW
    generationConfig: msgspec.Raw = _RAW  # noqa: N815 - Gemini's word
    generation_config: msgspec.Raw = _RAW
    inferenceConfig: msgspec.Raw = _RAW  # noqa: N815 - Bedrock's word
    prompt_cache_options: msgspec.Raw = _RAW
    prompt_cache_retention: msgspec.Raw = _RAW


class _Read(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    cached_tokens: int | None = None
    audio_tokens: int | None = None


class _Said(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _Read | None = None
    completion_tokens_details: _Said | None = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Answer(msgspec.Struct, gc=False):
    id: str
    model: str
    usage: _Usage
    choices: list[_Choice]
    service_tier: str | None = None
    error: msgspec.Raw = _RAW
    base_resp: msgspec.Raw = _RAW
    promptFeedback: msgspec.Raw = _RAW  # noqa: N815 - Gemini's word
    response: msgspec.Raw = _RAW


_REQUEST: Final = msgspec.json.Decoder(_Request)
_ANSWER: Final = msgspec.json.Decoder(_Answer)


def quick_hint(api: Api, body: bytes, window_of: Callable[[str], int | None]) -> RequestHint | None:
    """Read an ordinary request; None if it is not ordinary."""
    if api is not _CHAT or b'"cache_control"' in body or b'"cachePoint"' in body:
        return None
    try:
        asked = _REQUEST.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if (
        asked.max_output_tokens
        or asked.stream_format
        or asked.generationConfig
        or asked.generation_config
        or asked.inferenceConfig
        or asked.prompt_cache_options
        or asked.prompt_cache_retention
    ):
        return None
    options = asked.stream_options
    most = asked.max_completion_tokens
    if most is None:
        most = asked.max_tokens
    return RequestHint(
        asked.model,
        asked.n if asked.n is not None and asked.n > 0 else None,
        most if most is not None and most > 0 else None,
        asked.stream is True,
        options is not None and options.include_usage is True,
        context_window=window_of(asked.model),
    )


class Quick(msgspec.Struct, frozen=True, gc=False):
    """What an ordinary answer says: disjoint counts of one model, whole and credible."""

    model: str
    tier: str
    response_id: str
    context_tokens: int
    counts: list[tuple[Meter, int]]
    tokens: int
    """All tokens of the counts together."""


def quick_answer(api: Api, status: int, body: bytes, window: int | None) -> Quick | None:
    """Read an ordinary answer; None if it is not ordinary."""
    if api is not _CHAT or status != 200:
        return None
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    choices = answer.choices
    if (
        not choices
        or choices[0].finish_reason not in _ENDS
        or answer.service_tier not in (None, "default")
        or not answer.id
        or not answer.model
        or answer.error
        or answer.base_resp
        or answer.promptFeedback
        or answer.response
    ):
        return None
    counts = _counts(answer.usage)
    context = answer.usage.prompt_tokens
    if counts is None or (window and context > _WINDOWS * window):
        return None
    tokens = answer.usage.total_tokens
    return Quick(answer.model, answer.service_tier or "", answer.id, context, counts, tokens)


def _counts(usage: _Usage) -> list[tuple[Meter, int]] | None:
    """Undo the overlaps where they are the documented ones; None where they are not."""
    size, said = usage.prompt_tokens, usage.completion_tokens
    read, wrote = usage.prompt_tokens_details, usage.completion_tokens_details
    cached = read.cached_tokens if read is not None else None
    thought = wrote.reasoning_tokens if wrote is not None else None
    plain, rest = size - (cached or 0), said - (thought or 0)
    if (
        plain < 0
        or rest < 0
        or size < 0
        or (cached or 0) < 0
        or (thought or 0) < 0
        or size > PLAUSIBLE_TOKENS
        or said > PLAUSIBLE_TOKENS
        or usage.total_tokens != size + said
        or usage.total_tokens > PLAUSIBLE_TOKENS
    ):
        return None
    counts = [(_INPUT, plain), (_OUTPUT, rest)]
    if cached is not None:
        counts.append((_CACHE_READ, cached))
    if thought is not None:
        counts.append((_REASONING, thought))
    heard = read.audio_tokens if read is not None else None
    spoken = wrote.audio_tokens if wrote is not None else None
    if heard or spoken:
        return None
    if heard is not None:
        counts.append((_AUDIO_IN, 0))
    if spoken is not None:
        counts.append((_AUDIO_OUT, 0))
    return counts
