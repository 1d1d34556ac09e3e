"""What a text looks like once it is printed: drawn, or named by its code point, never lost."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).parent / "fonts"
"""The only fonts of the house (tools/subset_fonts.py cuts them); their licence lies beside them."""
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_LONG_RUN: Final = re.compile(r"[!-,.-~]{22}(?=[!-,.-~])")
"""Latin text without space or hyphen is cut after so many characters; no column overflows."""
_BREAK: Final = "\N{ZERO WIDTH SPACE}"


def printable(text: str, drawable: Callable[[str], bool] = lambda _: True) -> str:
    """Return a name as it can be printed: what has no form is written as 〔U+202E〕.

    Control and direction characters could hide or turn what stands beside them; characters that
    no font has would be empty boxes. Nothing is lost: the code point is exact.
    """
    return "".join(
        " " if char in "\t\r\n" else char if _has_form(char) and drawable(char) else _code(char)
        for char in text
    )


def drawable(char: str) -> bool:
    """Return whether one of our fonts has this character."""
    return bisect_right(_covered(), ord(char)) % 2 == 1


def printed(text: str) -> str:
    """Make a name fit for a page: every character drawn or named, long runs breakable."""
    return _LONG_RUN.sub(rf"\g<0>{_BREAK}", printable(text, drawable))


def _has_form(char: str) -> bool:
    return unicodedata.category(char) not in _UNPRINTABLE


def _code(char: str) -> str:
    return f"〔U+{ord(char):04X}〕"


@cache
def _covered() -> list[int]:
    """Return where the ranges of drawable characters begin and end, in order."""
    lines = (FONTS / "coverage.txt").read_text("ascii").splitlines()
    ranges = (line.split("-") for line in lines)
    return list(chain.from_iterable((int(a, 16), int(b, 16) + 1) for a, b in ranges))
