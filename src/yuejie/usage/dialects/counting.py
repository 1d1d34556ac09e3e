"""From a provider's overlapping counts to disjoint ones; where the arithmetic is checked.

A number that cannot be a count (negative, broken, beyond all reason, or a part larger than its
whole) is never clipped: the whole usage is `Implausible`, and the call goes to the worklist.
Details that merely fail to add up stay inside their parent: the count is the truth.
"""

from math import ceil
from typing import Final, NamedTuple

from yuejie.kernel.limits import PLAUSIBLE_TOKENS
from yuejie.usage.dialects.document import Literal, as_text, flatten
from yuejie.usage.dialects.reading import Reason
from yuejie.usage.dialects.words import Where, Words
from yuejie.usage.meters import UNIT_METERS, Meter

WRITES: Final = (
    Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_30M,
    Meter.CACHE_WRITE_1H,
    Meter.CACHE_WRITE_12H,
)
CACHED_OF: Final = {
    Meter.AUDIO_IN: Meter.CACHE_READ_AUDIO,
    Meter.IMAGE_IN: Meter.CACHE_READ_IMAGE,
    Meter.VIDEO_IN: Meter.CACHE_READ_VIDEO,
}
SAID: Final = (Meter.AUDIO_OUT, Meter.IMAGE_OUT, Meter.VIDEO_OUT, Meter.OUTPUT)
"""Parts of an output; OUTPUT is one where the rest is not text."""
ARITHMETIC: Final = "arithmetic"
"""The fact that a sum did not come out (`mismatch`), or how it came out unexpectedly."""

Counts = dict[Meter, int]
Facts = dict[str, str]


class Implausible(ValueError):
    """A usage whose numbers cannot be true; `reason` is what the reading's state says."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Tally(NamedTuple):
    """The disjoint counts of one usage object, and what was noticed while undoing overlaps."""

    counts: Counts
    facts: Facts
    whole: bool
    """False: the provider left out the input's or the output's count; the rest is a floor."""
    context_tokens: int
    """All that was read: the size that chooses whole-request tiers."""


def tally(usage: object, words: Words, ttl: Meter | None) -> Tally | None:
    """Undo the overlaps of one usage object; None if it holds no count at all.

    `ttl` is the class of cache writes that the request asked for, if it did.
    """
    flat = flatten(usage)
    if not flat:
        return None
    read = _count(flat, words.input)
    said = _count(flat, words.output)
    parts, counts = _parts(flat, words)
    if read is None and said is None and not counts:
        return None
    whole = (read is None) == (said is None) or not words.output
    if words.zeros_omitted:
        read, said, whole = read or 0, said or 0, True
    facts = {
        name: fact
        for name, at in words.facts.items()
        if at[0] in flat and (fact := as_text(flat[at[0]]))
    }
    beside = _count(flat, words.also_input) or 0
    if beside:
        facts["tool_prompt_in"] = str(beside)
    writes = _writes(parts, _count(flat, words.written), ttl or words.ttl)
    size = (read or 0) + beside
    if words.cache is Where.OUTSIDE:
        size += parts.get(Meter.CACHE_READ, 0) + sum(writes.values())
    if read is not None:
        _input(counts, size, parts, writes, words.rest_in, facts)
    if said is not None and words.output:
        total = _count(flat, words.total) if words.total_decides else None
        _output(counts, _Answer(said, size, total), parts, words, facts)
    return Tally(counts, facts, whole, size if read is not None else 0)


def _count(flat: dict[str, object], paths: tuple[str, ...]) -> int | None:
    for path in paths:
        if path in flat:
            return whole_number(flat[path])
    return None


def _parts(flat: dict[str, object], words: Words) -> tuple[Counts, Counts]:
    """The parts that were reported, in tokens and by the piece."""
    parts: Counts = {}
    pieces: Counts = {}
    for meter, paths in words.parts.items():
        for path in paths:
            if path in flat:
                value = flat[path]
                if meter in UNIT_METERS:
                    seconds = meter is Meter.SECONDS
                    pieces[meter] = _begun_seconds(value) if seconds else whole_number(value)
                else:
                    parts[meter] = whole_number(value)
                break
    return parts, pieces


def whole_number(value: object) -> int:
    """A count as reported; Implausible if it cannot be one."""
    if isinstance(value, Literal):
        value = _integral(value)
    if type(value) is not int:
        raise Implausible(Reason.NOT_INTEGER)
    if value < 0:
        raise Implausible(Reason.NEGATIVE)
    if value > PLAUSIBLE_TOKENS:
        raise Implausible(Reason.ABSURD)
    return value


def _integral(literal: Literal) -> int:
    """12.0 is 12; 1.5 and 1e400 are no counts."""
    exact = literal.decimal()
    if exact is None or abs(exact) > PLAUSIBLE_TOKENS:
        raise Implausible(Reason.NEGATIVE if literal.startswith("-") else Reason.ABSURD)
    if exact != int(exact):
        raise Implausible(Reason.NOT_INTEGER)
    return int(exact)


def _begun_seconds(value: object) -> int:
    """Seconds may have decimals and are charged as begun seconds."""
    if not isinstance(value, str):
        return whole_number(value)
    exact = Literal(value).decimal()
    if exact is None or not exact.is_finite() or not 0 <= exact <= PLAUSIBLE_TOKENS:
        raise Implausible(Reason.ABSURD)
    return ceil(exact)


def _writes(parts: Counts, written: int | None, otherwise: Meter) -> Counts:
    """Cache writes by time to live. The sum is the truth, the split says of which kind.

    What the split does not cover has the split's own TTL if it has just one, else `otherwise`;
    a split that covers more than was written is an older report of the same stream.
    """
    named: Counts = {meter: parts[meter] for meter in WRITES if meter in parts}
    if written is None:
        return named
    rest = written - sum(named.values())
    if rest == 0:
        return named or {otherwise: 0}
    used = [meter for meter, count in named.items() if count]
    if rest > 0:
        kind = used[0] if len(used) == 1 else otherwise
        return named | {kind: named.get(kind, 0) + rest}
    return {used[0] if len(used) == 1 else Meter.CACHE_WRITE_UNSPECIFIED: written}


def _input(
    counts: Counts, size: int, parts: Counts, writes: Counts, rest: Meter, facts: Facts
) -> None:
    """Share the input's size out: written, cached and fresh, text and media."""
    cached = parts.get(Meter.CACHE_READ, 0)
    plain = size - cached - sum(writes.values())
    if plain < 0:
        raise Implausible(Reason.ARITHMETIC_MISMATCH)
    fresh: Counts = {}
    cached_media: Counts = {}
    media = 0
    for meter, cached_meter in CACHED_OF.items():
        hit = parts.get(cached_meter)
        if hit is not None:
            cached_media[cached_meter] = hit
        if meter in parts:
            media += parts[meter]
            fresh[meter] = parts[meter] - (hit or 0)
    if media or cached_media:
        if (
            media > size
            or sum(cached_media.values()) > cached
            or min(fresh.values(), default=0) < 0
        ):
            facts[ARITHMETIC] = "mismatch"
            fresh, cached_media = {}, {}
        _overlap(plain, cached, fresh, cached_media)
        plain -= sum(fresh.values())
        cached -= sum(cached_media.values())
    counts[rest] = plain
    if Meter.CACHE_READ in parts:
        counts[Meter.CACHE_READ] = cached
    for share in (writes, fresh, cached_media):
        counts.update(share)


def _overlap(plain: int, cached: int, fresh: Counts, cached_media: Counts) -> None:
    """Count media that must have been cached as cached, where nobody said which was.

    Only as much as has to be: text is taken to be cached first. What does not fit among the
    reads is among the writes, which know no media.
    """
    excess = sum(fresh.values()) - plain
    for meter, cached_meter in CACHED_OF.items():
        moved = min(excess, fresh.get(meter, 0))
        if moved <= 0:
            continue
        fresh[meter] -= moved
        excess -= moved
        room = min(moved, cached - sum(cached_media.values()))
        if room:
            cached_media[cached_meter] = cached_media.get(cached_meter, 0) + room


class _Answer(NamedTuple):
    """What was said, after how much was read, and the provider's own sum of both."""

    said: int
    size: int
    total: int | None


def _output(counts: Counts, answer: _Answer, parts: Counts, words: Words, facts: Facts) -> None:
    """Share the output out: reasoning, media, and the rest."""
    size, reasoning = _reasoning(answer, parts.get(Meter.REASONING), words, facts)
    rest = size - (reasoning or 0)
    named = {meter: parts[meter] for meter in SAID if meter in parts}
    media = sum(named.values())
    if media > rest:
        facts[ARITHMETIC] = "mismatch"
        named, media = {}, 0
    counts[words.rest_out] = rest - media
    for meter, count in named.items():
        counts[meter] = counts.get(meter, 0) + count
    if reasoning is not None:
        counts[Meter.REASONING] = reasoning


def _reasoning(
    answer: _Answer, reported: int | None, words: Words, facts: Facts
) -> tuple[int, int | None]:
    """The output with its reasoning inside, and the reasoning; the total is the judge.

    `input + output = total`: inside. `input + output + reasoning = total`: beside (xAI, Gemini).
    Neither: what the table says of this API, and the fact is written down.
    """
    reasoning = reported or 0
    inside = answer.size + answer.said
    if answer.total == inside and reasoning <= answer.said:
        return answer.said, reported
    if answer.total == inside + reasoning:
        return answer.said + reasoning, reported
    if words.hidden_reasoning and not reasoning and (answer.total or 0) > inside:
        facts[ARITHMETIC] = "hidden_reasoning"
        hidden = (answer.total or 0) - inside
        return answer.said + hidden, hidden
    if answer.total is not None:
        facts[ARITHMETIC] = "mismatch"
    if words.reasoning is Where.OUTSIDE:
        return answer.said + reasoning, reported
    if reasoning > answer.said:
        if answer.total != inside:
            raise Implausible(Reason.ARITHMETIC_MISMATCH)
        return answer.said, None
    return answer.said, reported
