"""What a report says, once made: columns, rows, totals, and the hash that proves it. Pure.

Amounts are fen, shares parts per million. A total of money or pieces is the sum of its printed
rows; a total of shares is computed from totals, for shares do not add up.
"""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from yuejie.insights.reports.report import Form

Cell = str | int | None
"""A name, a figure, or nothing: a share of nothing is no share."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures, or (without a form) of names."""

    code: str
    title: str
    form: Form | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A report's content; `total` has a cell per column, empty above names.

    `chart_…` is what can be drawn of it: a figure per label and series; None leaves a gap.
    """

    report: str
    owner: str
    period: str
    first: str
    last: str
    zone: str
    grain: str
    filters: tuple[tuple[str, str], ...]
    currency: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]
    notes: tuple[str, ...]
    chart_title: str
    chart_form: Form
    chart_labels: tuple[str, ...]
    chart_series: tuple[tuple[str, tuple[int | None, ...]], ...]
    made_at: str

    @property
    def encoded(self) -> bytes:
        """The canonical form: the same content, the same bytes."""
        return msgspec.json.encode(self)

    @property
    def sha256(self) -> bytes:
        """The hash of the canonical form."""
        return sha256(self.encoded).digest()


def decode_result(kept: bytes) -> Result:
    """Read a result as it was kept."""
    return msgspec.json.decode(kept, type=Result)
