"""Shared costs on the wire."""

from pydantic import Field

from yuejie.bills.sharing.keep import RuleDraft
from yuejie.bills.sharing.rule import Method, ShareRule
from yuejie.bills.sharing.show import ShareRow, ShareSheet
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Name, Out


class ShareRuleIn(In):
    """一条分摊规则。"""

    what: Name = Field(
        "*", description="分摊什么：*、账单行类型（如 management_fee、cloud），或 project:项目名"
    )
    method: Method = Field(description="equal 均摊、proportional 按用量、custom 自定义权重")
    projects: dict[Name, int] = Field(
        default={}, description="在哪些项目之间（各含下级）及权重；空为有用量的全部项目"
    )
    since: Month

    def draft(self) -> RuleDraft:
        """Read a rule."""
        return RuleDraft(
            what=self.what,
            method=self.method,
            since=BillingMonth.parse(self.since),
            projects=self.projects,
        )


class ShareRuleOut(Out):
    """一条分摊规则。"""

    rule_id: str = Field(description="编号")
    what: str = Field(description="分摊什么；项目写 project: 加项目编号")
    method: Method = Field(description="方式")
    weights: dict[str, int] = Field(description="项目编号与权重；空为有用量的全部项目")
    since: str = Field(description="从哪个账期起")
    made_by: str = Field(description="谁")
    made_at: Instant = Field(description="时间")

    @classmethod
    def of(cls, rule: ShareRule) -> "ShareRuleOut":
        """Write a rule."""
        return cls.model_validate(rule)


class ShareRowOut(Out):
    """一方承担的一类金额。"""

    name: str = Field(description="项目或部门")
    department: str = Field(description="部门")
    kind: str = Field(description="账单行类型")
    own: bool = Field(description="是否自身的行；否则由分摊而来")
    rule: str = Field(description="依据的规则；by_use 为默认按用量，自身的行为空")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")

    @classmethod
    def of(cls, row: ShareRow, currency: str) -> "ShareRowOut":
        """Write a row."""
        return cls(
            name=row.name,
            department=row.department,
            kind=row.kind,
            own=row.own,
            rule=row.rule_id,
            net=Amount.of(Money(row.net_fen, currency)),
            tax=Amount.of(Money(row.tax_fen, currency)),
            gross=Amount.of(Money(row.gross_fen, currency)),
        )


class ShareSheetOut(Out):
    """一个账期的成本分摊；各行之和等于账单。"""

    month: str = Field(description="账期")
    by: str = Field(description="按项目或部门")
    bills: list[str] = Field(description="分摊的账单")
    drafts: bool = Field(description="是否含未出账的账单")
    total: Amount = Field(description="价税合计")
    rows: list[ShareRowOut] = Field(description="各行")

    @classmethod
    def of(cls, sheet: ShareSheet) -> "ShareSheetOut":
        """Write a divided month."""
        return cls(
            month=str(sheet.month),
            by=sheet.by,
            bills=list(sheet.bills),
            drafts=sheet.drafts,
            total=Amount.of(Money(sheet.gross_fen, sheet.currency)),
            rows=[ShareRowOut.of(row, sheet.currency) for row in sheet.rows],
        )
