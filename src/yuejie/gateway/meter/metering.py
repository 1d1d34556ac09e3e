"""Begun and ended: the two records of an attempt, and the numbers the worker keeps for /metrics."""

import asyncio
from collections import Counter
from typing import Final, NamedTuple

import msgspec

from yuejie.budgets.lending.hold import Totals, is_known
from yuejie.gateway.allow.slices import Hold
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.ink import Ink
from yuejie.gateway.meter.quick import Quick
from yuejie.gateway.meter.worth import Worth, plain_tier, quick_worth, worth_of
from yuejie.gateway.rights.admission import Plan, Route
from yuejie.usage.dialects import Api, Reading, ReadingState
from yuejie.usage.event import EventState, Outcome
from yuejie.usage.journal import Begun, Ended
from yuejie.usage.meters import UNIT_METERS, Meter

WORD: Final = 200
"""Longest word of a provider that is kept; what is longer is no name but an accident."""
FACTS: Final = 32
UNMARKED: Final[dict[str, str]] = {}
"""Nothing is kept of a request but what the provider says of it; never written to."""

_STATES: Final = {
    ReadingState.MEASURED: EventState.MEASURED,
    ReadingState.PARTIAL: EventState.PARTIAL,
    ReadingState.ABSENT: EventState.UNMEASURED,
    ReadingState.NOT_APPLICABLE: EventState.MEASURED,
}
NOTHING_USED: Final = Reading(ReadingState.NOT_APPLICABLE)
# A member that is looked up in its enum costs as much as ten names of a module.
_MEASURED: Final = EventState.MEASURED
_REQUESTS: Final = Meter.REQUESTS


class Closing(NamedTuple):
    """How an attempt ended."""

    reading: Reading
    status: int
    outcome: Outcome
    billable: bool
    reason: str = ""
    """Said where the reading cannot know: the connection was lost, the drain was cut short."""
    first_byte_ms: int | None = None


class Bought(msgspec.Struct, frozen=True, gc=False):
    """What the client is told of its call."""

    charge: str | None
    currency: str
    state: EventState


class Metering:
    """Writes every attempt down, twice."""

    __slots__ = ("_chrono", "_ink", "counts", "open_attempts")

    def __init__(self, ink: Ink, chrono: Chrono) -> None:
        self._ink = ink
        self._chrono = chrono
        self.open_attempts = 0
        self.counts: Counter[tuple[str, int, str]] = Counter()
        """Attempts by deployment, status and state."""

    def begin(
        self,
        plan: Plan,
        route: Route,
        *,
        operation: bytes,
        attempt: int,
        api: Api,
        stream: bool,
        tags: str,
        hold: Hold | None = None,
    ) -> tuple[Begun, "asyncio.Future[None] | None"]:
        """Write an attempt down; it may be sent when it is on disk: when the future is done."""
        now_us = self._chrono.now_us()
        if hold is not None:
            # Let pass in a window, it counts there, however long it waited, whatever the clock did.
            if now_us >= hold.until_us:
                now_us = hold.until_us - 1
            elif now_us < hold.since_us:
                now_us = hold.since_us
            reserved, lease = hold.pico, hold.lease
        else:
            reserved, lease = 0, ""
        month, hour_s = self._chrono.labels(plan.customer.zone, now_us)
        key, target = plan.key, route.target
        begun = Begun(
            # A call answered at once has one name; only further attempts need another.
            operation if attempt == 1 else self._chrono.new_id(now_us),
            operation,
            attempt,
            now_us,
            month,
            hour_s,
            key.customer_id,
            key.project_id,
            key.key_id,
            tags,
            target.deployment_id,
            api,
            target.model_id,
            stream,
            plan.contract.contract_id,
            plan.contract.version,
            route.sale.book_id,
            route.sale_revision,
            route.cost.book_id,
            route.cost_revision,
            reserved,
            lease,
        )
        self.open_attempts += 1
        return begun, self._ink.written(begun)

    def end(
        self,
        begun: Begun,
        route: Route,
        closing: Closing,
        hold: Hold | None = None,
        marks: dict[str, str] = UNMARKED,
    ) -> tuple[Bought, "asyncio.Future[None] | None"]:
        """Write down how an attempt ended and what it used; it is safe when the future is done.

        `marks` are facts of ours beside the provider's: what was asked for, who was chosen and why.
        """
        reading = closing.reading
        model = _word(reading.billed_model)
        tier = _word(reading.service_tier)
        facts = {**_facts(reading), **marks}
        state = _STATES[reading.state]
        reason = closing.reason or str(reading.reason or "")
        worth = worth_of(
            route,
            reading,
            started_us=begun.started_us,
            billable=closing.billable,
            worked=closing.billable and 200 <= closing.status < 300,
        )
        if worth.lacking and state in _PRICED:
            state, reason = EventState.UNPRICED, "；".join(worth.lacking)[:WORD]
        if hold is not None:
            known = is_known(state, billable=closing.billable)
            hold.count(_totals(worth), known=known)
        safe = self._ink.signed(
            Ended(
                begun,
                self._chrono.now_us(),
                state,
                reason,
                closing.billable,
                worth.items,
                reading.context_tokens,
                model,
                tier,
                closing.status,
                closing.outcome,
                closing.first_byte_ms,
                _word(reading.response_id),
                facts | marks if marks else facts,
            )
        )
        self.open_attempts -= 1
        self.counts[begun.deployment, closing.status, state] += 1
        charge = worth.charge if state in _PRICED and closing.billable else None
        return Bought(charge, route.sale.currency, state), safe

    def end_quickly(
        self,
        begun: Begun,
        route: Route,
        quick: Quick,
        first_byte_ms: int,
        hold: Hold | None = None,
        marks: dict[str, str] = UNMARKED,
    ) -> "tuple[Bought, asyncio.Future[None] | None] | None":
        """Write down an ordinary answer; None, and nothing is written, if its rates are not."""
        quick.counts.append((_REQUESTS, 1))
        worth = quick_worth(
            route, quick.counts, quick.model, plain_tier(quick.tier), begun.started_us
        )
        if worth is None:
            return None
        if hold is not None:
            hold.count((worth.charge_pico, quick.tokens, 1), known=True)
        safe = self._ink.signed(
            Ended(
                begun,
                self._chrono.now_us(),
                _MEASURED,
                "",
                True,  # noqa: FBT003 - a record has fields in order
                worth.items,
                quick.context_tokens,
                quick.model[:WORD],
                quick.tier,
                first_byte_ms=first_byte_ms,
                response_id=quick.response_id[:WORD],
                facts=marks,
            )
        )
        self.open_attempts -= 1
        self.counts[begun.deployment, 200, _MEASURED] += 1
        return Bought(worth.charge, route.sale.currency, _MEASURED), safe


def _totals(worth: Worth) -> Totals:
    """Return what an attempt came to in each measure that allowances know."""
    tokens = requests = 0
    for item in worth.items:
        if item.meter == _REQUESTS:
            requests += item.quantity
        elif item.meter not in UNIT_METERS:
            tokens += item.quantity
    return Totals(worth.charge_pico, tokens, requests)


_PRICED: Final = frozenset({EventState.MEASURED, EventState.PARTIAL})


def _word(text: str | None) -> str:
    return text[:WORD] if text else ""


def _facts(reading: Reading) -> dict[str, str]:
    """Keep what a provider says about its answer, within bounds."""
    facts = dict(list(reading.facts.items())[:FACTS]) if reading.facts else {}
    return {name[:WORD]: text[:WORD] for name, text in facts.items()}
