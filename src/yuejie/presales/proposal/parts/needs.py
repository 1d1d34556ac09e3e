"""The parts about the customer: what it needs, how much that is, what its industry asks. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from yuejie.kernel.money import plain
from yuejie.paper.chart import Chart, Series
from yuejie.presales.proposal.layout import (
    Block,
    Bullets,
    Cite,
    Facts,
    Grid,
    Para,
    Part,
    Picture,
    Run,
    Runs,
    charted,
    runs,
)
from yuejie.presales.proposal.proposal import Template
from yuejie.presales.proposal.subject import Subject
from yuejie.presales.requirement import Range
from yuejie.presales.volume import CASES, need_of

_MILLI = 1_000


def need_part(subject: Subject) -> Part:
    """Say who asks and what for, as the form has it."""
    return Part(subject.words("need"), (Facts(tuple(_facts(subject))),))


def _facts(subject: Subject) -> Iterator[tuple[str, Runs]]:
    words, need = subject.words, subject.body.requirement
    yield words("need.company"), runs(Run(need.company.name, strong=True))
    if need.company.uscc:
        yield words("need.uscc"), runs(subject.field(need.company.uscc, "company.uscc"))
    if need.company.contact:
        yield words("need.contact"), runs(subject.field(need.company.contact, "company.contact"))
    yield words("need.task"), runs(words(f"task.{need.task}"))
    yield words("need.quality"), runs(words(f"quality.{need.quality}"))
    yield from _volume(subject)
    yield words("need.input"), runs(_range(subject, need.tokens_in, 1, "tokens.input"))
    yield words("need.output"), runs(_range(subject, need.tokens_out, 1, "tokens.output"))
    span = words("need.span.text").format(first=need.first_month, months=need.months)
    yield words("need.span"), runs(subject.field(span, "months", str(need.months)))
    if need.budget is not None:
        yield (
            words("need.budget"),
            runs(subject.field(words.money(need.budget.fen, need.budget.currency), "budget")),
        )
    yield words("need.regions"), runs(words.joined(need.regions) or words("need.anywhere"))
    if need.models:
        yield words("need.models"), runs(words.joined(need.models))
    buyer = need.buyer
    yield words("need.payment"), runs(words(f"pay.{buyer.payment_method}"))
    kind, payer = words(f"fapiao.{buyer.fapiao_kind}"), words(f"taxpayer.{buyer.taxpayer}")
    yield words("need.fapiao"), runs(f"{kind} · {payer}")
    if need.remark:
        yield words("need.remark"), runs(subject.field(need.remark, "remark"))


def _volume(subject: Subject) -> Iterator[tuple[str, Runs]]:
    words, volume = subject.words, subject.body.requirement.volume
    if volume.qps_milli is not None:
        yield words("need.qps"), runs(_range(subject, volume.qps_milli, _MILLI, "volume.qps"))
    if volume.items_per_day is not None:
        yield words("need.items"), runs(_range(subject, volume.items_per_day, 1, "volume.items"))
        calls = plain(volume.calls_per_item_milli, _MILLI, 0)
        yield words("need.calls"), runs(subject.notes.cited(calls, "volume.calls_per_item"))
    share = words.share(volume.off_day_ppm)
    off = words("need.offday.text").format(share=share)
    yield words("need.offday"), runs(subject.field(off, "volume.off_days", share))
    if volume.growth_ppm:
        yield (
            words("need.growth"),
            runs(subject.notes.cited(words.share(volume.growth_ppm), "volume.growth")),
        )


def _range(subject: Subject, found: Range, scale: int, stem: str) -> Run:
    def shown(value: int) -> str:
        whole, _, rest = plain(value, scale, 0).partition(".")
        return f"{int(whole):,}{'.' if rest else ''}{rest}"

    if found.is_one:
        return subject.notes.cited(shown(found.expected), f"{stem}.expected")
    cases = {case: shown(getattr(found, case)) for case in CASES}
    cites = tuple(Cite(f"{stem}.{case}", text) for case, text in cases.items())
    return Run(subject.words("need.range").format(**cases), cites=cites)


def volume_part(subject: Subject) -> Part:
    """Say how many calls and tokens that is, month by month."""
    words, notes = subject.words, subject.notes
    rows = []
    for each in subject.body.volumes:
        case = need_of(each.month, "expected")
        rows.append(
            (
                Run(each.month),
                notes.run(f"{each.requests.expected:,}", case.requests),
                notes.run(words.tokens(each.tokens_in.expected), case.tokens_in),
                notes.run(words.tokens(each.tokens_out.expected), case.tokens_out),
                notes.cited(f"{each.requests.low:,}", need_of(each.month, "low").requests),
                notes.cited(f"{each.requests.high:,}", need_of(each.month, "high").requests),
            )
        )
    blocks: list[Block] = [Para(runs(words("volume.note")))]
    if not subject.body.basis.calendar_known:
        blocks.append(Para(runs(words("volume.uncertain")), quiet=True))
    blocks.append(Grid(words.row("volume.heads"), tuple(rows), frozenset(range(1, 6))))
    if len(rows) > 1:
        blocks.append(_tokens_chart(subject))
    return Part(words("volume"), tuple(blocks))


def _tokens_chart(subject: Subject) -> Picture:
    words, volumes = subject.words, subject.body.volumes
    million = Decimal(10**6)
    chart = Chart(
        title=words("volume.chart"),
        kind="stacked",
        labels=tuple(each.month for each in volumes),
        series=(
            Series(
                words("volume.chart.input"),
                tuple(Decimal(each.tokens_in.expected) / million for each in volumes),
            ),
            Series(
                words("volume.chart.output"),
                tuple(Decimal(each.tokens_out.expected) / million for each in volumes),
            ),
        ),
        unit=words("volume.chart.unit"),
    )
    needs = [need_of(each.month, "expected") for each in volumes]
    names = [each.tokens_in for each in needs] + [each.tokens_out for each in needs]
    return Picture(chart, charted(chart, names))


def focus_part(subject: Subject) -> Part:
    """Say what matters to this industry, as far as the product does it."""
    words, name = subject.words, f"focus.{subject.template}"
    regions = words.joined(subject.body.requirement.regions) or words("need.anywhere")
    points = []
    number = 1
    while text := words.maybe(f"{name}.{number}"):
        points.append(runs(text.format(regions=regions)))
        number += 1
    blocks: list[Block] = [Bullets(tuple(points))]
    promotions = subject.body.requirement.volume.promotions
    if promotions and subject.template is Template.ECOMMERCE:
        rows = tuple(
            (
                Run(each.name),
                Run(str(each.first)),
                Run(str(each.last)),
                subject.field(plain(each.factor_milli, _MILLI, 0), f"volume.promotion.{at}.factor"),
            )
            for at, each in enumerate(promotions, 1)
        )
        heads = words.row("focus.promotions.heads")
        blocks.append(Grid(heads, rows, frozenset({3})))
    return Part(words(name), tuple(blocks))
