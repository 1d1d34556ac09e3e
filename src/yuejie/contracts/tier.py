"""The price tier of a call: the provider's service tier and what multiplies it, as one key.

    default     batch     priority     default+fast+geo_us     batch+geo_us

The key is decided here and nowhere else, from the answer's own facts. Multipliers of the price
file (`inference_geo: us` × 1.1, `speed: fast` × 2) are expanded into rows with these keys when
the book is written, so that pricing a call never multiplies.
"""

from collections.abc import Mapping
from typing import Final

DEFAULT: Final = "default"

_SPELT: Final = {
    "": DEFAULT,
    "auto": DEFAULT,
    "standard": DEFAULT,
    "standard_only": DEFAULT,
    "unspecified": DEFAULT,
    "service_tier_unspecified": DEFAULT,
    "traffic_type_unspecified": DEFAULT,
    "on_demand": DEFAULT,
    "on_demand_priority": "priority",
    "on_demand_flex": "flex",
    "batches": "batch",
}
"""What providers call the tier that the price list calls otherwise (OpenAI, Anthropic, Vertex)."""

_ORDINARY: Final = frozenset({"", "global", "not_available", "standard", "default"})
"""Answers that say: nothing special, no multiplier."""

_MARKS: Final = (
    ("inference_geo", "geo_{}"),
    ("processing", "processing_{}"),
    ("endpoint", "endpoint_{}"),
    ("speed", "{}"),
)
"""Facts that multiply a price, and the mark each leaves in the key."""


def tier_key(service_tier: str, facts: Mapping[str, str]) -> str:
    """Return the key under which the book prices a call with these facts.

    A key given again comes back unchanged. A tier or mark that the book does not know is kept:
    it resolves to no rate, and the call goes to the worklist instead of being priced by guess.
    """
    tier, *marks = service_tier.strip().lower().split("+")
    for fact, mark in _MARKS:
        value = facts.get(fact, "").strip().lower()
        if value not in _ORDINARY:
            marks.append(mark.format(value))
    return "+".join([_SPELT.get(tier, tier), *sorted(set(marks))])


def plainer(key: str) -> tuple[str, ...]:
    """Return the keys that price a meter, the nearest first: itself, the base with its marks, base.

    The price file's rule: a meter that a service tier leaves out has its base price; a meter that
    is no token (a web search) is not multiplied.
    """
    _, *marks = key.split("+")
    return tuple(dict.fromkeys((key, "+".join([DEFAULT, *marks]), DEFAULT)))
