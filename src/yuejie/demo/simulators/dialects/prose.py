"""The words of an answer: Chinese and English, measured so that n tokens are exactly 4n bytes.

Every phrase is twelve bytes of UTF-8 (four Chinese characters, or twelve letters): three tokens.
None needs escaping in JSON, so a stream's frames are glued together from bytes.
"""

from functools import lru_cache
from itertools import cycle, islice, pairwise
from typing import Final

_PHRASES: Final = tuple(
    phrase.encode()
    for phrase in (
        "月末结账",
        "逐笔核对",
        "an exact sum",
        "分毫不差",
        "有据可查",
        "every token ",
        "用量明细",
        "价目清楚",
        "is measured ",
        "日积月累",
        "按月开票",
        "only once.  ",
        "账实相符",
        "先用后付",
        "The bill can",
        "条理分明",
        "缓存命中",
        " be checked ",
        "推理过程",
        "细水长流",
        "by anyone.  ",
    )
)
_TOKEN: Final = b"ok. "
_PER_PHRASE: Final = 3
EVENTS_MAX: Final = 512
"""Longer answers come in larger pieces, not in more of them."""


@lru_cache(maxsize=4096)
def pieces(tokens: int, events: int | None, seed: int) -> tuple[bytes, ...]:
    """Return an answer of that many tokens, in the pieces a stream delivers it in."""
    phrases, rest = divmod(max(tokens, 0), _PER_PHRASE)
    start = (seed + tokens) % len(_PHRASES)
    words = list(islice(cycle(_PHRASES), start, start + phrases))
    if rest or not words:
        words.append(_TOKEN * rest)
    return _grouped(words, events or min(len(words), EVENTS_MAX))


@lru_cache(maxsize=4096)
def text(tokens: int, seed: int) -> str:
    """Return the same answer in one piece."""
    return b"".join(pieces(tokens, None, seed)).decode()


def _grouped(words: list[bytes], events: int) -> tuple[bytes, ...]:
    """Spread the words evenly; with more events than words, the last events are a blank each."""
    if events >= len(words):
        return (*words, *(b" " for _ in range(events - len(words))))
    edges = [len(words) * i // events for i in range(events + 1)]
    return tuple(b"".join(words[a:b]) for a, b in pairwise(edges))
