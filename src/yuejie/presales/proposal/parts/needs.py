"""The parts about the customer: what it needs, how much that is, what its industry asks. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from yuejie.kernel.money import plain
from yuejie.paper.chart import Chart, Series
from yuejie.presales.proposal.layout import (
    Block,
    Bullets,
    Facts,
    Grid,
    Para,
    Part,
    Picture,
    Run,
    Runs,
    runs,
)
from yuejie.presales.proposal.proposal import Template
from yuejie.presales.proposal.subject import Subject
from yuejie.presales.requirement import Range
from yuejie.presales.volume import need_of

_MILLI = 1_000


def need_part(subject: Subject) -> Part:
    """Say who asks and what for, as the form has it."""
    return Part(subject.words("need"), (Facts(tuple(_facts(subject))),))


def _facts(subject: Subject) -> Iterator[tuple[str, Runs]]:
    words, need = subject.words, subject.body.requirement
    yield words("need.company"), runs(Run(need.company.name, strong=True))
    if need.company.uscc:
        yield words("need.uscc"), runs(need.company.uscc)
    if need.company.contact:
        yield words("need.contact"), runs(need.company.contact)
    yield words("need.task"), runs(words(f"task.{need.task}"))
    yield words("need.quality"), runs(words(f"quality.{need.quality}"))
    yield from _volume(subject)
    yield words("need.input"), runs(_range(subject, need.tokens_in, 1))
    yield words("need.output"), runs(_range(subject, need.tokens_out, 1))
    span = words("need.span.text").format(first=need.first_month, months=need.months)
    yield words("need.span"), runs(span)
    if need.budget is not None:
        yield words("need.budget"), runs(words.money(need.budget.fen, need.budget.currency))
    yield words("need.regions"), runs(words.joined(need.regions) or words("need.anywhere"))
    if need.models:
        yield words("need.models"), runs(words.joined(need.models))
    buyer = need.buyer
    yield words("need.payment"), runs(words(f"pay.{buyer.payment_method}"))
    kind, payer = words(f"fapiao.{buyer.fapiao_kind}"), words(f"taxpayer.{buyer.taxpayer}")
    yield words("need.fapiao"), runs(f"{kind} · {payer}")
    if need.remark:
        yield words("need.remark"), runs(need.remark)


def _volume(subject: Subject) -> Iterator[tuple[str, Runs]]:
    words, volume = subject.words, subject.body.requirement.volume
    if volume.qps_milli is not None:
        yield words("need.qps"), runs(_range(subject, volume.qps_milli, _MILLI))
    if volume.items_per_day is not None:
        yield words("need.items"), runs(_range(subject, volume.items_per_day, 1))
        calls = plain(volume.calls_per_item_milli, _MILLI, 0)
        yield words("need.calls"), runs(calls)
    off = words("need.offday.text").format(share=words.share(volume.off_day_ppm))
    yield words("need.offday"), runs(off)
    if volume.growth_ppm:
        yield words("need.growth"), runs(words.share(volume.growth_ppm))


def _range(subject: Subject, found: Range, scale: int) -> str:
    def shown(value: int) -> str:
        whole, _, rest = plain(value, scale, 0).partition(".")
        return f"{int(whole):,}{'.' if rest else ''}{rest}"

    if found.is_one:
        return shown(found.expected)
    return subject.words("need.range").format(
        low=shown(found.low), expected=shown(found.expected), high=shown(found.high)
    )


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
                Run(f"{each.requests.low:,}"),
                Run(f"{each.requests.high:,}"),
            )
        )
    blocks: list[Block] = [Para(runs(words("volume.note")))]
    if not subject.body.basis.calendar_known:
        blocks.append(Para(runs(words("volume.uncertain")), quiet=True))
    blocks.append(Grid(words.row("volume.heads"), tuple(rows), frozenset(range(1, 6))))
    if len(rows) > 1:
        blocks.append(Picture(_tokens_chart(subject)))
    return Part(words("volume"), tuple(blocks))


def _tokens_chart(subject: Subject) -> Chart:
    words, volumes = subject.words, subject.body.volumes
    million = Decimal(10**6)
    return Chart(
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
                Run(plain(each.factor_milli, _MILLI, 0)),
            )
            for each in promotions
        )
        heads = words.row("focus.promotions.heads")
        blocks.append(Grid(heads, rows, frozenset({3})))
    return Part(words(name), tuple(blocks))
