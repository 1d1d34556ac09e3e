"""What the usage exports of providers mean, in our disjoint meters.

OpenAI (`/v1/organization/usage/completions`): `input_tokens` holds cached and written ones; audio
and image inputs are named apart, as uncached and as cached; `output_tokens` holds audio and image.
Anthropic (`/v1/organizations/usage_report/messages`): the classes are disjoint already.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from yuejie.kernel.errors import Invalid
from yuejie.usage.meters import Meter

Export = Mapping[str, Any]


def openai_row(bucket: Export, result: Export) -> dict[str, str]:
    """Return a result of OpenAI's completions usage as a flat row."""
    cached = _count(result, "input_cached_tokens")
    cached_audio = _count(result, "input_cached_audio_tokens")
    cached_image = _count(result, "input_cached_image_tokens")
    written = _count(result, "input_cache_write_tokens")
    written_30m = _count(result, "input_cache_write_30m_tokens")
    written_12h = _count(result, "input_cache_write_12h_tokens")
    audio, image = _count(result, "input_audio_tokens"), _count(result, "input_image_tokens")
    uncached = result.get("input_uncached_tokens")
    if uncached is None:
        uncached = _count(result, "input_tokens") - cached - written
    spoken, drawn = _count(result, "output_audio_tokens"), _count(result, "output_image_tokens")
    meters = {
        Meter.INPUT: uncached - audio - image,
        Meter.CACHE_READ: cached - cached_audio - cached_image,
        Meter.CACHE_READ_AUDIO: cached_audio,
        Meter.CACHE_READ_IMAGE: cached_image,
        Meter.CACHE_WRITE_30M: written_30m,
        Meter.CACHE_WRITE_12H: written_12h,
        Meter.CACHE_WRITE_UNSPECIFIED: max(written - written_30m - written_12h, 0),
        Meter.AUDIO_IN: audio,
        Meter.IMAGE_IN: image,
        Meter.OUTPUT: _count(result, "output_tokens") - spoken - drawn,
        Meter.AUDIO_OUT: spoken,
        Meter.IMAGE_OUT: drawn,
        Meter.REQUESTS: _count(result, "num_model_requests"),
    }
    tier = "batch" if result.get("batch") is True else _word(result, "service_tier")
    started, ended = _moment(bucket, "start_time"), _moment(bucket, "end_time")
    return (
        _row(meters)
        | _names(result)
        | {
            "started_at": started,
            "ended_at": ended,
            "service_tier": tier,
            "client": _word(result, "project_id") or _word(result, "api_key_id"),
        }
    )


def anthropic_row(bucket: Export, result: Export) -> dict[str, str]:
    """Return a result of Anthropic's messages usage report as a flat row."""
    written = result.get("cache_creation") or {}
    tools = result.get("server_tool_use") or {}
    meters = {
        Meter.INPUT: _count(result, "uncached_input_tokens"),
        Meter.CACHE_READ: _count(result, "cache_read_input_tokens"),
        Meter.CACHE_WRITE_5M: _count(written, "ephemeral_5m_input_tokens")
        or _count(result, "cache_creation_5m_input_tokens"),
        Meter.CACHE_WRITE_1H: _count(written, "ephemeral_1h_input_tokens")
        or _count(result, "cache_creation_1h_input_tokens"),
        Meter.OUTPUT: _count(result, "output_tokens"),
        Meter.WEB_SEARCHES: _count(tools, "web_search_requests"),
    }
    return (
        _row(meters)
        | _names(result)
        | {
            "started_at": _word(bucket, "starting_at"),
            "ended_at": _word(bucket, "ending_at"),
            "service_tier": _word(result, "service_tier"),
            "client": _word(result, "workspace_id") or _word(result, "api_key_id"),
        }
    )


def _names(result: Export) -> dict[str, str]:
    return {name: _word(result, name) for name in ("model", "response_id", "client_request_id")}


def _row(meters: Mapping[Meter, int]) -> dict[str, str]:
    negative = [meter for meter, quantity in meters.items() if quantity < 0]
    if negative:
        raise Invalid(f"各项相减后 {negative[0]} 为负，导出数据自相矛盾")
    return {meter.value: str(quantity) for meter, quantity in meters.items() if quantity}


def _count(place: Export, name: str) -> int:
    value = place.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Invalid(f"{name} 应为不小于 0 的整数，而不是 {value!r}")
    return value


def _moment(bucket: Export, name: str) -> str:
    unix_s = _count(bucket, name)
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise Invalid(f"{name} {unix_s} 不是合理的时间") from None


def _word(place: Export, name: str) -> str:
    value = place.get(name)
    return value if isinstance(value, str) else ""


PER_CALL: Final = ("response_id", "client_request_id")
"""Names that only a report by call has; a bucket of many calls has no one context size."""
