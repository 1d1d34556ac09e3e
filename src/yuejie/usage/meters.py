"""What is counted: the closed list of meters, and the one-line meaning of each.

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
