"""The rule of golden pages: a figure that finance saw before and sees changed now is told (⚠️)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tests.tidy.source import Finding

FOLDERS: Final = ("tests/golden/bills/", "tests/golden/months/")
MARK: Final = "⚠️"
_FIGURE: Final = re.compile(r"-?\d[\d,]*\.\d{2}(?!\d)")


def untold(pages: Mapping[str, tuple[str, str]], told: Iterable[str]) -> Iterator[Finding]:
    """A page whose figures changed asks for a line of the changelog that is marked, added with it.

    `pages` are the golden pages as they were and as they are, `told` the lines that the changelog
    has more. Words may change, and a page may come or go, without a mark.
    """
    if any(MARK in line for line in told):
        return
    for path, (was, now) in sorted(pages.items()):
        if path.startswith(FOLDERS) and _figures(was) != _figures(now):
            yield Finding(path, 1, f"its figures changed, and CHANGELOG.md says so with no {MARK}")


def _figures(page: str) -> Counter[str]:
    return Counter(_FIGURE.findall(page))
