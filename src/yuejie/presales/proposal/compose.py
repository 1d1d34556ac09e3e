"""Put a proposal together: its parts in order, the summary last written and first printed. Pure."""

from dataclasses import replace

from yuejie.kernel.money import plain
from yuejie.presales.proposal.layout import Cite, Figures, Paper, Para, Part, Run, runs
from yuejie.presales.proposal.parts.agreed import (
    certificates_part,
    history_part,
    sla_part,
    terms_part,
)
from yuejie.presales.proposal.parts.costs import (
    advice_part,
    beside_part,
    cost_part,
    plan_part,
    price_part,
)
from yuejie.presales.proposal.parts.needs import focus_part, need_part, volume_part
from yuejie.presales.proposal.subject import Subject

_INDUSTRY = "industry.{}"


def compose(subject: Subject) -> Paper:
    """Return the whole document; the same subject gives the same document."""
    words, quote = subject.words, subject.quote
    summary = _summary(subject)
    parts = [
        summary,
        need_part(subject),
        volume_part(subject),
        plan_part(subject),
        focus_part(subject),
        price_part(subject),
        cost_part(subject),
        advice_part(subject),
        beside_part(subject),
        sla_part(subject),
        terms_part(subject),
        certificates_part(subject),
        history_part(subject),
    ]
    numbered = [part for part in parts if part is not None]
    gap = "\u3000" if words.chinese else ". "
    numbered = [
        replace(part, title=f"{number}{gap}{part.title}") for number, part in enumerate(numbered, 1)
    ]
    return Paper(
        title=words("title"),
        subtitle=quote.body.requirement.company.name,
        language=words.language,
        seller=subject.seller,
        number=subject.number,
        cover=_cover(subject),
        parts=(*numbered, *_appendix(subject)),
        foot=words("foot").format(until=quote.valid_until),
        pages=words("pages"),
        contents=words("contents"),
    )


def _cover(subject: Subject) -> tuple[tuple[str, str], ...]:
    words, quote = subject.words, subject.quote
    version = words("cover.version.text").format(version=subject.version, quote=quote.quote_id)
    return (
        (words("cover.for"), quote.body.requirement.company.name),
        (words("cover.by"), subject.seller),
        (words("cover.number"), subject.number),
        (words("cover.version"), version),
        (words("cover.dated"), str(subject.dated)),
        (words("cover.until"), str(quote.valid_until)),
        (words("cover.industry"), words(_INDUSTRY.format(subject.template))),
    )


def _summary(subject: Subject) -> Part:
    words, option, proposal = subject.words, subject.option, subject.body.proposal
    notes = subject.notes
    backup = (
        words("summary.backup").format(model=proposal.backup)
        if proposal.backup
        else words("summary.nobackup")
    )
    low, high = (subject.money(each.gross_fen) for each in (option.low, option.high))
    between = Run(
        words("summary.range").format(low=low, high=high),
        cites=(Cite(option.low.figure, low), Cite(option.high.figure, high)),
    )
    months = len(option.months)
    total = subject.field(
        words("summary.total").format(months=months),
        "months",
        str(months),
        label=words("need.span"),
    )
    first = notes.money(option.expected.gross_fen, subject.currency, option.expected.figure)
    sum_ = notes.money(option.total_fen, subject.currency, option.figure)
    items = [
        (Run(words("summary.model")), Run(proposal.model), Run(backup)),
        (Run(words("summary.first")), first, between),
        (total, sum_, Run(words("summary.tax"))),
    ]
    roi = subject.body.comparison.roi if subject.body.comparison else None
    if roi is not None:
        ratio = None if roi.ratio_e2 is None else plain(roi.ratio_e2, 100)
        remark = (
            Run(words("summary.nofee"))
            if ratio is None
            else Run(words("summary.ratio").format(ratio=ratio), cites=(Cite("roi.ratio", ratio),))
        )
        net = notes.money(roi.net_fen, roi.currency, "roi.net")
        items.append((Run(words("summary.net")), net, remark))
    return Part(
        words("summary"), (Figures(tuple(items)), Para(runs(words("summary.notes")), quiet=True))
    )


def _appendix(subject: Subject) -> tuple[Part, Part]:
    words, notes, quote = subject.words, subject.notes, subject.quote
    seal = words("inputs.seal").format(quote=quote.quote_id, digest=quote.digest)
    return (
        Part(words("trace"), (notes.figures(),), apart=True, explains=True),
        Part(words("inputs"), (notes.inputs(), Para(runs(seal), quiet=True)), explains=True),
    )
