"""The framework contract in words: parties, clauses, price list. Pure; PDF, DOCX and text show it.

Every clause says what some field of the terms computes; what nothing computes from is in `extra`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from yuejie.contracts.agreed.cloud import CloudBasis, CloudTerms
from yuejie.contracts.agreed.pricing import FamilyDiscount
from yuejie.contracts.contract import FxPolicy, Terms
from yuejie.contracts.documents import words
from yuejie.contracts.prices import RateRow
from yuejie.contracts.terms import (
    BreakFee,
    CommercialTerms,
    ContractType,
    DueBasis,
    PaymentMode,
    Renewal,
    SettlementOrder,
    Sla,
    Split,
    TierDiscount,
    TierMode,
)
from yuejie.contracts.tier import DEFAULT
from yuejie.contracts.window import in_words, window_of
from yuejie.kernel.period import zone_of
from yuejie.paper.printable import printable
from yuejie.usage.meters import meter_name

TITLE: Final = "大模型 API 服务框架合同"
_NUMERALS: Final = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """A party as the contract names it."""

    legal_name: str
    uscc: str = ""
    address: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_account: str = ""


@dataclass(frozen=True, slots=True)
class AnnexRate:
    """One line of the price list: the contract's rate beside the list's, picos per unit."""

    rate: RateRow
    list_pico: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Everything a contract is written from. `number` is 合同编号, or an id that is called by."""

    number: str
    version: int
    dated: date
    seller: Signatory
    customer: Signatory
    terms: Terms
    rates: Sequence[AnnexRate]
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its numbered clauses."""

    heading: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractText:
    """The contract in words, laid out by whoever prints it."""

    title: str
    number: str
    dated: date
    is_draft: bool
    parties: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]
    sections: tuple[Section, ...]
    annex_note: str
    annex_heads: tuple[str, ...]
    annex: tuple[tuple[str, ...], ...]


def framework(agreed: Agreed) -> ContractText:
    """Return a contract in words; the same terms give the same words."""
    terms = agreed.terms
    makers = (
        ("服务内容", _service(agreed)),
        ("合同期限", _term(agreed)),
        ("价格", _prices(agreed)),
        ("承诺消费与固定费用", _promises(terms)),
        ("计量与账单", _bills(terms)),
        ("发票", _fapiao(terms)),
        ("付款与信用", _payment(terms)),
        ("违约责任", _breaches(terms)),
        ("变更、续约与终止", _changes(terms)),
        ("数据、保密与其他", _others(terms.commercial)),
    )
    sections = tuple(
        Section(
            f"{_NUMERALS[number]}、{heading}",
            tuple(f"{number + 1}.{at} {text}" for at, text in enumerate(clauses, 1)),
        )
        for number, (heading, clauses) in enumerate(makers)
    )
    return ContractText(
        title=TITLE,
        number=f"{agreed.number} 第 {agreed.version} 版",
        dated=agreed.dated,
        is_draft=agreed.is_draft,
        parties=(_party("甲方（服务方）", agreed.seller), _party("乙方（客户）", agreed.customer)),
        sections=sections,
        annex_note=_annex_note(agreed),
        annex_heads=("模型", "计量项", "适用条件", "目录价", "合同价", "单位"),
        annex=tuple(_annex_row(each) for each in agreed.rates),
    )


def _party(role: str, who: Signatory) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    rows = (
        ("统一社会信用代码", who.uscc),
        ("地址电话", f"{who.address} {who.phone}".strip()),
        ("开户行及账号", f"{who.bank_name} {who.bank_account}".strip()),
    )
    shown = tuple((label, printable(text)) for label, text in rows if text)
    return role, printable(who.legal_name), shown


def _service(agreed: Agreed) -> Iterator[str]:
    yield (
        "甲方通过统一接口向乙方提供附件所列大模型的调用服务，并按本合同计量、出账、开票。"
        "附件价目是本合同的组成部分。"
    )
    yield "乙方的密钥由乙方自行保管；以乙方密钥发起的调用由乙方承担费用，密钥泄露应立即吊销。"
    if agreed.terms.pricing.models:
        yield "本合同只提供附件所列的模型；未列入的模型须经双方变更合同后方可调用。"
    order = agreed.terms.commercial.purchase_order
    if order:
        yield f"乙方采购订单号 {printable(order)}，载于账单与发票备注。"


def _term(agreed: Agreed) -> Iterator[str]:
    terms, deal = agreed.terms, agreed.terms.commercial
    starts = terms.starts_at.astimezone(zone_of(terms.zone)).date()
    name = words.TYPES[deal.type]
    if agreed.version > 1:
        yield (
            f"本版为合同 {agreed.number} 的第 {agreed.version} 版，"
            "自下述生效之日起取代此前各版；此前的用量、账单与承诺仍按当时的版本结算。"
        )
    if deal.ends_on is None:
        yield f"本合同为{name}，自{words.day(starts)}起生效，任何一方可按第九条终止。"
    else:
        yield (
            f"本合同为{name}，自{words.day(starts)}起生效，"
            f"至{words.day(deal.ends_on)}零时止（{terms.zone} 时间）。"
        )
        yield "合同终止后甲方停止服务，双方已发生的权利义务按本合同结清。"


def _prices(agreed: Agreed) -> Iterator[str]:
    terms, deal = agreed.terms, agreed.terms.commercial
    yield f"价格以附件所列合同价为准，{_currencies(agreed)}，{_tax(terms)}。"
    discounts = "、".join(_discount(each) for each in terms.pricing.discounts)
    if discounts:
        yield f"按目录价给予折扣：{discounts}。折后单价已在附件逐项写明。"
    if terms.pricing.overrides:
        yield (
            f"附件中标注“约定”的 {len(terms.pricing.overrides)} 项单价由双方约定，不随目录价调整。"
        )
    yield (
        f"{'其余单价' if terms.pricing.overrides else '单价'}随甲方公布的目录价调整"
        f"{'，折扣不变' if discounts else ''}，只适用于调整生效后开始的调用。"
    )
    if deal.tier_discount is not None and any(s.discount_ppm for s in deal.tier_discount.steps):
        yield _tiers(deal.tier_discount, terms.currency)
    if deal.price_lock_until is not None:
        yield f"{words.day(deal.price_lock_until)}之前甲方不得提高单价；降价自生效时即适用于乙方。"
    if deal.price_notice_days:
        yield f"甲方提高单价应提前 {deal.price_notice_days} 天通知乙方；降价无须提前通知。"
    if terms.fx_policy == FxPolicy.CARD:
        yield "外币目录价按发布时公布的汇率折算为合同币种，折算后的单价即为计费单价。"
    if terms.fx_policy == FxPolicy.BILL:
        yield "外币费用在出账时按用量月份的公布汇率一次折算，汇率与来源载于账单。"


def _currencies(agreed: Agreed) -> str:
    """Say in which currency the annex is, and in which the bill where that is another."""
    listed = {each.rate.currency for each in agreed.rates} or {agreed.terms.currency}
    billed = agreed.terms.currency
    if listed == {billed}:
        return f"币种 {billed}"
    return f"单价币种 {'、'.join(sorted(listed))}，账单币种 {billed}"


def _tax(terms: Terms) -> str:
    if terms.tax_mode == "inclusive":
        return f"含增值税，税率 {words.share(terms.tax_ppm)}"
    return f"不含增值税，税率 {words.share(terms.tax_ppm)}，税额另计"


def _discount(each: FamilyDiscount) -> str:
    return f"{'全部模型' if each.models == '*' else each.models} 减 {words.share(each.ppm)}"


def _tiers(tier: TierDiscount, currency: str) -> str:
    reached = "超过" if tier.mode is TierMode.GRADUATED else "达到"
    steps = "；".join(
        f"{reached}{words.money(step.above_fen, currency)}减 {words.share(step.discount_ppm)}"
        if step.above_fen
        else f"起始减 {words.share(step.discount_ppm)}"
        for step in tier.steps
        if step.above_fen or step.discount_ppm
    )
    how = (
        "按各档超出部分分别计算"
        if tier.mode is TierMode.GRADUATED
        else "达到某档后当月全部用量按该档计算"
    )
    return f"当月用量金额享受阶梯折扣：{steps}。{how}。"


def _promises(terms: Terms) -> Iterator[str]:
    deal, currency = terms.commercial, terms.currency
    if deal.commitment is None:
        yield "乙方不承诺最低消费。"
    else:
        period = words.PERIODS[deal.commitment.period]
        yield (
            f"乙方承诺{period}消费不低于{words.money(deal.commitment.amount_fen, currency)}，"
            "以阶梯折扣后、抵扣与减免前的用量金额计；不足部分在期末账单中补足。"
        )
        if deal.ends_on is not None:
            yield "合同提前终止的，承诺消费按已履行的天数折算。"
    if deal.management_fee_fen:
        yield f"管理费每月{words.money(deal.management_fee_fen, currency)}，与用量无关。"
    else:
        yield "甲方不收取管理费。"
    yield (
        "套餐与代金券由双方另行确认，按各自的金额、适用模型与期限抵扣："
        "套餐在阶梯折扣之后抵扣用量，代金券最后抵扣应付金额。"
    )
    for cloud in deal.clouds:
        yield _cloud(cloud)


def _cloud(cloud: CloudTerms) -> str:
    """Say how a cloud's bill is passed on, as it is computed."""
    basis = "账单应付金额" if cloud.basis is CloudBasis.BILLED else "承诺摊销后的实际金额"
    other = "、".join(
        f"{each.service} 加价 {words.share(each.markup_ppm)}" for each in cloud.services
    )
    out = "、".join(words.CLOUD_CATEGORIES[each] for each in cloud.leave_out)
    return (
        f"云资源（{cloud.source}）按云厂商{basis}转付，加价 {words.share(cloud.markup_ppm)}"
        f"{f'，其中{other}' if other else ''}；外币先按服务月份的汇率折算取整到分，再加价取整到分。"
        f"{f'不转付：{out}。' if out else ''}"
        "云厂商重述账单的，差额列入下一份账单；云费用不计入阶梯折扣、套餐、承诺消费与代金券。"
    )


def _bills(terms: Terms) -> Iterator[str]:
    deal = terms.commercial
    yield (
        f"用量以甲方网关的记录为准，按调用开始时刻归入 {terms.zone} 时间的自然月；"
        "每次调用只计费一次，账单逐行列明数量与单价，可据明细复算。"
    )
    yield f"{words.SPLITS[deal.split]}；迟到的用量与更正列入下一份账单并注明所属月份。"
    if deal.split is not Split.MERGED:
        yield f"管理费、承诺补足、折扣与减免{words.SHARES[deal.head_share]}。"
    if deal.settlement_day:
        yield f"结算日为每月 {deal.settlement_day} 日，甲方于该日出具上月账单。"
    else:
        yield "甲方于次月出具上月账单。"
    yield f"对账期自账单提交之日起 {deal.review_days} 天，末日遇休息日顺延至下一工作日。"
    yield f"{words.CONFIRMATIONS[deal.confirmation]}。"


def _fapiao(terms: Terms) -> Iterator[str]:
    deal = terms.commercial
    if terms.currency != "CNY":
        yield f"本合同以{words.CURRENCIES[terms.currency][0]}结算，账单不开具增值税发票。"
        return
    paid = "，以账单已付清为前提" if deal.settlement_order is SettlementOrder.PAY_FIRST else ""
    yield (
        f"甲方开具{words.KINDS[deal.fapiao_kind]}，自账单日起 {deal.fapiao_days} 天内交付"
        f"（末日遇休息日顺延至下一工作日）{paid}。"
    )
    yield f"发票项目{words.GROUPINGS[deal.tax_grouping]}。"
    yield f"结算顺序为{words.ORDERS[deal.settlement_order]}。押金、预付款与代金券抵扣不开具发票。"


def _payment(terms: Terms) -> Iterator[str]:
    deal, currency = terms.commercial, terms.currency
    yield f"付款方式：{words.MODES[deal.payment_mode]}。"
    basis = "收到发票" if _by_fapiao(terms) else "账单"
    rolled = "末日遇休息日顺延至下一工作日"
    if deal.payment_mode is PaymentMode.PREPAID:
        yield f"应付日为{basis}之日起第 {deal.payment_days} 天，{rolled}，届时从预付余额抵付。"
    else:
        yield (
            f"乙方应自{basis}之日起 {deal.payment_days} 天内以银行转账付清，"
            f"{rolled}，付款附言写明账单编号。"
        )
    if deal.payment_mode is not PaymentMode.POSTPAID:
        yield "预付款付至甲方账户后计入预付余额；合同终止且费用结清后，余额无息退还。"
    if deal.credit_limit_fen is not None:
        yield (
            f"授信额度{words.money(deal.credit_limit_fen, currency)}，"
            "未结账单与未出账用量之和达到授信额度、预付余额与押金之和时甲方可暂停服务；"
            "临时额度以甲方书面确认为准。"
        )
    if deal.deposit_fen:
        yield (
            f"乙方交付押金{words.money(deal.deposit_fen, currency)}，甲方出具收据；"
            "合同终止且费用结清后无息退还，乙方违约的可用于抵扣。"
        )
    grace = f"超过 {deal.grace_days} 天" if deal.grace_days else ""
    yield f"逾期{grace}仍未付清的，甲方可暂停服务，付清后立即恢复。"


def _by_fapiao(terms: Terms) -> bool:
    """Tell whether payment counts from the fapiao: where it can come before the money does."""
    deal = terms.commercial
    first = deal.settlement_order is SettlementOrder.FAPIAO_FIRST
    return deal.due_basis is DueBasis.FAPIAO_RECEIPT and first and terms.currency == "CNY"


def _late(deal: CommercialTerms) -> Iterator[str]:
    if deal.late_fee_ppm_per_day and deal.late_fee_cap_ppm:
        yield (
            f"乙方逾期付款的，自逾期次日起按逾期金额每日 {words.share(deal.late_fee_ppm_per_day)} "
            f"支付违约金，单利计算，累计不超过该金额的 {words.share(deal.late_fee_cap_ppm)}。"
        )
    else:
        yield "乙方逾期付款的，甲方不收取违约金。"
    yield "甲方少计、多计费用的，以调整行在后续账单中更正，并说明原账单与原行。"


def _breaches(terms: Terms) -> Iterator[str]:
    """Yield what either side owes when it does not keep its word."""
    yield from _late(terms.commercial)
    sla = terms.commercial.sla
    if sla is not None:
        yield from _availability(sla, terms.zone)
        yield from _credits(sla)


def _availability(sla: Sla, zone: str) -> Iterator[str]:
    yield (
        f"甲方承诺合同有效期内每月（{zone} 时间）可用率不低于 {words.share(sla.availability_ppm)}，"
        f"以甲方网关的记录计算：{words.BASES[sla.basis]}"
        "一次调用无论尝试几次只计一次，以最后一次尝试为准。"
    )
    parties = [name for each, name in words.FAULTS.items() if each not in sla.exclusions]
    yield (
        f"因甲方自身故障{''.join(f'、{name}' for name in parties)}而未得到完整应答的调用为失败；"
        "因请求本身被拒绝或乙方主动断开的调用计入且不算失败。"
        f"当月计入的调用不足 {sla.operations_min:,} 次的，不按调用判断。"
    )
    excluded = [words.FAULTS[each] for each in sla.exclusions]
    if excluded:
        yield f"因{'、'.join(excluded)}而失败的调用不计入。"
    if sla.probed:
        yield (
            "甲方每分钟从网关外部探测一次；整分钟探测不到服务的为停服分钟，"
            "当月合同有效的分钟中扣除停服分钟后所占的比例低于前述可用率的，以该比例为准。"
        )


def _credits(sla: Sla) -> Iterator[str]:
    steps = "；".join(
        f"低于 {words.share(step.below_ppm)} 的，{words.share(step.credit_ppm)}"
        for step in sla.steps
    )
    yield (
        f"可用率未达承诺的，甲方按当月用量金额（阶梯折扣后、抵扣前）的下列比例赔付：{steps}。"
        "以所达到的最重一档为准。"
    )
    if sla.first_byte_ms is not None:
        steps = "；".join(
            f"超过 {step.above_ms:,} 毫秒的，{words.share(step.credit_ppm)}"
            for step in sla.latency_steps
        )
        yield (
            f"甲方承诺当月成功的流式调用中 95% 在 {sla.first_byte_ms:,} 毫秒内收到首个字节，"
            f"自甲方向供应商发出请求起计；未达承诺的按同一基数赔付：{steps}。"
        )
    if sla.response_minutes is not None:
        graded = "、".join(
            f"S{grade} 级 {minutes:,} 分钟" for grade, minutes in enumerate(sla.response_minutes, 1)
        )
        yield f"甲方 7×24 小时受理工单，自提交（或重开）起的首次响应时限为：{graded}。"
    if sla.response_steps:
        steps = "；".join(
            f"达到 {step.missed} 次的，{words.share(step.credit_ppm)}"
            for step in sla.response_steps
        )
        yield f"当月到期的首次响应超过时限的，按同一基数赔付：{steps}。"
    yield (
        f"赔付由甲方自行计算，列入当月账单，合计不超过当月用量金额的 {words.share(sla.cap_ppm)}；"
        "迟到的用量或记录改变结果的，差额列入下一份账单。"
    )


def _changes(terms: Terms) -> Iterator[str]:
    deal = terms.commercial
    yield {
        ContractType.OPEN: "任何一方可提出变更，经双方同意自次月起生效。",
        ContractType.ONE_YEAR: "变更须由双方签署补充协议。",
        ContractType.THREE_YEAR: _UPWARD,
    }[deal.type]
    if deal.ends_on is not None:
        yield {
            Renewal.NONE: "合同期满即终止。",
            Renewal.ASKED: "合同期满前双方协商续约，未续约的期满终止。",
            Renewal.AUTO: f"双方均未在期满 {max(1, deal.notice_days)} 天前提出终止的，"
            f"期满后自动续约 {deal.renewal_months} 个月。",
        }[deal.renewal]
    yield (
        f"任何一方终止本合同应提前 {deal.notice_days} 天通知。"
        if deal.notice_days
        else "任何一方可随时通知终止本合同。"
    )
    if deal.type is not ContractType.OPEN and deal.ends_on is not None:
        yield _break_fee(deal.break_fee, terms.currency)


_UPWARD: Final = (
    "变更须由双方签署补充协议，合同期内只能增进、不得减损乙方的权益，也不得减少乙方的承诺："
    "承诺消费与授信额度只能增加，合同期不得缩短，整期承诺随合同期延长按天增加；"
    "价目不变，含税价不得改为不含税价，折扣、可用模型、SLA 承诺与锁价期不得减少，"
    "约定单价不得提高或取消，管理费、押金、违约金与云资源加价不得提高；"
    "付款、对账、宽限与涨价通知的天数不得缩短，开票天数不得延长，"
    "付款方式、付款起算、结算顺序、发票种类与账单确认方式不得改为不利于乙方，"
    "自动续约不得新增或延长；终止通知、解约费、汇率方式与云资源转付口径不变，"
    "其他约定只能增加。双方仍要另行约定的，另签合同接替本合同。"
)
"""What `contracts.life.upward` keeps, in the contract's own words."""


def _break_fee(fee: BreakFee, currency: str) -> str:
    """Say what leaving early costs the customer, as it is computed."""
    if fee == BreakFee():
        return "乙方提前终止的，不收取解约费。"
    fixed, parts = fee.fixed_fen, list[str]()
    if fee.remaining_commitment_ppm:
        parts.append(f"剩余合同期承诺消费的 {words.share(fee.remaining_commitment_ppm)}")
    if fixed:
        parts.append(f"固定费用{words.money(fixed, currency)}")
    how = "不足整期的按天折算，" if fee.remaining_commitment_ppm else ""
    return (
        f"乙方提前终止的，按{' 与'.join(parts)}支付解约费；{how}计算过程随终止通知书面列明。"
        "甲方提出终止的，不收取解约费。"
    )


def _others(deal: CommercialTerms) -> Iterator[str]:
    yield "甲方不保存乙方的提示词与模型输出，只保存计费所需的用量记录。"
    yield "双方对本合同内容及履行中知悉的商业秘密负有保密义务，合同终止后仍然有效。"
    yield "因本合同发生的争议由双方协商解决，协商不成的由甲方住所地人民法院管辖。"
    for name, clause in sorted(deal.extra.items()):
        yield f"{printable(name)}：{printable(clause)}"
    yield "本合同一式两份，双方各执一份，自双方盖章或电子签署之日起成立。"


def _annex_note(agreed: Agreed) -> str:
    pricing = agreed.terms.pricing
    rest = "折后价" if pricing.discounts else "目录价"
    marked = f"“约定”为双方单独约定的单价，其余为{rest}" if pricing.overrides else f"合同价为{rest}"
    return f"{_currencies(agreed)}，{_tax(agreed.terms)}。{marked}。"


def _annex_row(each: AnnexRate) -> tuple[str, ...]:
    row = each.rate
    marks = "约定 " if row.origin == "override" else ""
    return (
        printable(row.model),
        meter_name(row.meter),
        _conditions(row),
        words.rate(each.list_pico, row.meter),
        f"{marks}{words.rate(row.pico, row.meter)}",
        words.unit(row.meter, row.currency),
    )


def _conditions(row: RateRow) -> str:
    parts = [] if row.service_tier == DEFAULT else [f"服务档 {row.service_tier}"]
    if row.context_above:
        parts.append(f"输入超过 {row.context_above:,} token")
    if row.time_window:
        parts.append(f"时段：{in_words(window_of(row.time_window))}")
    return "；".join(parts) or "—"
