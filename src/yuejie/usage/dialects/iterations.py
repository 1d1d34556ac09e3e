"""Anthropic's `usage.iterations[]`: what one answer did besides its last, visible message.

`message` iterations sum to the top level. `compaction` and `advisor_message` are charged on top:
the first at the same model's price, the second at its own. `fallback_message` is the hop of another
model that served the answer; whether the top level contains it is told by the sums.
"""

from dataclasses import dataclass, field
from typing import Final

from yuejie.usage.dialects.counting import ARITHMETIC, Facts, Tally, tally
from yuejie.usage.dialects.document import look, text
from yuejie.usage.dialects.words import Words
from yuejie.usage.meters import UNIT_METERS, Meter

ITERATIONS: Final = 1_000
"""More entries than this are not read: no answer has so many, and each costs time."""
ON_TOP: Final = frozenset({"compaction", "advisor_message"})


@dataclass(frozen=True, slots=True)
class Iterated:
    """The tallies of one answer, each with the model that bills it."""

    parts: tuple[tuple[str, Tally], ...]
    facts: Facts = field(default_factory=dict)


def iterated(
    usage: object, words: Words, ttl: Meter | None, main: Tally, model: str
) -> Iterated | None:
    """Take an answer's iterations apart; None if it has none that bill on their own."""
    entries = look(usage, "iterations")
    if not isinstance(entries, list):
        return None
    named: dict[str, list[tuple[str, Tally]]] = {}
    for entry in entries[:ITERATIONS]:
        part = tally(entry, words, ttl)
        if part is not None:
            kind = text(entry, ("type",)) or ""
            named.setdefault(kind, []).append((text(entry, ("model",)) or model, part))
    facts: Facts = {}
    for _, part in named.get("compaction", ()):
        facts["compaction"] = f"{_in(part)}+{_out(part)}"
    parts = [(model, main)]
    served = named.get("fallback_message", [])
    if served:
        parts, found = _with_fallback(model, main, named.get("message", []), served)
        facts |= found
    for kind in sorted(ON_TOP):
        parts += named.get(kind, [])
    return Iterated(tuple(parts), facts)


def _with_fallback(
    model: str, main: Tally, own: list[tuple[str, Tally]], served: list[tuple[str, Tally]]
) -> tuple[list[tuple[str, Tally]], Facts]:
    """Find by the sums whether the top level counts the serving hop, the declined one, or both."""
    facts: Facts = {"billed_model": served[-1][0]}
    whole = _size([main])
    pieces = {meter: n for meter, n in main.counts.items() if meter in UNIT_METERS}
    served = [*served, (model, Tally(pieces, {}, whole=True, context_tokens=0))]
    if whole == _size([part for _, part in own + served]):
        return own + served, facts
    if whole == _size([part for _, part in served]):
        # How a declined hop is billed is not documented: it is written down, not charged.
        facts["declined_hop"] = "+".join(str(n) for n in _size([part for _, part in own]))
        return served, facts
    if whole != _size([part for _, part in own]):
        facts[ARITHMETIC] = "mismatch"
    return [(model, main), *served[:-1]], facts


def _size(parts: list[Tally]) -> tuple[int, int]:
    return sum(_in(part) for part in parts), sum(_out(part) for part in parts)


def _in(part: Tally) -> int:
    return part.context_tokens


def _out(part: Tally) -> int:
    return sum(part.counts.get(meter, 0) for meter in (Meter.OUTPUT, Meter.REASONING))
