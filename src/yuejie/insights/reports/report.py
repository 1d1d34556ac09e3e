"""A saved report: what it shows, of which time, for whom, and when it is sent. Pure.

A customer's report shows quantities and what they are worth at its own prices; cost, margin, other
customers and deployments are the operator's.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from yuejie.insights.reports.schedule import Schedule
from yuejie.insights.reports.span import Grain, Period
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import CURRENCIES

NAME_LENGTH: Final = 60
RECIPIENTS: Final = 20
REPORTS: Final = 100
"""Saved reports of one owner: each is computed by itself, again and again."""
DIMENSIONS: Final = 4
"""More columns of names leave no room for figures on paper."""
TAG: Final = "tag:"


class Dimension(StrEnum):
    """What usage can be told apart by; besides these `tag:NAME`."""

    CUSTOMER = "customer"
    PROJECT = "project"
    DEPARTMENT = "department"
    KEY = "key"
    MODEL = "model"
    METER = "meter"
    DEPLOYMENT = "deployment"


class Measure(StrEnum):
    """What can be counted."""

    CHARGE = "charge"
    REQUESTS = "requests"
    FAILED = "failed"
    TOKENS = "tokens"
    INPUT = "input"
    CACHED = "cached"
    OUTPUT = "output"
    CACHE_SHARE = "cache_share"
    UNIT_COST = "unit_cost"
    COST = "cost"
    MARGIN = "margin"
    MARGIN_SHARE = "margin_share"


class Form(StrEnum):
    """How a figure is written: fen, whole pieces, or a share in parts per million."""

    MONEY = "money"
    COUNT = "count"
    SHARE = "share"


DIMENSION_NAMES: Final = {
    Dimension.CUSTOMER: "客户",
    Dimension.PROJECT: "项目",
    Dimension.DEPARTMENT: "部门",
    Dimension.KEY: "密钥",
    Dimension.MODEL: "模型",
    Dimension.METER: "计量项",
    Dimension.DEPLOYMENT: "部署",
}
MEASURE_NAMES: Final = {
    Measure.CHARGE: "计费额",
    Measure.REQUESTS: "请求数",
    Measure.FAILED: "失败请求",
    Measure.TOKENS: "Token",
    Measure.INPUT: "输入 Token",
    Measure.CACHED: "缓存命中",
    Measure.OUTPUT: "输出 Token",
    Measure.CACHE_SHARE: "缓存命中率",
    Measure.UNIT_COST: "每千次请求",
    Measure.COST: "成本",
    Measure.MARGIN: "毛利",
    Measure.MARGIN_SHARE: "毛利率",
}
FORMS: Final = {
    Measure.CHARGE: Form.MONEY,
    Measure.UNIT_COST: Form.MONEY,
    Measure.COST: Form.MONEY,
    Measure.MARGIN: Form.MONEY,
    Measure.CACHE_SHARE: Form.SHARE,
    Measure.MARGIN_SHARE: Form.SHARE,
}
"""What is not here is a count."""
OF_COST: Final = frozenset({Measure.COST, Measure.MARGIN, Measure.MARGIN_SHARE})
OPERATORS: Final = frozenset({Dimension.CUSTOMER, Dimension.DEPLOYMENT})
PER_CALL: Final = frozenset({Measure.REQUESTS, Measure.FAILED, Measure.UNIT_COST})
"""Counted by call, so that by meter they would be zero almost everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a report shows. `filters` keeps, of a dimension, only the values named."""

    dimensions: tuple[str, ...] = (Dimension.MODEL,)
    measures: tuple[Measure, ...] = (Measure.CHARGE, Measure.REQUESTS, Measure.TOKENS)
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    grain: Grain = Grain.TOTAL
    period: Period = Period.LAST_MONTH
    currency: str = "CNY"

    def refuse_nonsense(self, customer_id: CustomerId | None) -> None:
        """Refuse what could not be shown, or must not be shown to a customer."""
        if self.currency not in CURRENCIES:
            raise Invalid(f"报表币种“{self.currency}”不支持，请写 CNY 或 USD")
        if not self.measures or len(set(self.measures)) != len(self.measures):
            raise Invalid("报表的度量至少一个，且不能重复，请改正后重试")
        if len(self.dimensions) > DIMENSIONS or len(set(self.dimensions)) != len(self.dimensions):
            raise Invalid(f"报表的维度最多 {DIMENSIONS} 个，且不能重复，请改正后重试")
        for name in (*self.dimensions, *self.filters):
            _refuse_dimension(name)
        if any(not values for values in self.filters.values()):
            raise Invalid("报表的筛选不能没有取值，请写成 model=gpt-4o 这样")
        if Dimension.METER in self.dimensions and PER_CALL & set(self.measures):
            raise Invalid("请求数按调用计，不能按计量项细分，请去掉计量项维度或改用 Token 度量")
        if customer_id is not None:
            self._refuse_operators()

    def _refuse_operators(self) -> None:
        asked = [MEASURE_NAMES[each] for each in self.measures if each in OF_COST]
        named = {*self.dimensions, *self.filters}
        asked += [DIMENSION_NAMES[each] for each in sorted(OPERATORS) if each in named]
        if asked:
            raise Invalid(f"客户的报表不含{'、'.join(asked)}，请去掉后重试")

    @property
    def shows_cost(self) -> bool:
        """Whether provider cost must be read."""
        return bool(OF_COST & set(self.measures))


def _refuse_dimension(name: str) -> None:
    if name.startswith(TAG) and len(name) > len(TAG):
        return
    if name not in set(Dimension):
        known = "、".join(Dimension)
        raise Invalid(f"报表维度“{name}”不认识，请写 {known}，或 tag:标签名")


def title_of(dimension: str) -> str:
    """Return what stands above a column of names."""
    if dimension.startswith(TAG):
        return f"标签 {dimension.removeprefix(TAG)}"
    return DIMENSION_NAMES[Dimension(dimension)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDraft:
    """What is asked for. `recipients` are contacts; none: whoever subscribes to reports."""

    name: str
    spec: Spec
    recipients: tuple[str, ...] = ()
    schedule: Schedule | None = None

    def refuse_nonsense(self, customer_id: CustomerId | None) -> None:
        """Refuse a report that could not be kept."""
        if not 0 < len(self.name.strip()) <= NAME_LENGTH or not self.name.isprintable():
            raise Invalid(f"报表名称应为 1 到 {NAME_LENGTH} 个可见字符，请改正后重试")
        if len(self.recipients) > RECIPIENTS:
            raise Invalid(f"报表的收件人最多 {RECIPIENTS} 个，请减少后重试")
        self.spec.refuse_nonsense(customer_id)
        if self.schedule is not None:
            self.schedule.refuse_nonsense()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A saved report. `customer_id` None: the operator's own. `next_at` is its next due instant."""

    report_id: str
    customer_id: CustomerId | None
    name: str
    spec: Spec
    recipients: tuple[str, ...]
    schedule: Schedule | None
    zone: str
    next_at: datetime | None
    made_by: str
    made_at: datetime
    ended_at: datetime | None = None

    @property
    def draft(self) -> ReportDraft:
        """What it asks for, to be changed."""
        return ReportDraft(
            name=self.name, spec=self.spec, recipients=self.recipients, schedule=self.schedule
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One making of a report: by itself at `due_at`, or by hand (None)."""

    run_id: str
    report_id: str
    customer_id: CustomerId | None
    due_at: datetime | None
    since: datetime
    until: datetime
    made_at: datetime
    made_by: str
    rows: int
    sha256: bytes
    sent: int
    """To how many channels it was addressed by name; 0 with a due instant: to all subscribers."""


def encode_spec(spec: Spec) -> str:
    """Write a spec as it is kept."""
    return msgspec.json.encode(spec, order="sorted").decode()


def decode_spec(text: str) -> Spec:
    """Read a spec as it was kept."""
    return msgspec.json.decode(text, type=Spec)
