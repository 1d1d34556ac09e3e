"""Advice: what to change, what it saves and why, what people say to it, and what came of it.

A saving is exact: what the same calls are worth by the book in force, less what they would be worth
with the change. Its lines carry quantity, rate and revision, so that anyone may add them up again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NewType

from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

AdviceId = NewType("AdviceId", str)


class Kind(StrEnum):
    """What is advised. Stored by value; never renamed."""

    CHEAPER_MODEL = "cheaper_model"
    PROMPT_CACHE = "prompt_cache"
    BATCH = "batch"
    CONTEXT_STEP = "context_step"
    MERGE = "merge"
    SERVICE_TIER = "service_tier"
    OFF_PEAK = "off_peak"
    UNUSED = "unused"
    BETTER_TERMS = "better_terms"
    IDLE_KEYS = "idle_keys"


KIND_NAMES: Final = {
    Kind.CHEAPER_MODEL: "换用便宜的模型",
    Kind.PROMPT_CACHE: "提示缓存",
    Kind.BATCH: "可等待的调用走低价档",
    Kind.CONTEXT_STEP: "避开长上下文档",
    Kind.MERGE: "合并小请求",
    Kind.SERVICE_TIER: "服务档降回标准",
    Kind.OFF_PEAK: "挪到优惠时段",
    Kind.UNUSED: "用不完的承诺或套餐",
    Kind.BETTER_TERMS: "更合算的合同条款",
    Kind.IDLE_KEYS: "闲置密钥",
}


class AdviceState(StrEnum):
    """Where an advice is."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    """The customer says it will do it; nothing of it is seen yet."""
    TRACKED = "tracked"
    """Calls have changed as advised; the month is not over."""
    REALISED = "realised"
    """What a whole month saved is measured."""
    DISMISSED = "dismissed"
    LAPSED = "lapsed"
    """It no longer saves anything, and nobody had answered it."""
    ENDED = "ended"
    """No longer measured."""


class AdviceEvent(StrEnum):
    """What can happen to an advice."""

    ACCEPT = "accept"
    DISMISS = "dismiss"
    TRACK = "track"
    REALISE = "realise"
    LAPSE = "lapse"
    END = "end"


S = AdviceState
E = AdviceEvent

NEXT: Final[dict[tuple[S, E], S]] = {
    (S.PROPOSED, E.ACCEPT): S.ACCEPTED,
    (S.PROPOSED, E.DISMISS): S.DISMISSED,
    (S.PROPOSED, E.LAPSE): S.LAPSED,
    (S.ACCEPTED, E.DISMISS): S.DISMISSED,
    (S.ACCEPTED, E.TRACK): S.TRACKED,
    (S.ACCEPTED, E.REALISE): S.REALISED,
    (S.TRACKED, E.REALISE): S.REALISED,
    (S.TRACKED, E.END): S.ENDED,
    (S.REALISED, E.END): S.ENDED,
}
"""The whole life of an advice. What ended, lapsed or was dismissed may be advised anew, as another
advice; what was dismissed not before `answer.SILENT` has passed."""

HELD: Final = frozenset({S.PROPOSED, S.ACCEPTED, S.TRACKED, S.REALISED})
"""Of one slice and kind at most one advice is in these states."""
MEASURED: Final = frozenset({S.ACCEPTED, S.TRACKED, S.REALISED})
"""What is measured month by month."""


class AdviceIllegal(Conflict):
    """An advice's state does not allow this."""

    code: ClassVar[str] = "advice_illegal"


def advance(state: S, event: E) -> S:
    """Return the state after an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise AdviceIllegal(
            f"建议处于“{STATE_NAMES[state]}”，不能{EVENT_NAMES[event]}", state=state, event=event
        ) from None


STATE_NAMES: Final = {
    S.PROPOSED: "待答复",
    S.ACCEPTED: "已采纳",
    S.TRACKED: "跟踪中",
    S.REALISED: "已见效",
    S.DISMISSED: "不采纳",
    S.LAPSED: "已失效",
    S.ENDED: "已结束",
}
EVENT_NAMES: Final = {
    E.ACCEPT: "采纳",
    E.DISMISS: "不采纳",
    E.TRACK: "开始跟踪",
    E.REALISE: "核实节省",
    E.LAPSE: "失效",
    E.END: "结束跟踪",
}


class Confidence(StrEnum):
    """How far a saving may be relied on; why stands beside it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CONFIDENCE_NAMES: Final = {
    Confidence.HIGH: "高",
    Confidence.MEDIUM: "中",
    Confidence.LOW: "低",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity at a rate of the book: whole picos per unit, under its number and revision."""

    model: str
    meter: str
    quantity: int
    rate_id: int
    revision: int
    pico: int
    service_tier: str = "default"
    context_above: int = 0
    time_window: str = ""

    @property
    def charge_pico(self) -> int:
        """What it is worth."""
        return self.quantity * self.pico


def worth(lines: Iterable[Line]) -> int:
    """Return what lines are worth together, in picos."""
    return sum(line.charge_pico for line in lines)


def gathered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Add up the lines of one rate; the worth stays what it was."""
    sums: dict[tuple[str, int], Line] = {}
    for line in lines:
        place = (line.meter, line.rate_id)
        was = sums.get(place)
        quantity = line.quantity + (was.quantity if was else 0)
        sums[place] = Line(
            line.model,
            line.meter,
            quantity,
            line.rate_id,
            line.revision,
            line.pico,
            line.service_tier,
            line.context_above,
            line.time_window,
        )
    return tuple(sorted(sums.values(), key=lambda each: (each.model, each.meter, each.rate_id)))


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A key that is to change, what people call it, and what of the saving comes from it."""

    key_id: str
    name: str
    project: str
    saving_pico: str
    """A whole number as text: picos outgrow what JSON readers hold exactly."""


@dataclass(frozen=True, slots=True)
class SizePart:
    """Calls of one size: with at most so many tokens of input (0: more than all others)."""

    up_to: int
    calls: int
    saving_pico: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What to change: whose calls, which of them, and what to set."""

    keys: tuple[KeyPart, ...] = ()
    sizes: tuple[SizePart, ...] = ()
    model: str = ""
    to_model: str = ""
    tier: str = ""
    to_tier: str = ""
    window: str = ""
    task_type: str = ""
    priority: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else a kind needs to be computed again, whole numbers as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one month says of an advice: everything that is told of it but its life.

    `shares` holds what of the saving lies on which key's calls of which model: two kinds that save
    on the same calls are alternatives, and only one of them counts in the joint saving.
    """

    title: str
    change: Change
    steps: tuple[str, ...]
    """What to do, one sentence each."""
    before: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()
    how: tuple[str, ...] = ()
    """How it was computed, sentences that anyone with a calculator can follow."""
    assumed: tuple[str, ...] = ()
    confidence: Confidence = Confidence.HIGH
    confidence_why: tuple[str, ...] = ()
    calls: int = 0
    shares: Mapping[str, str] = field(default_factory=dict)
    """“key model” to picos as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An advice as a month's round finds it; `saving_pico` in `currency`, before any rounding."""

    kind: Kind
    slice: str
    figure: Figure
    saving_pico: int
    currency: str
    saving: Money
    """What it saves in the month after the terms of the contract, in the bill's currency."""
    agreed: bool = False
    """It changes the contract, not the calls: nothing of it lies on a call's worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """An advice with its newest figure."""

    advice_id: AdviceId
    customer_id: CustomerId
    kind: Kind
    slice: str
    found_at: datetime
    state: AdviceState
    month: str
    at: datetime
    saving_pico: int
    currency: str
    saving: Money
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a month's calls really saved: by the rates they were charged at, against the way before.

    `before_pico` is what the same calls would have cost before, by the revisions that price them;
    `low` and `high` are one where the saving is exact.
    """

    month: str
    at: datetime
    whole: bool
    calls: int
    actual_pico: int
    before_pico: int
    low_pico: int
    currency: str
    low: Money
    high: Money
    said: str
