"""Cells that no spreadsheet computes. Pure.

A text that a spreadsheet could read as a formula gets an apostrophe before it, and so does one that
begins with an apostrophe: taking one leading apostrophe off gives the exact text back.
Source: OWASP, CSV injection; the full-width signs are what input methods write.
"""

from typing import Final

_COMPUTED: Final = frozenset("=+-@\t\r\n＝＋－＠")
_QUOTE: Final = "'"


def harmless(text: str) -> str:
    """Return a text that no spreadsheet computes, reversibly; NUL, which CSV cannot hold, goes."""
    clean = text.replace("\0", "")
    first = clean.lstrip()[:1] or clean[:1]
    if first in _COMPUTED or clean[:1] in _COMPUTED or first == _QUOTE:
        return _QUOTE + clean
    return clean
