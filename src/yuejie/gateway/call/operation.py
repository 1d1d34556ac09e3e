"""One operation: attempts in order until one answers, each written down before and after.

Retry and fail-over happen only while the client has nothing of an answer yet.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from yuejie.contracts.auto.routed import ASKED
from yuejie.gateway.call.asked import Asked
from yuejie.gateway.call.form import Spoilt
from yuejie.gateway.call.headers import Pairs, downward
from yuejie.gateway.call.live import Cut, Live, Running
from yuejie.gateway.call.stream import Pump
from yuejie.gateway.meter.metering import NOTHING_USED, UNMARKED, Bought, Closing, Metering
from yuejie.gateway.meter.quick import quick_answer
from yuejie.gateway.meter.refused import Turned
from yuejie.gateway.refusal import Code, Refused, frame_of
from yuejie.gateway.rights.admission import Route
from yuejie.gateway.server.exchange import Gone
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.gateway.upstream.port import Answer, Lost, NotSent, Slow, Upstream, UpstreamError
from yuejie.gateway.upstream.routing import in_order
from yuejie.gateway.upstream.vitals import Vitals
from yuejie.kernel.limits import ANSWER_BYTES, ATTEMPTS, RETRY_WAIT_SECONDS
from yuejie.usage.dialects import Reading, ReadingState, StreamTap, read_body
from yuejie.usage.event import Outcome
from yuejie.usage.journal import Begun
from yuejie.usage.meters import Meter

BACKOFF_MS: Final = 200
"""First pause before the same deployment is asked again; it doubles."""
ELSEWHERE: Final = frozenset({401, 402, 404, 408, 429})
"""Statuses below 500 that another deployment may not share."""
CREDENTIAL: Final = 401
"""Our credential was refused: to the client that is our failure, not the client's key's."""


CUT: Final = {
    Cut.STOPPING: Code.STOPPING,
    Cut.TOO_LONG: Code.UPSTREAM_SLOW,
    Cut.DRAINED_OUT: Code.UPSTREAM_SLOW,
}
"""What a client is told of a call that the gateway itself ended."""
UNKNOWN: Final = Reading(ReadingState.ABSENT)
_PLAIN: Final = ("accept-encoding", "identity")
"""Answers must come as they are: usage is read in passing."""
_SAID: Final = frozenset({Meter.OUTPUT, Meter.REASONING})


class TooLarge(UpstreamError):
    """A buffered answer is larger than what may be held."""


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt failed and another one follows: which route, after how long."""

    route: int
    wait_ms: int


_FIRST: Final = Again(0, 0)


@dataclass(slots=True)
class Workshop:
    """What all operations of a worker share."""

    upstream: Upstream
    metering: Metering
    breakers: Breakers
    live: Live
    chance: Random
    vitals: Vitals
    turned: Turned


class Operation:
    """Carries one request to an answer."""

    __slots__ = (
        "_answer",
        "_asked",
        "_begun",
        "_frees",
        "_route",
        "_routes",
        "_running",
        "_sent",
        "_shop",
        "_tried",
        "answered",
        "billed",
    )

    def __init__(
        self,
        asked: Asked,
        shop: Workshop,
        running: Running,
        now_us: int,
        frees: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`frees` gives the client's `Idempotency-Key` back, where the call came with one."""
        self._asked = asked
        self._frees = frees
        self._shop = shop
        self._running = running
        choice = asked.choice
        self._routes: Sequence[Route] = (
            in_order(asked.plan.routes, shop.breakers, shop.chance, now_us)
            if choice is None
            else choice.routes
        )
        self._route = self._routes[0]
        self._tried = 0
        self._sent = False
        self._begun: Begun | None = None
        self._answer: Answer | None = None
        self.answered = False
        """The client has been told something, if only a status."""
        self.billed = False
        """An attempt ended whose answer is the client's."""

    async def run(self) -> None:
        """Try the routes until the client has an answer, if only ours."""
        again: Again | None = _FIRST
        try:
            while again is not None:
                if again.wait_ms:
                    await asyncio.sleep(again.wait_ms / 1000)
                self._route = self._routes[again.route]
                self._tried += 1
                try:
                    again = await self._attempt(again.route)
                finally:
                    if (closing := self._leave()) is not None:
                        await closing
        except asyncio.CancelledError:
            cut = self._running.cut
            if cut is None:
                raise
            await self.free()
            if not self.answered:
                self._asked.refuse(Refused(CUT[cut]))
        except Spoilt as spoilt:
            await self.free()
            self._asked.refuse(spoilt.refused)

    async def free(self) -> None:
        """Free the key of a call that came to nothing, before its client hears of it.

        A client may send the same again the moment it has an error.
        """
        frees, self._frees = self._frees, None
        if frees is not None and not self.billed:
            await frees()

    def _leave(self) -> "Awaitable[None] | None":
        """Leave an attempt behind; what is returned is over when its connection is given back."""
        if self._begun is not None:
            # First: closing may wait, and who waits may be stopped.
            self._abandon()
        answer, self._answer = self._answer, None
        return answer.close() if answer is not None else None

    def _abandon(self) -> None:
        """Leave no attempt without an end, whatever happened."""
        self._record(
            Closing(
                UNKNOWN if self._sent else NOTHING_USED,
                0,
                Outcome.PROVIDER_CUT,
                billable=False,
                reason=self._running.cut or "abandoned",
            )
        )

    async def _attempt(self, at: int) -> Again | None:
        asked, route = self._asked, self._route
        began_ns = time.monotonic_ns()
        self._sent = False
        self._begun, on_disk = self._shop.metering.begin(
            asked.plan,
            route,
            operation=asked.operation,
            attempt=self._tried,
            api=asked.endpoint.api,
            stream=asked.hint.stream,
            tags=asked.tags,
            hold=asked.hold,
        )
        # All that needs no disk is ready by the time the record is on it.
        url, ours, sent = asked.url(route), self._ours(), asked.body_for(route)
        if on_disk is not None:
            await on_disk
        if asked.trace is not None:
            asked.trace.mark("write_begun")
        breaker = self._shop.breakers.of(route.target.deployment_id)
        breaker.goes(self._begun.started_us)
        self._sent = True
        try:
            answer = self._answer = await self._shop.upstream.send(url, asked.said, ours, sent)
            passes = answer.status < 300 and (asked.hint.stream or asked.endpoint.passes)
            body = answer.rest()
            if body is None:
                body = await (answer.read() if passes else _whole(answer))
        except (Spoilt, Gone) as unsent:
            self._unsent(unsent)
            raise
        except UpstreamError as error:
            breaker.failed(self._begun.started_us)
            return await self._unanswered(error, at)
        first_byte_ms = (time.monotonic_ns() - began_ns) // 1_000_000
        self._heard(answer.status, first_byte_ms)
        if passes:
            breaker.worked()
            await self._stream(answer, body, first_byte_ms)
            return None
        # The answer is here in one piece: pass it on, or try elsewhere.
        ended = self._ordinary(answer, body or b"", first_byte_ms)
        if ended is None:
            return await self._other_answer(answer, body or b"", at, first_byte_ms)
        breaker.worked()
        bought, safe = ended
        if safe is not None:
            await safe
        if asked.trace is not None:
            asked.trace.mark("write_ended")
        self._pass_on(answer, body or b"", bought)
        return None

    def _ours(self) -> Pairs:
        """Return what the provider is told beside what the client said."""
        begun = self._begun
        assert begun is not None, "an attempt is under way"
        return [
            self._route.target.access.header,
            _PLAIN,
            ("x-client-request-id", begun.event.hex()),
        ]

    def _unsent(self, why: Spoilt | Gone) -> None:
        """The provider never had the whole of a request, so it has nothing to charge."""
        if isinstance(why, Spoilt):
            self._record(Closing(NOTHING_USED, why.refused.status, Outcome.OK, billable=False))
        else:
            # The client hung up in the middle of its upload.
            self._record(Closing(NOTHING_USED, 0, Outcome.CLIENT_GONE, billable=False))

    def _heard(self, status: int, first_byte_ms: int) -> None:
        """Note that the provider answered, for whoever wants to know."""
        if self._asked.trace is not None:
            self._mark("provider", status=status)
        if self._shop.vitals.watched:
            self._note(failed=status >= 500 or status in ELSEWHERE, first_byte_ms=first_byte_ms)

    async def _unanswered(self, error: UpstreamError, at: int) -> Again | None:
        """No answer, or not a whole one, and the client has nothing of it yet."""
        if self._asked.trace is not None:
            self._mark("provider", error=type(error).__name__)
        if self._shop.vitals.watched:
            self._note(failed=True)
        nothing_sent = isinstance(error, NotSent)
        again = None
        if not isinstance(error, Slow | TooLarge):
            again = self._next(at, retryable=True, wait_ms=None)
        await self._end(
            Closing(
                NOTHING_USED if nothing_sent else UNKNOWN,
                0,
                Outcome.PROVIDER_ERROR if nothing_sent else Outcome.PROVIDER_CUT,
                billable=False,
                reason="" if nothing_sent else _REASONS[type(error)],
            )
        )
        if again is None:
            await self.free()
            self.answered = True
            self._asked.refuse(self._no_answer(error))
        return again

    def _no_answer(self, error: UpstreamError) -> Refused:
        match error:
            case Slow():
                return Refused(Code.UPSTREAM_SLOW)
            case TooLarge():
                return Refused(Code.UPSTREAM_TOO_LARGE, {"limit": ANSWER_BYTES})
            case NotSent():
                facts = {"model": self._asked.plan.model, "attempts": self._tried}
                return Refused(Code.UPSTREAM_DOWN, facts)
        return Refused(Code.UPSTREAM_CUT)

    async def _other_answer(
        self, answer: Answer, body: bytes, at: int, first_byte_ms: int
    ) -> Again | None:
        """It is unlike most: a failure, or something else that takes reading with care."""
        status = answer.status
        asked = self._asked
        api = asked.endpoint.api
        reading = read_body(api, status, dict(answer.headers), body, asked.hint)
        again = self._judged(status, reading, at)
        closing = Closing(
            reading,
            status,
            Outcome.OK if status < 400 else Outcome.PROVIDER_ERROR,
            billable=again is None and status != CREDENTIAL,
            first_byte_ms=first_byte_ms,
        )
        bought = await self._end(closing)
        if again is not None:
            return again
        await self.free()
        self.answered = True
        if status == CREDENTIAL:
            asked.refuse(Refused(Code.UPSTREAM_CREDENTIAL))
            return None
        self._pass_on(answer, body, bought)
        return None

    def _ordinary(
        self, answer: Answer, body: bytes, first_byte_ms: int
    ) -> "tuple[Bought, asyncio.Future[None] | None] | None":
        """Write down how an answer like most ended; None, and nothing done, if it is another."""
        asked = self._asked
        window = asked.hint.context_window
        quick = quick_answer(asked.endpoint.api, answer.status, body, window)
        if quick is None or self._begun is None:
            return None
        ended = self._shop.metering.end_quickly(
            self._begun, self._route, quick, first_byte_ms, asked.hold, self._marks()
        )
        if ended is None:
            return None
        if asked.choice is not None:
            self._learn(quick.counts)
        self._begun = None
        self.billed = self.answered = True
        return ended

    def _pass_on(self, answer: Answer, body: bytes, bought: Bought) -> None:
        """Give the client what the provider said, and what it costs."""
        headers = downward(answer.headers, self._asked.request_id)
        headers += self._named()
        if bought.charge is not None:
            headers += (("x-yuejie-charge", bought.charge), ("x-yuejie-currency", bought.currency))
        self._asked.exchange.response_bytes(answer.status, headers, body)

    def _judged(self, status: int, reading: Reading, at: int) -> Again | None:
        """Tell the deployment's breaker, and say whether another try is due."""
        breaker = self._shop.breakers.of(self._route.target.deployment_id)
        if status < 400:
            breaker.worked()
            return None
        if status >= 500 or status in (CREDENTIAL, 402, 408):
            breaker.failed(self._begun.started_us if self._begun else 0)
        elif status != 429:
            breaker.worked()
        if status < 500 and status not in ELSEWHERE:
            return None
        same = status >= 500 or status in (408, 429)
        return self._next(
            at, retryable=same and reading.retryable is not False, wait_ms=reading.retry_after_ms
        )

    def _next(self, at: int, *, retryable: bool, wait_ms: int | None) -> Again | None:
        """Choose what to try after a failure: the next route, else the same after a pause."""
        if self._tried >= ATTEMPTS or self._asked.form is not None or self._shop.live.stopping:
            return None
        if at + 1 < len(self._routes):
            return Again(at + 1, 0)
        if not retryable:
            return None
        if wait_ms is None:
            return Again(at, BACKOFF_MS << (self._tried - 1))
        return Again(at, wait_ms) if wait_ms <= RETRY_WAIT_SECONDS * 1000 else None

    async def _stream(self, answer: Answer, first: bytes | None, first_byte_ms: int) -> None:
        asked = self._asked
        headers = downward(answer.headers, asked.request_id) + self._named()
        self.answered = True
        asked.exchange.response_stream(answer.status, headers)
        pump = Pump(
            answer,
            asked.exchange,
            StreamTap(asked.endpoint.api, asked.hint),
            asked.usage_filter(),
            self._shop.live,
            self._running,
        )
        reading = await pump.run(first)
        if asked.trace is not None:
            asked.trace.mark("stream")
        cut = self._running.cut
        outcome = Outcome.OK
        if pump.broken and cut is None:
            outcome = Outcome.PROVIDER_CUT
            self._shop.breakers.of(self._route.target.deployment_id).failed(
                self._begun.started_us if self._begun else 0
            )
            if self._shop.vitals.watched:
                self._note(failed=True)
        elif pump.gone:
            outcome = Outcome.CLIENT_GONE
        reason = str(cut) if cut and reading.state is not ReadingState.MEASURED else ""
        await self._end(
            Closing(
                reading,
                answer.status,
                outcome,
                billable=True,
                reason=reason,
                first_byte_ms=first_byte_ms,
            )
        )
        last = b""
        if pump.broken and _is_events(headers):
            refused = Refused(Code.UPSTREAM_SLOW if cut is Cut.TOO_LONG else Code.UPSTREAM_CUT)
            last = frame_of(
                refused, asked.endpoint.dialect, asked.request_id, english=asked.english
            )
        pump.finish(last)

    async def _end(self, closing: Closing) -> Bought:
        """Write down how the attempt ended; nothing more goes to the client before."""
        bought, safe = self._record(closing)
        if safe is not None:
            await safe
        if self._asked.trace is not None:
            self._asked.trace.mark("write_ended")
        return bought

    def _record(self, closing: Closing) -> "tuple[Bought, asyncio.Future[None] | None]":
        assert self._begun is not None, "an attempt ends once"
        begun, self._begun = self._begun, None
        self.billed = closing.billable and closing.status < 400
        if self._asked.choice is not None and closing.reading.state is ReadingState.MEASURED:
            self._learn([(item.meter, item.quantity) for item in closing.reading.items])
        return self._shop.metering.end(begun, self._route, closing, self._asked.hold, self._marks())

    def _marks(self) -> dict[str, str]:
        """Return what the event says of how a call was asked: who was meant, what was repeated."""
        asked = self._asked
        if asked.choice is not None:
            return asked.choice.facts | asked.marks if asked.marks else asked.choice.facts
        if self._route.backup:
            return {ASKED: asked.plan.model} | asked.marks
        return asked.marks or UNMARKED

    def _named(self) -> Pairs:
        """Return our headers, and whose answer it is where the client named somebody else."""
        asked = self._asked
        if asked.choice is None and not self._route.backup:
            return asked.extra
        named = [("x-yuejie-model", self._route.target.model_id)]
        if asked.choice is not None:
            named.append(("x-yuejie-policy", f"{asked.choice.asked}@{asked.choice.version}"))
        return asked.extra + named

    def _mark(self, stage: str, **facts: str | int) -> None:
        """Note a stage of the attempt under way, and whose it is."""
        target = self._route.target
        trace = self._asked.trace
        assert trace is not None, "asked of sampled calls alone"
        told: dict[str, str | int] = {
            "yuejie.deployment": target.deployment_id,
            "yuejie.attempt": self._tried,
            "gen_ai.response.model": target.model_id,
        }
        trace.mark(stage, **told, **facts)

    def _note(self, *, failed: bool, first_byte_ms: int | None = None) -> None:
        """Let auto models know how this deployment does."""
        begun = self._begun
        assert begun is not None, "an attempt is under way"
        self._shop.vitals.note(
            begun.deployment,
            begun.started_us,
            failed=failed,
            first_byte_ms=first_byte_ms,
        )

    def _learn(self, counts: Sequence[tuple[Meter, int]]) -> None:
        """Remember how long the answer was, for what is expected of the next."""
        choice = self._asked.choice
        assert choice is not None, "asked of auto models alone"
        tokens_out = sum(n for meter, n in counts if meter in _SAID)
        if tokens_out:
            key_id = self._asked.plan.key.key_id
            self._shop.vitals.answered(key_id, choice.task, tokens_out)


_REASONS: Final[dict[type[UpstreamError], str]] = {
    Lost: "connection_lost",
    Slow: "timeout",
    TooLarge: "answer_too_large",
    UpstreamError: "connection_lost",
}


async def _whole(answer: Answer) -> bytes:
    """Read an answer to its end; one that is too large to hold is given up."""
    chunk = await answer.read()
    if chunk is None:
        return b""
    parts = [chunk]
    size = len(chunk)
    while (chunk := await answer.read()) is not None:
        parts.append(chunk)
        size += len(chunk)
        if size > ANSWER_BYTES:
            raise TooLarge
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _is_events(headers: Pairs) -> bool:
    return any(name == "content-type" and "event-stream" in value for name, value in headers)
