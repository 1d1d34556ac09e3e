"""What a job is: what was asked, how far it is, what became of its pieces. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from yuejie.customers.members.power import Power
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money


class JobKind(StrEnum):
    """A kind of work. Stored by value; never renamed."""

    TRY = "try"
    CLOSE = "close"
    PROPOSE = "propose"
    ISSUE = "issue"
    PROVE = "prove"
    USAGE = "usage"
    STATEMENT = "statement"
    REPORT = "report"
    CLOUD = "cloud"
    WHAT_IF = "what_if"
    MAKE_REPORT = "make_report"
    CLOUD_TRIAL = "cloud_trial"


class JobState(StrEnum):
    """Where a job is. Stored by value."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN: Final = frozenset({JobState.WAITING, JobState.RUNNING})


class PieceState(StrEnum):
    """What became of a piece. Stored by value."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


KIND_NAMES: Final = {
    JobKind.TRY: "试算",
    JobKind.CLOSE: "关账",
    JobKind.PROPOSE: "提交客户确认",
    JobKind.ISSUE: "出账",
    JobKind.PROVE: "验证",
    JobKind.USAGE: "导入用量",
    JobKind.STATEMENT: "导入银行流水",
    JobKind.REPORT: "导入供应商报告",
    JobKind.CLOUD: "导入云账单",
    JobKind.WHAT_IF: "假如",
    JobKind.MAKE_REPORT: "生成报表",
    JobKind.CLOUD_TRIAL: "试算云账单",
}
STATE_NAMES: Final = {
    JobState.WAITING: "等待开始",
    JobState.RUNNING: "进行中",
    JobState.DONE: "已完成",
    JobState.FAILED: "未能完成",
    JobState.CANCELLED: "已取消",
}
UNITS: Final = {
    JobKind.TRY: "个客户",
    JobKind.CLOSE: "个客户",
    JobKind.PROPOSE: "张账单",
    JobKind.ISSUE: "张账单",
    JobKind.PROVE: "个客户",
    JobKind.USAGE: "字节",
    JobKind.STATEMENT: "步",
    JobKind.REPORT: "步",
    JobKind.CLOUD: "字节",
    JobKind.WHAT_IF: "步",
    JobKind.MAKE_REPORT: "步",
    JobKind.CLOUD_TRIAL: "字节",
}
"""What is counted."""
POWERS: Final[dict[JobKind, Power | None]] = {
    JobKind.TRY: Power.BILL,
    JobKind.CLOSE: Power.BILL,
    JobKind.PROPOSE: Power.BILL,
    JobKind.ISSUE: Power.BILL,
    JobKind.PROVE: None,
    JobKind.USAGE: Power.RUN_HOUSE,
    JobKind.STATEMENT: Power.COLLECT,
    JobKind.REPORT: Power.KEEP_BOOKS,
    JobKind.CLOUD: Power.KEEP_BOOKS,
    JobKind.WHAT_IF: None,
    JobKind.MAKE_REPORT: Power.SPEAK,
    JobKind.CLOUD_TRIAL: Power.KEEP_BOOKS,
}
"""Whoever may begin a kind of work may cancel it; what changes nothing asks for no power.

What customers begin by giving their word asks it of the house's members on their behalf.
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was handed in."""

    name: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """Work as it is asked for. `subject` is what makes two orders the same work.

    `customer_id` is whose people ask; None: the house.
    """

    kind: JobKind
    subject: str
    about: str
    asked: Mapping[str, Any]
    files: tuple[Upload, ...] = ()
    customer_id: CustomerId | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of long work, begun by a person."""

    job_id: str
    kind: JobKind
    customer_id: CustomerId | None
    """Whose people asked for it; None: the house."""
    about: str
    asked: Mapping[str, Any]
    stood: Mapping[str, Any]
    """What whoever goes on must know; empty until the work is planned."""
    outcome: Mapping[str, str]
    """What it came to: `said` in a sentence, `path` for the page where one goes on."""
    state: JobState
    done: int
    total: int | None
    failed: int
    """How many pieces were refused."""
    why: str
    made_by: str
    via: str
    made_at: datetime
    began_at: datetime | None
    run_at: datetime | None
    run_from: int
    cancelled_by: str | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in OPEN

    @property
    def is_stopping(self) -> bool:
        """Whether it was cancelled and the piece under way is not over yet."""
        return self.is_open and self.cancelled_by is not None

    @property
    def percent(self) -> int | None:
        """How far it is; None while nobody knows how much there is."""
        if self.state is JobState.DONE:
            return 100
        return self.done * 100 // self.total if self.total else None

    def took(self, now: datetime) -> timedelta:
        """Return for how long it has been going, or went."""
        since = self.began_at or self.made_at
        return (self.ended_at or now) - since

    def left(self, now: datetime) -> timedelta | None:
        """Estimate how long it still takes, by the pace of the present run; None: too early."""
        if self.state is not JobState.RUNNING or self.run_at is None or not self.total:
            return None
        done, spent = self.done - self.run_from, now - self.run_at
        if done <= 0 or spent <= timedelta():
            return None
        seconds = int(spent.total_seconds()) * (self.total - self.done) // done
        return timedelta(seconds=seconds)

    def is_late(self, now: datetime) -> bool:
        """Whether nobody has begun it though a clerk would have by now."""
        return self.state is JobState.WAITING and now - self.made_at > PATIENCE


PATIENCE: Final = timedelta(seconds=15)
"""A clerk looks every second; both of its workers may be busy with other jobs."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a job: a customer, a bill, a step, a line that was refused."""

    position: int
    name: str
    refers_to: str
    state: PieceState
    said: str
    sums: tuple[Money, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a piece: what to say of it, what it comes to, and its page."""

    said: str
    sums: Sequence[Money] = ()
    path: str = ""
    failed: bool = False


def span_said(span: timedelta) -> str:
    """Write a span for people: `8 秒`, `3 分 20 秒`, `1 小时 5 分`."""
    seconds = max(int(span.total_seconds()), 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {seconds} 秒" if minutes else f"{seconds} 秒"
