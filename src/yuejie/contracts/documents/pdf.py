"""A contract as PDF: `contract.typ` lays out what `framework` has put into words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from yuejie.contracts.documents import words
from yuejie.contracts.documents.framework import ContractText
from yuejie.paper.printable import drawable, printable
from yuejie.paper.template import Template

_CONTRACT: Final = Template(Path(__file__).with_name("contract.typ"))


def to_pdf(text: ContractText) -> bytes:
    """Set a contract on A4 pages; the same contract gives the same bytes."""
    data = {
        "title": text.title,
        "number": text.number,
        "dated": words.day(text.dated),
        "draft": text.is_draft,
        "parties": [
            {"role": role, "name": name, "rows": rows} for role, name, rows in text.parties
        ],
        "sections": [{"heading": each.heading, "clauses": each.clauses} for each in text.sections],
        "note": text.annex_note,
        "heads": text.annex_heads,
        "annex": text.annex,
    }
    midnight = datetime(text.dated.year, text.dated.month, text.dated.day, tzinfo=UTC)
    return _CONTRACT.to_pdf(_drawn(data), dated=midnight)


def _drawn(thing: Any) -> Any:  # noqa: ANN401 - JSON's own types go in and come out
    """Return the data with every character drawn, or named where no font has it."""
    if isinstance(thing, str):
        return printable(thing, drawable)
    if isinstance(thing, dict):
        return {name: _drawn(value) for name, value in thing.items()}
    return [_drawn(each) for each in thing] if isinstance(thing, list | tuple) else thing
