"""Say in English what rooms say in Chinese: refusals, what a deed came to, the texts of advice.

A room writes one sentence, in Chinese, where the rule stands. `languages/sentences.po` holds its
English: the sentence as its template, `{}` for each thing it names, and the English with `{1}` for
the first of them, `{1*}` where that is made of such sentences itself. A sentence is known again by
the words between; what it names is put back, itself in English where it is a word of ours. What is
not known stays Chinese; a test sees to it that what people can meet on a page is known.
Decision 0085.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel.messages.pofile import read_po

from yuejie.kernel.errors import SENTENCE
from yuejie.paper.said import HOLE, Said
from yuejie.usage.meters import NAMES
from yuejie.web.pages.frame.words import EN, translations

_BETWEEN: Final = (("；", "; "), ("、", ", "))
"""What stands between the parts of a list, and what does in English."""
_HAN: Final = re.compile("[\u4e00-\u9fff]")


@cache
def sentences() -> tuple[dict[str, str], tuple[Said, ...]]:
    """Return what is known: whole sentences, and templates with the surest first. Read once."""
    source = (files("yuejie.web.pages") / "languages" / "sentences.po").read_bytes()
    whole: dict[str, str] = {}
    shaped: list[Said] = []
    for each in read_po(BytesIO(source)):
        if each.id and HOLE in str(each.id):
            shaped.append(Said.of(str(each.id), str(each.string)))
        elif each.id:
            whole[str(each.id)] = str(each.string)
    return whole, tuple(sorted(shaped, key=lambda said: -said.weight))


def in_english(sentence: str) -> str:
    """Return a sentence of ours in English; one that is not known comes back as it is."""
    if not _HAN.search(sentence) or len(sentence) > SENTENCE:
        return sentence
    whole, shaped = sentences()
    if sentence in whole:
        return whole[sentence]
    for said in shaped:
        named = said.named(sentence)
        if named is not None:
            return said.filled(named, _word, _told)
    return sentence


def _told(text: str) -> str:
    """Return what is named in English where sentences of ours make it up, alone or as a list."""
    for between, english in _BETWEEN:
        if between in text:
            return english.join(_told(part) for part in text.split(between))
    known = _word(text)
    return in_english(text) if known == text else known


def in_language(sentence: str, language: str) -> str:
    """Return a sentence in the language of whoever reads it."""
    return in_english(sentence) if language == EN else sentence


def _word(text: str) -> str:
    """Return a thing that a sentence names in English, where it is a word of ours."""
    if not _HAN.search(text):
        return text
    return _meters().get(text) or sentences()[0].get(text) or translations(EN).gettext(text)


@cache
def _meters() -> dict[str, str]:
    return dict(_turned())


def _turned() -> Iterator[tuple[str, str]]:
    yield from ((name, str(meter)) for meter, name in NAMES.items())
