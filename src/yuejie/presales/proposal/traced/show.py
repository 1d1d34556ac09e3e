"""The trace of a kept proposal: every number that it prints, its formula, its inputs. A read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Database
from yuejie.presales.life.decide import find_quote
from yuejie.presales.proposal import store
from yuejie.presales.proposal.make import find_proposal, sources_of
from yuejie.presales.proposal.notes import Notes
from yuejie.presales.proposal.proposal import Language, ProposalNote
from yuejie.presales.proposal.traced.printed import Printed, decode_account
from yuejie.presales.proposal.traced.sources import Sources
from yuejie.presales.proposal.words import Words
from yuejie.presales.quote import Quote
from yuejie.presales.trace import Figure, Op, roots_of

_ALL: Final = 1_000_000
"""Summands are all written out here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """An input on which a number rests in the end: what it is, its value, where it stands."""

    name: str
    label: str
    value: str
    source: str
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A number of a proposal: as it is printed and where, how it follows, on what it rests.

    `note` is the number beside it, 0 for none. `figure` says that it is one of the quote's trace,
    where it may be followed step by step; else it is quoted from the one input it rests on.
    """

    name: str
    label: str
    printed: tuple[str, ...]
    places: tuple[str, ...]
    note: int
    figure: bool
    value: str
    how: str
    rests: tuple[Rest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTrace:
    """Every number that a version prints. `loose` are texts with a number of no known origin.

    `kept` is False for a version from before traces were kept: nothing is known of it.
    """

    note: ProposalNote
    rows: tuple[Traced, ...]
    loose: tuple[str, ...]
    kept: bool


def trace_proposal(db: Database, proposal_id: str, *, language: Language) -> ProposalTrace:
    """Return where every number of a kept version comes from, in the words of a language.

    What is printed was kept with the files; how it follows is the quote's own trace. Raises
    NotFound for a version that is not there.
    """
    with db.read(consistent=True) as tx:
        note = find_proposal(tx, proposal_id)
        printed = store.printed_of(tx, proposal_id)
        quote = find_quote(tx, note.quote_id)
        sources = sources_of(tx, quote, Words(language))
    if printed is None:
        return ProposalTrace(note=note, rows=(), loose=(), kept=False)
    account = decode_account(printed)
    rows = tuple(_rows(account.numbers, quote, sources))
    return ProposalTrace(note=note, rows=rows, loose=account.loose, kept=True)


def _rows(numbers: tuple[Printed, ...], quote: Quote, sources: Sources) -> Iterator[Traced]:
    """Yield each figure once, in the order of printing, with every way in which it is printed."""
    figures = {each.name: each for each in quote.body.trace}
    notes = Notes(quote.body.trace, sources.words, sources)
    together: dict[tuple[str, str], list[Printed]] = {}
    for each in numbers:
        together.setdefault((each.name, each.source), []).append(each)
    for (name, source), same in together.items():
        figure = None if source else figures[name]
        yield Traced(
            name=name,
            label=_label(same[0], sources) if figure is None else notes.label(figure),
            printed=tuple(dict.fromkeys(each.printed for each in same)),
            places=tuple(dict.fromkeys(sources.words.again(each.place) for each in same)),
            note=max(each.note for each in same),
            figure=figure is not None,
            value=same[0].printed if figure is None else notes.amount(figure),
            how=sources.words("trace.given") if figure is None else notes.how(figure, most=_ALL),
            rests=(_quoted(same[0], sources),)
            if figure is None
            else tuple(_rests(figure, quote, notes, sources)),
        )


def _quoted(each: Printed, sources: Sources) -> Rest:
    return Rest(
        name=each.name,
        label=_label(each, sources),
        value=each.printed,
        source=each.source,
        stands=sources.told(each.source),
    )


def _label(each: Printed, sources: Sources) -> str:
    return sources.words.again(each.label) or sources.told(each.source)


def _rests(figure: Figure, quote: Quote, notes: Notes, sources: Sources) -> Iterator[Rest]:
    """Yield the inputs of a figure; of what is given what it was looked up by, as well."""
    for root in roots_of(quote.body.trace, figure.name):
        assert root.op is Op.GIVEN, "roots are given"
        yield Rest(
            name=root.name,
            label=notes.label(root),
            value=notes.amount(root),
            source=root.source,
            stands=sources.said(root),
        )
