"""Bills to set, read back and compare: a builder that reads like a clerk's notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from yuejie.bills.bill import (
    Bill,
    BillLine,
    BillState,
    LineKind,
    TaxMode,
)
from yuejie.bills.closing.agreed import Target, TermKey
from yuejie.bills.closing.lines import Tariff, draw_term
from yuejie.bills.closing.taxes import TaxRule, tax_parts, totals
from yuejie.bills.documents.document import BillDocument, DailyUsage, FxUsed, Seller
from yuejie.bills.seal import GENESIS, canonical, seal_of
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.terms import TaxGrouping
from yuejie.customers.customer import Customer
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Charge, FxRate, Rate, apportion
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import UNIT_METERS

OCTOBER: Final = BillingMonth(2026, 10)
CLOSED: Final = datetime(2026, 10, 31, 17, 30, tzinfo=UTC)
ISSUED: Final = datetime(2026, 11, 2, 1, 15, tzinfo=UTC)

SELLER: Final = Seller(
    legal_name="月结示例科技有限公司",
    uscc="91350100M000100Y43",
    bank_name="示例银行上海分行营业部",
    bank_account="3100 6618 0018 8000 1234",
)
CUSTOMER: Final = Customer(
    customer_id=CustomerId("cus_acme"),
    slug="acme",
    legal_name="艾克米智能制造（上海）有限公司",
    uscc="91310115MA1K4AAA0X",
    tax_address="上海市浦东新区示例路 88 号 12 层",
    tax_phone="021-5555 0100",
    bank_name="示例银行上海张江支行",
    bank_account="3100 6600 0188 0000 567",
    zone="Asia/Shanghai",
    currency="CNY",
    tag_names=[],
    state="active",
    created_at=datetime(2026, 1, 5, tzinfo=UTC),
)
USD_7_2: Final = FxUsed(
    FxRate.parse("7.2", "USD", "CNY"), date(2026, 10, 30), "中国外汇交易中心人民币汇率中间价"
)


@dataclass(frozen=True, slots=True)
class Use:
    """A quantity at a price: `rate` per million tokens, or per piece."""

    model: str
    meter: str
    quantity: int
    rate: str
    currency: str = "USD"
    project: str = "客服助手"
    department: str = "客户服务部"
    month: BillingMonth = OCTOBER


@dataclass(frozen=True, slots=True)
class Terms:
    """What differs between one bill and another, beside what was used."""

    currency: str = "CNY"
    tax_mode: TaxMode = TaxMode.INCLUSIVE
    fx: FxUsed | None = USD_7_2
    customer: Customer = CUSTOMER
    seller: Seller = SELLER
    requests: Mapping[str, int] = field(default_factory=dict)
    agreed: tuple[tuple[LineKind, str, int], ...] = ()
    grouping: TaxGrouping = TaxGrouping.SINGLE
    issued: bool = True
    due_on: date | None = date(2026, 12, 2)


USUAL: Final = Terms()


def bill_document(*uses: Use, terms: Terms = USUAL) -> BillDocument:
    """Rate the uses, tax them, issue and seal the bill unless it stays a draft."""
    lines = [_line(position, use, terms) for position, use in enumerate(uses, 1)]
    lines += [_agreed(len(lines) + n, *each, terms) for n, each in enumerate(terms.agreed, 1)]
    rule = TaxRule(terms.tax_mode, 60_000, terms.grouping)
    taxed = tax_parts({"": lines}, rule, {})[""]
    net, tax, gross = totals(taxed, terms.currency)
    draft = Bill(
        bill_id=BillId("bill_019a3b7e5d4c7f10a2b3c4d5e6f70819"),
        customer_id=terms.customer.customer_id,
        month=OCTOBER,
        number=None,
        state=BillState.DRAFT,
        contract_id="ctr_acme-2026",
        contract_version=3,
        currency=terms.currency,
        fx_policy="bill" if terms.fx else "none",
        tax_mode=terms.tax_mode,
        tax_ppm=60_000,
        epoch=12,
        net=net,
        tax=tax,
        gross=gross,
        lines=taxed.lines,
        tax_lines=taxed.tax_lines,
        closed_at=CLOSED,
        issued_at=None,
        seal=None,
        previous_seal=None,
    )
    bill, form = _sealed(draft) if terms.issued else (draft, None)
    return BillDocument(
        bill=bill,
        customer=terms.customer,
        seller=terms.seller,
        daily=tuple(d for line in lines if line.kind is LineKind.USAGE for d in _days(line)),
        fx=(terms.fx,) if terms.fx else (),
        requests=terms.requests,
        sealed_form=form,
        due_on=terms.due_on,
    )


def _sealed(draft: Bill) -> tuple[Bill, bytes]:
    issued = replace(
        draft,
        number="YJ2026000042",
        state=BillState.ISSUED,
        issued_at=ISSUED,
        previous_seal=GENESIS,
    )
    form = canonical(issued, {"019a3b7e-0000-7000-8000-000000000001": [3, 65_536]})
    return replace(issued, seal=seal_of(form)), form


def _line(position: int, use: Use, terms: Terms) -> BillLine:
    rate = Rate.parse(use.rate, use.currency, per=1 if use.meter in UNIT_METERS else 10**6)
    charge = rate.charge(use.quantity)
    fx = terms.fx.rate if terms.fx and use.currency != terms.currency else None
    amount = charge.settle(fx)
    both = {use.currency: charge.settle().fen, terms.currency: amount.fen}
    return BillLine(
        line_id=LineId(f"line_{position:06d}"),
        position=position,
        kind=LineKind.USAGE if use.month == OCTOBER else LineKind.LATE,
        service_month=use.month,
        project_id=f"prj_{use.project}",
        project_name=use.project,
        department=use.department,
        model=use.model,
        meter=use.meter,
        sale_rate=position,
        quantity=use.quantity,
        rate_pico=rate.pico,
        rate_currency=use.currency,
        charge_pico=charge.pico,
        fx_id=1 if fx else None,
        fx_e8=fx.e8 if fx else None,
        amount_fen=amount.fen,
        usd_fen=both.get("USD"),
        cny_fen=both.get("CNY"),
    )


def _agreed(position: int, kind: LineKind, item: str, fen: int, terms: Terms) -> BillLine:
    used = terms.fx
    month_fx = MonthFx(1, used.rate, used.on_date, used.source, OCTOBER) if used else None
    fx = {OCTOBER: month_fx} if month_fx else {}
    tariff = Tariff(terms.currency, {}, fx, {})
    line_id = LineId(f"line_{position:06d}")
    line = draw_term(line_id, OCTOBER, TermKey(kind), Target(fen, item), tariff)
    return replace(line, position=position)


def _days(line: BillLine) -> list[DailyUsage]:
    """Spread a line over three days of its month, so that the days add up to it."""
    first = line.service_month.first_day
    return [
        DailyUsage(
            day=first.replace(day=day),
            project_id=line.project_id,
            project_name=line.project_name,
            model=line.model,
            meter=line.meter,
            quantity=part,
            charge=Charge(part * line.rate_pico, line.rate_currency),
        )
        for day, part in zip((3, 14, 27), apportion(line.quantity, [2, 5, 3]), strict=True)
    ]


def three_lines() -> BillDocument:
    """The bill of STYLE 21, in yuan, with no exchange rate."""
    return bill_document(
        Use("deepseek-v3", "input", 412_000_000, "2.00", "CNY"),
        Use("deepseek-v3", "cache_read", 96_500_000, "0.50", "CNY"),
        Use("deepseek-v3", "output", 31_250_000, "8.00", "CNY"),
        terms=Terms(fx=None, requests={"deepseek-v3": 86_412}),
    )


def three_projects(terms: Terms = USUAL) -> BillDocument:
    """An ordinary bill: three projects, five models, a late line that takes back, pieces."""
    agent, code = ("研发代码助手", "平台研发部"), ("市场内容生成", "品牌市场部")
    requests = {
        "claude-3-5-sonnet": 214_077,
        "gemini-1.5-pro": 36_120,
        "gpt-4o": 1_284_310,
        "gpt-image-1": 1_860,
    }
    return bill_document(
        Use("claude-3-5-sonnet", "input", 862_144_318, "3.00"),
        Use("claude-3-5-sonnet", "cache_read", 4_190_222_016, "0.30"),
        Use("claude-3-5-sonnet", "cache_write_5m", 88_310_400, "3.75"),
        Use("claude-3-5-sonnet", "output", 121_096_555, "15.00"),
        Use("gpt-4o", "input", 1_733_908_002, "5.00"),
        Use("gpt-4o", "output", 260_118_949, "15.00"),
        Use("gemini-1.5-pro", "input", 318_204_118, "3.50", "USD", *code),
        Use("gemini-1.5-pro", "output", 40_118_007, "10.50", "USD", *code),
        Use("gpt-image-1", "images", 1_860, "0.04", "USD", *code),
        Use("claude-3-5-sonnet", "input", 2_018_332_104, "3.00", "USD", *agent),
        Use("claude-3-5-sonnet", "output", 402_118_330, "15.00", "USD", *agent),
        Use("claude-3-5-sonnet", "reasoning", 96_004_112, "15.00", "USD", *agent),
        Use("gpt-4o", "input", -1_204_881, "5.00", month=BillingMonth(2026, 9)),
        Use("gpt-4o", "output", 88_204, "15.00", month=BillingMonth(2026, 9)),
        terms=replace(terms, requests=requests),
    )


def with_terms() -> BillDocument:
    """A bill with everything that a contract adds to usage, under an order number."""
    agreed = (
        (LineKind.TIER_DISCOUNT, "阶梯折扣", -12_345_67),
        (LineKind.PACKAGE, "套餐抵扣 年度资源包", -50_000_00),
        (LineKind.MANAGEMENT_FEE, "管理费", 1_440_00),
        (LineKind.ADJUSTMENT, "调整：2026-10 研发代码助手 gpt-4o input", -88_00),
        (LineKind.VOUCHER, "代金券 新客礼", -500_00),
        (LineKind.PACKAGE_PURCHASE, "购买套餐 年度资源包", 80_000_00),
    )
    terms = replace(USUAL, agreed=agreed, grouping=TaxGrouping.MODEL, due_on=date(2026, 11, 9))
    document = three_projects(terms)
    dated = replace(
        document.bill,
        seal=None,
        billed_on=date(2026, 11, 2),
        review_until=date(2026, 11, 9),
        fapiao_by=date(2026, 11, 12),
        purchase_order="PO-2026-0042",
        seal_form=2,
    )
    form = canonical(dated, {"019a3b7e-0000-7000-8000-000000000001": [3, 65_536]})
    return replace(document, bill=replace(dated, seal=seal_of(form)), sealed_form=form)


def broken_promise() -> BillDocument:
    """A bill that gives something back, by rule and by a person's word."""
    agreed = (
        (LineKind.MANAGEMENT_FEE, "管理费", 1_440_00),
        (LineKind.SLA_CREDIT, "SLA 赔付（可用率 99.8% 低于承诺 99.9%，10%）", -3_600_00),
        (LineKind.SLA_CREDIT, "十月六日故障慰问", -500_00),
    )
    terms = replace(USUAL, agreed=agreed)
    return bill_document(Use("gpt-4o", "input", 1_000_000_000, "5.00"), terms=terms)


def many_lines(count: int) -> BillDocument:
    """A bill of that many lines over eight projects."""
    meters = ("input", "cache_read", "cache_write_5m", "output", "reasoning")
    return bill_document(
        *(
            Use(
                model=f"model-{n % 97:02d}-{'turbo' if n % 3 else 'pro-2026-09'}",
                meter=meters[n % 5],
                quantity=(n * 7_919_317 + 104_729) % 900_000_000 + 1,
                rate=f"{n % 40}.{n % 1000:03d}",
                project=f"项目 {n * 8 // count + 1:02d}",
                department=f"事业{'一二三四五六七八'[n * 8 // count]}部",
            )
            for n in range(count)
        )
    )


EVIL: Final = '#panic("x") *粗* \\ "引号" $x$ <a> @b // =1+1 \N{RIGHT-TO-LEFT OVERRIDE}\x07'


def strange_names() -> BillDocument:
    """Names that would be markup, formulas or empty boxes if anything read them so."""
    customer = replace(CUSTOMER, legal_name=f"{EVIL}𠮷䶮㛃堃喆犇有限公司", tax_phone="=1+1")
    seller = replace(
        SELLER, legal_name="北京市朝阳区国际商务中心区人工智能与大数据联合创新研究院" * 2
    )
    long_latin = "x" * 90
    return bill_document(
        Use('=HYPERLINK("http://x")', "input", 1_000_000, "2.5", project="+SUM(A1) 🚀 𪚥"),
        Use(
            "anthropic.claude-3-5-sonnet-20241022-v2:0@eu-central-1",
            "output",
            7,
            "15.00",
            project="华东大区智能客服与知识库检索增强生成一体化平台（生产环境）二期扩容项目",
            department="集团数字化转型与人工智能创新中心",
        ),
        Use(long_latin, "input", 123_456_789_012_345, "0.000001", project=long_latin),
        terms=Terms(customer=customer, seller=seller),
    )
