"""A leaf of a list: what one page shows of it, and the link to the next leaf.

Pages with several lists have a cursor for each, under the list's name in the query; what else was
asked for stays in the link.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Request

from yuejie.web.cursor import PAGE, Window, cut

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """Rows that are shown of how many, and the query of the next leaf; None on the last."""

    rows: list[Row]
    count: int
    later: str | None


def leaf(request: Request, name: str, rows: Sequence[Row], key: Callable[[Row], str]) -> Leaf[Row]:
    """Cut the leaf that is asked for out of a whole list, ordered by its key."""
    asked = request.query_params
    window = Window.read(f"page:{name}", asked.get(name) or None, PAGE)
    found = cut(window, rows, key)
    shown = found[:PAGE]
    later = None
    if len(found) > PAGE:
        kept = {other: value for other, value in asked.items() if other != name}
        later = urlencode({**kept, name: window.write(key(shown[-1]))})
    return Leaf(shown, len(rows), later)
