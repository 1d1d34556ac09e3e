"""Pages of a list: an opaque cursor that says behind which row the next page begins.

A cursor belongs to one list; given to another it is refused instead of skipping rows there.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PAGE, PAGE_MAX

Row = TypeVar("Row")
Shape = TypeVar("Shape", bound=BaseModel)
Place = TypeVar("Place")

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description=f"每页条数，最多 {PAGE_MAX}")]
Cursor = Annotated[
    str | None,
    Query(max_length=1_000, description="上一页答复中的 next_cursor；第一页不填"),
]

_UNFIT: Final = "游标 cursor 无效，请使用本列表上一页答复中的 next_cursor，或不填从头取"
_decode: Final = msgspec.json.Decoder(tuple[str, str]).decode

__all__ = ["PAGE", "Cursor", "Limit", "Page", "Window", "cut"]


class Page(BaseModel, Generic[Shape]):
    """One page of a list."""

    items: list[Shape] = Field(description="本页各条")
    next_cursor: str | None = Field(
        None, description="取下一页用的游标；为空表示已到最后一页", examples=["WyJiaWxscyIsImEiXQ"]
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of which list is asked for."""

    of: str
    after: str
    limit: int

    @classmethod
    def read(cls, of: str, cursor: str | None, limit: int) -> "Window":
        """Read a cursor; one that we did not write for this list is refused."""
        if cursor is None:
            return cls(of, "", limit)
        padded = cursor + "=" * (-len(cursor) % 4)
        try:
            list_name, after = _decode(base64.b64decode(padded, b"-_", validate=True))
        except (binascii.Error, ValueError, msgspec.DecodeError):
            list_name, after = "", ""
        if list_name != of or "\0" in after:
            raise Invalid(_UNFIT)
        return cls(of, after, limit)

    @property
    def fetch(self) -> int:
        """How many rows to ask for: one more than are shown tells whether there is a next page."""
        return self.limit + 1

    def page(
        self, rows: Sequence[Row], shape: Callable[[Row], Shape], key: Callable[[Row], str]
    ) -> Page[Shape]:
        """Shape the rows of this page; a row too many means that there is another page."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            items=[shape(row) for row in shown],
            next_cursor=self.write(key(shown[-1])) if more else None,
        )

    def write(self, after: object) -> str | None:
        """Return the cursor behind a row; None, the end of the list, has none."""
        if after is None:
            return None
        raw = msgspec.json.encode((self.of, str(after)))
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def behind(self, kind: Callable[[str], Place]) -> Place | None:
        """Return the row behind which the page begins, as a `kind`; None on the first page."""
        if not self.after:
            return None
        try:
            return kind(self.after)
        except ValueError:
            raise Invalid(_UNFIT) from None


def cut(window: Window, rows: Sequence[Row], key: Callable[[Row], str]) -> list[Row]:
    """Return the rows of a page from a whole list, ordered by their key.

    For lists that a room's store returns whole because they are short: models, projects, books.
    """
    ordered = sorted(rows, key=key)
    return [row for row in ordered if key(row) > window.after][: window.fetch]
