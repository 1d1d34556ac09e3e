"""The list of models, in each dialect, as long as the key's rights."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from yuejie.gateway.refusal import Dialect
from yuejie.gateway.snapshot import ModelRow

_METHODS: Final = {
    "embedding": ["embedContent", "batchEmbedContents", "countTokens"],
}
_TALKS: Final = ["generateContent", "streamGenerateContent", "countTokens"]


def listing(models: list[ModelRow], dialect: Dialect) -> bytes:
    """Write the list."""
    return msgspec.json.encode(_LISTS[dialect]([entry(model, dialect) for model in models]))


def entry(model: ModelRow, dialect: Dialect) -> dict[str, Any]:
    """Write one model."""
    match dialect:
        case Dialect.ANTHROPIC:
            made = datetime.fromtimestamp(model.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return {
                "type": "model",
                "id": model.model_id,
                "display_name": model.model_id,
                "created_at": made,
            }
        case Dialect.GEMINI:
            limits = {
                "inputTokenLimit": model.context_window,
                "outputTokenLimit": model.max_output,
            }
            return {
                "name": f"models/{model.model_id}",
                "displayName": model.model_id,
                "supportedGenerationMethods": _METHODS.get(model.mode, _TALKS),
            } | {name: limit for name, limit in limits.items() if limit}
    return {
        "id": model.model_id,
        "object": "model",
        "created": model.created_s,
        "owned_by": model.owner or "yuejie",
    }


def _openai(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": entries}


def _anthropic(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "data": entries,
        "has_more": False,
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
    }


def _gemini(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"models": entries}


_LISTS: Final = {
    Dialect.OPENAI: _openai,
    Dialect.ANTHROPIC: _anthropic,
    Dialect.GEMINI: _gemini,
}
