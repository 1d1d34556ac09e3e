"""Prices beside what held before them: what rises, falls, comes and goes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.documents import words
from yuejie.contracts.prices import RateRow
from yuejie.kernel.money import PPM, Rate, divide
from yuejie.usage.meters import per

KINDS: Final = {"up": "涨价", "down": "降价", "new": "新增", "gone": "取消", "same": "不变"}
Key = tuple[str, str, str, int, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A price before and after; None where there was or is none."""

    key: Key
    currency: str
    was: int | None
    became: int | None

    @property
    def kind(self) -> str:
        """Say what happened to it."""
        if self.was is None:
            return "new"
        if self.became is None:
            return "gone"
        return "same" if self.was == self.became else ("up" if self.became > self.was else "down")

    @property
    def ppm(self) -> int | None:
        """By how much it changed, in millionths of what it was."""
        if not self.was or self.became is None:
            return None
        return divide((self.became - self.was) * PPM, self.was)

    @property
    def unit(self) -> str:
        """Say what its prices are in: CNY/百万 token."""
        return words.unit(self.key[1], self.currency)

    def written(self, pico: int | None) -> str:
        """Write a price per million tokens, or per piece."""
        return "" if pico is None else Rate(pico, self.currency).per(per(self.key[1]))


def differences(rows: Iterable[RateRow], revision: int) -> list[Difference]:
    """Compare a revision with what each model it names cost before; other models stay as they are.

    Prices that a meter borrows from another follow it, and are not listed by themselves.
    """
    own = [row for row in rows if not row.origin.startswith("fallback:")]
    named = {row.model for row in own if row.revision == revision}
    last: dict[str, int] = {}
    for row in own:
        if row.revision < revision and row.model in named:
            last[row.model] = max(last.get(row.model, 0), row.revision)
    return _beside(
        {_key(row): row for row in own if last.get(row.model) == row.revision},
        {_key(row): row for row in own if row.revision == revision},
    )


def proposed_differences(
    rows: Iterable[RateRow], stands: Mapping[str, int], became: Iterable[RateRow]
) -> list[Difference]:
    """Compare lists that may be published with the revision that each model stood in."""
    return _beside(
        {
            _key(row): row
            for row in rows
            if not row.origin.startswith("fallback:") and stands.get(row.model) == row.revision
        },
        {_key(row): row for row in became if not row.origin.startswith("fallback:")},
    )


def _beside(was: Mapping[Key, RateRow], became: Mapping[Key, RateRow]) -> list[Difference]:
    return [
        Difference(
            key,
            (became.get(key) or was[key]).currency,
            was[key].pico if key in was else None,
            became[key].pico if key in became else None,
        )
        for key in sorted(was.keys() | became.keys())
    ]


def _key(row: RateRow) -> Key:
    return (row.model, row.meter, row.service_tier, row.context_above, row.time_window)
