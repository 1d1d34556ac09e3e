"""A refusal on its way out, before it is a page or problem+json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal on its way out. `english` is set where its sentence is put together from parts."""

    status: int
    code: str
    title: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    english: str = ""
