"""Say how an amount came about, so that anyone with a calculator can check it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.contracts.fx import MonthFx
from yuejie.contracts.prices import Book, Explanation, RateRow, clock_text, rate_text, unit_name
from yuejie.contracts.tier import DEFAULT
from yuejie.contracts.window import in_words, window_of
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import Charge, Money, plain
from yuejie.usage.meters import Meter

_US: Final = 10**6
_BORROWED: Final = "fallback:"


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount, with every number that made it and the sentences that say so."""

    quantity: int
    rate: RateRow
    charge: Charge
    fx: MonthFx | None
    money: Money
    sentences: tuple[str, ...]


def explain_amount(
    quantity: int,
    rate: RateRow,
    *,
    fx: MonthFx | None = None,
    why: Explanation | None = None,
) -> Amount:
    """Explain a line: why this rate, quantity × rate = charge, exchange rate, rounding to fen."""
    charge = Charge(quantity * rate.pico, rate.currency)
    money = charge.settle(fx.rate if fx else None)
    sentences = [
        *(why.sentences if why else ()),
        (
            f"{rate.model} {rate.meter} {quantity:,} {unit_name(rate.meter)} × {rate_text(rate)}"
            f" = {charge} {charge.currency}。"
        ),
    ]
    if fx is not None:
        sentences.append(
            f"{fx.month} 按 {fx.on_date} 的汇率 1 {fx.rate.base} = {fx.rate} {fx.rate.quote}"
            f"（{fx.source}）折算。"
        )
    sentences.append(f"四舍五入到分：{money} {money.currency}。")
    return Amount(quantity, rate, charge, fx, money, tuple(sentences))


def explain_card(rate: RateRow, listed: RateRow, fx_e8: int) -> str:
    """Say how a card rate came from its list rate."""
    return (
        f"折算卡单价 {rate_text(rate)} = 目录价 {rate_text(listed)} × 汇率 {plain(fx_e8, 10**8)}，"
        "发布时折算并四舍五入到每百万六位小数。"
    )


def show(
    book: Book,
    model: str,
    at: datetime,
    *,
    service_tier: str = DEFAULT,
    context_tokens: int = 0,
    meter: str | None = None,
) -> list[str]:
    """Write what a model costs at an instant and why, for `yuejie price show MODEL --at TIME`.

    Raises NotFound where the book does not price the model then.
    """
    started_us = int(at.timestamp()) * _US
    revision = book.revision_at(started_us)
    named = None if revision is None else book.naming(model, revision, started_us)
    if revision is None or named is None:
        raise NotFound(
            f"价目 {book.book_id} 在 {at.isoformat()} 没有为模型 {model} 定价，"
            "请核对模型名和时间，或先导入价目",
            model=model,
        )
    rows = book.price_list(model, named)
    meters = sorted({row.meter for row in rows}, key=_rank) if meter is None else [meter]
    reasons = {
        each: book.explain(
            model,
            each,
            revision=revision,
            started_us=started_us,
            service_tier=service_tier,
            context_tokens=context_tokens,
        )
        for each in meters
    }
    said = f"{model} · 价目 {book.book_id}（{book.currency}）· {clock_text(started_us)}"
    return [said, *_shown(reasons), *_others(rows, service_tier)]


def _shown(reasons: Mapping[str, Explanation]) -> Iterator[str]:
    """Write the reasons that all meters share once, then each meter with its own."""
    every = [why.sentences for why in reasons.values()]
    shared = [sentence for sentence in every[0] if all(sentence in each for each in every)]
    if len(every) > 1:
        yield from (f"  {sentence}" for sentence in shared)
    for meter, why in reasons.items():
        if len(every) > 1 and why.rate is not None and why.rate.origin.startswith(_BORROWED):
            parent = why.rate.origin.removeprefix(_BORROWED)
            yield f"{meter:<24}{rate_text(why.rate)}（按 {parent} 计）"
            continue
        yield f"{meter:<24}{rate_text(why.rate) if why.rate else '无单价'}"
        own = [each for each in why.sentences if len(every) == 1 or each not in shared]
        if why.rate is not None:
            own = own[:-1]  # the last repeats the rate
        yield from (f"    {sentence}" for sentence in own)


def _others(rows: tuple[RateRow, ...], service_tier: str) -> Iterator[str]:
    """Say under which other facts the list has other prices."""
    tiers = sorted({row.service_tier for row in rows} - {service_tier})
    if tiers:
        yield f"另有服务档：{'、'.join(tiers)}"
    above = sorted({row.context_above for row in rows} - {0})
    if above:
        yield f"长上下文档：输入超过 {'、'.join(f'{each:,}' for each in above)} token 时整单适用"
    for text in sorted({row.time_window for row in rows} - {""}):
        yield f"时段价：{in_words(window_of(text))}"


def _rank(meter: str) -> int:
    """Order meters as bills print them."""
    return list(Meter).index(Meter(meter)) if meter in set(Meter) else len(Meter)
