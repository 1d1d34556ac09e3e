"""What an outcome takes for granted, in sentences: the reader may not agree with each. Pure."""

from collections.abc import Iterator, Mapping

from yuejie.bills.closing.compose import Facts
from yuejie.insights.whatif.replay import Replay
from yuejie.insights.whatif.suppose import Supposition, factor_text


def assumptions(known: Replay, supposed: Supposition, facts: Facts) -> Iterator[str]:
    """Say what the outcome takes for granted."""
    if known.is_open:
        yield f"{known.month} 尚未关账：两边都按此刻的用量算"
    yield from _mapped(supposed, facts)
    if supposed.prices is not None:
        yield f"单价按 {supposed.prices.said}，服务档、上下文与时段仍按每次调用自己的"
        if supposed.prices.is_partial:
            yield "其中没有写的模型单价不变"
    if supposed.contract is not None:
        yield f"假设的条款只用于 {known.month}；以前月份的补计与更正按原条款"
    if any(key.month != known.month for key, _ in facts.usage):
        yield "账单上以前月份的补计行不变"
    changed = supposed.swaps or supposed.prices or supposed.contract
    if changed and (facts.extras or facts.grants):
        yield "调整、套餐与代金券不变；套餐与代金券按重放后的用量抵扣"
    for row in sorted(set(facts.tariff.fx.values()), key=lambda fx: (fx.month, fx.rate.base)):
        said = f"{row.on_date} 的汇率 {row.rate.base}→{row.rate.quote} {row.rate}"
        yield f"{row.month} 按 {said} 折算（{row.source}）"


def _mapped(supposed: Supposition, facts: Facts) -> Iterator[str]:
    names = {place.project_id: place.name for place in facts.tariff.places.values()}
    for swap in supposed.swaps:
        yield swap.sentence(names)
        yield _tokens_said(swap.target, swap.source, swap.tokens)
        yield f"{swap.target} 的上下文档位按原请求的大小判断"
        for meter, like in sorted(swap.meters.items()):
            yield f"{swap.target} 没有 {meter} 单价的，按 {like} 计（用户指定）"
    for meter, like in sorted(supposed.meters.items()):
        yield f"没有 {meter} 单价的，按 {like} 计（用户指定）"


def _tokens_said(target: str, source: str, factors: Mapping[str, int]) -> str:
    if not factors:
        return f"{target} 的 token 数取与 {source} 相同（两者分词不同，实际会有出入）"
    said = "、".join(
        f"{meter or '各计量项'} × {factor_text(ppm)}" for meter, ppm in sorted(factors.items())
    )
    return f"{target} 的 token 数按用户给的系数折算：{said}"
