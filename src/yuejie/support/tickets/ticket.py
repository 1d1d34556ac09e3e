"""A ticket: kinds, severities, its life, and how long each severity waits at most. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from yuejie.contracts.terms import Sla
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId, request_id


class TicketKind(StrEnum):
    """What it is about."""

    PROBLEM = "problem"
    BILLING = "billing"
    QUESTION = "question"
    REVIEW = "review"
    """A look at how the customer calls us, before it goes live."""


class Severity(StrEnum):
    """How much stands still."""

    S1 = "s1"
    S2 = "s2"
    S3 = "s3"
    S4 = "s4"


class Side(StrEnum):
    """Who says something."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class TicketState(StrEnum):
    """How a ticket stands."""

    OPEN = "open"
    ANSWERED = "answered"
    WAITING = "waiting"
    """For the customer."""
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


class TicketEvent(StrEnum):
    """What can happen to it."""

    ANSWER = "answer"
    ASK = "ask"
    """We need something from the customer."""
    REPLY = "reply"
    """The customer's word; of an answered ticket it waits for us again."""
    RESOLVE = "resolve"
    CLOSE = "close"
    """By the customer at any time, by itself some days behind the resolution."""
    REOPEN = "reopen"


S = TicketState
E = TicketEvent
NEXT: Final[dict[tuple[S, E], S]] = {
    (S.OPEN, E.ANSWER): S.ANSWERED,
    (S.OPEN, E.ASK): S.WAITING,
    (S.OPEN, E.REPLY): S.OPEN,
    (S.OPEN, E.RESOLVE): S.RESOLVED,
    (S.OPEN, E.CLOSE): S.CLOSED,
    (S.ANSWERED, E.ANSWER): S.ANSWERED,
    (S.ANSWERED, E.ASK): S.WAITING,
    (S.ANSWERED, E.REPLY): S.OPEN,
    (S.ANSWERED, E.RESOLVE): S.RESOLVED,
    (S.ANSWERED, E.CLOSE): S.CLOSED,
    (S.WAITING, E.ANSWER): S.ANSWERED,
    (S.WAITING, E.ASK): S.WAITING,
    (S.WAITING, E.REPLY): S.OPEN,
    (S.WAITING, E.RESOLVE): S.RESOLVED,
    (S.WAITING, E.CLOSE): S.CLOSED,
    (S.RESOLVED, E.CLOSE): S.CLOSED,
    (S.RESOLVED, E.REOPEN): S.REOPENED,
    (S.CLOSED, E.REOPEN): S.REOPENED,
    (S.REOPENED, E.ANSWER): S.ANSWERED,
    (S.REOPENED, E.ASK): S.WAITING,
    (S.REOPENED, E.REPLY): S.REOPENED,
    (S.REOPENED, E.RESOLVE): S.RESOLVED,
    (S.REOPENED, E.CLOSE): S.CLOSED,
}
FOR_US: Final = frozenset({S.OPEN, S.REOPENED})
"""States in which a ticket waits for us, and its clock runs."""
FOR_CUSTOMERS: Final = frozenset({E.REPLY, E.CLOSE, E.REOPEN})
"""What the customer does; the rest is ours."""
CLOSES_AFTER: Final = timedelta(days=7)
"""A resolved ticket to which nobody says anything closes by itself."""

STATE_NAMES: Final = {
    S.OPEN: "待响应",
    S.ANSWERED: "已答复",
    S.WAITING: "待您补充",
    S.RESOLVED: "已解决",
    S.CLOSED: "已关闭",
    S.REOPENED: "重新打开",
}
EVENT_NAMES: Final = {
    E.ANSWER: "答复",
    E.ASK: "请客户补充",
    E.REPLY: "客户留言",
    E.RESOLVE: "解决",
    E.CLOSE: "关闭",
    E.REOPEN: "重新打开",
}
KIND_NAMES: Final = {
    TicketKind.PROBLEM: "故障",
    TicketKind.BILLING: "账单与费用",
    TicketKind.QUESTION: "咨询",
    TicketKind.REVIEW: "接入评审",
}
SEVERITY_NAMES: Final = {
    Severity.S1: "S1 生产中断",
    Severity.S2: "S2 严重受损",
    Severity.S3: "S3 部分受影响",
    Severity.S4: "S4 一般",
}
LOUD: Final = frozenset({Severity.S1, Severity.S2})
"""What may wake people up."""

HOUSE_MINUTES: Final = (30, 120, 480, 1_440)
"""How long S1 to S4 wait at most for the first response, day and night, where no contract says."""


def minutes_of(sla: Sla | None, severity: Severity) -> int:
    """Return how many minutes a severity waits at most, under a contract's promise or the house's.

    Day and night: the clock does not stop for weekends or holidays.
    """
    promised = sla.response_minutes if sla and sla.response_minutes else HOUSE_MINUTES
    return promised[list(Severity).index(severity)]


def advance(state: TicketState, event: TicketEvent) -> TicketState:
    """Return the state behind an event. Raises Conflict where the state forbids it."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Conflict(
            f"工单{STATE_NAMES[state]}，不能{EVENT_NAMES[event]}；请刷新后按页面上的操作进行"
        ) from None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a customer asked; about a call, a bill or a line of one, or nothing named."""

    ticket_id: str
    customer_id: CustomerId
    kind: TicketKind
    severity: Severity
    subject: str
    request_id: UUID | None
    bill_id: str | None
    line_position: int | None
    state: TicketState
    state_at: datetime
    opened_by: str
    opened_at: datetime

    @property
    def request(self) -> str:
        """The call as people copy it, or nothing."""
        return request_id(self.request_id.bytes) if self.request_id else ""


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a ticket has waited for us since `started_at`, and until when it may."""

    clock_id: str
    ticket_id: str
    customer_id: CustomerId
    is_first: bool
    started_at: datetime
    due_at: datetime
    warned_at: datetime | None
    stopped_at: datetime | None

    def is_late(self, at: datetime) -> bool:
        """Whether a word at that moment comes too late; on the very moment it does not."""
        return at > self.due_at


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that goes with a message."""

    name: str
    body: bytes
