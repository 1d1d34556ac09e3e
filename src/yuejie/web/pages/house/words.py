"""What the house's pages call things: every table of words that their templates show. Pure."""

from typing import Final

from yuejie.contracts.documents.words import CLASSES, TYPES
from yuejie.contracts.esign.life import SAID
from yuejie.contracts.formats.pricelist import Severity
from yuejie.contracts.life.draft import DraftKind, DraftState
from yuejie.contracts.terms import CommitmentPeriod, Confirmation, FapiaoKind, PaymentMode
from yuejie.notices.notice import Kind
from yuejie.presales.quote import CALLED as QUOTES
from yuejie.presales.quote import OptionKind
from yuejie.presales.trial.trial import REQUESTS_SAID, Stage

__all__ = ["ALL", "CLASSES", "QUOTES", "TYPES"]

DRAFT_STATES: Final = {
    DraftState.DRAFT: "起草中",
    DraftState.SUBMITTED: "待财务审核",
    DraftState.REVIEWED: "待签署",
    DraftState.REJECTED: "已退回",
    DraftState.WITHDRAWN: "已撤回",
    DraftState.SIGNED: "已签署",
}
DRAFT_KINDS: Final = {
    DraftKind.NEW: "新签",
    DraftKind.AMEND: "变更",
    DraftKind.RENEW: "续约",
}
DRAFT_EVENTS: Final = {
    "draft": "起草",
    "revise": "改写",
    "submit": "提交",
    "accept": "审核通过",
    "reject": "退回",
    "rework": "重拟",
    "withdraw": "撤回",
    "sign": "签署",
}
PAPER_KINDS: Final = {"signed": "签署件", "attachment": "附件", "generated": "生成的文本"}
PLATFORMS: Final = {"esign": "e签宝", "fadada": "法大大"}
SIGNING_STATES: Final = SAID
MODES: Final = {
    PaymentMode.POSTPAID: "后付费（月结）",
    PaymentMode.PREPAID_MONTHLY: "先用余额，再月结",
    PaymentMode.PREPAID: "预付费",
}
CONFIRMATIONS: Final = {
    Confirmation.NONE: "不逐期确认",
    Confirmation.REQUIRED: "客户确认后出账",
    Confirmation.DEEMED: "对账期满视为确认",
}
KINDS: Final = {FapiaoKind.SPECIAL: "增值税专用发票", FapiaoKind.ORDINARY: "增值税普通发票"}
PERIODS: Final = {
    CommitmentPeriod.MONTH: "每月",
    CommitmentPeriod.YEAR: "每一合同年度",
    CommitmentPeriod.TERM: "整个合同期",
}
FX: Final = {"none": "同币种，不折算", "card": "按折算卡单价", "bill": "出账时折算"}
TAXES: Final = {"inclusive": "单价含税", "exclusive": "单价不含税"}
SWITCHED: Final = {"active": "启用", "disabled": "已下架", "drained": "已摘除"}
BOOKS: Final = {"cost": "成本价目", "sale": "销售价目", "card": "折算卡", "contract": "合同价目"}
GRAVE: Final = {
    Severity.ERROR: "错误",
    Severity.APPROVE: "待批准",
    Severity.WARNING: "注意",
    Severity.NOTE: "说明",
}
OPTIONS: Final = {
    OptionKind.RECOMMENDED: "推荐",
    OptionKind.WANTED: "客户指定",
    OptionKind.ALTERNATIVE: "备选",
}
QUOTE_EVENTS: Final = {
    "make": "做出报价",
    "approve": "批准",
    "reject": "驳回",
    "offer": "报出",
    "accept": "接受",
    "withdraw": "撤回",
}
TEMPLATES: Final = {"general": "通用", "fintech": "金融科技", "ecommerce": "电商"}
REQUESTS: Final = REQUESTS_SAID
STAGES: Final = {Stage.RUNNING: "试用中", Stage.CONVERTED: "已转正式", Stage.ENDED: "已结束"}
JOURNALS: Final = {"live": "在写", "drained": "已采完", "parked": "已搁置"}

TRIAL_TOLD: Final = {
    Kind.TRIAL_GRANTED: "试用开始",
    Kind.TRIAL_HALF_USED: "用过一半",
    Kind.TRIAL_USED_UP: "额度用完",
    Kind.TRIAL_ENDING: "三日内到期",
    Kind.TRIAL_ENDED: "期满，附报告",
    Kind.TRIAL_CONVERTED: "转为正式",
}
"""Stages of a trial of which the customer and sales were told."""
ALL: Final[tuple[dict[str, str], ...]] = tuple(
    {str(name): said for name, said in table.items()}
    for table in (
        TYPES,
        CLASSES,
        TRIAL_TOLD,
        DRAFT_STATES,
        DRAFT_KINDS,
        DRAFT_EVENTS,
        PAPER_KINDS,
        PLATFORMS,
        SIGNING_STATES,
        MODES,
        CONFIRMATIONS,
        KINDS,
        PERIODS,
        FX,
        TAXES,
        SWITCHED,
        BOOKS,
        GRAVE,
        OPTIONS,
        QUOTE_EVENTS,
        QUOTES,
        TEMPLATES,
        REQUESTS,
        STAGES,
        JOURNALS,
    )
)
"""Every table, for whoever translates them."""
