"""Price files and the changes of prices that wait for a second person, on the wire."""

from pydantic import Field

from yuejie.contracts.changes.change import ChangeState, PriceChange
from yuejie.contracts.changes.compare import Difference
from yuejie.contracts.formats.pricelist import Remark, Severity
from yuejie.contracts.import_prices import ImportReport
from yuejie.kernel.limits import PRICE_FILE_BYTES
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import In, Instant, Name, Out, UnitRate


class PriceImportIn(In):
    """一个价目文件：新模型直接发布；改动已有单价的提出调价，由另一人批准后才生效。"""

    name: Name = Field(description="文件名，.toml、.csv 或 .json", examples=["sale.toml"])
    content: str = Field(max_length=PRICE_FILE_BYTES, description="文件内容")
    starts_at: Instant | None = Field(None, description="生效时间；不写为发布或批准后十分钟")
    approve: bool = Field(default=False, description="已核对：新模型的异常单价或提前生效无误")
    why: Text = Field("", description="原因，给批准的人看")
    dry_run: bool = Field(default=True, description="只试算；写 false 才发布或提出")


class RemarkOut(Out):
    """报告的一条。"""

    where: str = Field(description="文件中的位置")
    severity: Severity = Field(description="error 错误，approve 待批准，warning 注意，note 说明")
    sentence: str = Field(description="说明")

    @classmethod
    def of(cls, remark: Remark) -> "RemarkOut":
        """Write a remark."""
        return cls(where=remark.where, severity=remark.severity, sentence=remark.sentence)


class PriceImportOut(Out):
    """导入的报告。"""

    outcome: str = Field(description="结果，一句话")
    refused: bool = Field(description="是否未通过：有错误，或有待批准而未批准的")
    needs_another: bool = Field(description="是否须由另一人批准")
    revision: int | None = Field(description="发布的版次；空为没有发布")
    change_id: str | None = Field(description="提出的调价；空为没有提出")
    models: list[str] = Field(description="更新的模型")
    remarks: list[RemarkOut] = Field(description="逐条报告")

    @classmethod
    def of(cls, report: ImportReport) -> "PriceImportOut":
        """Write a report."""
        done = report.published
        return cls(
            outcome=report.outcome,
            refused=report.refused,
            needs_another=report.needs_another,
            revision=done.revision if done else None,
            change_id=report.change_id,
            models=list(done.models) if done else [],
            remarks=[RemarkOut.of(each) for each in report.remarks],
        )


class PriceChangeOut(Out):
    """一次提出的调价；所提的内容不会再变。"""

    change_id: str = Field(description="编号")
    book_id: str = Field(description="价目")
    state: ChangeState = Field(description="asked 待审批，approved、rejected、withdrawn")
    starts_at: Instant | None = Field(description="生效时间；空为批准后十分钟")
    source: str = Field(description="来源")
    models: list[str] = Field(description="涉及的模型")
    sha256: str = Field(description="内容的 SHA-256，与发布后那一版相同")
    why: str = Field(description="原因")
    asked_by: str = Field(description="谁提出")
    asked_at: Instant = Field(description="提出时间")
    decided_by: str | None = Field(description="谁批准、驳回或撤回")
    decided_at: Instant | None = Field(description="处理时间")
    decided_why: str = Field(description="处理意见")
    revision: int | None = Field(description="批准后发布的版次")
    hindrance: str = Field(description="为什么现在不能批准；空为可以，或已处理")
    remarks: list[RemarkOut] = Field(description="提出时的报告")

    @classmethod
    def of(cls, change: PriceChange, hindrance: str) -> "PriceChangeOut":
        """Write a change as it stands."""
        facts = {
            name: getattr(change, name)
            for name in cls.model_fields
            if name not in {"sha256", "hindrance", "remarks"}
        }
        return cls(
            **facts,
            sha256=change.body_hash.hex(),
            hindrance=hindrance,
            remarks=[RemarkOut.of(each) for each in change.remarks],
        )


class PriceDifferenceOut(Out):
    """一个单价的前后。"""

    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    service_tier: str = Field(description="服务档")
    context_above: int = Field(description="上下文档：输入超过这么多 token")
    time_window: str = Field(description="时段；空为其余时间")
    kind: str = Field(description="up 涨价，down 降价，new 新增，gone 取消，same 不变")
    was: UnitRate | None = Field(description="原单价")
    became: UnitRate | None = Field(description="新单价")
    ppm: int | None = Field(description="变动，百万分率")

    @classmethod
    def of(cls, each: Difference) -> "PriceDifferenceOut":
        """Write a price before and after."""
        model, meter, tier, above, window = each.key
        return cls(
            model=model,
            meter=meter,
            service_tier=tier,
            context_above=above,
            time_window=window,
            kind=each.kind,
            was=_rate(each, each.was),
            became=_rate(each, each.became),
            ppm=each.ppm,
        )


def _rate(each: Difference, pico: int | None) -> UnitRate | None:
    return None if pico is None else UnitRate.of(each.key[1], pico, each.currency)
