"""From one answer, buffered or put together from a stream, to its reading."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import repeat
from typing import Final, NamedTuple

from yuejie.kernel.money import whole
from yuejie.usage.dialects.counting import Facts, Implausible, Tally, tally
from yuejie.usage.dialects.document import BrokenJson, Document, Literal, look, read_document, text
from yuejie.usage.dialects.failures import BEFORE_WORK, in_answer, of_response
from yuejie.usage.dialects.iterations import iterated
from yuejie.usage.dialects.reading import Api, Failure, Reading, ReadingState, Reason, RequestHint
from yuejie.usage.dialects.table import RULES, TIERS
from yuejie.usage.dialects.words import Rules
from yuejie.usage.event import Item
from yuejie.usage.meters import Meter

TTLS: Final = {
    "5m": Meter.CACHE_WRITE_5M,
    "30m": Meter.CACHE_WRITE_30M,
    "1h": Meter.CACHE_WRITE_1H,
    "12h": Meter.CACHE_WRITE_12H,
    "mixed": Meter.CACHE_WRITE_UNSPECIFIED,
}
WINDOWS: Final = 10
"""A context this many times the model's window is no context but a broken number."""
_PLACES: Final = 30
"""Digits of a cost before or behind the point, at most."""
BEDROCK_HEADERS: Final = {
    "inputTokenCount": "x-amzn-bedrock-input-token-count",
    "outputTokenCount": "x-amzn-bedrock-output-token-count",
    "cacheReadInputTokenCount": "x-amzn-bedrock-cache-read-input-token-count",
    "cacheWriteInputTokenCount": "x-amzn-bedrock-cache-write-input-token-count",
}

Answer = Document | Mapping[str, object]


def read_body(
    api: Api, status: int, headers: Mapping[str, str], body: bytes, request: RequestHint
) -> Reading:
    """Read a whole answer. Header names are in lower case."""
    rules = RULES[api]
    try:
        document = read_document(body)
    except BrokenJson:
        document = None
    if status >= 400:
        return _refused(status, headers, document)
    if document is None:
        return _not_json(rules, body, request)
    if rules.free:
        counted = text(document, rules.free)
        return Reading(
            ReadingState.NOT_APPLICABLE, facts={"counted_input": counted} if counted else {}
        )
    answer = open_envelope(rules, document) or document
    read: Answer = answer
    if api is Api.BEDROCK_INVOKE and "usage" not in answer:
        read = _bedrock_headers(headers)
    failure = in_answer(document)
    if answer is not document:
        failure = failure or in_answer(answer)
    return read_answer(
        rules, read, request, Ending(whole=True, failure=failure, images=answer.length("data"))
    )


def open_envelope(rules: Rules, frame: Document) -> Document | None:
    """The part of a frame that holds the answer proper, if it is wrapped."""
    for path in rules.envelope:
        inner: Document | None = frame
        for step in path.split("."):
            inner = inner and inner.inner(step)
        if inner is not None:
            return inner
    return None


class Ending(NamedTuple):
    """How an answer came to its end: whole or cut, with which failure, after how many images."""

    whole: bool
    failure: Failure | None = None
    images: int | None = None
    lack: Reason = Reason.NO_USAGE
    """Why there is no usage, if there is none."""
    untouched: bool = True
    """No output had been seen before the failure."""
    said_again: bool = True
    """What the opening only held the place for was counted later."""
    usages: int = 1
    """How often the answer was counted. No provider says whether a picture's count is its own or
    stands for those before it too: of several the last is a floor, and their sum none."""


def read_answer(rules: Rules, answer: Answer, request: RequestHint, ending: Ending) -> Reading:
    """Read what was used from an answer in one piece."""
    model = text(answer, rules.model)
    try:
        used = _used(rules, answer, request, model or request.model)
    except Implausible as implausible:
        used = _Used((), {}, None)
        state: ReadingState = ReadingState.ABSENT
        reason: Reason | None = implausible.reason
    else:
        if used.main is None and rules.without_usage:
            pieces = _pieces(rules, request, ending)
            used = used._replace(items=(*pieces, *used.items), by_piece=bool(pieces))
        state, reason = _state(used, ending, request.context_window)
    counted = state in (ReadingState.MEASURED, ReadingState.PARTIAL)
    facts = used.facts
    billed = facts.pop("billed_model", model)
    for name, at in rules.facts.items():
        if fact := text(answer, at):
            facts.setdefault(name, fact)
    said = text(answer, rules.tier)
    tier = service_tier(said)
    if said and said != tier:
        facts["service_tier"] = said
    if rules.without_usage is Meter.IMAGES:
        facts |= _image_facts(answer, request, ending)
    failure = ending.failure
    return Reading(
        state,
        reason,
        used.items if counted else (),
        billed,
        tier,
        text(answer, rules.response_id),
        _costs(facts) if facts else facts,
        used.main.context_tokens if used.main and counted else 0,
        failure.error_class if failure else None,
        failure.retryable if failure else None,
        failure.retry_after_ms if failure else None,
    )


class _Used(NamedTuple):
    """What an answer says was used, by models and meters, before its ending is weighed."""

    items: tuple[Item, ...]
    facts: Facts
    main: Tally | None
    """The usage of the answer itself, without what was charged beside it."""
    by_piece: bool = False
    """The answer has no usage by design; its pieces were counted."""


def _used(rules: Rules, answer: Answer, request: RequestHint, model: str) -> _Used:
    ttl = TTLS.get(request.cache_ttl or "")
    parts: list[tuple[str, Tally]] = []
    facts: Facts = {}
    main = None
    for source in rules.sources:
        usage = look(answer, source.at)
        main = tally(usage, source.words, ttl) if usage is not None else None
        if main is not None:
            parts = [(model, main)]
            facts = main.facts
            if rules.iterations and (split := iterated(usage, source.words, ttl, main, model)):
                parts = [*split.parts]
                facts |= split.facts
            break
    for beside in rules.beside:
        extra = tally(look(answer, beside.at), beside.words, None)
        if extra is not None:
            asked = request.image_model if beside.asked else None
            named = text(answer, beside.model) or asked or beside.otherwise or model
            parts.append((named, extra))
    return _Used(_items(parts), facts, main)


def _items(parts: list[tuple[str, Tally]]) -> tuple[Item, ...]:
    """Each model's meters once, whatever parts they came in."""
    if len(parts) == 1:
        model, part = parts[0]
        return tuple(map(Item, repeat(model), part.counts, part.counts.values()))
    sums: dict[tuple[str, Meter], int] = {}
    for model, part in parts:
        for meter, count in part.counts.items():
            sums[model, meter] = sums.get((model, meter), 0) + count
    return tuple(Item(model, meter, count) for (model, meter), count in sums.items())


def _state(used: _Used, ending: Ending, window: int | None) -> tuple[ReadingState, Reason | None]:
    """What an answer's numbers are worth, given how it ended."""
    error_class = ending.failure.error_class if ending.failure else None
    if error_class in BEFORE_WORK and ending.untouched:
        if any(item.quantity for item in used.items):
            return ReadingState.ABSENT, Reason.ERROR_WITH_USAGE
        return ReadingState.NOT_APPLICABLE, None
    if not used.items:
        return ReadingState.ABSENT, ending.lack
    if window and used.main and used.main.context_tokens > WINDOWS * window:
        return ReadingState.ABSENT, Reason.ABSURD
    floor = None
    if error_class not in (None, "content_blocked"):
        floor = Reason.ERROR_IN_ANSWER
    elif not ending.whole:
        floor = Reason.STREAM_CUT
    elif (
        ending.usages > 1
        or not ending.said_again
        or not (used.by_piece or (used.main is not None and used.main.whole))
    ):
        floor = Reason.INCOMPLETE_USAGE
    return (ReadingState.PARTIAL, floor) if floor else (ReadingState.MEASURED, None)


def _pieces(rules: Rules, request: RequestHint, ending: Ending) -> tuple[Item, ...]:
    """Count what is charged by the piece where an answer has no usage by design."""
    if ending.failure is not None:
        return ()
    if rules.without_usage is Meter.IMAGES and ending.images:
        return (Item(request.model, Meter.IMAGES, ending.images),)
    if rules.without_usage is Meter.CHARACTERS and request.characters is not None:
        return (Item(request.model, Meter.CHARACTERS, request.characters),)
    return ()


def service_tier(said: str | None) -> str | None:
    """Normalise a service tier as answered; None if the answer does not say which it was."""
    if said is None or said.lower() == "auto":
        return None
    return TIERS.get(said.lower(), said.lower())


def _costs(facts: Facts) -> Facts:
    """Provider's own cost in USD, exact: xAI counts in 10⁻¹⁰ dollars."""
    ticks = facts.pop("cost_in_usd_ticks", None)
    if ticks is not None and (count := whole(ticks)) is not None:
        facts["provider_cost_usd"] = format(Decimal(count).scaleb(-10).normalize(), "f")
    cost = facts.get("provider_cost_usd")
    exact = Literal(cost).decimal() if cost is not None else None
    # Written out, 1e999999999 is a gigabyte; what no call costs stays as the provider wrote it.
    if exact is not None and exact.is_finite() and abs(exact.adjusted()) <= _PLACES:
        facts["provider_cost_usd"] = format(exact, "f")
    return facts


def _image_facts(answer: Answer, request: RequestHint, ending: Ending) -> Facts:
    """What chooses the price of a picture: as answered, else as asked."""
    facts = {"images": str(ending.images)} if ending.images else {}
    size = text(answer, ("size",)) or request.image_size
    quality = text(answer, ("quality",)) or request.image_quality
    return facts | {
        name: fact for name, fact in (("image_size", size), ("image_quality", quality)) if fact
    }


def _refused(status: int, headers: Mapping[str, str], document: Document | None) -> Reading:
    """Read an error status: nothing is charged, except what Azure says it charges."""
    failure = of_response(status, headers, document)
    state: ReadingState = ReadingState.NOT_APPLICABLE
    reason: Reason | None = None
    if status == 400 and text(document, ("error.code",)) == "content_filter":
        state, reason = ReadingState.ABSENT, Reason.CONTENT_FILTER_CHARGED
    elif status == 408 and "apim-request-id" in headers:
        state, reason = ReadingState.ABSENT, Reason.TIMEOUT_CHARGED
    return Reading(
        state,
        reason,
        response_id=text(document, ("request_id", "responseId")),
        error_class=failure.error_class,
        retryable=failure.retryable,
        retry_after_ms=failure.retry_after_ms,
    )


def _not_json(rules: Rules, body: bytes, request: RequestHint) -> Reading:
    """Read an answer that is sound, subtitles or nothing: only pieces can be counted."""
    if rules.free:
        return Reading(ReadingState.NOT_APPLICABLE)
    items = _pieces(rules, request, Ending(whole=True)) if body else ()
    if items:
        return Reading(ReadingState.MEASURED, None, items)
    looks_like_json = body.lstrip()[:1] in (b"{", b"[")
    return Reading(ReadingState.ABSENT, Reason.BROKEN_JSON if looks_like_json else Reason.NO_USAGE)


def _bedrock_headers(headers: Mapping[str, str]) -> dict[str, object]:
    """InvokeModel's counts for models whose bodies have none."""
    counts = {
        name: int(value)
        for name, header in BEDROCK_HEADERS.items()
        if (value := headers.get(header, "")).isdecimal()
    }
    tier = headers.get("x-amzn-bedrock-service-tier")
    return {
        "amazon-bedrock-invocationMetrics": counts,
        "usage": {"service_tier": tier} if tier else None,
    }
