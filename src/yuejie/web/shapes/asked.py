"""Questions about usage: what may be asked for in a query."""

from datetime import timedelta
from typing import Final

from pydantic import Field

from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.kernel.period import BillingMonth
from yuejie.usage.correct import WorkFilter
from yuejie.usage.show import By, Question
from yuejie.web.shapes.wire import In, Instant, Month, Name

_AGE_MAX: Final = 10 * 366 * 86_400


class UsageQuestion(In):
    """汇总哪些用量，按什么分组。"""

    by: list[By] = Field(default=[], max_length=12, description="按什么分组，可多次")
    month: Month | None = Field(None, description="账期；不写为本月")
    to_month: Month | None = Field(None, description="到哪个账期为止，含；不写为同一账期")
    since: Instant | None = Field(None, description="不早于这个整点")
    until: Instant | None = Field(None, description="早于这个整点")
    customer: Name | None = Field(None, description="客户简称或编号；不写为全部")
    project: Name | None = Field(None, description="项目名或编号，含其下级")
    department: Name | None = Field(None, description="部门")
    environment: Name | None = Field(None, description="环境")
    tag: Name | None = Field(None, description="标签，写成 名=值")
    tag_name: Name | None = Field(None, description="按标签分组时，只按这个标签名")
    key: Name | None = Field(None, description="密钥编号")
    model: Name | None = Field(None, description="模型")
    provider: Name | None = Field(None, description="供应商")
    meter: Name | None = Field(None, description="计量项")
    state: Name | None = Field(None, description="事件状态")

    def question(self, this_month: BillingMonth) -> Question:
        """Return what the verb takes; without a month it is the present one."""
        first = BillingMonth.parse(self.month) if self.month else this_month
        last = BillingMonth.parse(self.to_month) if self.to_month else first
        given = self.model_dump(exclude={"by", "month", "to_month", "customer"})
        return Question(by=tuple(self.by), first=first, last=last, **given)


class WorkQuestion(In):
    """待处理清单的哪一部分。"""

    customer: Name | None = Field(None, description="客户简称或编号；不写为全部")
    state: Name | None = Field(None, description="estimated、unmeasured 或 unpriced")
    reason: Name | None = Field(None, description="原因")
    model: Name | None = Field(None, description="模型")
    older_than_seconds: int | None = Field(None, ge=0, le=_AGE_MAX, description="至少等了多久")
    cursor: str | None = Field(None, max_length=1_000, description="上一页的 next_cursor")
    limit: int = Field(PAGE, ge=1, le=PAGE_MAX, description=f"每页条数，最多 {PAGE_MAX}")

    def filter(self) -> WorkFilter:
        """Return what the verb takes."""
        seconds = self.older_than_seconds
        return WorkFilter(
            state=self.state,
            reason=self.reason,
            model=self.model,
            older_than=None if seconds is None else timedelta(seconds=seconds),
        )
