"""Kinds of record, how long each is kept at least, by which law, and what becomes of it then."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Invalid


class Kind(StrEnum):
    """A kind of record that is kept together. Stored by value; never renamed."""

    FAPIAO = "fapiao"
    VOUCHER = "voucher"
    BILL = "bill"
    AUDIT = "audit"
    LOG = "log"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a kind is kept: by default, and at least, both in months."""

    kind: Kind
    what: str
    months: int
    floor: int
    law: str
    automatic: bool
    """Whether a program deletes it; otherwise people appraise it first."""
    per_customer: bool = False
    """Whether a customer's contract may say otherwise."""


_ARCHIVES: Final = "《会计档案管理办法》（79 号令）"
RULES: Final[dict[Kind, Rule]] = {
    rule.kind: rule
    for rule in (
        Rule(Kind.FAPIAO, "发票、红字发票及其文件", 360, 360, _ARCHIVES, automatic=False),
        Rule(Kind.VOUCHER, "分录、银行回单、认款与退款", 360, 360, _ARCHIVES, automatic=False),
        Rule(
            Kind.BILL,
            "账单、合同、冲减单、对账单",
            120,
            120,
            "本社规定，与银行对账单同期",
            automatic=False,
        ),
        Rule(
            Kind.AUDIT,
            "变更记录与状态变更",
            120,
            6,
            "《网络安全法》≥ 6 个月；随账单",
            automatic=False,
        ),
        Rule(
            Kind.LOG,
            "登录、会话、邀请、投递日志，办完的后台任务，网关拒绝的计数",
            12,
            6,
            "《网络安全法》≥ 6 个月",
            automatic=True,
        ),
        Rule(
            Kind.EVENT,
            "原始用量（不含汇总）",
            120,
            6,
            "合同约定，否则与账单同期",
            automatic=True,
            per_customer=True,
        ),
    )
}


def rule_of(name: str) -> Rule:
    """Return the rule of a kind by its name; raises Invalid for another word."""
    if name not in set(Kind):
        raise Invalid(f"没有“{name}”这种记录，可选：{'、'.join(Kind)}")
    return RULES[Kind(name)]


def check_term(rule: Rule, months: int, *, customer: str | None) -> None:
    """Refuse a term the law does not allow, or a customer's where all are kept alike."""
    if months < rule.floor:
        raise Invalid(
            f"{rule.what}至少保留 {rule.floor} 个月（{rule.law}），不能改为 {months} 个月"
        )
    if customer is not None and not rule.per_customer:
        raise Invalid(f"{rule.what}的期限不分客户，请去掉客户后重试")
