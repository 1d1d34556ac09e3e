"""How many tokens a call costs: counted from its text, or as its marker directs."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final
from zlib import crc32

from yuejie.demo.simulators.directives import Counts, Fault
from yuejie.usage.meters import Meter

BYTES_PER_TOKEN: Final = 4
PART_TOKENS: Final = 85
"""What a part that is no text costs: an image in low detail."""
PREFIX_TOKENS: Final = 1024
"""What prompt caching caches: providers' smallest cacheable prefix."""
_PREFIXES: Final = 10_000
_ABSURD: Final = 10**15


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one call used. `total_in` and `out` are wholes, the rest their parts."""

    total_in: int = 0
    out: int = 0
    cached: int = 0
    write_5m: int = 0
    write_30m: int = 0
    write_1h: int = 0
    write_12h: int = 0
    reasoning: int = 0
    tool_in: int = 0
    audio_in: int = 0
    image_in: int = 0
    video_in: int = 0
    audio_out: int = 0
    image_out: int = 0
    searches: int = 0
    cut_short: bool = False

    @property
    def written(self) -> int:
        """Return the tokens written to the cache, whatever their life."""
        return self.write_5m + self.write_30m + self.write_1h + self.write_12h

    @property
    def uncached(self) -> int:
        """Return the prompt outside the cache."""
        return self.total_in - self.cached - self.written

    def meters(self) -> dict[str, int]:
        """Return the same in disjoint meters; input and output always, the others if not 0."""
        media_in = self.audio_in + self.image_in + self.video_in
        media_out = self.audio_out + self.image_out
        parts = {
            Meter.CACHE_READ: self.cached,
            Meter.CACHE_WRITE_5M: self.write_5m,
            Meter.CACHE_WRITE_30M: self.write_30m,
            Meter.CACHE_WRITE_1H: self.write_1h,
            Meter.CACHE_WRITE_12H: self.write_12h,
            Meter.REASONING: self.reasoning,
            Meter.AUDIO_IN: self.audio_in,
            Meter.IMAGE_IN: self.image_in,
            Meter.VIDEO_IN: self.video_in,
            Meter.AUDIO_OUT: self.audio_out,
            Meter.IMAGE_OUT: self.image_out,
            Meter.WEB_SEARCHES: self.searches,
        }
        return {
            Meter.INPUT: self.uncached - media_in + self.tool_in,
            Meter.OUTPUT: self.out - self.reasoning - media_out,
            **{meter: quantity for meter, quantity in parts.items() if quantity},
        }

    def delivered(self, share: int, whole: int) -> "Tokens":
        """Return what is owed when only a share of the answer was generated."""
        scaled = {
            name: getattr(self, name) * share // max(whole, 1)
            for name in ("out", "reasoning", "audio_out", "image_out")
        }
        return replace(self, **scaled)

    def negative(self) -> "Tokens":
        """Return counts below zero, as a broken provider reports them."""
        return Tokens(total_in=-self.total_in - 1, out=-self.out - 1)

    def absurd(self) -> "Tokens":
        """Return counts no model can reach, as a broken provider reports them."""
        return Tokens(total_in=_ABSURD, out=_ABSURD)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What counting needs to know of a request."""

    model: str
    texts: list[str]
    others: int = 0
    max_out: int | None = None
    reasons: bool = False
    cache_write: str = ""
    """What a first use of a long prefix counts as, such as write_5m; '' if writing is free."""
    caches: bool = True

    def size(self) -> int:
        """Return the prompt's bytes of text."""
        return sum(len(t) if t.isascii() else len(t.encode()) for t in self.texts)


@dataclass(slots=True)
class PromptCache:
    """The prefixes seen so far, the oldest forgotten first."""

    seen: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)

    def knows(self, prompt: Prompt) -> bool:
        """Say whether the prompt's prefix was seen before, and remember it."""
        prefix = "".join(prompt.texts).encode()[: PREFIX_TOKENS * BYTES_PER_TOKEN]
        key = (prompt.model, crc32(prefix))
        known = key in self.seen
        self.seen[key] = None
        self.seen.move_to_end(key)
        if len(self.seen) > _PREFIXES:
            self.seen.popitem(last=False)
        return known


def shown(tokens: Tokens, fault: Fault) -> Tokens | None:
    """Return the counts the provider reports: the true ones unless it is broken."""
    if fault.no_usage:
        return None
    if fault.negative:
        return tokens.negative()
    return tokens.absurd() if fault.absurd else tokens


def tokens_in(text: str) -> int:
    """Return how many tokens a text has."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def tally(prompt: Prompt, counts: Counts, cache: PromptCache, seed: int) -> Tokens:
    """Return what a call uses: as directed where directed, else counted from the request."""
    size = prompt.size()
    total_in = counts.total_in
    parts = _parts_in(counts)
    if total_in is None:
        counted = -(-size // BYTES_PER_TOKEN) + prompt.others * PART_TOKENS
        parts = {**_cache_parts(prompt, size, cache), **parts}
        total_in = max(counted, 1)
    out, reasoning = _answer(prompt, counts, size + seed)
    bound = out if prompt.max_out is None else prompt.max_out
    media = {"audio_out": counts.audio_out or 0, "image_out": counts.image_out or 0}
    return Tokens(
        total_in=max(total_in, sum(parts.values())),
        out=max(min(out, bound), sum(media.values())),
        reasoning=min(reasoning, out, bound),
        tool_in=counts.tool_in or 0,
        searches=counts.searches or 0,
        cut_short=out > bound,
        **parts,
        **media,
    )


def _parts_in(counts: Counts) -> dict[str, int]:
    names = ("cached", "write_5m", "write_30m", "write_1h", "write_12h")
    media = ("audio_in", "image_in", "video_in")
    return {n: v for n in (*names, *media) if (v := getattr(counts, n)) is not None}


def _cache_parts(prompt: Prompt, size: int, cache: PromptCache) -> dict[str, int]:
    if not prompt.caches or size <= PREFIX_TOKENS * BYTES_PER_TOKEN:
        return {}
    if cache.knows(prompt):
        return {"cached": PREFIX_TOKENS}
    return {prompt.cache_write: PREFIX_TOKENS} if prompt.cache_write else {}


def _answer(prompt: Prompt, counts: Counts, grain: int) -> tuple[int, int]:
    if counts.out is not None:
        return max(counts.out, counts.reasoning or 0), counts.reasoning or 0
    thought = 32 + grain % 64 if prompt.reasons else 0
    reasoning = thought if counts.reasoning is None else counts.reasoning
    return 16 + grain * 7 % 113 + reasoning, reasoning
