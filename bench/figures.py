"""Figures: repeated measurements of one thing, what was hoped for, and whether it holds."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

ROUNDS: Final = 3
"""How often everything is measured; the median counts and the spread is shown."""


class Unfair(Exception):
    """A run that measured nothing: answers were wrong, or the database lacks some of them."""


class Skipped(Exception):
    """Something that this machine does not have; the sentence says how to get it."""


class Figure(msgspec.Struct, frozen=True):
    """What was measured several times."""

    what: str
    unit: str
    values: tuple[float, ...]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def verdict(self) -> str:
        """Say whether the target is met; nothing where there is none."""
        if self.at_least is None and self.at_most is None:
            return ""
        met = (self.at_least is None or self.middle >= self.at_least) and (
            self.at_most is None or self.middle <= self.at_most
        )
        return "达到" if met else "未达到"

    @property
    def target(self) -> str:
        """Write the target as people read it."""
        if self.at_least is not None:
            return f"≥ {plain(self.at_least)}"
        return f"≤ {plain(self.at_most)}" if self.at_most is not None else ""

    def __str__(self) -> str:
        """Write the figure on one line."""
        spread = f"（{plain(min(self.values))} … {plain(max(self.values))}）"
        aim = f"  目标 {self.target}：{self.verdict}" if self.target else ""
        return f"{self.what}：{plain(self.middle)} {self.unit}{spread}{aim}"


class Result(msgspec.Struct, frozen=True):
    """What one benchmark found."""

    name: str
    figures: list[Figure]
    notes: list[str] = []


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all does not exceed."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def plain(value: float) -> str:
    """Write a number with as many digits as it deserves."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
