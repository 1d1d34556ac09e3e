"""Reconciliation with providers, and margins, on the wire."""

from base64 import b64decode
from datetime import date, datetime

from pydantic import Field

from yuejie.assurance.margin import Margin
from yuejie.assurance.reconcile.difference import CHINESE, TO_DO, Difference, not_reported
from yuejie.assurance.reconcile.report import Filed, Source
from yuejie.assurance.reconcile.run import Sent
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet
from yuejie.assurance.reconcile.store import ReportRow, RunRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import BODY_BYTES
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Name, Out, Worth


class ReportIn(In):
    """一份供应商报告。"""

    account: Name = Field(description="供应商账号", examples=["openai-main"])
    month: Month
    source: Source = Field(description="来源")
    file_name: Name = Field(description="文件名", examples=["costs-2026-10.json"])
    content: str = Field(description="文件内容，Base64", max_length=BODY_BYTES)
    as_of: Instant | None = Field(None, description="报告导出的时刻；不填为现在")
    mapping: str = Field("", description="对账映射（TOML），用于 csv 与 gcp_billing")

    def sent(self, now: datetime) -> Sent:
        """Read what was sent."""
        try:
            body = b64decode(self.content, validate=True)
        except ValueError:  # not base64, or not even ASCII
            raise Invalid("content 不是 Base64 编码，请编码后重试") from None
        return Sent(
            account_id=self.account,
            month=BillingMonth.parse(self.month),
            source=self.source,
            file_name=self.file_name,
            body=body,
            as_of=self.as_of or now,
            sheet=parse_sheet(self.mapping) if self.mapping else Sheet(),
        )


class ReportOut(Out):
    """一份已存档的报告。"""

    report_id: str = Field(description="编号")
    account: str = Field(description="供应商账号")
    month: str = Field(description="月份")
    source: str = Field(description="来源")
    currency: str = Field(description="币种")
    zone: str = Field(description="报告里一天的时区")
    covers: list[date] = Field(description="报告覆盖的日期，按报告的时区")
    lines: int = Field(description="行数")
    file_name: str = Field(description="文件名")
    sha256: str = Field(description="文件摘要")
    as_of: Instant = Field(description="导出的时刻")

    @classmethod
    def of(cls, row: ReportRow) -> "ReportOut":
        """Write a report on file."""
        return cls(account=row.account_id, **{n: getattr(row, n) for n in _REPORT})

    @classmethod
    def filed(cls, filed: Filed) -> "ReportOut":
        """Write a report that was just put on file."""
        report = filed.report
        return cls(
            report_id=filed.report_id,
            account=filed.account_id,
            month=filed.month,
            source=report.source.value,
            currency=report.currency,
            zone=report.zone,
            covers=sorted(report.covers),
            lines=len(report.lines),
            file_name=filed.file_name,
            sha256=filed.sha256,
            as_of=filed.as_of,
        )


_REPORT = [n for n in ReportOut.model_fields if n != "account"]


class ReconcileIn(In):
    """对哪个账号的哪个月对账。"""

    account: Name = Field(description="供应商账号")
    month: Month


class ReconciliationOut(Out):
    """一次对账的结论。"""

    reconciliation_id: str = Field(description="编号")
    account: str = Field(description="供应商账号")
    month: str = Field(description="月份")
    ours: Worth = Field(description="我方：计量 × 成本单价")
    theirs: Worth = Field(description="对方：报告的金额；只有数量时按我方单价折算")
    explained: Worth = Field(description="已说明的差异，绝对值之和")
    unexplained: Worth = Field(description="未说明的差异，绝对值之和")
    passes: bool = Field(description="未说明部分是否不足 0.1 %")
    at: Instant = Field(description="时间")
    by: str = Field(description="谁")
    report_ids: list[str] = Field(description="所用的报告")

    @classmethod
    def of(cls, row: RunRow) -> "ReconciliationOut":
        """Write a reconciliation."""

        def worth(pico: int) -> Worth:
            return Worth.of(Charge(int(pico), row.currency))

        return cls(
            reconciliation_id=row.reconciliation_id,
            account=row.account_id,
            month=row.month,
            ours=worth(row.ours_pico),
            theirs=worth(row.theirs_pico),
            explained=worth(row.explained_pico),
            unexplained=worth(row.unexplained_pico),
            passes=row.passes,
            at=row.at,
            by=row.by,
            report_ids=row.report_ids,
        )


class DifferenceOut(Out):
    """一处差异。"""

    day: date = Field(description="报告的日期")
    model: str = Field(description="模型，按供应商的名称，不含日期后缀")
    meter: str = Field(description="计量项；空为整个模型")
    cause: str = Field(description="原因代码", examples=["missing_here"])
    cause_name: str = Field(description="原因", examples=["我方缺失"])
    quantity: int = Field(description="对方比我方多出的数量，负数为少")
    amount: Worth = Field(description="对方比我方多出的金额")
    why: str = Field(description="依据")
    to_do: str = Field(description="怎么处理")

    @classmethod
    def of(cls, each: Difference, currency: str) -> "DifferenceOut":
        """Write a difference."""
        return cls(
            day=each.day,
            model=each.model,
            meter=each.meter,
            cause=each.cause.value,
            cause_name=CHINESE[each.cause],
            quantity=each.quantity,
            amount=Worth.of(Charge(each.pico, currency)),
            why=each.why,
            to_do=TO_DO[each.cause],
        )


class ReconciledOut(Out):
    """一次对账和它的全部差异。"""

    reconciliation: ReconciliationOut = Field(description="结论")
    not_reported: list[date] = Field(description="我方有用量而报告未覆盖的日期，按报告的时区")
    differences: list[DifferenceOut] = Field(description="全部差异")

    @classmethod
    def of(cls, row: RunRow, differences: list[Difference]) -> "ReconciledOut":
        """Write a reconciliation whole."""
        return cls(
            reconciliation=ReconciliationOut.of(row),
            not_reported=not_reported(differences),
            differences=[DifferenceOut.of(each, row.currency) for each in differences],
        )


class MarginOut(Out):
    """毛利，不含税，折合人民币。"""

    name: str = Field(description="客户、模型或合同")
    calls: int = Field(description="调用次数")
    revenue: Amount = Field(description="收入")
    cost: Amount = Field(description="成本")
    margin: Amount = Field(description="毛利")
    margin_ppm: int | None = Field(description="毛利率，百万分之几；没有收入时为空")

    @classmethod
    def of(cls, margin: Margin) -> "MarginOut":
        """Write a margin."""
        revenue, cost, left = map(Amount.of, margin.amounts)
        return cls(
            name=margin.name,
            calls=margin.calls,
            revenue=revenue,
            cost=cost,
            margin=left,
            margin_ppm=margin.margin_ppm,
        )
