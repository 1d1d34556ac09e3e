"""Books, prices, exchange rates and contracts on the wire."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field

from yuejie.contracts.agreed.on_day import RateOn
from yuejie.contracts.contract import TAX_PPM, Contract
from yuejie.contracts.fx import FxRow
from yuejie.contracts.prices import Explanation, RateRow
from yuejie.contracts.store import RevisionNote
from yuejie.kernel.money import PPM
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import In, Instant, Out, UnitRate


class BookOut(Out):
    """价目：只增不改的单价簿。"""

    book_id: str = Field(description="名称", examples=["list"])
    kind: str = Field(description="cost 成本价，sale 销售价，card 折算卡")
    currency: str = Field(description="币种")
    parent_book: str | None = Field(description="折算卡所依据的目录价目")
    created_at: Instant = Field(description="建立时间")


class RevisionOut(Out):
    """价目的一版；下一版生效时它自然结束。"""

    revision: int = Field(description="版次")
    starts_at: Instant = Field(description="生效时间")
    published_at: Instant = Field(description="发布时间")
    source: str = Field(description="来源")
    approved_by: str | None = Field(description="批准大幅变动或提前生效的人")
    body_hash: str = Field(description="内容的 SHA-256")

    @classmethod
    def of(cls, note: RevisionNote) -> "RevisionOut":
        """Write what was published."""
        facts = {name: getattr(note, name) for name in cls.model_fields}
        return cls(**facts | {"body_hash": note.body_hash.hex()})


class RateOut(Out):
    """一个计量项此刻适用的单价，以及逐条理由。"""

    meter: str = Field(description="计量项", examples=["cache_read"])
    rate: UnitRate | None = Field(description="单价；空为这些条件下没有定价")
    rate_id: int | None = Field(description="单价号")
    service_tier: str | None = Field(description="适用的服务档")
    context_above: int | None = Field(description="适用的上下文档：输入超过这么多 token")
    time_window: str | None = Field(description="适用的时段")
    why: list[str] = Field(description="为什么是这个单价")

    @classmethod
    def of(cls, meter: str, explained: Explanation) -> "RateOut":
        """Write a rate with the reason for each choice."""
        row = explained.rate
        return cls(
            meter=meter,
            rate=UnitRate.of(meter, row.pico, row.currency) if row else None,
            rate_id=row.rate_id if row else None,
            service_tier=row.service_tier if row else None,
            context_above=row.context_above if row else None,
            time_window=row.time_window if row else None,
            why=list(explained.sentences),
        )


class PriceOut(Out):
    """一个模型在某一时刻的价格。"""

    book_id: str = Field(description="价目")
    model: str = Field(description="模型")
    at: Instant = Field(description="时刻")
    revision: int = Field(description="此刻适用的版次")
    rates: list[RateOut] = Field(description="各计量项")


class RateOnOut(Out):
    """客户某一天适用的一个单价。"""

    model: str = Field(description="模型")
    meter: str = Field(description="计量项", examples=["cache_read"])
    rate: UnitRate = Field(description="单价")
    service_tier: str = Field(description="适用的服务档")
    context_above: int = Field(description="适用的上下文档：输入超过这么多 token；0 为不分档")
    time_window: str = Field(description="适用的时段；空为全天")
    since: Instant = Field(description="自何时起")

    @classmethod
    def of(cls, found: RateOn) -> "RateOnOut":
        """Write a rate that held on a day."""
        row = found.rate
        return cls(
            model=row.model,
            meter=row.meter,
            rate=UnitRate.of(row.meter, row.pico, row.currency),
            service_tier=row.service_tier,
            context_above=row.context_above,
            time_window=row.time_window,
            since=found.since,
        )


def meters_of(rows: tuple[RateRow, ...]) -> list[str]:
    """Return the meters of a price list, each once, in the order of the list."""
    return list(dict.fromkeys(row.meter for row in rows))


class FxOut(Out):
    """一天的汇率。"""

    fx_id: int = Field(description="编号")
    base: str = Field(description="外币", examples=["USD"])
    quote: str = Field(description="折成的币种", examples=["CNY"])
    on_date: date = Field(description="日期")
    rate: str = Field(description="1 base = rate quote，至多八位小数", examples=["7.2"])
    source: str = Field(description="出处", examples=["中国外汇交易中心中间价"])
    published_at: Instant = Field(description="登记时间")

    @classmethod
    def of(cls, row: FxRow) -> "FxOut":
        """Write a dated rate."""
        facts = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**facts | {"rate": str(row.rate)})


class FxIn(In):
    """登记一天的汇率；同一天再登记，后者算数。"""

    base: Literal["CNY", "USD"] = Field(description="外币", examples=["USD"])
    quote: Literal["CNY", "USD"] = Field(description="折成的币种", examples=["CNY"])
    on_date: date = Field(description="日期", examples=["2026-10-31"])
    rate: Text = Field(description="1 base = rate quote", examples=["7.2"])
    source: Text = Field(min_length=1, description="出处", examples=["中国外汇交易中心中间价"])


class ContractOut(Out):
    """合同的一版。"""

    contract_id: str = Field(description="编号")
    number: str = Field(description="合同编号，印在合同与账单上；早先登记的合同没有，为空")
    version: int = Field(description="版次")
    customer_id: str = Field(description="客户")
    sale_book: str = Field(description="计价所用的价目；折算卡写作“目录价@币种”")
    currency: str = Field(description="结算币种")
    zone: str = Field(description="时区")
    fx_policy: str = Field(description="none 同币种，card 按价目卡折算，bill 出账时折算")
    tax_mode: str = Field(description="inclusive 含税，exclusive 不含税")
    tax_ppm: int = Field(description="税率，百万分率", examples=[TAX_PPM])
    starts_at: Instant = Field(description="生效时间")
    signed_at: Instant = Field(description="登记时间")

    @classmethod
    def of(cls, contract: Contract, numbers: Mapping[str, str]) -> "ContractOut":
        """Write a version with its number."""
        number = numbers.get(contract.contract_id, "")
        facts = {name: getattr(contract, name) for name in cls.model_fields if name != "number"}
        return cls(**facts, number=number)


class ContractIn(In):
    """登记客户的第一份合同。"""

    book: Text = Field(description="销售目录价目", examples=["list"])
    currency: Literal["CNY", "USD"] = Field("CNY", description="结算币种")
    fx_policy: Literal["none", "card", "bill"] = Field("none", description="汇率方式")
    tax_mode: Literal["inclusive", "exclusive"] = Field("inclusive", description="计税方式")
    tax_ppm: int = Field(TAX_PPM, ge=0, lt=PPM, description="税率，百万分率：6% 写 60000")
    starts_at: Instant = Field(description="生效时间")
