"""The rota on the wire."""

from datetime import date

from pydantic import Field

from yuejie.web.shapes.wire import In, Instant, Name, Out


class DutyOut(Out):
    """一次值班。"""

    duty_id: str = Field(description="编号")
    person: str = Field(description="谁")
    starts_at: Instant = Field(description="从何时起")
    ends_at: Instant = Field(description="到何时（不含）")
    is_override: bool = Field(description="替班；优先于周值班")
    made_by: str = Field(description="谁排的")
    made_at: Instant = Field(description="何时排的")


class RotaOut(Out):
    """值班表。"""

    now: str = Field(description="现在谁值班；没有排则为空，通知发给全部运营联系人")
    duties: list[DutyOut] = Field(description="现在起的值班")
    advisers: dict[str, str] = Field(description="各客户（简称）的顾问")


class WeeksIn(In):
    """按周轮值。"""

    people: list[Name] = Field(min_length=1, max_length=50, description="轮到的人，依次")
    first: date = Field(description="从这一天所在的周起；周一零点（北京时间）交接")
    weeks: int = Field(ge=1, le=53, description="排几周")


class OverrideIn(In):
    """替班。"""

    person: Name = Field(description="谁来替")
    starts_at: Instant = Field(description="从何时起")
    ends_at: Instant = Field(description="到何时")


class AdviserIn(In):
    """指定客户的顾问。"""

    person: Name = Field(description="运营方的在用成员")


class AdviserOut(Out):
    """客户的顾问。"""

    customer: str = Field(description="客户")
    person: str = Field(description="顾问")


class DutyRemoved(Out):
    """撤下的值班。"""

    removed: str = Field(description="编号")
