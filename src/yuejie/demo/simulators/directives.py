"""What a request asks its simulator to do: the marker `[[sim …]]`, read once and remembered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final

OPENING: Final = b"[[sim "
CLOSING: Final = b"]]"


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact quantities; None leaves the counting to the simulator."""

    total_in: int | None = None
    out: int | None = None
    cached: int | None = None
    write_5m: int | None = None
    write_30m: int | None = None
    write_1h: int | None = None
    write_12h: int | None = None
    reasoning: int | None = None
    tool_in: int | None = None
    audio_in: int | None = None
    image_in: int | None = None
    video_in: int | None = None
    audio_out: int | None = None
    image_out: int | None = None
    searches: int | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the answer comes; None takes the process's setting."""

    delay_ms: int = 0
    pace_ms: int | None = None
    burst: int | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong. The default is: nothing."""

    status: int = 0
    quota: bool = False
    retry_after: int | None = None
    cut_after: int | None = None
    cut_before_usage: bool = False
    error_midstream: int | None = None
    no_usage: bool = False
    negative: bool = False
    absurd: bool = False
    garbage: bool = False
    times: int | None = None
    name: str = ""

    @property
    def misreports(self) -> bool:
        """Say whether the answer's usage is missing or wrong."""
        return self.no_usage or self.negative or self.absurd or self.garbage


NO_FAULT: Final = Fault()


@dataclass(frozen=True, slots=True)
class Directives:
    """Everything one request directs."""

    counts: Counts = Counts()
    pace: Pace = Pace()
    fault: Fault = NO_FAULT
    model: str | None = None
    tier: str | None = None
    finish: str | None = None

    def with_fault(self, fault: Fault) -> "Directives":
        """Return the same order with another fate."""
        return replace(self, fault=fault)


NOTHING: Final = Directives()

_SPELLED: Final = {
    "in": "total_in",
    "write5m": "write_5m",
    "write30m": "write_30m",
    "write1h": "write_1h",
    "write12h": "write_12h",
    "http": "status",
    "id": "name",
}
_GROUPS: Final[Mapping[str, type[Any]]] = {
    field.name: group for group in (Counts, Pace, Fault) for field in fields(group)
}
_FLAGS: Final = frozenset(
    {"quota", "cut_before_usage", "no_usage", "negative", "absurd", "garbage"}
)
_NUMBERED: Final = {"cut": "cut_after", "error": "error_midstream"}
_WORDS: Final = frozenset({"model", "tier", "finish"})
_PAIR: Final = re.compile(r"([a-z_0-9]+)=([A-Za-z0-9_.:/-]+)")


def find(body: bytes) -> Directives:
    """Return what the last marker in a request's bytes directs."""
    start = body.rfind(OPENING)
    if start < 0:
        return NOTHING
    end = body.find(CLOSING, start)
    return parse(body[start + len(OPENING) : end].decode("ascii", "ignore")) if end > 0 else NOTHING


@lru_cache(maxsize=4096)
def parse(text: str) -> Directives:
    """Read a marker's words; unknown ones are refused, so that a test never misspells its fault."""
    values: dict[type[Any], dict[str, Any]] = {Counts: {}, Pace: {}, Fault: {}}
    words: dict[str, str] = {}
    for key, value in _PAIR.findall(text):
        if key in _WORDS:
            words[key] = value
        elif key == "fault":
            values[Fault].update(_named_fault(value))
        else:
            name = _SPELLED.get(key, key)
            if name not in _GROUPS:
                raise ValueError(
                    f"模拟器不认识指令 {key}={value}，可用的指令见 simulators 的说明。"
                )
            values[_GROUPS[name]][name] = _value(name, value)
    fault = _with_name(values[Fault], text)
    return Directives(Counts(**values[Counts]), Pace(**values[Pace]), fault, **words)


def fault_of(values: Mapping[str, object]) -> Fault:
    """Read a fault that an operator set with `POST /_sim/faults`."""
    text = " ".join(f"{key}={value}" for key, value in values.items())
    return parse(text).fault


def _named_fault(name: str) -> dict[str, Any]:
    if name.isdigit():
        return {"status": int(name)}
    if name in _NUMBERED:
        return {_NUMBERED[name]: 1}
    if name == "quota":
        return {"quota": True, "status": 429}
    if name in _FLAGS:
        return {name: True}
    raise ValueError(f"模拟器没有名为 {name} 的故障，可用的故障见 simulators 的说明。")


def _value(name: str, text: str) -> object:
    if name == "name":
        return text
    return text.lower() not in {"0", "false"} if name in _FLAGS else int(text)


def _with_name(values: dict[str, Any], text: str) -> Fault:
    """A fault that passes counts its calls under its id, else under its own words."""
    return Fault(**{"name": text, **values}) if values else NO_FAULT
