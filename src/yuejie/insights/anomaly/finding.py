"""Findings: what can change, where, by which rule it was seen, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NewType

from yuejie.insights.anomaly.explain import Explanation
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId

FindingId = NewType("FindingId", str)


class Measure(StrEnum):
    """What is counted. The first is what a finding is told by where several moved together."""

    COST = "cost"
    TOKENS = "tokens"
    REQUESTS = "requests"
    ERRORS = "errors"


class Scope(StrEnum):
    """Where it is counted, the widest first."""

    CUSTOMER = "customer"
    PROJECT = "project"
    KEY = "key"
    MODEL = "model"


class Grain(StrEnum):
    """Over which time it is counted."""

    HOUR = "hour"
    DAY = "day"


class Rule(StrEnum):
    """By which rule it was seen; stored, and never renamed."""

    LEARNT = "learnt"
    SUDDEN = "sudden"
    DAY_OVER_DAY = "day_over_day"
    MONTH_OVER_MONTH = "month_over_month"


class FindingState(StrEnum):
    """How a finding stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    CLOSED = "closed"


class FindingEvent(StrEnum):
    """What can happen to a finding."""

    ACKNOWLEDGE = "acknowledge"
    MUTE = "mute"
    END = "end"


class Feedback(StrEnum):
    """Whether people say that a finding was one."""

    TRUE = "true"
    FALSE = "false"


S = FindingState
E = FindingEvent

NEXT: Final[dict[tuple[S, E], S]] = {
    (S.OPEN, E.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.OPEN, E.MUTE): S.MUTED,
    (S.OPEN, E.END): S.CLOSED,
    (S.ACKNOWLEDGED, E.MUTE): S.MUTED,
    (S.ACKNOWLEDGED, E.END): S.CLOSED,
    (S.MUTED, E.MUTE): S.MUTED,
    (S.MUTED, E.END): S.CLOSED,
}
"""The whole life of a finding. It ends by itself when its series has been quiet for a while."""


class FindingIllegal(Conflict):
    """A finding's state does not allow this."""

    code: ClassVar[str] = "finding_illegal"


def advance(state: S, event: E) -> S:
    """Return the state after an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise FindingIllegal(
            f"发现处于“{STATE_NAMES[state]}”，不能{EVENT_NAMES[event]}", state=state, event=event
        ) from None


STATE_NAMES: Final = {
    S.OPEN: "进行中",
    S.ACKNOWLEDGED: "已知悉",
    S.MUTED: "已静音",
    S.CLOSED: "已结束",
}
EVENT_NAMES: Final = {E.ACKNOWLEDGE: "知悉", E.MUTE: "静音", E.END: "结束"}
MEASURE_NAMES: Final = {
    Measure.COST: "费用",
    Measure.TOKENS: "token 用量",
    Measure.REQUESTS: "请求数",
    Measure.ERRORS: "失败请求数",
}
SCOPE_NAMES: Final = {
    Scope.CUSTOMER: "客户",
    Scope.PROJECT: "项目",
    Scope.KEY: "密钥",
    Scope.MODEL: "模型",
}
GRAIN_NAMES: Final = {Grain.HOUR: "小时", Grain.DAY: "日"}
RULE_NAMES: Final = {
    Rule.LEARNT: "偏离已学到的规律",
    Rule.SUDDEN: "突增 10 倍",
    Rule.DAY_OVER_DAY: "比前一日翻倍",
    Rule.MONTH_OVER_MONTH: "比上月同期增长 50%",
}


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One line of numbers that is watched; `name` is the id of the project, the key or the model.

    A customer's own series has its id for a name.
    """

    scope: Scope
    name: str
    measure: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What changed, since when, against what, what explains it, and what it costs so far.

    `expected` and `observed` are of the worst period, in the measure's unit: tokens, requests, or
    picos of `currency` for cost. `extra_pico` is what was charged beyond what was expected, from
    the first period until `last_at`: the charge is exact, what was expected is an estimate.
    """

    finding_id: FindingId
    customer_id: CustomerId
    grain: Grain
    scope: Scope
    name: str
    measure: Measure
    rule: Rule
    since: datetime
    last_at: datetime
    found_at: datetime
    expected: int
    observed: int
    score_milli: int
    key_id: str
    model: str
    shares: Explanation
    extra_pico: int
    currency: str
    state: FindingState
    quiet: int
    feedback: str

    @property
    def series(self) -> Series:
        """The line of numbers in which it was seen."""
        return Series(self.scope, self.name, self.measure)

    @property
    def is_going_on(self) -> bool:
        """Whether it has not ended yet, whatever people have said to it."""
        return self.state is not FindingState.CLOSED
