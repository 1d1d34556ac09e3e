"""What a proposal prints: every number in it with the figure or the source that it is. Pure.

Gathered from the very tree of blocks that is set as PDF and DOCX, so it can neither leave out what
is printed nor hold what is not. A number without an origin is loose, and told as such.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import msgspec

from yuejie.presales.proposal.layout import (
    Block,
    Bullets,
    Cite,
    Facts,
    Figures,
    Grid,
    Paper,
    Para,
    Picture,
    Run,
)
from yuejie.presales.quote import QuoteBody

DATE: Final = re.compile(r"(?<!\d)\d{4}-\d{2}(?:-\d{2})?(?!\d)")
_ID: Final = re.compile(r"\b[a-z]+_[0-9a-f]{20,}\b|\b[0-9a-f]{64}\b|SHA-256")
_LOOSE: Final = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A number as it is printed, in a part of the document.

    `name` is a figure of the quote's trace; with a `source` it is quoted from there, and `label`
    says what it is. `note` is the number beside it, 0 for none.
    """

    name: str
    printed: str
    place: str
    note: int = 0
    source: str = ""
    label: str = ""
    drawn: bool = False
    """Whether it stands in a chart, as a bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Every number of a proposal that is accounted for, and every text with one that is not."""

    numbers: tuple[Printed, ...]
    loose: tuple[str, ...] = ()


def account_of(paper: Paper, names: Iterable[str]) -> Account:
    """Gather what the parts of a document print, besides the appendices that explain it.

    `names` are those whose digits are no number, the longest first.
    """
    known = tuple(names)
    numbers: list[Printed] = []
    loose: list[str] = []
    for part in paper.parts:
        if part.explains:
            continue
        for block in part.blocks:
            for label, run in _texts(block):
                numbers += [
                    replace(
                        _printed(each, run, part.title, label), drawn=isinstance(block, Picture)
                    )
                    for each in run.cites
                ]
                left = _left(run, known)
                loose += [f"{part.title}: {run.text} [{left}]"] if left else []
    return Account(numbers=tuple(numbers), loose=tuple(loose))


def holds_number(text: str) -> bool:
    """Tell whether a text has a number that is no day, no id and no hash."""
    return bool(_LOOSE.search(_ID.sub(" ", DATE.sub(" ", text))))


def _printed(cite: Cite, run: Run, place: str, label: str) -> Printed:
    return Printed(
        name=cite.name,
        printed=cite.printed,
        place=place,
        note=run.note,
        source=cite.source,
        label=(cite.label or label) if cite.source else "",
    )


def _texts(block: Block) -> Iterator[tuple[str, Run]]:
    """Yield every text of a block, each with the label that stands beside it."""
    match block:
        case Para(runs=found):
            yield from (("", run) for run in found)
        case Bullets(items=items):
            yield from (("", run) for run in chain.from_iterable(items))
        case Facts(rows=rows):
            yield from ((label, run) for label, found in rows for run in found)
        case Figures(items=items):
            yield from ((item[0].text, run) for item in items for run in item)
        case Grid(heads=heads, rows=rows, cites=cites):
            yield "", Run(" ".join(heads), cites=cites)
            for row in rows:
                yield from (
                    (f"{row[0].text} · {head}", run) for head, run in zip(heads, row, strict=True)
                )
        case Picture(chart=chart, cites=cites):
            values = (value for series in chart.series for value in series.values)
            for cite, value in zip(cites, values, strict=True):
                yield chart.title, Run(chart.written(value), cites=(cite,))
            names = [chart.title, chart.unit, *chart.labels, *(each.name for each in chart.series)]
            yield "", Run(" ".join(names))


def _left(run: Run, names: Iterable[str]) -> str:
    """Return the numbers of a text that nothing accounts for."""
    text = run.text
    for each in sorted((cite.printed for cite in run.cites), key=len, reverse=True):
        text = _without(text, each)
    for name in names:
        text = text.replace(name, " ")
    text = _ID.sub(" ", DATE.sub(" ", text))
    return ", ".join(_LOOSE.findall(text))


def _without(text: str, printed: str) -> str:
    """Take one number out of a text: a whole one, not digits of another or of a date."""
    whole = re.compile(rf"(?<![\d.,])(?<!\d-){re.escape(printed)}(?![\d%]|[.,-]\d)")
    found = whole.search(text)
    at = found.span() if found else (len(text), len(text))
    return f"{text[: at[0]]} {text[at[1] :]}"


def names_of(body: QuoteBody) -> list[str]:
    """Return the names that a quote's texts hold, the longest first; digits in them are no number.

    Models, plans, promotions, regions, other offers, projects: whoever gave them the name.
    """
    need, comparison = body.requirement, body.comparison
    names = {each.model for each in body.choices} | {each.name for each in body.plans}
    names |= {each.backup for each in body.choices if each.backup} | set(need.models)
    names |= {each.name for each in need.volume.promotions} | set(need.regions)
    names |= {body.basis.sale_book, need.company.name}
    names |= {each.ground for each in body.choices if each.ground}
    if comparison is not None:
        names |= {each.name for each in (*comparison.ours, *comparison.offers)}
        names |= set(comparison.told)
    return sorted(names - {""}, key=len, reverse=True)


def encode_account(account: Account) -> str:
    """Write what is kept beside the files."""
    return msgspec.json.encode(account).decode()


def decode_account(text: str) -> Account:
    """Read it again."""
    return msgspec.json.decode(text, type=Account)
