"""What a provider's usage report says: the truth, call by call, in the provider's own words.

Each row carries `client_request_id`, the id the caller sent as `X-Client-Request-Id`, so a call
whose usage never arrived is found again.
The formats of OpenAI and Anthropic follow the fields of their administration APIs
(`/v1/organization/usage/completions`, `/v1/organizations/usage_report/messages`), with one result
per call instead of one per group; they know fewer meters than `jsonl`, which has them all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from yuejie.demo.simulators.truth import TruthLine
from yuejie.usage.meters import INPUT_SIDE, Meter

FORMATS: Final = ("jsonl", "openai", "anthropic")
_OUTPUTS: Final = (Meter.OUTPUT, Meter.REASONING, Meter.AUDIO_OUT, Meter.IMAGE_OUT)
_WRITES: Final = tuple(m for m in sorted(INPUT_SIDE) if m.startswith("cache_write"))
_UNCACHED: Final = (Meter.INPUT, Meter.AUDIO_IN, Meter.IMAGE_IN, Meter.VIDEO_IN)
_JSON: Final = msgspec.json.Encoder()


def render(lines: Iterable[TruthLine], form: str) -> bytes:
    """Return the usage report in a format of `FORMATS`."""
    if form == "jsonl":
        return b"".join(_JSON.encode(_row(line)) + b"\n" for line in lines)
    own = [line for line in lines if line.dialect == form]
    if form == "openai":
        return _JSON.encode(_page([_openai_bucket(line) for line in own]))
    return _JSON.encode(_page([_anthropic_bucket(line) for line in own]))


def summary(lines: Iterable[TruthLine]) -> dict[str, object]:
    """Return totals: calls by outcome, and quantities by billed model and meter."""
    outcomes: Counter[str] = Counter()
    usage: defaultdict[str, Counter[str]] = defaultdict(Counter)
    calls = reported = 0
    for line in lines:
        calls += 1
        reported += line.reported
        outcomes[line.outcome] += 1
        usage[line.billed_model].update(line.usage)
    return {
        "calls": calls,
        "reported": reported,
        "outcomes": dict(outcomes),
        "usage": {model: dict(sorted(meters.items())) for model, meters in sorted(usage.items())},
    }


def _row(line: TruthLine) -> dict[str, object]:
    return {
        "client_request_id": line.client_request_id,
        "response_id": line.response_id,
        "at": line.at,
        "provider": line.dialect,
        "api": line.api,
        "model": line.billed_model,
        "requested_model": line.model,
        "service_tier": line.service_tier,
        "usage": line.usage,
    }


def _sum(line: TruthLine, meters: Sequence[Meter]) -> int:
    return sum(line.usage.get(meter, 0) for meter in meters)


def _openai_bucket(line: TruthLine) -> dict[str, object]:
    second = int(datetime.fromisoformat(line.at).timestamp())
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": _sum(line, sorted(INPUT_SIDE)),
        "input_uncached_tokens": _sum(line, _UNCACHED),
        "input_cached_tokens": line.usage.get(Meter.CACHE_READ, 0),
        "input_cache_write_tokens": _sum(line, _WRITES),
        "input_audio_tokens": line.usage.get(Meter.AUDIO_IN, 0),
        "input_image_tokens": line.usage.get(Meter.IMAGE_IN, 0),
        "output_tokens": _sum(line, _OUTPUTS),
        "output_audio_tokens": line.usage.get(Meter.AUDIO_OUT, 0),
        "output_image_tokens": line.usage.get(Meter.IMAGE_OUT, 0),
        "num_model_requests": 1,
        "model": line.billed_model,
        "service_tier": line.service_tier,
        "batch": False,
        "response_id": line.response_id,
        "client_request_id": line.client_request_id,
    }
    return {"object": "bucket", "start_time": second, "end_time": second + 1, "results": [result]}


def _anthropic_bucket(line: TruthLine) -> dict[str, object]:
    usage = line.usage
    result = {
        "uncached_input_tokens": _sum(line, _UNCACHED),
        "cache_read_input_tokens": usage.get(Meter.CACHE_READ, 0),
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.get(Meter.CACHE_WRITE_5M, 0),
            "ephemeral_1h_input_tokens": usage.get(Meter.CACHE_WRITE_1H, 0),
        },
        "output_tokens": _sum(line, _OUTPUTS),
        "server_tool_use": {"web_search_requests": usage.get(Meter.WEB_SEARCHES, 0)},
        "model": line.billed_model,
        "service_tier": line.service_tier,
        "response_id": line.response_id,
        "client_request_id": line.client_request_id,
    }
    return {"starting_at": line.at, "ending_at": line.at, "results": [result]}


def _page(buckets: list[dict[str, object]]) -> dict[str, object]:
    return {"object": "page", "data": buckets, "has_more": False, "next_page": None}
