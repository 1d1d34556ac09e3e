"""The live bill on the wire."""

from pydantic import Field

from yuejie.bills.bill import Bill
from yuejie.bills.live.live import Live, Moved, Note
from yuejie.web.shapes.billing.bills import LineOut, TaxLineOut
from yuejie.web.shapes.wire import Amount, Instant, Month, Out


class NoteOut(Out):
    """尚未确定的一点。"""

    doubt: str = Field(
        description="open_epoch 未关账，waiting 有待查明的调用，fx 暂定汇率，sla 待评定，"
        "true_up 截至目前的补足，earlier 之前的月份待关账，undecided 有待审批的调整，"
        "beside 另一币种的款项单独出账"
    )
    sentence: str = Field(description="一句话")

    @classmethod
    def of(cls, note: Note) -> "NoteOut":
        """Write a note."""
        return cls(doubt=note.doubt.value, sentence=note.sentence)


class LivePartOut(Out):
    """实时账单的一部分，即关账时的一张账单。"""

    month: Month
    part: str = Field(description="拆分出账时的部分；空为整户或主账单")
    part_name: str = Field(description="部分的名称")
    net: Amount = Field(description="不含税金额")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    lines_whole: int = Field(description="一共几行")
    lines: list[LineOut] = Field(description="合同费用与抵扣的全部行，以及金额最大的用量行")
    tax_lines: list[TaxLineOut] = Field(description="税行")

    @classmethod
    def of(cls, bill: Bill, lines: int) -> "LivePartOut":
        """Write a part with at most so many lines of usage, the largest ones, in printed order."""
        usage = sorted(
            (line for line in bill.lines if line.metered),
            key=lambda line: (-abs(line.amount_fen), line.position),
        )
        shown = {line.position for line in usage[:lines]}
        return cls(
            month=str(bill.month),
            part=bill.part,
            part_name=bill.part_name,
            net=Amount.of(bill.net),
            tax=Amount.of(bill.tax),
            gross=Amount.of(bill.gross),
            lines_whole=len(bill.lines),
            lines=[
                LineOut.of(line, bill.currency)
                for line in bill.lines
                if not line.metered or line.position in shown
            ],
            tax_lines=[TaxLineOut.of(line, bill.currency) for line in bill.tax_lines],
        )


class LiveOut(Out):
    """实时账单：若本月此刻结束，应付多少；与关账同一算法，到分一致。"""

    customer: str = Field(description="客户简称")
    month: Month
    drawn_at: Instant = Field(description="何时算出")
    used_until: Instant = Field(
        description="在此之前结束的调用都已计入；没有调用的网关每几秒才记一次，实际可能更新"
    )
    epoch: int = Field(description="时段号；仍在累计")
    net: Amount = Field(description="不含税金额")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    parts: list[LivePartOut] = Field(description="各部分，主账单在前")
    beside: list[LivePartOut] = Field(description="本月另一币种的账单，不计入合计")
    earlier: list[LivePartOut] = Field(description="已结束、尚未关账的月份，本月以它们为前提")
    notes: list[NoteOut] = Field(description="尚未确定的地方")

    @classmethod
    def of(cls, live: Live, lines: int) -> "LiveOut":
        """Write a live bill with at most so many lines of usage for each part."""
        return cls(
            customer=live.slug,
            month=str(live.month),
            drawn_at=live.drawn_at,
            used_until=live.used_until,
            epoch=live.epoch,
            net=Amount.of(live.net),
            tax=Amount.of(live.tax),
            gross=Amount.of(live.gross),
            parts=[LivePartOut.of(bill, lines) for bill in live.bills],
            beside=[LivePartOut.of(bill, lines) for bill in live.beside],
            earlier=[LivePartOut.of(bill, lines) for bill in live.earlier],
            notes=[NoteOut.of(note) for note in live.notes],
        )


class MovedOut(Out):
    """与上一秒不同的一行。"""

    part: str = Field(description="部分")
    kind: str = Field(description="账单行的类别")
    service_month: Month
    project_id: str = Field(description="项目编号")
    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    item: str = Field(description="不是用量的行：名目")
    refers_to: str = Field(description="来自哪个套餐、代金券或调整")
    amount_change: Amount = Field(description="金额的变化")
    quantity_change: int = Field(description="数量的变化")
    line: LineOut | None = Field(description="现在的样子；空为已没有这一行")

    @classmethod
    def of(cls, moved: Moved, currency: str) -> "MovedOut":
        """Write a change."""
        name, line, change = moved.name, moved.line, Amount.of_fen(moved.amount_fen, currency)
        assert change is not None
        return cls(
            part=name.part,
            kind=name.kind,
            service_month=name.service_month,
            project_id=name.project_id,
            model=name.model,
            meter=name.meter,
            item=line.item if line else name.item,
            refers_to=name.refers_to,
            amount_change=change,
            quantity_change=moved.quantity,
            line=LineOut.of(line, currency) if line else None,
        )


class LiveChangeOut(Out):
    """一秒之后：合计，变动的行，尚未确定的地方。"""

    month: Month
    drawn_at: Instant = Field(description="何时算出")
    used_until: Instant = Field(
        description="在此之前结束的调用都已计入；没有调用的网关每几秒才记一次，实际可能更新"
    )
    net: Amount = Field(description="不含税金额")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    moved: list[MovedOut] = Field(description="变动的行，变化大的在前，至多 lines 行")
    moved_whole: int = Field(description="一共变动了几行")
    notes: list[NoteOut] = Field(description="尚未确定的地方")

    @classmethod
    def of(cls, live: Live, changes: list[Moved], lines: int) -> "LiveChangeOut":
        """Write what a second changed."""
        return cls(
            month=str(live.month),
            drawn_at=live.drawn_at,
            used_until=live.used_until,
            net=Amount.of(live.net),
            tax=Amount.of(live.tax),
            gross=Amount.of(live.gross),
            moved=[MovedOut.of(each, live.currency) for each in changes[:lines]],
            moved_whole=len(changes),
            notes=[NoteOut.of(note) for note in live.notes],
        )
