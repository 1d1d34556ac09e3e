"""The mapping file: what the columns of a foreign file mean, and whose rows they are.

    format = "csv"                       # csv, jsonl, openai, anthropic, newapi, litellm
    zone = "Asia/Shanghai"               # of times without an offset; UTC when missing
    source = "erp"                       # whose numbering the column `id` is; with `id` only
    shift = { from = "2023-11-16", to = "2026-10-16" }   # move by whole days

    [columns]                            # our field = the file's column
    started_at = "TIMESTAMP"
    input = "ContextTokens"
    output = "GeneratedTokens"

    [constant]                           # our field = the same for every row
    customer = "acme"
    project = "main"
    model = "gpt-4o"

    [clients."client-000"]               # by the value of the field `client`
    customer = "first"

    [models]                             # the file's name of a model = ours
    "gpt-4o-2024-08-06" = "gpt-4o"

Without a mapping the columns are called as our fields. A field of `clients` goes before a column,
a column before a constant.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from yuejie.intake.imports.reading import FORMATS
from yuejie.kernel.errors import UNREADABLE, Invalid
from yuejie.kernel.period import zone_of
from yuejie.usage.meters import Meter

FIELDS: Final = frozenset(
    {
        *("id", "client", "customer", "project", "key", "model", "api", "deployment"),
        *("started_at", "ended_at", "service_tier", "context_tokens", "state", "response_id"),
        "client_request_id",
    }
)
METERS: Final = frozenset(str(meter) for meter in Meter)


class _Shift(msgspec.Struct, forbid_unknown_fields=True, rename={"first": "from", "onto": "to"}):
    first: date
    onto: date


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str = ""
    zone: str = "UTC"
    source: str = ""
    shift: _Shift | None = None
    columns: dict[str, str] = {}
    constant: dict[str, str] = {}
    clients: dict[str, dict[str, str]] = {}
    models: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, checked."""

    form: str = ""
    zone: ZoneInfo = field(default_factory=lambda: zone_of("UTC"))
    source: str = ""
    shift: timedelta = timedelta()
    columns: dict[str, str] = field(default_factory=dict)
    constant: dict[str, str] = field(default_factory=dict)
    clients: dict[str, dict[str, str]] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)

    @property
    def customers(self) -> set[str]:
        """Every customer that the mapping itself names."""
        named = [self.constant, *self.clients.values()]
        return {fields["customer"] for fields in named if "customer" in fields}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; what it says wrong is said in one sentence."""
    try:
        return parse_mapping(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"读不了映射文件 {path}：{error}") from error


def parse_mapping(text: str) -> Mapping:
    """Read the text of a mapping."""
    try:
        written: dict[str, Any] = tomllib.loads(text)
        file = msgspec.convert(written, _File)
    except UNREADABLE as error:
        raise Invalid(f"映射文件有误：{error}") from error
    if file.format and file.format not in FORMATS:
        raise Invalid(f"映射文件的 format“{file.format}”不认识，请写 {'、'.join(FORMATS)} 之一")
    for place, fields in (
        ("columns", file.columns),
        ("constant", file.constant),
        *((f"clients.{name}", fields) for name, fields in file.clients.items()),
    ):
        for name in fields:
            if name not in FIELDS | METERS and not name.startswith("tags."):
                raise Invalid(f"映射文件 [{place}] 里的“{name}”不是我们的字段，请改正")
    if "id" in file.columns and not file.source:
        raise Invalid("映射文件有 id 列而没有 source，请写明这是谁的编号，例如 source = “erp”")
    shift = file.shift.onto - file.shift.first if file.shift else timedelta()
    return Mapping(
        form=file.format,
        zone=zone_of(file.zone),
        source=file.source,
        shift=shift,
        columns=file.columns,
        constant=file.constant,
        clients=file.clients,
        models=file.models,
    )
