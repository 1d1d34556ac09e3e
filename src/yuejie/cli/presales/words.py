"""How presales is printed: volumes, options, reasons, comparison, the tree of a figure."""

from collections.abc import Iterator, Sequence

from yuejie.cli.frame import say, show_table
from yuejie.contracts.formats.agreed import percent
from yuejie.kernel.money import PPM, Money, plain
from yuejie.presales.compare import Comparison, Side
from yuejie.presales.quote import (
    CALLED,
    MonthVolume,
    Option,
    OptionKind,
    Quote,
    QuoteState,
)
from yuejie.presales.roi import Roi
from yuejie.presales.trace import Figure, Op, formula_of, value_of

_KINDS = {
    OptionKind.RECOMMENDED: "推荐",
    OptionKind.WANTED: "客户指定",
    OptionKind.ALTERNATIVE: "备选",
}


def show_volumes(volumes: Sequence[MonthVolume]) -> None:
    """Show what every month needs, low to high where they differ."""
    rows = [
        (
            each.month,
            each.requests.expected,
            each.tokens_in.expected,
            each.tokens_out.expected,
            "—"
            if each.requests.is_one and each.tokens_in.is_one and each.tokens_out.is_one
            else f"{_total(each, 'low'):,} – {_total(each, 'high'):,}",
        )
        for each in volumes
    ]
    columns = ["月份", "调用（预计）", "输入 token", "输出 token", "token 合计（低 – 高）"]
    show_table("每月用量", columns, rows)


def _total(each: MonthVolume, case: str) -> int:
    return int(getattr(each.tokens_in, case) + getattr(each.tokens_out, case))


def show_quote(quote: Quote, *, slug: str, expired: bool) -> None:
    """Show a quote as a person reads it."""
    body, currency = quote.body, quote.body.requirement.currency
    state = "已过期" if expired else CALLED[quote.state]
    say(
        f"报价 {quote.quote_id}（{slug} 第 {quote.version} 版，需求表第 {quote.form_version} 版）："
        f"{state}，有效至 {quote.valid_until}"
    )
    basis = body.basis
    fx = ""
    if basis.fx_e8 is not None:
        rate = plain(basis.fx_e8, 10**8)
        fx = f"，汇率 {basis.book_currency}→{currency} {rate}（{basis.fx_on}，{basis.fx_source}）"
    say(f"依据：价目 {basis.sale_book} 第 {basis.sale_revision} 版{fx}")
    if not basis.calendar_known:
        say("注意：部分月份的节假日安排尚未公布，按周一至周五计算工作日")
    show_volumes(body.volumes)
    say("\n建议")
    for each in body.proposal.reasons:
        say(f"  · {each}")
    _show_options(quote)
    _show_choices(quote)
    _show_advice(quote)
    if body.comparison is not None:
        show_comparison(body.comparison)
    if body.below_floor:
        names = "、".join(f"{each.model}·{each.plan}" for each in body.below_floor)
        say(f"\n低于毛利底线 {percent(body.floor_ppm)}：{names}；报出前须由另一人批准")
    say(f"\n共 {len(body.trace)} 个数，每个的来历：yuejie presales trace {quote.quote_id}")
    if not expired:
        say_next(quote)


def say_next(quote: Quote) -> None:
    """Say what is done with a quote next, where anything is."""
    command = f"yuejie presales {{}} {quote.quote_id}"
    match quote.state:
        case QuoteState.WAITING:
            say(f"请另一人批准：{command.format('approve')} --why 事由")
        case QuoteState.READY:
            say(f"写成方案书：{command.format('proposal make')}")
            say(f"给了客户之后：{command.format('offer')}")
        case QuoteState.OFFERED:
            say(f"客户接受之后：{command.format('accept')}")
        case QuoteState.ACCEPTED:
            say(f"起草合同：{command.format('draft')}")


def _show_options(quote: Quote) -> None:
    body, currency = quote.body, quote.body.requirement.currency
    kinds = {each.model: _KINDS[each.kind] for each in body.choices if not each.excluded}
    rows = [
        (
            each.plan,
            f"{each.model}（{kinds[each.model]}）",
            _money(each.expected.gross_fen, currency),
            _spread(each, currency),
            _money(each.total_fen, currency),
            _money(each.deposit_fen, currency),
            "未知" if each.margin_ppm is None else _share(each.margin_ppm),
            {None: "—", True: "之内", False: "超出"}[each.within_budget],
        )
        for each in body.options
    ]
    columns = [
        "方案",
        "模型",
        "首月（预计）",
        "首月（低 – 高）",
        f"{len(body.volumes)} 个月",
        "押金",
        "毛利（内部）",
        "预算",
    ]
    show_table(f"每月费用（{currency}）", columns, rows)


def _spread(option: Option, currency: str) -> str:
    low, high = (Money(each.gross_fen, currency) for each in (option.low, option.high))
    return "—" if low == high else f"{low} – {high}"


def _money(fen: int, currency: str) -> str:
    return str(Money(fen, currency))


def _share(ppm: int) -> str:
    return f"{'-' if ppm < 0 else ''}{plain(abs(ppm) // 100, PPM // 10_000, 2)}%"


def _show_choices(quote: Quote) -> None:
    excluded = [each for each in quote.body.choices if each.excluded]
    if excluded:
        say("未入选的模型")
        for each in excluded:
            say(f"  · {each.model}：{each.excluded}")


def _show_advice(quote: Quote) -> None:
    currency = quote.body.requirement.currency
    say("\n优化建议（各自单独计算，同时采用时节省不能相加）")
    for each in quote.body.advice:
        if each.saving_fen is None:
            say(f"  · {each.label}：{each.why}")
        else:
            saved = f"首月省 {_money(each.saving_fen, currency)} {currency}"
            say(f"  · {each.label}：{saved}；{each.why}")


def show_comparison(found: Comparison) -> None:
    """Show every column, the return, and what was assumed."""
    sides = [*found.ours, *([found.prepaid] if found.prepaid else []), *found.offers]
    columns = [
        "方式",
        "用量",
        "管理费",
        "可抵扣税额",
        "占用资金",
        "手续费汇差",
        "作废",
        "实际成本",
        "押金",
        "账期（天）",
        "SLA",
    ]
    rows = [_side_row(each, found.currency) for each in sides]
    span = f"{found.months[0]} 至 {found.months[-1]}（{len(found.months)} 个月）"
    show_table(f"比较（{found.currency}，{span}）", columns, rows)
    for each in sides:
        if each.unpriced:
            say(f"  {each.name}：未定价 {'、'.join(each.unpriced)}，合计为下限")
    if found.roi is not None and found.roi_whole is not None:
        say(f"投资回报（月均）：{_return(found.roi)}")
        say(f"  连同抵扣、手续费与资金占用：{_return(found.roi_whole)}")
    if found.assumptions:
        say("假设与未计入")
        for sentence in found.assumptions:
            say(f"  · {sentence}")


def _side_row(side: Side, currency: str) -> tuple[object, ...]:
    amounts = (
        side.usage_fen,
        side.fee_fen,
        side.deductible_fen,
        side.idle_fen,
        side.extra_fen,
        side.waste_fen,
        side.total_fen,
        side.deposit_fen,
    )
    sla = "—" if side.sla_ppm is None else percent(side.sla_ppm)
    return side.name, *(_money(fen, currency) for fen in amounts), side.payment_days, sla


def _return(roi: Roi) -> str:
    money = [
        _money(fen, roi.currency)
        for fen in (roi.before_fen, roi.after_fen, roi.fee_fen, roi.net_fen)
    ]
    avoided = "".join(f" + {each.label} {_money(each.fen, roi.currency)}" for each in roi.avoided)
    said = f"{money[0]} → {money[1]}{avoided} − 管理费 {money[2]} = 净收益 {money[3]}"
    said += f" {roi.currency}"
    return said if roi.ratio_e2 is None else f"{said}，为管理费的 {plain(roi.ratio_e2, 100)} 倍"


def tree(figures: Sequence[Figure], name: str, depth: int) -> Iterator[str]:
    """Yield a figure and what it follows from, indented, as far as `depth`."""
    known = {each.name: each for each in figures}
    yield from _branch(known, name, 0, depth)


def _branch(known: dict[str, Figure], name: str, level: int, depth: int) -> Iterator[str]:
    figure = known[name]
    how = f"出处 {figure.source}" if figure.op is Op.GIVEN else formula_of(figure)
    if figure.op is Op.GIVEN and figure.words:
        how += f"（{figure.words}）"
    yield f"{'  ' * level}{figure.label} = {value_of(figure)}    {how}    [{figure.name}]"
    if level < depth:
        for part in figure.of:
            yield from _branch(known, part, level + 1, depth)
