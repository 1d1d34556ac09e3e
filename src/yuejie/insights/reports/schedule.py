"""When a report is due: at an hour of a day of the owner's zone. Pure.

With `workdays` a weekly or monthly report due on a day off waits for the next working day of
mainland China, and a daily one keeps silent on days off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import zone_of
from yuejie.kernel.workdays import is_workday, roll_forward

_DAY: Final = timedelta(days=1)
_LOOK: Final = timedelta(days=40)
"""Longer than a month and the longest run of days off."""
LAST_DAY: Final = 28
"""Every month has it."""


class Every(StrEnum):
    """How often a report is made."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


EVERY_NAMES: Final = {Every.DAY: "每日", Every.WEEK: "每周", Every.MONTH: "每月"}
_WEEKDAYS: Final = "一二三四五六日"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`on` is a weekday (1 Monday to 7 Sunday) or a day of the month; a daily one has none."""

    every: Every
    hour: int = 8
    on: int | None = None
    workdays: bool = False

    def refuse_nonsense(self) -> None:
        """Refuse a schedule that names no instant."""
        if not 0 <= self.hour <= 23:
            raise Invalid(f"报表的发送时刻 {self.hour} 点不存在，请写 0 到 23")
        most = {Every.DAY: 0, Every.WEEK: 7, Every.MONTH: LAST_DAY}[self.every]
        if self.every is Every.DAY and self.on is not None:
            raise Invalid("每日的报表不写在哪一天，请去掉后重试")
        if self.every is not Every.DAY and not 1 <= (self.on or 0) <= most:
            raise Invalid(f"{EVERY_NAMES[self.every]}的报表须写在第几天，请写 1 到 {most}")

    def after(self, moment: datetime, zone: str) -> datetime:
        """Return the first due instant after a moment."""
        start = moment.astimezone(zone_of(zone)).date() - _LOOK
        return next(due for due in self._from(start, zone) if due > moment)

    def latest(self, moment: datetime, zone: str) -> datetime:
        """Return the last due instant up to a moment."""
        start = moment.astimezone(zone_of(zone)).date() - _LOOK - _LOOK
        due = next(self._from(start, zone))
        for each in self._from(start, zone):
            if each > moment:
                break
            due = each
        return due

    def _from(self, day: date, zone: str) -> Iterator[datetime]:
        """Yield due instants without end, from a day on; the same one once."""
        place, before = zone_of(zone), None
        while True:
            if self._falls_on(day):
                on = roll_forward(day) if self.workdays else day
                due = datetime.combine(on, time(self.hour), place).astimezone(UTC)
                if due != before:
                    yield due
                before = due
            day += _DAY

    def _falls_on(self, day: date) -> bool:
        if self.every is Every.WEEK:
            return day.isoweekday() == self.on
        if self.every is Every.MONTH:
            return day.day == self.on
        return not self.workdays or is_workday(day)

    @property
    def words(self) -> str:
        """Say it as a person would."""
        when = {
            Every.DAY: "每日",
            Every.WEEK: f"每周{_WEEKDAYS[(self.on or 1) - 1]}",
            Every.MONTH: f"每月 {self.on} 日",
        }[self.every]
        rolled = "，仅工作日" if self.every is Every.DAY else "，遇休息日顺延至下一工作日"
        return f"{when} {self.hour:02d}:00{rolled if self.workdays else ''}"
