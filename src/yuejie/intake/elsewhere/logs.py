"""Logs of new-api and LiteLLM as flat rows: tokens and times; quota, spend and content are left.

new-api's `logs` (type 2 is usage): `prompt_tokens` holds cached ones but where `other.claude`
says that the provider tells them apart; `created_at` is when the call ended, `use_time` seconds
earlier it began. `quota` is money in units of new-api's own and is not read.
LiteLLM's `LiteLLM_SpendLogs`: `metadata.usage_object` has the provider's details; prompt tokens
hold cached and written ones. Rows of LiteLLM's own cache and of failures used no provider.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from yuejie.kernel.errors import UNREADABLE, Invalid
from yuejie.kernel.money import whole
from yuejie.usage.meters import Meter

Fields = Mapping[str, str]
_CONSUMED: Final = "2"
_TRUE: Final = frozenset({"1", "true", "t"})


def newapi_row(row: Fields) -> dict[str, str]:
    """Return a row of `logs`; what is no usage is refused with the reason."""
    if row.get("type", "") != _CONSUMED:
        raise Invalid(f"不是消费记录（type={row.get('type', '')}），没有用量")
    other = _object(row.get("other", ""), "other")
    cached, written = _count(other, "cache_tokens"), _count(other, "cache_creation_tokens")
    prompt, output = _number(row, "prompt_tokens"), _number(row, "completion_tokens")
    apart = other.get("claude") is True
    spoken, heard = _count(other, "audio_output"), _count(other, "audio_input")
    ended = _number(row, "created_at")
    return {
        "id": row.get("id", ""),
        "client": row.get("token_name") or row.get("username", ""),
        "model": row.get("model_name", ""),
        "started_at": _moment(ended - _number(row, "use_time")),
        "ended_at": _moment(ended),
    } | _meters(
        {
            Meter.INPUT: prompt - heard - (0 if apart else cached + written),
            Meter.CACHE_READ: cached,
            Meter.CACHE_WRITE_UNSPECIFIED: written,
            Meter.AUDIO_IN: heard,
            Meter.OUTPUT: output - spoken,
            Meter.AUDIO_OUT: spoken,
            Meter.REQUESTS: 1,
        }
    )


def litellm_row(row: Fields) -> dict[str, str]:
    """Return a row of `LiteLLM_SpendLogs`; what used no provider is refused with the reason."""
    if row.get("cache_hit", "").lower() in _TRUE:
        raise Invalid("由 LiteLLM 自己的缓存回答，没有用到供应商")
    if row.get("status", "").lower() == "failure":
        raise Invalid("调用失败，没有用量")
    metadata = _object(row.get("metadata", ""), "metadata")
    usage = metadata.get("usage_object")
    usage = usage if isinstance(usage, dict) else {}
    prompt, completion = _number(row, "prompt_tokens"), _number(row, "completion_tokens")
    return {
        "id": row.get("request_id", ""),
        "client": row.get("team_id") or row.get("api_key", ""),
        "model": row.get("model_group") or row.get("model", ""),
        "started_at": row.get("startTime", ""),
        "ended_at": row.get("endTime", ""),
    } | _meters(litellm_meters(prompt, completion, usage) | {Meter.REQUESTS: 1})


def litellm_meters(prompt: int, completion: int, usage: Mapping[str, Any]) -> dict[Meter, int]:
    """Return disjoint meters of LiteLLM's usage, whose prompt holds what was cached and written."""
    inside = _part(usage, "prompt_tokens_details")
    outside = _part(usage, "completion_tokens_details")
    cached = _count(inside, "cached_tokens") or _count(usage, "cache_read_input_tokens")
    written = _count(inside, "cache_creation_tokens") or _count(
        usage, "cache_creation_input_tokens"
    )
    heard, spoken = _count(inside, "audio_tokens"), _count(outside, "audio_tokens")
    thought = _count(outside, "reasoning_tokens")
    return {
        Meter.INPUT: prompt - cached - written - heard,
        Meter.CACHE_READ: cached,
        Meter.CACHE_WRITE_UNSPECIFIED: written,
        Meter.AUDIO_IN: heard,
        Meter.OUTPUT: completion - thought - spoken,
        Meter.REASONING: thought,
        Meter.AUDIO_OUT: spoken,
    }


def _meters(meters: Mapping[Meter, int]) -> dict[str, str]:
    negative = [meter for meter, quantity in meters.items() if quantity < 0]
    if negative:
        raise Invalid(f"各项相减后 {negative[0]} 为负，日志自相矛盾")
    return {meter.value: str(quantity) for meter, quantity in meters.items() if quantity}


def _object(text: str, name: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except UNREADABLE:
        raise Invalid(f"{name} 不是 JSON") from None
    return found if isinstance(found, dict) else {}


def _part(place: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = place.get(name)
    return found if isinstance(found, dict) else {}


def _count(place: Mapping[str, Any], name: str) -> int:
    value = place.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"{name} 应为不小于 0 的整数，而不是 {value!r}")
    return value


def _number(row: Fields, name: str) -> int:
    text = row.get(name, "") or "0"
    number = whole(text)
    if number is None:
        raise Invalid(f"{name}“{text}”应为不小于 0 的整数")
    return number


def _moment(unix_s: int) -> str:
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise Invalid(f"时间 {unix_s} 不合理") from None
