"""Which contract and which credit class, with reasons: rules over the form and the class rules.

Pure. D1's table is data (`contracts/life/credit.py`); what of the form leads to which class, and
which term to propose, is here, each with the sentence that is printed.
"""

from datetime import date, timedelta
from typing import Final

from yuejie.contracts.life.credit import ONE_YEAR_NOTICE_DAYS, CreditRule
from yuejie.contracts.terms import ContractType, CreditClass, PaymentMode
from yuejie.presales.reckon.options import note_rule
from yuejie.presales.requirement import PaymentMethod, Requirement, Taxpayer
from yuejie.presales.trace import Tracing

YOUNG: Final = timedelta(days=3 * 365)
"""A company younger than three years has no three audited years to judge it by."""
UNSURE_TIMES: Final = 2
"""Where high is more than twice low, a minimum for a year would be a guess."""
CLASSES: Final = {
    CreditClass.LISTED: "上市或大型企业",
    CreditClass.MEDIUM: "中型企业",
    CreditClass.STARTUP: "初创企业",
    CreditClass.HIGH_RISK: "高风险",
}
TYPES: Final = {
    ContractType.OPEN: "无固定期限",
    ContractType.ONE_YEAR: "一年期",
    ContractType.THREE_YEAR: "三年期",
}
BOUND: Final = {
    ContractType.OPEN: "随时可终止，变更自次月起生效",
    ContractType.ONE_YEAR: f"提前 {ONE_YEAR_NOTICE_DAYS} 天通知可终止，变更须双方签署",
    ContractType.THREE_YEAR: "提前终止须付解约费，变更须双方签署且只增不减",
}
"""product.md D2, as contracts/life/rules.py holds it."""
MODES: Final = {
    PaymentMode.POSTPAID: "先用后付",
    PaymentMode.PREPAID_MONTHLY: "预付加月结",
    PaymentMode.PREPAID: "预付",
}


def credit_class(need: Requirement, today: date) -> tuple[CreditClass, str]:
    """Propose a credit class, with the reason; finance decides when it reviews the draft."""
    standing = need.standing
    if standing.adverse:
        return CreditClass.HIGH_RISK, "有失信或逾期记录"
    if standing.listed or standing.large:
        return CreditClass.LISTED, "上市公司" if standing.listed else "大型企业"
    if standing.founded_on is None:
        return CreditClass.MEDIUM, "未填写成立日期与上市情况，先按中型企业，由财务审核时核定"
    if today - standing.founded_on < YOUNG:
        return CreditClass.STARTUP, f"成立于 {standing.founded_on}，不满三年"
    return CreditClass.MEDIUM, f"成立于 {standing.founded_on}，已满三年"


def contract_type(need: Requirement) -> tuple[ContractType, str]:
    """Propose how long to be bound, with the reason."""
    volume = need.volume
    guess = volume.qps_milli or volume.items_per_day
    assert guess is not None, "a form has one of the two"
    if need.term_wish is not None:
        return need.term_wish, f"客户希望签{TYPES[need.term_wish]}合同"
    if guess.high > UNSURE_TIMES * guess.low:
        return (
            ContractType.OPEN,
            f"用量估计的高值超过低值的 {UNSURE_TIMES} 倍，先不约定期限，随时可终止",
        )
    if volume.growth_ppm < 0:
        return ContractType.OPEN, "用量预计逐月下降，不宜约定期限"
    if need.months < 12:
        return ContractType.OPEN, f"只计划 {need.months} 个月，短于一年"
    return (
        ContractType.ONE_YEAR,
        f"用量稳定，计划 {need.months} 个月",
    )


def reasons_of(need: Requirement, rule: CreditRule, today: date) -> tuple[str, ...]:
    """Say why this class and type, and what follows from them."""
    credit, why = credit_class(need, today)
    kind, because = contract_type(need)
    deposit = (
        "无需押金"
        if rule.deposit_months_most == 0
        else f"押金 {rule.deposit_months_least} 至 {rule.deposit_months_most} 个月用量"
    )
    return (
        (
            f"信用分级建议：{CLASSES[credit]}（{why}）；{deposit}，{MODES[rule.payment_mode]}，"
            f"账期 {rule.payment_days} 天"
        ),
        f"合同类型建议：{TYPES[kind]}（{because}）；{BOUND[kind]}",
        *_paying(need),
    )


def note_reasons(tracing: Tracing, need: Requirement, rule: CreditRule) -> tuple[str, ...]:
    """Note the numbers that `reasons_of` names, and return their names."""
    rules = [
        note_rule(tracing, rule, field, label)
        for field, label in (
            ("deposit_months_least", "押金月数（下限）"),
            ("deposit_months_most", "押金月数（上限）"),
            ("payment_days", "账期（天）"),
        )
    ]
    months = tracing.given("form.months", "计划月数", need.months, "none", "form:months")
    notice = tracing.given(
        "rule.one_year.notice",
        "一年期合同的通知期（天）",
        ONE_YEAR_NOTICE_DAYS,
        "day",
        "rule:contract.one_year.notice_days",
    )
    unsure = tracing.given(
        "rule.unsure_times",
        "不约定期限的高低倍数",
        UNSURE_TIMES,
        "none",
        "rule:contract.unsure_times",
    )
    return (*rules, months, notice, unsure)


def _paying(need: Requirement) -> tuple[str, ...]:
    buyer, found = need.buyer, []
    if buyer.payment_method is not PaymentMethod.BANK_TRANSFER:
        found.append("本店以对公转账结算；原付款方式的手续费与汇差不再发生")
    if buyer.deducts:
        found.append("一般纳税人取得数电专票，进项税额可以抵扣")
    elif buyer.taxpayer is Taxpayer.SMALL_SCALE:
        found.append("小规模纳税人不抵扣进项税，比较时按含税价")
    elif not buyer.may_deduct:
        found.append("用途不得抵扣进项税，比较时按含税价")
    else:
        found.append("索取数电普票不能抵扣进项税；改要专票可抵扣")
    return tuple(found)
