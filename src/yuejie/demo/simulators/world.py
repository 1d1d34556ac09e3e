"""The world a simulator lives in: its settings, its memory, its truth."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

import msgspec

from yuejie.demo.simulators.answer import Answer, Refusal, Repeats
from yuejie.demo.simulators.directives import Directives, Fault, find
from yuejie.demo.simulators.faults import FaultBook
from yuejie.demo.simulators.tokens import Prompt, PromptCache, Tokens, tally
from yuejie.demo.simulators.truth import TruthLine, TruthLog
from yuejie.kernel.clock import Clock

T = TypeVar("T")

FULL: Final = "full"
DELIVERED: Final = "delivered"
FREE: Final = "free"
POLICIES: Final = (FULL, DELIVERED, FREE)
_GONE: Final = {"openai": FULL, "anthropic": FULL, "gemini": FULL}
_FAILED: Final = {"openai": DELIVERED, "anthropic": DELIVERED, "gemini": FREE}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decides."""

    truth: Path
    seed: int = 0
    pace_ms: int = 0
    burst: int = 10
    """Events per write when there is no pace: a busy provider's events share packets."""
    keys: frozenset[str] = frozenset({"sk-simulator"})
    gone: dict[str, str] = field(default_factory=lambda: dict(_GONE))
    """What a caller pays who leaves early, by dialect."""
    failed: dict[str, str] = field(default_factory=lambda: dict(_FAILED))
    """What a caller pays when the provider fails in mid-stream, by dialect."""


class World:
    """Everything that outlives a call."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Open the truth log and begin."""
        self.settings = settings
        self.clock = clock
        self.truth = TruthLog(settings.truth)
        self.faults = FaultBook(settings.seed)
        self.cache = PromptCache()
        self.repeats = Repeats()
        self.refused: Counter[int] = Counter()
        self._calls = count(1)
        self._name = uuid4().hex[:20]
        self._requests = count(1)
        self._second = -1
        self._second_text = ""

    def request_id(self) -> str:
        """Return an id nobody else has: this process's own part, and a number."""
        return f"{self._name}{next(self._requests):012x}"

    def order(self, body: bytes, model: str) -> Directives:
        """Return what this call directs and the fault it meets; an error status is refused here."""
        try:
            order = self.faults.resolve(find(body), model)
        except ValueError as problem:
            raise Refusal(400, "bad_request", str(problem), model) from problem
        if order.fault.status:
            raise failure(order.fault, model)
        return order

    def tally(self, prompt: Prompt, order: Directives) -> Tokens:
        """Return what a call uses."""
        return tally(prompt, order.counts, self.cache, self.settings.seed)

    def created(self) -> int:
        """Return the present second, as answers are stamped."""
        return int(self.clock.now().timestamp())

    def _at(self) -> str:
        """Return the present instant in ISO 8601; the date is written out once a second."""
        now = self.clock.now()
        second = int(now.timestamp())
        if second != self._second:
            self._second = second
            self._second_text = now.isoformat(timespec="seconds").removesuffix("+00:00")
        return f"{self._second_text}.{now.microsecond // 1000:03d}+00:00"

    def record(self, answer: Answer, caller: "Caller", delivered: int, outcome: str) -> None:
        """Write the truth of a served call."""
        whole = outcome not in {"cut", "error", "gone"}
        usage, reported = self._owed(answer, caller.dialect, delivered, outcome)
        self.truth.append(
            TruthLine(
                call=next(self._calls),
                at=self._at(),
                dialect=caller.dialect,
                api=answer.api,
                model=answer.model,
                billed_model=answer.billed_model,
                response_id=answer.response_id,
                client_request_id=caller.client_request_id,
                credential=caller.credential[-4:],
                stream=answer.frames is not None,
                status=200,
                delivered_events=delivered,
                complete=whole,
                outcome=outcome,
                reported=reported,
                usage=usage,
                service_tier=answer.tier,
            )
        )

    def _owed(
        self, answer: Answer, dialect: str, delivered: int, outcome: str
    ) -> tuple[dict[str, int], bool]:
        """Return what is billed, and whether the caller was told."""
        reported = answer.reported and delivered > answer.usage_at
        if outcome == "served":
            return answer.usage, reported
        policy = {"error": self.settings.failed, "gone": self.settings.gone}.get(outcome, {})
        rule = policy.get(dialect, FULL)
        if rule == FREE:
            return {}, reported
        if rule == DELIVERED and answer.tokens and answer.frames:
            share = answer.tokens.delivered(delivered, len(answer.frames))
            return share.meters(), reported
        return answer.usage, reported


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the truth remembers it."""

    dialect: str
    credential: str
    client_request_id: str


def failure(fault: Fault, model: str) -> Refusal:
    """Return the refusal that a fault's status stands for."""
    reason = "quota" if fault.quota else "directed"
    retry_after = fault.retry_after
    if fault.status == 429 and not fault.quota and retry_after is None:
        retry_after = 1
    return Refusal(fault.status, reason, "", model, retry_after=retry_after)


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Read a request, or refuse it as the original would."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as problem:
        raise Refusal(400, "bad_request", str(problem), param=_path(str(problem))) from problem
    except msgspec.DecodeError as problem:
        message = f"We could not parse the JSON body of your request: {problem}"
        raise Refusal(400, "bad_json", message) from problem


def _path(problem: str) -> str | None:
    """Return the field a validation error names: its last words are '- at `$.messages[0]`'."""
    return problem.rsplit("`$.", 1)[1].rstrip("`") if "`$." in problem else None


def json(value: object) -> bytes:
    """Write JSON."""
    return msgspec.json.encode(value)
