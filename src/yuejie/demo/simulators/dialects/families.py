"""Families of models: whose they are, and what is peculiar about their usage."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from yuejie.demo.simulators.answer import Refusal


class Kind(StrEnum):
    """What a model does."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    IMAGE = "image"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"
    ANY = "any"


class UsageAt(StrEnum):
    """Where a stream carries its usage."""

    ASKED = "extra chunk, if asked"
    FINISH = "finish chunk"
    CHOICE = "finish chunk's choice, and an extra chunk if asked"


@dataclass(frozen=True, slots=True)
class Family:
    """What models with a common prefix have in common."""

    prefix: str
    maker: str
    dialect: str = "openai"
    kind: Kind = Kind.CHAT
    reasons: bool = False
    writes: bool = False
    """Writing to the prompt cache is billed."""
    usage_at: UsageAt = UsageAt.ASKED


_FAMILIES: Final = (
    Family("sim-claude", "anthropic", "anthropic", Kind.ANY),
    Family("sim-gemini", "google", "gemini", Kind.ANY),
    Family("sim-", "openai", kind=Kind.ANY),
    Family("gpt-5.6", "openai", reasons=True, writes=True),
    Family("gpt-image", "openai", kind=Kind.IMAGE),
    Family("chatgpt-image", "openai", kind=Kind.IMAGE),
    Family("dall-e", "openai", kind=Kind.IMAGE),
    Family("gpt-4o-transcribe", "openai", kind=Kind.TRANSCRIPTION),
    Family("gpt-4o-mini-transcribe", "openai", kind=Kind.TRANSCRIPTION),
    Family("gpt-transcribe", "openai", kind=Kind.TRANSCRIPTION),
    Family("whisper", "openai", kind=Kind.TRANSCRIPTION),
    Family("gpt-4o-mini-tts", "openai", kind=Kind.SPEECH),
    Family("tts-", "openai", kind=Kind.SPEECH),
    Family("text-embedding-", "openai", kind=Kind.EMBEDDING),
    Family("gpt-5", "openai", reasons=True),
    Family("gpt-6", "openai", reasons=True, writes=True),
    Family("gpt-", "openai"),
    Family("chatgpt-", "openai"),
    Family("o1", "openai", reasons=True),
    Family("o3", "openai", reasons=True),
    Family("o4", "openai", reasons=True),
    Family("deepseek-chat", "deepseek", usage_at=UsageAt.FINISH),
    Family("deepseek-", "deepseek", reasons=True, usage_at=UsageAt.FINISH),
    Family("moonshot-", "moonshot", usage_at=UsageAt.CHOICE),
    Family("kimi-", "moonshot", usage_at=UsageAt.CHOICE),
    Family("qwen-image", "qwen", kind=Kind.IMAGE),
    Family("qwen3-embedding", "qwen", kind=Kind.EMBEDDING),
    Family("qwq", "qwen", reasons=True),
    Family("qwen", "qwen"),
    Family("embedding-", "zhipu", kind=Kind.EMBEDDING),
    Family("cogview", "zhipu", kind=Kind.IMAGE),
    Family("glm-", "zhipu", reasons=True, usage_at=UsageAt.FINISH),
    Family("claude-", "anthropic", "anthropic"),
    Family("gemini-embedding", "google", "gemini", Kind.EMBEDDING),
    Family("text-embedding-004", "google", "gemini", Kind.EMBEDDING),
    Family("gemini-2.5", "google", "gemini", reasons=True),
    Family("gemini-3", "google", "gemini", reasons=True),
    Family("gemini-", "google", "gemini"),
    Family("gemma-", "google", "gemini"),
)

CATALOGUE: Final = {
    "openai": (
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5.6-sol",
        "o4-mini",
        "text-embedding-3-small",
        "gpt-image-1",
        "whisper-1",
        "gpt-4o-transcribe",
        "tts-1",
        "deepseek-chat",
        "deepseek-reasoner",
        "kimi-k3",
        "qwen3-max",
        "glm-4.7",
    ),
    "anthropic": ("claude-sonnet-5", "claude-opus-5", "claude-haiku-4-5"),
    "gemini": ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-embedding-2"),
}
"""What a list of models shows; any model of a known family answers."""


@lru_cache(maxsize=1024)
def _family(dialect: str, model: str) -> Family | None:
    own = (f for f in _FAMILIES if f.dialect == dialect and model.startswith(f.prefix))
    return next(own, None)


def family_of(dialect: str, model: str, *kinds: Kind) -> Family:
    """Return a model's family; a model nobody has, or of another kind, is refused."""
    family = _family(dialect, model)
    if family is None or family.kind not in {*kinds, Kind.ANY}:
        raise Refusal(404, "unknown_model", "", model)
    return family
