"""The pictures of the finance guide: of which page each is, and who looks at it."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "guide"
MOST_BYTES = 2_000_000
"""Of all pictures together: the guide is read over the wire, and kept in every clone."""


@dataclass(frozen=True)
class Picture:
    """A page as somebody sees it; `press` is clicked before the picture is taken."""

    who: str
    path: str
    press: str = ""


PICTURES = {
    "overview": Picture("客户财务", "/"),
    "bill": Picture("客户财务", "/bills", "tbody a >> nth=0"),
    "fapiao": Picture("客户财务", "/fapiao"),
    "payments": Picture("客户财务", "/payments"),
    "statement": Picture("客户财务", "/payments/statement"),
    "trend": Picture("客户财务", "/trend"),
    "budgets": Picture("客户财务", "/budgets"),
    "today": Picture("运营财务", "/"),
    "closing": Picture("运营财务", "/closing"),
    "bank": Picture("运营财务", "/bank"),
    "fapiao-desk": Picture("运营财务", "/fapiao-desk"),
    "receivables": Picture("运营财务", "/receivables"),
}
