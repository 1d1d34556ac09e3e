"""What all advice saves together: kinds that save on the same calls are alternatives.

Of the advice that lies on one key's calls of one model only the largest saving counts, though two
of them might save on different calls of it: what is told together is rather too little than too
much. The terms of the contract take their share once, of the sum.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from yuejie.insights.advice.advice import Kind, Proposal
from yuejie.insights.advice.traffic.scene import Scene
from yuejie.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Joint:
    """The joint saving a month, and what of it comes from which advice (kind and slice)."""

    saving: Money
    parts: Mapping[tuple[Kind, str], int]
    """Picos of the book's currency that count, by advice; advice that gives way is not named."""
    agreed: Mapping[tuple[Kind, str], int]
    """Fen of the bill's currency, for advice that changes the contract."""


def joint_of(scene: Scene, proposals: Iterable[Proposal]) -> Joint:
    """Add up advice without counting a call's worth twice."""
    best: dict[str, tuple[int, tuple[Kind, str]]] = {}
    agreed: dict[tuple[Kind, str], int] = {}
    for found in proposals:
        place = (found.kind, found.slice)
        if found.agreed:
            if found.saving.fen and "once" not in found.figure.change.facts:
                agreed[place] = found.saving.fen
            continue
        for share, text in found.figure.shares.items():
            if int(text) > best.get(share, (0, place))[0]:
                best[share] = (int(text), place)
    parts: dict[tuple[Kind, str], int] = {}
    for pico, place in best.values():
        parts[place] = parts.get(place, 0) + pico
    calls = scene.net(sum(parts.values())) if parts else Money(0, scene.bill_currency)
    # Other terms change what a saving on calls is worth; the larger of the two ways counts.
    terms = max(agreed.values(), default=0)
    if terms > calls.fen:
        top = {place: fen for place, fen in agreed.items() if fen == terms}
        return Joint(Money(terms, scene.bill_currency), {}, dict([next(iter(top.items()))]))
    return Joint(calls, parts, {})
