"""Prospects, their forms and past usage, grades and the floor margin on the wire."""

from typing import Any

from pydantic import Field

from yuejie.presales.form import words_of
from yuejie.presales.quote import MonthVolume
from yuejie.presales.replay.load import Loaded
from yuejie.presales.requirement import Form, Quality, Range, TaskType
from yuejie.web.envelope import BODY_BYTES
from yuejie.web.shapes.wire import Facts, In, Instant, Name, Out


class ProspectIn(In):
    """登记一个潜在客户。"""

    slug: Name = Field(description="简称：小写字母、数字和连字符", examples=["jinke"])
    name: Name = Field(description="公司名称", examples=["深圳金客科技有限公司"])


class ProspectOut(Out):
    """潜在客户。"""

    prospect_id: str = Field(description="编号")
    slug: str = Field(description="简称")
    name: str = Field(description="公司名称")
    made_by: str = Field(description="登记人")
    made_at: Instant = Field(description="登记时间")


class FormIn(In):
    """需求表：与文件同样的写法，小数与比例写成文字。"""

    form: Facts = Field(
        description="需求表各项，写法见 yuejie presales example general",
        examples=[
            {
                "company": {"name": "深圳金客科技有限公司", "industry": "fintech"},
                "first_month": "2026-12",
                "task": "support",
                "volume": {"qps": "5", "hours": "office"},
                "tokens": {"input": 800, "output": 200},
            }
        ],
    )


class RangeOut(Out):
    """一个数的三种估计。"""

    low: int = Field(description="低")
    expected: int = Field(description="预计")
    high: int = Field(description="高")

    @classmethod
    def of(cls, found: Range) -> "RangeOut":
        """Write a range."""
        return cls(low=found.low, expected=found.expected, high=found.high)


class VolumeOut(Out):
    """一个月的用量估计。"""

    month: str = Field(description="月份")
    requests: RangeOut = Field(description="调用次数")
    tokens_in: RangeOut = Field(description="输入 token")
    tokens_out: RangeOut = Field(description="输出 token")

    @classmethod
    def of(cls, found: MonthVolume) -> "VolumeOut":
        """Write a month."""
        return cls(
            month=found.month,
            requests=RangeOut.of(found.requests),
            tokens_in=RangeOut.of(found.tokens_in),
            tokens_out=RangeOut.of(found.tokens_out),
        )


class FormOut(Out):
    """一版需求表。"""

    version: int = Field(description="第几版")
    form: dict[str, Any] = Field(description="需求表各项")
    digest: str = Field(description="SHA-256")
    made_by: str = Field(description="填写人")
    made_at: Instant = Field(description="填写时间")

    @classmethod
    def of(cls, found: Form) -> "FormOut":
        """Write a version."""
        return cls(
            version=found.version,
            form=dict(words_of(found.requirement)),
            digest=found.digest,
            made_by=found.made_by,
            made_at=found.made_at,
        )


class UsageIn(In):
    """历史用量文件。"""

    file_name: Name = Field(description="文件名，由它看出格式", examples=["usage.csv"])
    content: str = Field(description="文件内容，Base64", max_length=BODY_BYTES)
    format: Name | None = Field(None, description="csv、jsonl、openai、anthropic；不写看文件名")
    mapping: str = Field("", max_length=100_000, description="映射文件（TOML）")
    zone: Name = Field("Asia/Shanghai", description="按哪个时区分月")


class UsageOut(Out):
    """导入过的历史用量。"""

    import_id: str = Field(description="编号")
    name: str = Field(description="文件名")
    sha256: str = Field(description="文件摘要")
    row_count: int = Field(description="行数")
    rejected: int = Field(description="未采用的行数")
    zone: str = Field(description="分月的时区")
    made_by: str = Field(description="导入人")
    made_at: Instant = Field(description="导入时间")


class RejectOut(Out):
    """未采用的一行。"""

    line: int = Field(description="行号")
    why: str = Field(description="原因")


class LoadedOut(Out):
    """导入的结果。"""

    usage: UsageOut = Field(description="历史用量")
    months: list[str] = Field(description="覆盖的月份")
    models: list[str] = Field(description="用过的模型")
    cells: int = Field(description="汇总后的项数")
    rejects: list[RejectOut] = Field(description="未采用的行，最多前 20 行")

    @classmethod
    def of(cls, found: Loaded) -> "LoadedOut":
        """Write what became of a file."""
        return cls(
            usage=UsageOut.model_validate(found.usage),
            months=list(found.months),
            models=list(found.models),
            cells=found.cells,
            rejects=[RejectOut.model_validate(each) for each in found.rejects],
        )


class GradeIn(In):
    """给一个模型评级。"""

    quality: Quality = Field(description="basic 基础、standard 标准、advanced 高阶")
    tasks: list[TaskType] = Field(min_length=1, description="适合的任务")
    source: str = Field(min_length=1, max_length=500, description="依据", examples=["内部评测"])


class GradeOut(Out):
    """模型的评级。"""

    model_id: str = Field(description="模型")
    quality: str = Field(description="质量")
    tasks: list[str] = Field(description="适合的任务")
    source: str = Field(description="依据")
    made_by: str = Field(description="评级人")
    made_at: Instant = Field(description="评级时间")


class FloorIn(In):
    """毛利底线。"""

    share: Name = Field(description="比例", examples=["8%"])


class FloorOut(Out):
    """毛利底线：低于它的报价须由另一人批准。"""

    share: str = Field(description="比例", examples=["8%"])
    made_by: str | None = Field(description="设置人；默认值没有")
    made_at: Instant | None = Field(description="设置时间")
