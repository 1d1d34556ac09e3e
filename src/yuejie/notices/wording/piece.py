"""One notice in words, before any channel has given it a form."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """What a kind says; `{fact}` stands for a fact that the kind needs."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A notice in words: title, a sentence or two, labelled facts, perhaps a link."""

    title: str
    body: str
    details: tuple[tuple[str, str], ...]
    link: str
