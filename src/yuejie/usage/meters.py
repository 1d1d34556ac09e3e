"""What is counted: the closed list of meters, what each means, and its name on a bill.

Meters are disjoint by how they are priced: every token of a call is in exactly one.
A part that nobody reports stays inside its parent (unreported reasoning stays in `output`).
`None` means *the provider did not say*, `0` means *it said none*; the two are never confused.
"""

from enum import StrEnum
from typing import Final

from yuejie.kernel.money import MTOK


class Meter(StrEnum):
    """A kind of thing used. Values are stored, printed on bills and never renamed."""

    INPUT = "input"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_30M = "cache_write_30m"
    CACHE_WRITE_1H = "cache_write_1h"
    CACHE_WRITE_12H = "cache_write_12h"
    CACHE_WRITE_UNSPECIFIED = "cache_write_unspecified"
    OUTPUT = "output"
    REASONING = "reasoning"
    AUDIO_IN = "audio_in"
    AUDIO_OUT = "audio_out"
    IMAGE_IN = "image_in"
    IMAGE_OUT = "image_out"
    VIDEO_IN = "video_in"
    VIDEO_OUT = "video_out"
    CACHE_READ_AUDIO = "cache_read_audio"
    CACHE_READ_IMAGE = "cache_read_image"
    CACHE_READ_VIDEO = "cache_read_video"
    REQUESTS = "requests"
    FAILED_REQUESTS = "failed_requests"
    IMAGES = "images"
    SECONDS = "seconds"
    CHARACTERS = "characters"
    WEB_SEARCHES = "web_searches"
    SEARCH_UNITS = "search_units"


UNIT_METERS: Final = frozenset(
    {
        Meter.REQUESTS,
        Meter.FAILED_REQUESTS,
        Meter.IMAGES,
        Meter.SECONDS,
        Meter.CHARACTERS,
        Meter.WEB_SEARCHES,
        Meter.SEARCH_UNITS,
    }
)
"""Meters that count something other than tokens; their rates are per piece, not per million."""


def per(meter: str) -> int:
    """Return how many units a written rate is for: a million tokens, one of anything else."""
    return 1 if meter in UNIT_METERS else MTOK


COUNT_METERS: Final = frozenset({Meter.REQUESTS, Meter.FAILED_REQUESTS})
"""Meters that every call carries and that need no rate: unpriced they are worth nothing."""

INPUT_SIDE: Final = frozenset(
    {
        Meter.INPUT,
        Meter.CACHE_READ,
        Meter.CACHE_WRITE_5M,
        Meter.CACHE_WRITE_30M,
        Meter.CACHE_WRITE_1H,
        Meter.CACHE_WRITE_12H,
        Meter.CACHE_WRITE_UNSPECIFIED,
        Meter.AUDIO_IN,
        Meter.IMAGE_IN,
        Meter.VIDEO_IN,
        Meter.CACHE_READ_AUDIO,
        Meter.CACHE_READ_IMAGE,
        Meter.CACHE_READ_VIDEO,
    }
)
"""Meters whose sum is the request's context size, which chooses whole-request price tiers."""

FALLBACK: Final[dict[Meter, Meter]] = {
    Meter.REASONING: Meter.OUTPUT,
    Meter.CACHE_READ: Meter.INPUT,
    Meter.CACHE_WRITE_UNSPECIFIED: Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_5M: Meter.INPUT,
    Meter.CACHE_WRITE_30M: Meter.INPUT,
    Meter.CACHE_WRITE_1H: Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_12H: Meter.CACHE_WRITE_30M,
    Meter.AUDIO_IN: Meter.INPUT,
    Meter.IMAGE_IN: Meter.INPUT,
    Meter.VIDEO_IN: Meter.INPUT,
    Meter.AUDIO_OUT: Meter.OUTPUT,
    Meter.IMAGE_OUT: Meter.OUTPUT,
    Meter.VIDEO_OUT: Meter.OUTPUT,
    Meter.CACHE_READ_AUDIO: Meter.CACHE_READ,
    Meter.CACHE_READ_IMAGE: Meter.CACHE_READ,
    Meter.CACHE_READ_VIDEO: Meter.CACHE_READ,
}
"""Which parent's rate prices a meter the book does not name, written down at publication.

Providers publish no separate price for these where the parent's price applies
(OpenAI and Gemini: reasoning as output; no cached price published: cached tokens as input).
Cache writes never fall back to a cheaper class silently: the importer reports every fallback
it writes, line by line.
"""

NAMES: Final = {
    "input": "输入",
    "cache_read": "缓存命中输入",
    "cache_write_5m": "缓存写入（5 分钟）",
    "cache_write_30m": "缓存写入（30 分钟）",
    "cache_write_1h": "缓存写入（1 小时）",
    "cache_write_12h": "缓存写入（12 小时）",
    "cache_write_unspecified": "缓存写入",
    "output": "输出",
    "reasoning": "推理输出",
    "audio_in": "音频输入",
    "audio_out": "音频输出",
    "image_in": "图像输入",
    "image_out": "图像输出",
    "video_in": "视频输入",
    "video_out": "视频输出",
    "cache_read_audio": "缓存命中音频",
    "cache_read_image": "缓存命中图像",
    "cache_read_video": "缓存命中视频",
    "requests": "调用",
    "failed_requests": "失败调用",
    "images": "图片张数",
    "seconds": "时长",
    "characters": "字符",
    "web_searches": "联网搜索",
    "search_units": "搜索单元",
}
"""What those who read a bill or a contract call a meter."""

UNITS: Final = {
    "requests": "次",
    "failed_requests": "次",
    "images": "张",
    "seconds": "秒",
    "characters": "字符",
    "web_searches": "次",
    "search_units": "个",
}
"""What a meter counts; all others count tokens."""


def meter_name(meter: str) -> str:
    """Name a meter in Chinese; one we have no word for keeps its code."""
    return NAMES.get(meter, meter)


def unit(meter: str) -> str:
    """Name what a meter counts."""
    return UNITS.get(meter, "token")


def per_name(meter: str) -> str:
    """Say what a printed rate is for."""
    return unit(meter) if meter in UNIT_METERS else "百万 token"
