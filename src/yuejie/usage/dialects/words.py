"""The grammar of the table: what can be said about a provider's usage object and its streams."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from yuejie.usage.meters import Meter


class Where(Enum):
    """Whether a part is counted inside its parent's number or beside it."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Framing(Enum):
    """How an upstream cuts its stream into frames."""

    SSE = "sse"
    """Server-sent events; a JSON array or one JSON document in their place is recognised."""
    EVENTSTREAM = "eventstream"
    """AWS's binary `application/vnd.amazon.eventstream`."""
    MESSAGES = "messages"
    """A socket: every chunk is one whole message. One tap per turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What one kind of usage object calls its counts, and which contain which.

    Paths are dotted; the first that is there and not null is taken. Entries of lists are named by
    their modality or time to live, in lower case; a usage that is itself a list is summed.
    """

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    also_input: tuple[str, ...] = ()
    """Counted beside the input, priced as input."""
    cache: Where = Where.INSIDE
    """Cache reads and writes: inside the input's number or beside it."""
    reasoning: Where = Where.INSIDE
    total_decides: bool = True
    """When reasoning in and out would differ, the provider's own total says which it is."""
    hidden_reasoning: bool = False
    """Reasoning that shows only as the part of the total which input and output leave over."""
    written: tuple[str, ...] = ()
    """All cache writes together."""
    ttl: Meter = Meter.CACHE_WRITE_UNSPECIFIED
    """The class of writes whose time to live neither the answer nor the request said."""
    parts: Mapping[Meter, tuple[str, ...]] = field(default_factory=dict)
    """Parts by their own meter; media here still contain what was cached of them."""
    rest_in: Meter = Meter.INPUT
    rest_out: Meter = Meter.OUTPUT
    """The meter of what no part names."""
    zeros_omitted: bool = False
    """proto3 JSON: a count that is missing beside others is 0."""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One place where the usage of the main model may be; several are the same usage repeated."""

    at: str
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A usage that is charged on top of the main one, perhaps at another model's price."""

    at: str
    words: Words
    model: tuple[str, ...] = ()
    """Where the answer names that model; () means the main one."""
    asked: bool = False
    """The request names the model if the answer does not (hosted image generation)."""
    otherwise: str = ""
    """The name under which it is counted when nobody says which model it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that is particular to one API."""

    sources: tuple[Source, ...] = ()
    beside: tuple[Beside, ...] = ()
    iterations: bool = False
    """Anthropic's `usage.iterations[]`: further models and compaction inside one answer."""
    free: tuple[str, ...] = ()
    """A counting endpoint: where its answer stands. It is never billed."""
    without_usage: Meter | None = None
    """What is counted instead when the answer has no usage by design."""

    envelope: tuple[str, ...] = ()
    """Members of a frame (or body) that hold the answer proper."""
    model: tuple[str, ...] = ("model",)
    response_id: tuple[str, ...] = ("id",)
    tier: tuple[str, ...] = ("service_tier",)
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    framing: Framing = Framing.SSE
    usage_mark: bytes = b'"usage"'
    """Bytes without which a frame has no usage; followed by `null` it has none either."""
    marks: tuple[bytes, ...] = (b'"error"',)
    """Other bytes that make a frame worth decoding."""
    delta: bytes = b'"delta"'
    """Occurs once per piece of output; counted for estimates only."""
    done: bytes = b""
    """A frame that is not JSON and ends the stream."""
    ends: frozenset[str] = frozenset()
    """Types (or names) of the frames that end an answer."""
    ends_at: tuple[str, ...] = ()
    """Members which, when set, say the same."""
    ends_with_usage: bool = False
    """`ends_at` counts only on a frame that has usage: more frames may follow otherwise."""
    said_again: str = ""
    """A count for which the opening frame only holds the place: without a later one, a floor."""
    aside: Mapping[str, str] = field(default_factory=dict)
    """Frames whose usage is another model's: type → the member it is kept under."""
