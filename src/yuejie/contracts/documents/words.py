"""How a contract says things: money, shares, days, meters. What people read is Chinese."""

from datetime import date
from typing import Final

from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.contracts.terms import (
    CommitmentPeriod,
    Confirmation,
    ContractType,
    CreditClass,
    FapiaoKind,
    HeadShare,
    PaymentMode,
    SettlementOrder,
    SlaBasis,
    SlaExclusion,
    Split,
    TaxGrouping,
)
from yuejie.kernel.money import PICO, PPM, Money, plain
from yuejie.usage.meters import per, per_name

CURRENCIES: Final = {"CNY": ("人民币", "元"), "USD": ("美元", "")}
TYPES: Final = {
    ContractType.OPEN: "无固定期限合同",
    ContractType.ONE_YEAR: "一年期合同",
    ContractType.THREE_YEAR: "三年期合同",
}
CLASSES: Final = {
    CreditClass.LISTED: "上市及大型企业",
    CreditClass.MEDIUM: "中型企业",
    CreditClass.STARTUP: "初创企业",
    CreditClass.HIGH_RISK: "高风险客户",
}
MODES: Final = {
    PaymentMode.POSTPAID: "后付费，按月结算",
    PaymentMode.PREPAID_MONTHLY: "预付余额与月结并用，先用余额，余额用尽后按月结算",
    PaymentMode.PREPAID: "预付费，余额用尽即停止服务",
}
PERIODS: Final = {
    CommitmentPeriod.MONTH: "每月",
    CommitmentPeriod.YEAR: "每一合同年度",
    CommitmentPeriod.TERM: "整个合同期",
}
CONFIRMATIONS: Final = {
    Confirmation.NONE: "账单按期出具，无须逐期确认；乙方的异议经核实后在后续账单中更正",
    Confirmation.REQUIRED: "账单须经乙方书面或在线确认后出具；乙方可就单行费用提出异议",
    Confirmation.DEEMED: "乙方在对账期内未提出异议的，视为确认该账单",
}
ORDERS: Final = {
    SettlementOrder.PAY_FIRST: "先付款后开票",
    SettlementOrder.FAPIAO_FIRST: "先开票后付款",
}
KINDS: Final = {
    FapiaoKind.SPECIAL: "电子发票（增值税专用发票）",
    FapiaoKind.ORDINARY: "电子发票（普通发票）",
}
SPLITS: Final = {
    Split.MERGED: "每月一份合并账单",
    Split.PROJECT: "按项目分别出账",
    Split.DEPARTMENT: "按部门分别出账",
    Split.UNIT: "按结算单元（子公司或部门，各有抬头）分别出账",
}
SHARES: Final = {
    HeadShare.HEAD: "列入主账单",
    HeadShare.APPORTIONED: "按各份账单的净用量分摊",
}
GROUPINGS: Final = {
    TaxGrouping.SINGLE: "合并为一行",
    TaxGrouping.MODEL: "按模型分行",
    TaxGrouping.PROJECT: "按项目分行",
}
BASES: Final = {
    SlaBasis.OPERATIONS: "当月计入的调用中没有失败的所占比例，计至百万分之一，以下舍去。",
    SlaBasis.WINDOWS: (
        "每五分钟为一窗口，窗口可用率为其中计入的调用没有失败的所占比例，没有调用的窗口为 100%，"
        "月可用率为当月全部窗口的平均，均计至百万分之一，以下舍去。"
    ),
}
FAULTS: Final = {
    SlaExclusion.PROVIDER: "供应商出错、中断或超时",
    SlaExclusion.THROTTLED: "供应商限流",
    SlaExclusion.REFUSED: "供应商以无权限或不存在为由拒绝",
}


def money(fen: int, currency: str) -> str:
    """Write fen as a contract does: 人民币10,000.00元."""
    name, unit = CURRENCIES.get(currency, (currency, ""))
    return f"{name}{Money(fen, currency)}{unit}"


def share(ppm: int) -> str:
    """Write parts per million as a percentage: 50 000 is 5%."""
    return f"{plain(ppm, PPM // 100, 0)}%"


def day(on: date) -> str:
    """Write a date: 2026年12月1日."""
    return f"{on.year}年{on.month}月{on.day}日"


def rate(pico: int, meter: str) -> str:
    """Write a rate per million tokens or per piece."""
    return plain(pico, PICO // per(meter))


def unit(meter: str, currency: str) -> str:
    """Say what a rate is in: CNY/百万 token."""
    return f"{currency}/{per_name(meter)}"


CLOUD_CATEGORIES: Final = {
    CloudCategory.USAGE: "用量",
    CloudCategory.PURCHASE: "订购与承诺",
    CloudCategory.MARKETPLACE: "云市场商品",
    CloudCategory.TAX: "云厂商税费",
    CloudCategory.CREDIT: "云厂商抵扣",
    CloudCategory.REFUND: "退款",
    CloudCategory.ADJUSTMENT: "调整与尾差",
}
