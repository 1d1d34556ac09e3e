"""Bills, closings and proofs on the wire."""

from datetime import date
from typing import Any

from pydantic import Field

from yuejie.assurance.prove import Proof
from yuejie.bills.bill import Bill, BillLine, TaxLine
from yuejie.bills.closing.close import Closed
from yuejie.kernel.money import FX_SCALE, plain
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Out, UnitRate


class BillHead(Out):
    """账单抬头与合计。"""

    bill_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    month: Month
    number: str | None = Field(description="账单号；草稿没有", examples=["YJ2026000001"])
    part: str = Field(description="拆分出账时的部分；空为整户或主账单")
    part_name: str = Field(description="部分的名称")
    state: str = Field(
        description="draft 草稿，proposed 待确认，confirmed 已确认，disputed 有异议，"
        "issued 已出账，paid 已结清，written_off 已核销，voided 已作废"
    )
    contract_id: str = Field(description="合同")
    contract_version: int = Field(description="合同版次")
    tax_mode: str = Field(description="inclusive 含税，exclusive 不含税")
    tax_ppm: int = Field(description="税率，百万分率：60000 为 6%")
    net: Amount = Field(description="不含税金额")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    closed_at: Instant = Field(description="关账时间")
    issued_at: Instant | None = Field(description="出账时间")
    billed_on: date | None = Field(description="交给客户的日期")
    review_until: date | None = Field(description="对账截止日")
    due_on: date | None = Field(description="应付日")
    fapiao_by: date | None = Field(description="开票日")
    purchase_order: str = Field(description="采购订单号")
    seal: str | None = Field(description="封印：规范形式的 SHA-256")

    @classmethod
    def of(cls, bill: Bill) -> "BillHead":
        """Write a bill without its lines."""
        return cls(**_head(bill))


class LineOut(Out):
    """账单行：项目 × 模型 × 计量项 × 单价，取整一次。"""

    position: int = Field(description="行号")
    kind: str = Field(
        description="usage 本月用量，late 补计以前月份，其余为合同费用与抵扣，例如 tier_discount"
    )
    item: str = Field(description="不是用量的行：名目")
    refers_to: str = Field(description="来自哪个套餐、代金券或调整")
    tax_line: int | None = Field(description="所属税行；空为不开票的部分")
    service_month: Month
    project_id: str = Field(description="项目编号")
    project: str = Field(description="项目名")
    department: str = Field(description="部门")
    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    quantity: int = Field(description="数量")
    rate: UnitRate | None = Field(description="单价；不是用量的行没有")
    fx: str | None = Field(description="折算汇率；同币种为空")
    amount: Amount = Field(description="金额，账单币种")
    usd: Amount | None = Field(description="美元金额")
    cny: Amount | None = Field(description="人民币金额")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")

    @classmethod
    def of(cls, line: BillLine, currency: str) -> "LineOut":
        """Write a printed line."""
        return cls(
            position=line.position,
            kind=str(line.kind),
            item=line.item,
            refers_to=line.refers_to,
            tax_line=line.tax_line,
            service_month=str(line.service_month),
            project_id=line.project_id,
            project=line.project_name,
            department=line.department,
            model=line.model,
            meter=line.meter,
            quantity=line.quantity,
            rate=_rate(line),
            fx=plain(line.fx_e8, FX_SCALE) if line.fx_e8 else None,
            amount=_fen(line.amount_fen, currency),
            usd=Amount.of_fen(line.usd_fen, "USD"),
            cny=Amount.of_fen(line.cny_fen, "CNY"),
            net=_fen(line.net_fen, currency),
            tax=_fen(line.tax_fen, currency),
        )


class TaxLineOut(Out):
    """税行：一个税率下的若干账单行，只取整一次。"""

    position: int = Field(description="序号")
    item: str = Field(description="名目")
    tax_ppm: int = Field(description="税率，百万分率")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")

    @classmethod
    def of(cls, line: TaxLine, currency: str) -> "TaxLineOut":
        """Write a tax line."""
        return cls(
            position=line.position,
            item=line.item,
            tax_ppm=line.tax_ppm,
            net=_fen(line.net_fen, currency),
            tax=_fen(line.tax_fen, currency),
            gross=_fen(line.gross_fen, currency),
        )


class BillOut(BillHead):
    """整张账单。"""

    lines: list[LineOut] = Field(description="每一行；合计是各行之和")
    tax_lines: list[TaxLineOut] = Field(description="税行：发票从中整行选取")
    without_fapiao: Amount = Field(description="合计中不开票的部分")

    @classmethod
    def of(cls, bill: Bill) -> "BillOut":
        """Write a bill, whole."""
        return cls(
            **_head(bill),
            lines=[LineOut.of(line, bill.currency) for line in bill.lines],
            tax_lines=[TaxLineOut.of(line, bill.currency) for line in bill.tax_lines],
            without_fapiao=_fen(bill.untaxed_fen, bill.currency),
        )


class CloseIn(In):
    """关账：默认只试算，不写入。"""

    month: Month | None = Field(None, description="账期；不写为上个月", examples=["2026-10"])
    customer: Text | None = Field(None, description="只关这个客户；不写为全部")
    commit: bool = Field(default=False, description="true 才真正写入草稿")


class ClosedOut(Out):
    """一个客户的关账结果。"""

    customer: str = Field(description="客户简称")
    done: str = Field(
        description="would_draft 试算，drafted 已生成草稿，redrafted 已重算，unchanged 无变化，"
        "already_issued 已出账，no_usage 无用量，failed 未能关账"
    )
    why: str = Field(description="未能关账的原因")
    bill: BillHead | None = Field(description="账单；试算时为将要生成的样子")

    @classmethod
    def of(cls, closed: Closed) -> "ClosedOut":
        """Write an outcome."""
        bill = BillHead.of(closed.bill) if closed.bill else None
        return cls(customer=closed.customer, done=str(closed.done), why=closed.why, bill=bill)


class Closing(Out):
    """关账的结果。"""

    month: Month
    committed: bool = Field(description="是否真正写入")
    said: str = Field(description="一句话结论", examples=["2026-10 无用量数据"])
    customers: list[ClosedOut] = Field(description="逐客户的结果")


class DifferenceOut(Out):
    """验证发现的一处不符。"""

    what: str = Field(description="哪一处")
    billed: str = Field(description="账单上的")
    proved: str = Field(description="重算的")


class ProofOut(Out):
    """一张账单的验证结果；没有不符即相符到分。"""

    customer: str = Field(description="客户简称")
    bill: BillHead = Field(description="账单")
    events: int = Field(description="重算所用的原始事件数")
    differences: list[DifferenceOut] = Field(description="不符之处")

    @classmethod
    def of(cls, proof: Proof) -> "ProofOut":
        """Write a proof."""
        return cls(
            customer=proof.customer,
            bill=BillHead.of(proof.bill),
            events=proof.events,
            differences=[DifferenceOut.model_validate(each) for each in proof.differences],
        )


class MonthProof(Out):
    """一个月的验证结果。"""

    month: Month
    proved: bool = Field(description="是否全部相符到分")
    bills: list[ProofOut] = Field(description="逐张账单")


def _head(bill: Bill) -> dict[str, Any]:
    return {
        "bill_id": bill.bill_id,
        "customer_id": bill.customer_id,
        "month": str(bill.month),
        "part": bill.part,
        "part_name": bill.part_name,
        "billed_on": bill.billed_on,
        "review_until": bill.review_until,
        "due_on": bill.due_on,
        "fapiao_by": bill.fapiao_by,
        "purchase_order": bill.purchase_order,
        "number": bill.number,
        "state": str(bill.state),
        "contract_id": bill.contract_id,
        "contract_version": bill.contract_version,
        "tax_mode": str(bill.tax_mode),
        "tax_ppm": bill.tax_ppm,
        "net": Amount.of(bill.net),
        "tax": Amount.of(bill.tax),
        "gross": Amount.of(bill.gross),
        "closed_at": bill.closed_at,
        "issued_at": bill.issued_at,
        "seal": bill.seal.hex() if bill.seal else None,
    }


def _rate(line: BillLine) -> UnitRate | None:
    if not line.metered:
        return None
    return UnitRate.of(line.meter, line.rate_pico, line.rate_currency)


def _fen(fen: int, currency: str) -> Amount:
    shown = Amount.of_fen(fen, currency)
    assert shown is not None
    return shown
