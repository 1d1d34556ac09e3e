"""Cloud bills on the wire."""

from base64 import b64decode

from pydantic import Field

from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Change, Delivered
from yuejie.clouds.source import Rule, Source
from yuejie.clouds.store import DrillRow, OwnedRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import BODY_BYTES
from yuejie.kernel.money import Charge
from yuejie.web.shapes.wire import In, Instant, Month, Name, Out, Worth


class CloudSourceIn(In):
    """要登记的来源。"""

    source: Name = Field(description="永久的名称，合同以它约定加价", examples=["aws-main"])
    name: Name = Field(description="账单上的称呼", examples=["AWS"])
    billing_account: Name = Field(
        description="账单账号：AWS 付款账号、Azure 账单账户、GCP 结算账号"
    )
    tag_keys: list[Name] = Field(default=[], description="用于归属的标签键", max_length=8)


class CloudSourceOut(Out):
    """一个来源。"""

    source: str = Field(description="名称")
    name: str = Field(description="称呼")
    billing_account: str = Field(description="账单账号")
    tag_keys: list[str] = Field(description="用于归属的标签键")

    @classmethod
    def of(cls, made: Source) -> "CloudSourceOut":
        """Write a source."""
        return cls.model_validate(made)


class CloudRuleIn(In):
    """费用归谁。"""

    match: Name = Field(
        description="account=账号、tag=键=值、两者用逗号相连，或 *",
        examples=["account=111122223333"],
    )
    customer: Name | None = Field(None, description="客户；不填为我方自用")
    project: Name | None = Field(None, description="项目；不填为该客户共用")
    since: Month


class CloudRuleOut(Out):
    """一条归属。"""

    rule_id: str = Field(description="编号")
    sub_account: str | None = Field(description="账号")
    tag_key: str | None = Field(description="标签键")
    tag_value: str | None = Field(description="标签值")
    customer_id: str | None = Field(description="客户编号；空为我方自用")
    project_id: str | None = Field(description="项目编号；空为该客户共用")
    since: str = Field(description="从哪个计费周期起")
    made_by: str = Field(description="谁")
    made_at: Instant = Field(description="时间")

    @classmethod
    def of(cls, made: Rule) -> "CloudRuleOut":
        """Write a rule."""
        return cls.model_validate(made)


class CloudFileIn(In):
    """一个文件。"""

    name: Name = Field(description="文件名")
    content: str = Field(description="文件内容，Base64", max_length=BODY_BYTES)

    def body(self) -> bytes:
        """Return the bytes of the file."""
        try:
            return b64decode(self.content, validate=True)
        except ValueError:  # not base64, or not even ASCII
            raise Invalid(f"文件 {self.name} 的 content 不是 Base64 编码，请编码后重试") from None


class CloudDeliveryIn(In):
    """一个或几个计费周期的全部文件；大文件请用命令行导入。"""

    files: list[CloudFileIn] = Field(description="全部文件", min_length=1, max_length=100)
    metric: Metric | None = Field(None, description="仅 Azure 需要：actual 或 amortized")
    commit: bool = Field(default=False, description="写入；默认只试算")


class CloudShareOut(Out):
    """一个周期里一方的金额。"""

    customer_id: str | None = Field(description="客户编号")
    project_id: str | None = Field(description="项目编号")
    ours: bool = Field(description="是否我方自用；既无客户也非自用为未归属")
    currency: str = Field(description="币种")
    billed: Worth | None = Field(description="应付；文件未写明为空")
    effective: Worth | None = Field(description="摊销；文件未写明为空")


class CloudChangeOut(Out):
    """一个计费周期的变化。"""

    period: str = Field(description="计费周期")
    revision: int = Field(description="第几次")
    unchanged: bool = Field(description="与已导入的相同")
    rows: int = Field(description="行数")
    after: list[CloudShareOut] = Field(description="各方金额")

    @classmethod
    def of(cls, change: Change) -> "CloudChangeOut":
        """Write what a delivery does to a period."""
        return cls(
            period=str(change.period),
            revision=change.revision,
            unchanged=change.unchanged,
            rows=change.rows,
            after=[
                CloudShareOut(
                    customer_id=owner.customer_id,
                    project_id=owner.project_id,
                    ours=owner.ours,
                    currency=currency,
                    billed=worth(each.billed_pico, currency),
                    effective=worth(each.effective_pico, currency),
                )
                for (owner, currency), each in change.after.items()
            ],
        )


class CloudDeliveredOut(Out):
    """一次交付的结果。"""

    source: str = Field(description="来源")
    dialect: str = Field(description="账单种类")
    committed: bool = Field(description="是否已写入")
    periods: list[CloudChangeOut] = Field(description="各计费周期")
    kept_columns: list[str] = Field(description="不参与计算、随行原样保留的列")
    dropped_columns: dict[str, str] = Field(description="不保留的列与原因")
    left_rows: dict[str, int] = Field(
        description="未导入的行数：属于其他来源的账单账号，请用同一文件导入该来源"
    )

    @classmethod
    def of(cls, told: Delivered) -> "CloudDeliveredOut":
        """Write what was, or would be, taken in."""
        return cls(
            source=told.source,
            dialect=told.dialect,
            committed=told.committed,
            periods=[CloudChangeOut.of(change) for change in told.changes],
            kept_columns=list(told.kept),
            dropped_columns=told.dropped,
            left_rows=told.left,
        )


class CloudRemapIn(In):
    """重算哪个周期的归属。"""

    month: Month | None = Field(None, description="计费周期；不填为全部")


class CloudRemappedOut(Out):
    """归属有变的周期。"""

    period: str = Field(description="计费周期")
    revision: int = Field(description="第几次")


class CloudCostOut(Out):
    """云厂商要多少、归谁。"""

    source: str = Field(description="来源")
    period: str = Field(description="计费周期")
    revision: int = Field(description="第几次")
    customer: str = Field(description="客户简称；空为我方自用或未归属")
    project: str = Field(description="项目；空为该客户共用")
    ours: bool = Field(description="是否我方自用")
    service: str = Field(description="服务，按云厂商的名称")
    category: str = Field(description="类别")
    rows: int = Field(description="行数")
    billed: Worth | None = Field(description="应付；文件未写明为空")
    effective: Worth | None = Field(description="摊销；文件未写明为空")

    @classmethod
    def of(cls, row: OwnedRow) -> "CloudCostOut":
        """Write a charge of a statement."""
        return cls(
            **{name: getattr(row, name) for name in _OWNED},
            rows=row.row_count,
            billed=worth(row.billed_pico, row.currency),
            effective=worth(row.effective_pico, row.currency),
        )


_OWNED = [n for n in CloudCostOut.model_fields if n not in {"rows", "billed", "effective"}]


class CloudRowOut(Out):
    """云厂商账单里的一行。"""

    row: int = Field(description="在交付中的行号")
    revision: int = Field(description="周期的第几次交付")
    account: str = Field(description="账号、订阅或项目")
    tags: dict[str, str] = Field(description="用于归属的标签")
    service: str = Field(description="服务")
    category: str = Field(description="类别")
    used_on: str = Field(description="日期")
    description: str = Field(description="说明")
    billed: Worth | None = Field(description="应付；文件未写明为空")
    effective: Worth | None = Field(description="摊销；文件未写明为空")
    kept: dict[str, str] | None = Field(description="其余各列原文；仅运营方可见")

    @classmethod
    def of(cls, row: DrillRow, *, whole: bool) -> "CloudRowOut":
        """Write a row; its other columns are for the operator."""
        return cls(
            row=row.row_number,
            revision=row.revision,
            account=row.sub_account,
            tags=row.tags,
            service=row.service,
            category=row.category,
            used_on=row.used_on,
            description=row.description,
            billed=worth(row.billed_pico, row.currency),
            effective=worth(row.effective_pico, row.currency),
            kept=row.kept if whole else None,
        )


def worth(pico: int | None, currency: str) -> Worth | None:
    """Write an exact amount; None stays None."""
    return None if pico is None else Worth.of(Charge(int(pico), currency))
