"""The parts about money: prices, what each option costs, advice, the comparison. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from yuejie.kernel.money import FX_SCALE, PICO, Rate, plain
from yuejie.paper.chart import Chart, Series
from yuejie.presales.compare import Comparison, Side
from yuejie.presales.proposal.layout import (
    Block,
    Bullets,
    Cite,
    Grid,
    Para,
    Part,
    Picture,
    Run,
    charted,
    runs,
)
from yuejie.presales.proposal.subject import Subject
from yuejie.presales.proposal.words import Words
from yuejie.presales.quote import Choice, MonthCost, Option
from yuejie.presales.reckon.options import COLUMNS
from yuejie.presales.roi import Avoided, Roi
from yuejie.usage.meters import UNIT_METERS, meter_name, per

_FEN = Decimal(100)
_CHART_BARS = 8
_NEED_TIER = "default"


def plan_part(subject: Subject) -> Part:
    """Say what is proposed and why, and which models were considered."""
    words, body = subject.words, subject.body
    names = body.proposal.figures
    reasons = [
        runs(subject.notes.sentence(words.said(each), names)) for each in body.proposal.reasons
    ]
    rows = tuple(_choice(subject, each) for each in body.choices)
    steps = tuple(runs(words(f"step.{number}")) for number in (1, 2, 3))
    return Part(
        words("plan"),
        (
            Para(runs(Run(words("plan.reasons"), strong=True))),
            Bullets(tuple(reasons)),
            Para(runs(Run(words("plan.choices"), strong=True))),
            Grid(words.row("plan.choices.heads"), rows),
            Para(runs(Run(words("plan.steps"), strong=True))),
            Bullets(steps),
        ),
    )


def _choice(subject: Subject, each: Choice) -> tuple[Run, ...]:
    words = subject.words
    if each.excluded:
        why = words.said(each.excluded)
        return (
            Run(each.model),
            Run(words("kind.excluded")),
            Run("—"),
            subject.notes.sentence(why, each.figures),
        )
    why = words.said("；".join(each.reasons)) or words("choice.serves")
    verdict = Run(words(f"kind.{each.kind}"), strong=each.model == subject.body.proposal.model)
    return (
        Run(each.model),
        verdict,
        Run(each.backup or "—"),
        subject.notes.sentence(why, each.figures),
    )


def price_part(subject: Subject) -> Part:
    """Print the price rows of the proposed models, as the list has them and as the plan does."""
    words, basis = subject.words, subject.body.basis
    note = words("price.note").format(
        book=basis.sale_book, revision=basis.sale_revision, currency=basis.book_currency
    )
    revision = subject.quoted(
        note,
        f"book.{basis.sale_book}.revision",
        f"book:{basis.sale_book}",
        str(basis.sale_revision),
    )
    blocks: list[Block] = [Para(runs(revision))]
    if basis.fx_e8 is not None:
        number = plain(basis.fx_e8, FX_SCALE)
        rate = f"{number} {basis.book_currency}→{subject.currency}"
        said = words("price.fx").format(rate=rate, on=basis.fx_on, source=basis.fx_source)
        found = subject.notes.sentence(said, [f"fx.{basis.fx_id}"])
        blocks.append(Para(runs(found), quiet=True))
    proposal = subject.body.proposal
    models = dict.fromkeys(filter(None, (proposal.model, proposal.backup)))
    rows = tuple(
        row for model in [*models, *_others(subject, models)] for row in _rates(subject, model)
    )
    blocks.append(Grid(words.row("price.heads"), rows, frozenset({2, 3})))
    return Part(words("price"), tuple(blocks))


def _others(subject: Subject, models: dict[str, None]) -> list[str]:
    """Return the other models that are offered as options."""
    return sorted({each.model for each in subject.body.options} - models.keys())


def _rates(subject: Subject, model: str) -> Iterator[tuple[Run, ...]]:
    words, plan = subject.words, subject.plan
    for rate_id, row in sorted(subject.rates.items()):
        if row.model != model:
            continue
        own = plan.pricing.derive(row)
        meter = meter_name(row.meter) if words.chinese else row.meter.replace("_", " ")
        if row.service_tier != _NEED_TIER:
            meter += words("price.tier").format(tier=row.service_tier)
        above = f"{row.context_above:,}"
        if row.context_above:
            meter += words("price.above").format(tokens=above)
        units = per(row.meter)
        listed = Rate(row.pico, row.currency).per(units)
        ours = f"rate.{rate_id}.{plan.name}"
        name = ours if subject.notes.known(ours) else f"rate.{rate_id}"
        yield (
            Run(model),
            subject.quoted(meter, f"rate.{rate_id}.above", f"rate:{rate_id}", above),
            subject.notes.run(listed, f"rate.{rate_id}"),
            subject.notes.run(plain(own.pico, PICO // units), name, strong=True),
            Run(words("price.piece" if row.meter in UNIT_METERS else "price.mtok")),
        )


def cost_part(subject: Subject) -> Part:
    """Print every option, and the proposed one month by month."""
    words, option = subject.words, subject.option
    months = f"{len(option.months)}"
    heads = tuple(each.format(months=months) for each in words.row("cost.heads"))
    own = (option.model, option.plan)
    ordered = sorted(subject.body.options, key=lambda each: (each.model, each.plan) != own)
    rows = tuple(_option(subject, each) for each in ordered)
    blocks: list[Block] = [
        Para(runs(Run(words("cost.options"), strong=True))),
        Grid(heads, rows, frozenset(range(2, 7)), frozenset({0}), _months_cited(subject, months)),
        _options_chart(subject, ordered[:_CHART_BARS]),
        Para(
            runs(
                Run(words("cost.months").format(model=option.model, plan=option.plan), strong=True)
            )
        ),
        Grid(
            words.row("cost.months.heads"),
            (*(_month(subject, each) for each in option.months), _sum(subject, option)),
            frozenset(range(1, 8)),
            frozenset({len(option.months)}),
        ),
    ]
    if len(option.months) > 1:
        blocks.append(_months_chart(subject))
    return Part(words("cost"), tuple(blocks), apart=True)


def _option(subject: Subject, each: Option) -> tuple[Run, ...]:
    words, notes, currency = subject.words, subject.notes, subject.currency
    within = {True: "cost.yes", False: "cost.no", None: "cost.unknown"}[each.within_budget]
    return (
        Run(each.model),
        Run(each.plan),
        notes.money(each.low.gross_fen, currency, each.low.figure),
        notes.money(each.expected.gross_fen, currency, each.expected.figure),
        notes.money(each.high.gross_fen, currency, each.high.figure),
        notes.money(each.total_fen, currency, each.figure),
        notes.money(each.deposit_fen, currency, each.figure.removesuffix("total") + "deposit"),
        Run(words(within)),
    )


def _month(subject: Subject, each: MonthCost) -> tuple[Run, ...]:
    stem = each.figure.removesuffix(".gross")
    gross = subject.notes.money(each.gross_fen, subject.currency, each.figure)
    return (Run(each.month), *_columns(subject, stem, [each], beside=False), gross)


def _sum(subject: Subject, option: Option) -> tuple[Run, ...]:
    gross = subject.notes.money(option.total_fen, subject.currency, option.figure)
    columns = _columns(subject, option.figure, option.months, beside=True)
    return (Run(subject.words("cost.sum")), *columns, gross)


def _columns(
    subject: Subject, stem: str, months: Sequence[MonthCost], *, beside: bool
) -> Iterator[Run]:
    """Print what some months are made of; a discount as what is taken off."""
    for key in COLUMNS:
        fen = sum(getattr(each, f"{key}_fen") for each in months)
        yield subject.notes.money(
            fen, subject.currency, f"{stem}.{key}", beside=beside, minus=key == "discount"
        )


def _months_cited(subject: Subject, months: str) -> tuple[Cite, ...]:
    return (Cite("form.months", months, "form:months", subject.words("need.span")),)


def _options_chart(subject: Subject, options: Sequence[Option]) -> Picture:
    chart = Chart(
        title=subject.words("cost.chart"),
        kind="bar",
        labels=tuple(f"{each.model} {each.plan}" for each in options),
        series=(
            Series(
                subject.words("summary.first"),
                tuple(Decimal(each.expected.gross_fen) / _FEN for each in options),
            ),
        ),
        unit=subject.currency,
        decimals=2,
    )
    return Picture(chart, charted(chart, [each.expected.figure for each in options]))


def _months_chart(subject: Subject) -> Picture:
    months = subject.option.months
    chart = Chart(
        title=subject.words("cost.months.chart"),
        kind="bar",
        labels=tuple(each.month for each in months),
        series=(
            Series(subject.option.model, tuple(Decimal(each.gross_fen) / _FEN for each in months)),
        ),
        unit=subject.currency,
        decimals=2,
    )
    return Picture(chart, charted(chart, [each.figure for each in months]))


def advice_part(subject: Subject) -> Part:
    """Print the advice: what each would save, or what is missing to say so."""
    words = subject.words
    rows = []
    for each in subject.body.advice:
        label, why = words.said(each.label), words.said(each.why)
        saving = (
            Run("—")
            if each.saving_fen is None
            else subject.notes.money(each.saving_fen, subject.currency, each.figure, strong=True)
        )
        rows.append((Run(label), saving, subject.notes.sentence(why, each.figures)))
    grid = Grid(words.row("advice.heads"), tuple(rows), frozenset({1}))
    return Part(words("advice"), (Para(runs(words("advice.note"))), grid))


def beside_part(subject: Subject) -> Part:
    """Print ours beside the prepaid way and the other offers, and the return."""
    words, comparison = subject.words, subject.body.comparison
    if comparison is None:
        return Part(words("beside"), (Para(runs(words("nocompare"))),))
    note = words("beside.note").format(months=words.joined(comparison.months))
    sides = _sides(comparison)
    blocks: list[Block] = [
        Para(runs(note)),
        Grid(
            words.row("beside.heads"),
            tuple(_side(subject, each, comparison) for each in sides),
            frozenset(range(1, 8)),
            frozenset({0}),
        ),
        Grid(
            words.row("beside.terms.heads"),
            tuple(_side_terms(subject, each, comparison) for each in sides),
            frozenset({1}),
        ),
    ]
    for each in sides:
        if each.unpriced:
            unpriced = words.joined(map(words.said, each.unpriced))
            said = words("beside.floor").format(name=each.name, what=unpriced)
            blocks.append(Para(runs(said), quiet=True))
    blocks.append(_sides_chart(subject, sides[:_CHART_BARS], comparison))
    blocks += _returns(subject, comparison)
    if comparison.assumptions:
        blocks.append(Para(runs(Run(words("assumptions"), strong=True))))
        blocks.append(Bullets(tuple(runs(words.said(each)) for each in comparison.assumptions)))
    return Part(words("beside"), tuple(blocks), apart=True)


def _sides(comparison: Comparison) -> list[Side]:
    prepaid = [comparison.prepaid] if comparison.prepaid else []
    return [*comparison.ours, *prepaid, *comparison.offers]


def _named(subject: Subject, side: Side, comparison: Comparison) -> str:
    return subject.words("beside.prepaid") if side is comparison.prepaid else side.name


def _side(subject: Subject, side: Side, comparison: Comparison) -> tuple[Run, ...]:
    return (
        Run(_named(subject, side, comparison)),
        _amount(subject, side, side.usage_fen, "usage"),
        _amount(subject, side, side.fee_fen, "fee"),
        _amount(subject, side, side.deductible_fen, "deductible"),
        _amount(subject, side, side.idle_fen, "idle"),
        _amount(subject, side, side.extra_fen, "extra"),
        _amount(subject, side, side.waste_fen, "waste", "wasted"),
        subject.notes.money(side.total_fen, comparison.currency, side.figure, strong=True),
    )


def _side_terms(subject: Subject, side: Side, comparison: Comparison) -> tuple[Run, ...]:
    words = subject.words
    days = "beside.days" if side.payment_days >= 0 else "beside.advance"
    promised = "—" if side.sla_ppm is None else words.share(side.sla_ppm)
    stem, notes = side.figure.rpartition(".")[0], subject.notes
    said = words(days).format(days=abs(side.payment_days))
    return (
        Run(_named(subject, side, comparison)),
        _amount(subject, side, side.deposit_fen, "deposit"),
        notes.sentence(said, [f"{stem}.payment_days"]),
        notes.sentence(promised, [f"{stem}.sla"]),
    )


def _amount(subject: Subject, side: Side, fen: int, *names: str) -> Run:
    """Return an amount of a side with the first of these figures that its trace has."""
    prefix = side.figure.rpartition(".")[0]
    found = [f"{prefix}.{name}" for name in names if subject.notes.known(f"{prefix}.{name}")]
    return subject.notes.money(fen, subject.currency, found[0] if found else "")


def _sides_chart(subject: Subject, sides: Sequence[Side], comparison: Comparison) -> Picture:
    words = subject.words
    chart = Chart(
        title=words("beside.chart"),
        kind="bar",
        labels=tuple(_named(subject, each, comparison) for each in sides),
        series=(Series(words("beside.chart"), tuple(Decimal(s.total_fen) / _FEN for s in sides)),),
        unit=comparison.currency,
        decimals=2,
    )
    return Picture(chart, charted(chart, [each.figure for each in sides]))


def _returns(subject: Subject, comparison: Comparison) -> Iterator[Block]:
    if comparison.roi is not None:
        yield from _return(subject, comparison.roi, "roi", "roi")
    if comparison.roi_whole is not None and comparison.roi_whole != comparison.roi:
        yield from _return(subject, comparison.roi_whole, "roi.whole", "roi_whole")


def _return(subject: Subject, roi: Roi, title: str, prefix: str) -> Iterator[Block]:
    words, notes = subject.words, subject.notes

    def amount(fen: int, name: str, *, minus: bool = False) -> Run:
        return notes.money(fen, roi.currency, name, minus=minus)

    rows = [
        (Run(words("roi.before")), amount(roi.before_fen, "mean.prepaid.usage")),
        (Run(words("roi.after")), amount(roi.after_fen, f"mean.ours.{subject.plan.name}.usage")),
        (Run(words("roi.saving")), amount(roi.saving_fen, f"{prefix}.saving")),
        *(
            (
                Run(words("roi.avoided").format(what=_avoided(words, each))),
                amount(each.fen, each.name),
            )
            for each in roi.avoided
        ),
        (
            Run(words("roi.fee")),
            amount(roi.fee_fen, f"mean.ours.{subject.plan.name}.fee", minus=True),
        ),
        (Run(words("roi.net")), amount(roi.net_fen, f"{prefix}.net")),
    ]
    if roi.ratio_e2 is not None:
        ratio = plain(roi.ratio_e2, 100)
        rows.append((Run(words("roi.ratio")), notes.run(ratio, f"{prefix}.ratio")))
    net = len(rows) - (2 if roi.ratio_e2 is not None else 1)
    yield Para(runs(Run(words(title), strong=True)))
    yield Grid(words.row("roi.heads"), tuple(rows), frozenset({1}), frozenset({net}))


def _avoided(words: Words, each: Avoided) -> str:
    """Say what is avoided; in English by the figure's name: mean.prepaid.wasted is lost balance."""
    known = {
        "wasted": "lost balance",
        "waste": "lost balance",
        "vat_gained": "VAT deducted in addition",
        "extra": "card fees and spread",
        "idle_freed": "cost of idle money",
    }
    name = each.name.rpartition(".")[2]
    return each.label if words.chinese else known.get(name, name)
