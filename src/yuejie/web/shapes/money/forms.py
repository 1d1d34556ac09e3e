"""Red forms that people follow by hand, and those that buyers start, on the wire."""

from pydantic import Field

from yuejie.fapiao.reversing.by_hand import Filed, Seen
from yuejie.fapiao.reversing.form import FormEnd, RedReason
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.money.fapiao import RedPickIn, pick_of
from yuejie.web.shapes.wire import In, Instant, Name


class FiledIn(In):
    """手工提交的确认单。"""

    number: Name = Field(description="税局的确认单编号")
    filed_at: Instant = Field(description="提交时间；72 小时由此起算")
    needs_nobody: bool = Field(default=False, description="税局显示“无需确认”")

    def filed(self) -> Filed:
        """Return what the tax office says."""
        return Filed(number=self.number, filed_at=self.filed_at, needs_nobody=self.needs_nobody)


class EndedIn(In):
    """确认单的结果。"""

    ended: FormEnd = Field(
        description="confirmed 已确认，denied 被否认，lapsed 超过 72 小时作废，"
        "withdrawn 发起方已撤销"
    )
    why: Text = Field("", description="说明；与两人批准的答复相反时必填")


class SeenIn(In):
    """购方发起的确认单；不写行为全额。"""

    number: Name = Field(description="税局的确认单编号")
    filed_at: Instant = Field(description="购方提交的时间；72 小时由此起算")
    reason: RedReason = Field(description="红冲原因，见申请红冲")
    lines: list[RedPickIn] = Field(default_factory=list, description="部分红冲的行")

    def seen(self, fapiao: str) -> Seen:
        """Return what a person saw."""
        return Seen(
            fapiao=fapiao,
            number=self.number,
            filed_at=self.filed_at,
            reason=self.reason,
            picks=tuple(pick_of(each) for each in self.lines),
        )


class AnswerIn(In):
    """对购方确认单的答复。"""

    agree: bool = Field(description="true 确认，false 拒绝")
    why: Text = Field("", description="说明；拒绝时必填")
