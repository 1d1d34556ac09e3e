"""如何核对: how whoever receives a bill checks it, with the figures of its own first line."""

from yuejie.bills.bill import BillLine, TaxMode
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument
from yuejie.kernel.money import Money
from yuejie.usage.meters import per


def how_to_check(document: BillDocument) -> list[tuple[str, str]]:
    """Return the steps of a check, each with its title; every sum can be done by hand."""
    steps = [
        *([("逐行", _line_rule(document.usage[0]))] if document.usage else []),
        *([("合同", _terms_rule(document))] if document.terms else []),
        ("合计", _sum_rule(document)),
        ("税额", _tax_rule(document)),
        (
            "用量",
            (
                "XLSX 文件「每日用量」按日列出账期内每个项目、模型、计量项的用量，"
                "逐日相加等于本月（非补计）明细行的用量。"
            ),
        ),
    ]
    if document.late:
        steps.append(
            (
                "补计",
                (
                    f"含 {wording.late_months(document)} 的补计行：该月出账之后才确认的用量或更正，"
                    "按该月的单价与汇率计算；已出账单不改动，负数为冲减。"
                ),
            )
        )
    return [*steps, ("封印", seal_rule(document))]


def seal_rule(document: BillDocument) -> str:
    """Say how the seal is computed again, or that a draft has none."""
    if document.bill.seal is None:
        return "草稿未封存，出账后才有编号与封印；请勿据此付款。"
    return (
        "JSON 文件中 seal.form 的文本按 UTF-8 计算 SHA-256，应等于下列封印；"
        "其 previous 为上一期账单的封印，逐期相连，任何改动都会显现。"
    )


def _line_rule(line: BillLine) -> str:
    """Show the arithmetic of a line: quantity × rate, through the exchange rate, to the fen."""
    unit = f" ÷ {per(line.meter):,}" if per(line.meter) > 1 else ""
    fx = f" × 汇率 {wording.fx_e8(line.fx_e8)}" if line.fx_e8 is not None else ""
    return (
        "用量 × 单价"
        + ("（有汇率时再乘汇率）" if fx else "")
        + "，每行只在最后四舍五入到分一次。"
        + f"例：第 {line.position} 行 {line.quantity:,} × {wording.rate(line)}{unit}{fx}"
        + f" = {wording.amount(line.amount_fen)}。"
    )


def _terms_rule(document: BillDocument) -> str:
    """Say in which order the contract's terms were applied, and what they come to."""
    kinds = "、".join(dict.fromkeys(wording.KINDS[line.kind] for line in document.terms))
    total = Money(sum(line.amount_fen for line in document.terms), document.bill.currency)
    return (
        "按合同依次计算：用量 → 阶梯折扣 → 套餐抵扣 → 承诺消费补足 → 管理费 → 调整与赔付 → 代金券，"
        f"百分比只在已取整的合计上计算一次；本账单含 {kinds}，共 {total}。"
    )


def _sum_rule(document: BillDocument) -> str:
    lines = len(document.bill.lines)
    return f"{lines:,} 行金额相加等于 {document.charged}，小计与合计都不再取舍。"


def _tax_rule(document: BillDocument) -> str:
    """Show the tax of the largest tax line, which has one rounding."""
    bill = document.bill
    if not bill.tax_lines:
        return "本账单没有计税金额。"
    line = max(bill.tax_lines, key=lambda each: each.gross_fen)
    rate = wording.tax_rate(line.tax_ppm)
    net, tax, gross = (wording.amount(fen) for fen in (line.net_fen, line.tax_fen, line.gross_fen))
    first = f"税行“{line.item}”：" if len(bill.tax_lines) > 1 else ""
    last = "，按最大余数分摊到各行。"
    if bill.tax_mode is TaxMode.INCLUSIVE:
        return (
            f"单价含税：{first}不含税金额 = {gross} ÷ (1 + {rate}) = {net}，"
            f"税额 = {gross} − {net} = {tax}{last}"
        )
    return f"单价不含税：{first}税额 = {net} × {rate} = {tax}，价税合计 = {gross}{last}"
