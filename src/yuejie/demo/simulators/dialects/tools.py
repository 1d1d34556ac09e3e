"""What a model says when it calls a tool: the first one offered, with arguments that fit."""

from collections.abc import Mapping
from typing import Any, Final

_SAMPLES: Final[Mapping[str, object]] = {
    "string": "北京",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
}


def arguments(schema: Mapping[str, Any] | None) -> dict[str, object]:
    """Return an argument for every property the schema requires."""
    properties = (schema or {}).get("properties") or {}
    required = (schema or {}).get("required") or list(properties)
    return {name: _sample(properties.get(name) or {}) for name in required}


def _sample(schema: Mapping[str, Any]) -> object:
    if schema.get("enum"):
        return schema["enum"][0]
    return _SAMPLES.get(str(schema.get("type", "string")).lower(), "北京")
