"""A sentence that a room wrote, known again: by its words, around whatever it names. Pure.

A room writes one sentence, in Chinese, where the rule stands. Whoever needs it in another language
has templates, `{}` for each thing a sentence names, and puts what was named back where it belongs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HOLE: Final = "{}"
HAN: Final = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
"""Chinese characters and their punctuation."""
_MARK: Final = re.compile(r"\{(\d)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as a template: the words between what it names, and its English."""

    words: tuple[str, ...]
    english: str

    @classmethod
    def of(cls, template: str, english: str) -> "Said":
        """Read a template; `english` names the first thing with `{1}`, `{1*}` if it is told."""
        return cls(tuple(template.split(HOLE)), english)

    @property
    def weight(self) -> int:
        """How much of it is words: the more, the surer it is known again."""
        return sum(map(len, self.words))

    def named(self, sentence: str) -> list[str] | None:
        """Return what a sentence names, None if it is another one. Looks at each letter once."""
        first, last = self.words[0], self.words[-1]
        if len(self.words) == 1:
            return [] if sentence == first else None
        end = len(sentence) - len(last)
        if not sentence.startswith(first) or not sentence.endswith(last) or end < len(first):
            return None
        found, at = [], len(first)
        for word in self.words[1:-1]:
            here = sentence.find(word, at, end)
            if here < 0:
                return None
            found.append(sentence[at:here])
            at = here + len(word)
        return [*found, sentence[at:end]]

    def filled(
        self, named: list[str], word: Callable[[str], str], told: Callable[[str], str] | None = None
    ) -> str:
        """Write the English with what was named, each as `word` says it; as `told` after a star."""

        def put(mark: re.Match[str]) -> str:
            return (told if told and mark[2] else word)(named[int(mark[1]) - 1])

        return _MARK.sub(put, self.english)
