"""What a proposal says, in both languages: one table, a sentence beside its other.

What a prospect, a competitor or the quote said in its own words stays as it was said.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from yuejie.kernel.money import PPM, Money, plain
from yuejie.presales.proposal.proposal import Language
from yuejie.presales.proposal.wording.body import BODY
from yuejie.presales.proposal.wording.focus import FOCUS
from yuejie.presales.proposal.wording.reasons import in_english
from yuejie.presales.proposal.wording.terms import TERMS

_TABLE: Final = {**BODY, **FOCUS, **TERMS}
_NUMBERED: Final = re.compile(r"(\d+)(?:\u3000|\. )(.*)", re.DOTALL)
_SIGNS: Final = {"CNY": "¥", "USD": "$"}


class Words:
    """One language's words."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.chinese = language is Language.ZH
        self._column = 0 if self.chinese else 1

    def __call__(self, key: str) -> str:
        """Return the words of a key; a key without words is a bug."""
        return _TABLE[key][self._column]

    def maybe(self, key: str) -> str:
        """Return the words of a key, or nothing where we have none for it."""
        found = _TABLE.get(key)
        return found[self._column] if found else ""

    def row(self, key: str) -> tuple[str, ...]:
        """Return the heads of a table."""
        return tuple(self(key).split("|"))

    def again(self, text: str) -> str:
        """Return words of a document in this language, whichever it was written in."""
        found = _NUMBERED.fullmatch(text)
        number, rest = (found[1], found[2]) if found else ("", text)
        known = _reversed(self._column)
        pieces = (known.get(each, each) for each in rest.split(" · "))
        gap = "\u3000" if self.chinese else ". "
        return f"{number}{gap if number else ''}{' · '.join(pieces)}"

    def said(self, sentence: str) -> str:
        """Return what the quote says, in this language; people's own words stay theirs."""
        return sentence if self.chinese else in_english(sentence)

    def joined(self, items: Iterable[str]) -> str:
        """Put names in a row."""
        return ("、" if self.chinese else ", ").join(items)

    def money(self, fen: int, currency: str) -> str:
        """Write an amount with its sign."""
        sign = _SIGNS.get(currency, f"{currency} ")
        return f"-{sign}{Money(-fen, currency)}" if fen < 0 else f"{sign}{Money(fen, currency)}"

    def share(self, ppm: int) -> str:
        """Write a share as a percentage."""
        return f"{plain(ppm, PPM // 100, 0)}%"

    def tokens(self, count: int) -> str:
        """Write tokens in millions, of fewer the count."""
        return f"{count:,}" if count < 10**6 else f"{_tenths(count)} M"


@cache
def _reversed(column: int) -> dict[str, str]:
    """Return every piece of the table, in either language, with what it is in one."""
    return {
        piece: own
        for pair in _TABLE.values()
        for each in pair
        for piece, own in zip(each.split("|"), pair[column].split("|"), strict=True)
    }


def _tenths(count: int) -> str:
    return f"{(count + 50_000) // 100_000 // 10:,}.{(count + 50_000) // 100_000 % 10}"


def check_tables() -> int:
    """Return how many keys there are; both languages have the same heads, and none is empty."""
    for key, (chinese, english) in _TABLE.items():
        assert chinese.strip(), key
        assert english.strip(), key
        assert chinese.count("|") == english.count("|"), key
    return len(_TABLE)
