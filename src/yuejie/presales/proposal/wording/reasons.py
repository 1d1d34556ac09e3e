"""The English of sentences that a quote says in Chinese: reasons, advice, what was assumed.

A quote keeps each sentence as the rule that wrote it said it; a proposal in English says it by
these templates, `{}` for each thing that is named. What a person told us (a name, a source, the
reason of an assumption) stays in that person's words.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from yuejie.paper.said import HAN, Said
from yuejie.usage.meters import NAMES

SENTENCES: Final[dict[str, str]] = {
    # Why this class, this type, and what follows (reckon/propose)
    "信用分级建议：{}（{}）；{}，{}，账期 {} 天": (
        "Proposed credit class: {1} ({2}); {3}, {4}, due within {5} days"
    ),
    "合同类型建议：{}（{}）；{}": "Proposed contract: {1} ({2}); {3}",
    "押金 {} 至 {} 个月用量": "a deposit of {1} to {2} months of usage",
    "成立于 {}，不满三年": "founded on {1}, less than three years ago",
    "成立于 {}，已满三年": "founded on {1}, three years ago or more",
    "客户希望签{}合同": "the customer wishes a contract {1}",
    "用量估计的高值超过低值的 {} 倍，先不约定期限，随时可终止": (
        "the high estimate of usage is more than {1} times the low one, so no term is fixed and it"
        " may be ended at any time"
    ),
    "只计划 {} 个月，短于一年": "only {1} months are planned, less than a year",
    "用量稳定，计划 {} 个月": "usage is steady over the {1} months planned",
    "提前 {} 天通知可终止，变更须双方签署": (
        "it may be ended with {1} days' notice, and both sign any change"
    ),
    # Which model, and the budget (make)
    "主用模型 {}：首月预计 {} {}；{}": "Main model {1}: {2} {3} expected in the first month; {4}",
    "备用模型 {}：主用模型的部署全部失败时由它回答，按它的单价计费": (
        "Backup model {1}: it answers when every deployment of the main model fails, at its own"
        " rates"
    ),
    "没有提供建议类型的方案，以“{}”为准": (
        "No plan of the proposed type was asked for; this is the plan “{1}”"
    ),
    "没有 {} 与 {} 的汇率，无法与预算 {} {} 比较": (
        "There is no exchange rate between {1} and {2}, so it cannot be compared with the budget"
        " of {3} {4}"
    ),
    "每月预算 {} {}，各月均在预算之内": "Monthly budget {1} {2}: every month is within it",
    "每月预算 {} {}，各月均超出": "Monthly budget {1} {2}: every month is above it",
    "每月预算 {} {}，各月均超出；{} 各月均在预算之内": (
        "Monthly budget {1} {2}: every month is above it; {3} stays within it every month"
    ),
    "每月预算 {} {}，{} 超出": "Monthly budget {1} {2}: above it in {3}",
    "每月预算 {} {}，{} 超出；{} 各月均在预算之内": (
        "Monthly budget {1} {2}: above it in {3}; {4} stays within it every month"
    ),
    # What speaks for a model, and what against it (reckon/choose)
    "评级{}，适合{}（依据：{}）": "graded {1}, fit for {2} (source: {3})",
    "由 {} 在 {} 提供": "served by {1} in {2}",
    "上下文 {} token，足够": "a context of {1} tokens is enough",
    "注意：{} 停用，早于方案期末": "note: it ends on {1}, before the plan does",
    "注意：{} 停用，早于方案期末，届时可改用 {}": (
        "note: it ends on {1}, before the plan does; {2} can take over then"
    ),
    "在要求的区域（{}）没有可用的部署": "no deployment serves it in the regions asked for ({1})",
    "类型为 {}，不适合{}": "its type is {1}, which does not fit {2}",
    "价目 {} 没有它的 {} 单价": "the list {1} has no rate for its {2}",
    "将于 {} 停用": "it ends on {1}",
    "上下文 {} 装不下每次至多 {} token": "a context of {1} does not hold {2} tokens a call",
    "每次最多输出 {} token，少于所需的 {}": "it answers {1} tokens at most; {2} are needed",
    "评级为{}（适合{}），不满足要求": "graded {1} (fit for {2}), which is not what is asked",
    # What advice says: reckon/advise
    "{}（{}）": "{1} ({2})",
    "{} 没有批量档的价格": "{1} has no price of a batch tier",
    "{} 的调用（客户填写）改为 24 小时内返回，按批量档单价重新计算首月账单": (
        "{1} of the calls (as stated) answered within 24 hours: the first bill computed again at"
        " batch rates"
    ),
    "{} 没有单列缓存命中的价格": "{1} has no price of its own for cache reads",
    "{} 写入缓存另有单价，需求表没有填写 habits.cache_write，不估算": (
        "{1} prices cache writes apart, and the form does not state habits.cache_write; nothing is"
        " estimated"
    ),
    "{} 的输入命中缓存（客户填写），按缓存单价重新计算首月账单": (
        "{1} of the input read from the cache (as stated): the first bill computed again at cache"
        " rates"
    ),
    "{} 的输入命中缓存、{} 写入缓存（客户填写），按缓存单价重新计算首月账单": (
        "{1} of the input read from the cache and {2} written to it (as stated): the first bill"
        " computed again at cache rates"
    ),
    "{} 的调用（客户填写）改由 {} 回答，按其单价重新计算首月账单": (
        "{1} of the calls (as stated) answered by {2}: the first bill computed again at its rates"
    ),
    "算得首月 {}，不低于现在的 {} {}，不建议": (
        "the first month comes to {1}, not below the present {2} {3}: not advised"
    ),
    "算得首月只省 {} {}，不到账单的 {}，不建议": (
        "it saves {1} {2} in the first month, less than {3} of the bill: not advised"
    ),
    # Where an input stands (proposal/sources)
    "{} 第 {} 行": "{1}, lines {2}",
    # What was assumed in the comparison (replay)
    "{} 在该时刻没有销售价": "{1} had no sale rate at that instant",
    "{}：{}（假设）": "{1}: {2} (assumed)",
    "{}：没有填写现在的单价，按本店目录价计": (
        "{1}: its present rates were not stated; our list is taken"
    ),
    "{}：没有填写可抵扣的税率 vat，按没有专票、不能抵扣计": (
        "{1}: the rate of deductible VAT was not stated; taken as no special fapiao and nothing"
        " deducted"
    ),
    "{}：没有填写{} {}，未计入": "{1}: {2} ({3}) was not stated and is left out",
    "{}：按所给单价计，不含其长上下文、批量等档位": (
        "{1}: at the rates given, without its tiers for long context, batch and the like"
    ),
    "{}：没有给出 {} {}的单价，按{}计": (
        "{1}: no rate was given for {2} {3}; that of {4} is taken"
    ),
    "{}：{}承诺消费在所比月份内未到期，未计补足": (
        "{1}: the commitment by {2} does not fall due within the months compared; no true-up is"
        " counted"
    ),
}
WORDS: Final[dict[str, str]] = {
    "月度": "month",
    "年度": "year",
    "合同期": "term",
    "上市或大型企业": "listed or large company",
    "中型企业": "medium company",
    "初创企业": "start-up",
    "高风险": "high risk",
    "无固定期限": "open-ended",
    "一年期": "of one year",
    "三年期": "of three years",
    "随时可终止，变更自次月起生效": (
        "it may be ended at any time, and a change holds from the next month"
    ),
    "提前终止须付解约费，变更须双方签署且只增不减": (
        "leaving early costs a break fee; both sign a change, and it only adds"
    ),
    "先用后付": "paid after use",
    "预付加月结": "prepaid balance first, then monthly",
    "预付": "prepaid",
    "无需押金": "no deposit",
    "有失信或逾期记录": "a record of default or late payment",
    "上市公司": "listed",
    "大型企业": "large company",
    "未填写成立日期与上市情况，先按中型企业，由财务审核时核定": (
        "founding date and listing were not stated; medium for now, settled when finance reviews"
    ),
    "用量预计逐月下降，不宜约定期限": "usage is expected to fall, so no term is fixed",
    "本店以对公转账结算；原付款方式的手续费与汇差不再发生": (
        "We settle by bank transfer; the fees and the spread of the present way of paying end"
    ),
    "一般纳税人取得数电专票，进项税额可以抵扣": (
        "A general taxpayer with special fapiao may deduct the input VAT"
    ),
    "小规模纳税人不抵扣进项税，比较时按含税价": (
        "A small-scale taxpayer deducts no input VAT; compared with tax included"
    ),
    "用途不得抵扣进项税，比较时按含税价": (
        "This use may not deduct input VAT; compared with tax included"
    ),
    "索取数电普票不能抵扣进项税；改要专票可抵扣": (
        "Ordinary fapiao deduct no input VAT; special ones would"
    ),
    "没有其他能满足需求的模型可作备用，主用模型的所有部署失败时调用会失败": (
        "No other model that meets the need can stand by: when every deployment of the main model"
        " fails, calls fail"
    ),
    "客户指定的模型，未经我方评级": "named by the customer, not graded by us",
    "上下文长度未登记，请与客户的最长请求核对": (
        "its context length is not recorded; to be checked against the longest request"
    ),
    "未登记区域": "a region not recorded",
    "已停用": "no longer served",
    "在本店没有可用的部署": "no deployment of ours serves it",
    "尚未评级，无法判断质量是否足够（用 yuejie presales grade 评级）": (
        "not graded yet, so nobody can say whether it is good enough"
    ),
    "基础": "basic",
    "标准": "standard",
    "高阶": "advanced",
    "客服问答": "support",
    "文案生成": "writing",
    "分类与抽取": "classification and extraction",
    "翻译": "translation",
    "代码": "code",
    "复杂推理": "reasoning",
    "图文理解": "vision",
    "向量化": "embedding",
    "可等待的调用改用批量档": "Use the batch tier for calls that can wait",
    "重复的输入使用提示词缓存": "Use prompt caching for repeated input",
    "简单的调用改用较便宜的模型": "Use a cheaper model for simple calls",
    "需求表没有填写 habits.can_wait（多少调用可以在 24 小时内返回），不估算": (
        "the form does not state habits.can_wait (how many calls may take 24 hours); nothing is"
        " estimated"
    ),
    "需求表没有填写 habits.cached（多少输入与不久前发过的相同），不估算": (
        "the form does not state habits.cached (how much input repeats); nothing is estimated"
    ),
    "需求表没有填写 habits.simple（多少调用用基础模型即可），不估算": (
        "the form does not state habits.simple (how many calls a basic model can answer); nothing"
        " is estimated"
    ),
    "没有比它便宜、评级适合该任务的模型": "no cheaper model is graded for this task",
    "价目没有这样用的价格，不估算": "the list has no price for this use; nothing is estimated",
    "后付账期带来的资金收益未计入，只作为条件列出": (
        "what paying later earns is not counted, only listed as a term"
    ),
    "没有填写资金成本 capital_per_year，占用资金的成本未计入": (
        "the cost of capital (capital_per_year) was not stated; that of idle money is left out"
    ),
    # Why a figure is nothing (replay)
    "对公转账": "paid by bank transfer",
    "先用后付，没有余额": "paid after use, there is no balance",
    "没有管理费": "there is no management fee",
    "购买方不抵扣进项税": "the buyer deducts no input VAT",
    "没有专票": "there is no special fapiao",
    "从零开始": "it begins at zero",
    "预付没有押金": "prepayment has no deposit",
    "没有填写等待天数": "the days of waiting were not stated",
    "月底作废": "it is lost at the month's end",
    "余额结转，不作废": "the balance is carried over, nothing is lost",
    "没有填写资金成本": "the cost of capital was not stated",
    "无专票或购买方不抵扣": "no special fapiao, or the buyer deducts nothing",
    "报价没有写明": "the offer does not say",
    "目录价": "list",
    "现在的预付方式": "the present prepaid way",
    "刷卡手续费": "card fee",
    "汇率差": "spread on exchange",
    "最小充值金额": "smallest top-up",
    "每月固定购买": "bought each month",
    "每月损失": "lost each month",
    "可抵扣的税率": "rate of deductible VAT",
    "充值等待天数": "days until a top-up arrives",
    "资金年成本": "cost of capital a year",
}
_JOINTS: Final = (("；", "; "), ("、", ", "), (" ", " "), (".", "."))


@cache
def _shaped() -> tuple[Said, ...]:
    known = (Said.of(chinese, english) for chinese, english in SENTENCES.items())
    return tuple(sorted(known, key=lambda said: -said.weight))


@cache
def _meters() -> dict[str, str]:
    return dict(_turned())


def _turned() -> Iterator[tuple[str, str]]:
    for meter, name in NAMES.items():
        yield name, str(meter).replace("_", " ")


def in_english(text: str) -> str:
    """Return what a quote says in English; names and people's own words stay as they are."""
    if not HAN.search(text):
        return text
    known = WORDS.get(text) or _meters().get(text)
    if known:
        return known
    for said in _shaped():
        named = said.named(text)
        if named is not None:
            return said.filled(named, in_english)
    for joint, ours in _JOINTS:
        if joint in text:
            return ours.join(in_english(each) for each in text.split(joint))
    return text
