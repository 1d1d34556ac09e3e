"""Tickets on the wire."""

from base64 import b64decode
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import TICKET_FILE_BYTES, TICKET_FILES, TICKET_TEXT
from yuejie.support.tickets.answer import Said
from yuejie.support.tickets.open import TicketDraft
from yuejie.support.tickets.show import Listed, Shown
from yuejie.support.tickets.ticket import Clock, Enclosed, Severity, TicketEvent, TicketKind
from yuejie.web.shapes.wire import In, Instant, Name, Out, TransitionOut

Text = Annotated[str, Field(max_length=TICKET_TEXT, pattern=r"^[^\x00]*$", description="内容")]


class FileIn(In):
    """一个附件。"""

    name: str = Field(min_length=1, max_length=255, description="文件名")
    content: str = Field(max_length=TICKET_FILE_BYTES * 3 // 2, description="内容，base64")

    def enclosed(self) -> Enclosed:
        """Return the file; what is not base64 is refused."""
        try:
            return Enclosed(self.name, b64decode(self.content, validate=True))
        except ValueError:  # not base64, or not even ASCII
            raise Invalid(f"附件“{self.name}”不是 base64 编码，请编码后重试") from None


Files = Annotated[
    list[FileIn], Field(default_factory=list, max_length=TICKET_FILES, description="附件")
]


class TicketIn(In):
    """提交工单。可关联一次请求，或一张账单（的一行），或都不关联。"""

    customer: Name | None = Field(None, description="客户；客户自己提交可不写")
    kind: Literal["problem", "billing", "question", "review"] = Field(
        "question", description="problem 故障、billing 账单与费用、question 咨询、review 接入评审"
    )
    severity: Literal["s1", "s2", "s3", "s4"] = Field(
        "s4", description="s1 生产中断、s2 严重受损、s3 部分受影响、s4 一般"
    )
    subject: str = Field(min_length=1, max_length=200, description="一句话标题")
    text: Text
    request_id: str = Field("", max_length=100, description="请求编号 req_…")
    bill: str = Field("", max_length=100, description="账单号")
    line: int | None = Field(None, ge=1, le=10_000_000, description="账单的第几行")
    files: Files

    def draft(self) -> TicketDraft:
        """Return what the verb takes."""
        return TicketDraft(
            kind=TicketKind(self.kind),
            severity=Severity(self.severity),
            subject=self.subject,
            text=self.text,
            request=self.request_id,
            bill=self.bill,
            line=self.line,
            files=[each.enclosed() for each in self.files],
        )


class SaidIn(In):
    """在工单上留言。"""

    text: Text = ""
    files: Files

    def said(self, event: TicketEvent) -> Said:
        """Return what the verb takes."""
        return Said(event, self.text, [each.enclosed() for each in self.files])


class GradeIn(In):
    """更改工单级别。"""

    severity: Literal["s1", "s2", "s3", "s4"] = Field(description="级别，s1 最急")
    why: Text = Field(min_length=1, description="原因，客户在工单上看到", examples=["生产仍受影响"])


class ClockOut(Out):
    """响应时限，7×24 计时。"""

    is_first: bool = Field(description="首次响应；只有首次计入合同承诺")
    started_at: Instant = Field(description="从何时起等待我方")
    due_at: Instant = Field(description="时限")
    stopped_at: Instant | None = Field(description="何时响应；仍在等待则为空")

    @classmethod
    def of(cls, clock: Clock) -> "ClockOut":
        """Write a clock."""
        return cls.model_validate(clock)


class TicketOut(Out):
    """工单。"""

    ticket_id: str = Field(description="编号", examples=["tkt_019a…"])
    customer: str = Field(description="客户简称")
    kind: str = Field(description="problem、billing、question、review")
    severity: str = Field(description="s1 至 s4")
    subject: str = Field(description="标题")
    state: str = Field(description="open、answered、waiting、resolved、closed、reopened")
    request_id: str = Field(description="关联的请求，或空")
    bill_id: str = Field(description="关联的账单，或空")
    line: int | None = Field(description="账单的第几行")
    opened_by: str = Field(description="提交人")
    opened_at: Instant = Field(description="提交时间")
    clock: ClockOut | None = Field(description="正在计时的响应时限")

    @classmethod
    def of(cls, listed: Listed) -> "TicketOut":
        """Write a ticket of a list."""
        ticket = listed.ticket
        return cls(
            ticket_id=ticket.ticket_id,
            customer=listed.customer.slug,
            kind=ticket.kind,
            severity=ticket.severity,
            subject=ticket.subject,
            state=ticket.state,
            request_id=ticket.request,
            bill_id=ticket.bill_id or "",
            line=ticket.line_position,
            opened_by=ticket.opened_by,
            opened_at=ticket.opened_at,
            clock=ClockOut.of(listed.clock) if listed.clock else None,
        )


class FileOut(Out):
    """一个附件。"""

    file_id: str = Field(description="编号；GET /tickets/{ticket}/files/{file} 取回")
    name: str = Field(description="文件名")
    size: int = Field(description="字节")


class MessageOut(Out):
    """一条留言。"""

    side: str = Field(description="customer 客户、operator 我方")
    by: str = Field(description="谁")
    at: Instant = Field(description="时间")
    text: str = Field(description="内容")
    files: list[FileOut] = Field(description="附件")


class TicketWhole(Out):
    """一张工单的全部。"""

    ticket: TicketOut = Field(description="工单")
    adviser: str = Field(description="客户的顾问")
    late: bool = Field(description="首次响应是否超时")
    responded_seconds: int | None = Field(description="提交到首次响应，秒")
    resolved_seconds: int | None = Field(description="提交到解决，秒")
    messages: list[MessageOut] = Field(description="留言，旧的在前")
    clocks: list[ClockOut] = Field(description="每次等待")
    steps: list[TransitionOut] = Field(description="经历")

    @classmethod
    def of(cls, shown: Shown) -> "TicketWhole":
        """Write a ticket."""
        files: dict[str, list[FileOut]] = {each.message_id: [] for each in shown.messages}
        for each in shown.files:
            files[each.message_id].append(FileOut.model_validate(each))
        return cls(
            ticket=TicketOut.of(Listed(shown.ticket, shown.customer, shown.clock)),
            adviser=shown.adviser,
            late=shown.late,
            responded_seconds=_seconds(shown.responded_in),
            resolved_seconds=_seconds(shown.resolved_in),
            messages=[
                MessageOut(
                    side=each.side,
                    by=each.by,
                    at=each.at,
                    text=each.text,
                    files=files[each.message_id],
                )
                for each in shown.messages
            ],
            clocks=[ClockOut.of(each) for each in shown.clocks],
            steps=[TransitionOut.of(each) for each in shown.steps],
        )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
