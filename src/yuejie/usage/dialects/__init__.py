"""Dialects: what does a provider's answer say was used?

Owns: the table of who means what (`table.py`), reading answers whole (`read_body`) and as they
stream by (`StreamTap`), what must be remembered of a request (`request_hint`), and the few bytes
the gateway changes (`replace_model`, `force_include_usage`, `UsageFilter`).
Does not own: what a token is worth (rating), what is stored (usage), who is called (gateway).

`words.py` is the table's grammar, `counting.py` undoes overlaps and checks the arithmetic,
`iterations.py` and `failures.py` know Anthropic's iterations and everybody's errors, `frames.py`
cuts streams, `document.py` reads JSON no further than needed. All of it is pure.

Invariants:
- the items of a reading are disjoint, and sum to the provider's own total wherever it gives one
  that its own counts explain; where not, `facts["arithmetic"]` says so;
- what nobody reported is not among the items; a reported zero is there as 0;
- a number that cannot be true gives `absent` with its reason and no items: nothing is clipped;
- however a stream is cut into chunks, it gives the same reading;
- what is spliced differs from what came only where it must; no JSON is written anew.
"""

from yuejie.usage.dialects.answer import read_body, service_tier
from yuejie.usage.dialects.document import BrokenJson
from yuejie.usage.dialects.hint import request_hint
from yuejie.usage.dialects.reading import Api, Reading, ReadingState, Reason, RequestHint
from yuejie.usage.dialects.splice import UsageFilter, force_include_usage, replace_model
from yuejie.usage.dialects.tap import StreamTap
from yuejie.usage.event import Item

__all__ = [
    "Api",
    "BrokenJson",
    "Item",
    "Reading",
    "ReadingState",
    "Reason",
    "RequestHint",
    "StreamTap",
    "UsageFilter",
    "force_include_usage",
    "read_body",
    "replace_model",
    "request_hint",
    "service_tier",
]
