"""What explains a difference: each key's and model's share of it, exact, adding up to the whole.

A period is compared with those like it before: an hour with the same hour of the last days, a day
with the last days. So that nothing is rounded, shares are counted in `periods`-ths: `periods` × now
− the sum of all periods before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

PERIODS: Final = 7
"""So many periods before are looked at; fewer where usage is younger."""

KEPT: Final = 20
"""Shares that are kept with a finding; the others explain next to nothing."""


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a measure one key used on one model."""

    key_id: str
    model: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Share:
    """A key's or model's part of a difference: now, and in all periods before together."""

    name: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A difference from so many periods before, and whose it is, the largest part first."""

    periods: int
    by_key: tuple[Share, ...]
    by_model: tuple[Share, ...]

    @property
    def difference(self) -> int:
        """The whole difference, in `periods`-ths; the parts of either list add up to it."""
        return sum(self.part(share) for share in self.by_key)

    def part(self, share: Share) -> int:
        """Return a share's part of the difference, in `periods`-ths."""
        return self.periods * share.now - share.before

    @property
    def key_id(self) -> str:
        """The key that explains most."""
        return self.by_key[0].name if self.by_key else ""

    @property
    def model(self) -> str:
        """The model that explains most."""
        return self.by_model[0].name if self.by_model else ""

    def rows(self) -> dict[str, Any]:
        """Return the largest shares as they are kept."""
        parts = {part: getattr(self, part)[:KEPT] for part in ("by_key", "by_model")}
        rows = {part: [[s.name, s.now, s.before] for s in parts[part]] for part in parts}
        return {"periods": self.periods, **rows}

    @classmethod
    def read(cls, rows: Mapping[str, Any]) -> Self:
        """Read kept shares back."""
        by_key, by_model = (
            tuple(Share(*row) for row in rows[part]) for part in ("by_key", "by_model")
        )
        return cls(rows["periods"], by_key, by_model)


def explain(now: Iterable[Used], before: Iterable[Used], periods: int = PERIODS) -> Explanation:
    """Say which keys and models make up the difference between now and so many periods before."""
    is_now, was = list(now), list(before)
    sides = (is_now, was)
    by_key = _shares(*([(u.key_id, u.quantity) for u in side] for side in sides), periods=periods)
    by_model = _shares(*([(u.model, u.quantity) for u in side] for side in sides), periods=periods)
    return Explanation(periods, by_key, by_model)


def _shares(
    now: list[tuple[str, int]], before: list[tuple[str, int]], *, periods: int
) -> tuple[Share, ...]:
    sums: dict[str, list[int]] = {}
    for place, rows in ((0, now), (1, before)):
        for name, quantity in rows:
            sums.setdefault(name, [0, 0])[place] += quantity
    shares = [Share(name, *both) for name, both in sums.items()]
    return tuple(sorted(shares, key=lambda share: (share.before - periods * share.now, share.name)))
