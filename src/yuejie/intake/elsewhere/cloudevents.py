"""CloudEvents 1.0 as usage: structured and batched JSON, in the shape that OpenMeter takes.

An event's identity is its source and id, for ever, as with our own push. `subject` is the customer
where the data does not name one. The data is ours (`meters`), or OpenMeter's (`type` and `tokens`,
one meter an event); money in it is not read.
"""

from collections.abc import Mapping
from typing import Any, Final

from yuejie.intake.push import PushedEvent
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import whole

SOURCE: Final = "cloudevents"
_METERS: Final = {
    "input": "input",
    "prompt": "input",
    "output": "output",
    "completion": "output",
    "cache_read": "cache_read",
    "cached": "cache_read",
    "reasoning": "reasoning",
}
"""What OpenMeter's `data.type` means; one it does not know is a meter's name of ours."""
_DATA: Final = frozenset(
    {
        *("meters", "type", "tokens", "model", "project", "customer", "key", "tags", "deployment"),
        *("service_tier", "context_tokens", "state", "response_id", "ended_at", "facts"),
    }
)


def pushed_of(event: Mapping[str, Any]) -> PushedEvent:
    """Return a CloudEvent as a pushed event; its id holds source and id, told apart by a length."""
    if event.get("specversion") != "1.0":
        raise Invalid("specversion 应为 1.0")
    source, name = _text(event, "source"), _text(event, "id")
    data = event.get("data")
    if not isinstance(data, Mapping):
        raise Invalid(f"事件 {name} 的 data 应为一个对象")
    strange = sorted(set(data) - _DATA)
    if strange:
        raise Invalid(f"事件 {name} 的 data.{strange[0]} 不认识，请去掉或改名")
    plain = {key: data[key] for key in data if key not in {"meters", "type", "tokens"}}
    plain.setdefault("customer", event.get("subject") or "")
    try:
        return PushedEvent(
            id=f"{len(source)}:{source}:{name}",
            started_at=_text(event, "time"),
            meters=_meters(data, name),
            model=_text(data, "model"),
            project=_text(data, "project"),
            **{key: value for key, value in plain.items() if key not in {"model", "project"}},
        )
    except TypeError as error:
        raise Invalid(f"事件 {name} 的 data 写法不对：{error}") from error


def _meters(data: Mapping[str, Any], name: str) -> dict[str, int]:
    given = data.get("meters")
    if isinstance(given, Mapping):
        return {str(meter): _whole(quantity, name) for meter, quantity in given.items()}
    if "tokens" not in data:
        raise Invalid(f"事件 {name} 没有 data.meters，也没有 data.tokens")
    kind = str(data.get("type") or "")
    meter = _METERS.get(kind, kind)
    # One call comes as several events; it is counted with its input.
    return {meter: _whole(data["tokens"], name), "requests": int(meter == "input")}


def _whole(value: object, name: str) -> int:
    """Read a quantity; OpenMeter's examples write numbers as texts."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Invalid(f"事件 {name} 的数量 {value!r} 应为整数")
    if isinstance(value, int):
        return value
    number = whole(value)
    if number is None:
        raise Invalid(f"事件 {name} 的数量“{value}”应为整数")
    return number


def _text(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"CloudEvent 缺少 {name}，或它不是文字")
    return value
