"""What a client's `anthropic-beta` lets a model do beyond the catalogue: read more, answer longer.

These are told by their names: `context-1m-…`, `output-128k-…`. Any other is bounded by the
catalogue, as members of a request that nobody here knows are.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from yuejie.gateway.snapshot import ModelRow

HEADER: Final = "anthropic-beta"
REMEMBERED: Final = 1_000
_WINDOW: Final = re.compile(r"\bcontext-(\d{1,5})([km])\b", re.IGNORECASE)
_LONGEST: Final = re.compile(r"\boutput-(\d{1,5})([km])\b", re.IGNORECASE)
_UNITS: Final = {"k": 1 << 10, "m": 1 << 20}
"""The larger of the two that people mean by them."""


class Beyond(NamedTuple):
    """The most tokens that a model may read, and answer, whatever the catalogue says; 0: that."""

    window: int
    longest: int

    def of(self, model: ModelRow) -> ModelRow:
        """Return a model as such a request meets it."""
        window, longest = model.context_window, model.max_output
        return replace(
            model,
            context_window=window and max(window, self.window),
            max_output=longest and max(longest, self.longest),
        )


def betas_of(pairs: Iterable[tuple[str, str]]) -> str:
    """Return what a request says of betas, however many headers say it."""
    return ",".join([text for name, text in pairs if name == HEADER])


@lru_cache(REMEMBERED)
def beyond(betas: str) -> Beyond:
    """Read what betas allow."""
    return Beyond(_most(_WINDOW, betas), _most(_LONGEST, betas))


def _most(pattern: re.Pattern[str], betas: str) -> int:
    found = pattern.findall(betas)
    return max((int(count) * _UNITS[unit.lower()] for count, unit in found), default=0)
