"""Traces: where the time of a sampled call went, one span per stage, to an OpenTelemetry collector.

Only where OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) names one; OTEL_TRACES_SAMPLER_ARG is
the share of calls, by default one of a hundred. Who is sampled is ours to say: a client's
`traceparent` is joined, and makes nobody sampled. Nothing of a prompt, an answer or a key is told.
Marks are taken on the loop's thread, spans are made when the call is over, and sent by a thread.
"""

import re
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from yuejie.kernel.errors import Invalid

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SHARE: Final = "OTEL_TRACES_SAMPLER_ARG"
DEFAULT_SHARE: Final = 0.01
MARKS_MOST: Final = 64
"""Stages of one call that are told; who tries often enough to have more is told the first ones."""
_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_US_TO_NS: Final = 1000

Facts = dict[str, str | int]


class Trace:
    """What is noted of one sampled call: when each stage was over, and what is told of it."""

    __slots__ = ("_now", "began_us", "facts", "marks", "parent")

    def __init__(self, now: "Now", began_us: int, parent: str) -> None:
        self._now = now
        self.began_us = began_us
        self.parent = parent
        self.marks: list[tuple[str, int, Facts]] = []
        self.facts: Facts = {}

    def mark(self, stage: str, **facts: str | int) -> None:
        """Say that a stage is over; it began where the one before it ended."""
        if len(self.marks) < MARKS_MOST:
            self.marks.append((stage, self._now.now_us(), facts))


class Now(Protocol):
    """Tells the time in microseconds since 1970."""

    def now_us(self) -> int:
        """Return it."""
        ...


class Traces:
    """Chooses the calls that are traced, and hands their spans on."""

    def __init__(self, now: Now, chance: Random, share: float, provider: "TracerProvider") -> None:
        self._now = now
        self._chance = chance
        self._share = share
        self._provider = provider
        self._tracer = provider.get_tracer("yuejie.gateway")

    def begin(self, headers: Mapping[str, str], began_us: int) -> Trace | None:
        """Return where the stages of a call are noted; None: this one is not sampled."""
        if self._chance.random() >= self._share:
            return None
        return Trace(self._now, began_us, headers.get("traceparent", ""))

    def end(self, trace: Trace, name: str, *, failed: str = "") -> None:
        """Make the spans of a call that is over; `failed` names what it was refused by."""
        root = self._tracer.start_span(
            name,
            context=_joined(trace.parent),
            kind=SpanKind.SERVER,
            attributes=trace.facts,
            start_time=trace.began_us * _US_TO_NS,
        )
        inside, since = set_span_in_context(root), trace.began_us
        for stage, at_us, facts in trace.marks:
            span = self._tracer.start_span(
                stage, context=inside, attributes=facts, start_time=since * _US_TO_NS
            )
            span.end(end_time=at_us * _US_TO_NS)
            since = at_us
        if failed:
            root.set_status(StatusCode.ERROR, failed)
        root.end(end_time=self._now.now_us() * _US_TO_NS)

    def close(self) -> None:
        """Send what was not sent yet, for a few seconds at most."""
        self._provider.shutdown()


def open_traces(environ: Mapping[str, str], now: Now, chance: Random) -> Traces | None:
    """Trace where the environment names a collector. Raises Invalid for a share that is none."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    # Twenty megabytes, loaded by those alone who trace.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above

    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", "yuejie-gateway")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(now, chance, share_of(environ), provider)


def share_of(environ: Mapping[str, str]) -> float:
    """Read which share of calls is traced, 0 to 1."""
    told = environ.get(SHARE, "")
    try:
        share = float(told) if told else DEFAULT_SHARE
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise Invalid(f"环境变量 {SHARE}=“{told}”应为 0 到 1 之间的小数，例如 0.01，请改正后重启")
    return share


def _joined(parent: str) -> Context | None:
    """Return the client's own trace as a context (W3C Trace Context §3.2); None: there is none."""
    found = _PARENT.fullmatch(parent)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    context = SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(1)
    )
    return set_span_in_context(NonRecordingSpan(context))
