"""Where inputs stand, in words: a field of the form, a price row with its book, revision and day.

Pure: the price rows are read beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yuejie.contracts.prices import RateRow
from yuejie.contracts.tier import DEFAULT
from yuejie.presales.proposal.words import Words
from yuejie.presales.trace import Figure
from yuejie.usage.meters import meter_name

_HASH: Final = 16
RATE: Final = "rate:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A price row with where it stands: its book, and from when its revision holds."""

    book_id: str
    starts_at: datetime
    row: RateRow


@dataclass(frozen=True, slots=True)
class Sources:
    """Says where a given figure stands, in one language."""

    words: Words
    rows: Mapping[int, PriceRow] = field(default_factory=dict)

    def row(self, number: int) -> RateRow | None:
        """Return a price row by its number."""
        found = self.rows.get(number)
        return found.row if found else None

    def said(self, figure: Figure) -> str:
        """Say where a given figure stands."""
        told = self.told(figure.source)
        on_lines = figure.source.startswith("file:") and figure.words
        return f"{told} · {self.words.said(figure.words)}" if on_lines else told

    def told(self, source: str) -> str:
        """Say a source in words; what is not known stays as it is named."""
        kind, _, what = source.partition(":")
        found = self.rows.get(rate_id(source))
        if found is not None:
            return self._price(found)
        if kind == "file":
            what = what[:_HASH]
        said = self.words.maybe(f"source.{kind}")
        return f"{said} {self.words.said(what)}".strip() if said else source

    def _price(self, found: PriceRow) -> str:
        row, words = found.row, self.words
        meter = meter_name(row.meter) if words.chinese else row.meter.replace("_", " ")
        tier = (
            "" if row.service_tier == DEFAULT else words("price.tier").format(tier=row.service_tier)
        )
        above = words("price.above").format(tokens=f"{row.context_above:,}")
        return words("source.price").format(
            number=row.rate_id,
            book=found.book_id,
            revision=row.revision,
            model=row.model,
            meter=meter + tier + (above if row.context_above else ""),
            since=f"{found.starts_at:%Y-%m-%d}",
        )


def rate_id(source: str) -> int:
    """Return the number of the price row that a source names, 0 for another source."""
    return int(source.removeprefix(RATE)) if source.startswith(RATE) else 0
