"""Real traffic for the demo: samples of two published traces, and how they map to the demo's house.

The Azure trace (CC-BY-4.0) is of November 2023 and is moved by whole days into the demo's month;
ServeGen's two weeks (Apache-2.0) were drawn for October 2026 and are moved alike.
"""

import csv
import gzip
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

from yuejie.db.session import Database
from yuejie.demo.house import CLIENTS, client_slug
from yuejie.intake.imports.load import Progress, import_usage
from yuejie.intake.imports.mapping import parse_mapping
from yuejie.kernel.errors import Unavailable
from yuejie.kernel.period import BillingMonth

AZURE: Final = "azure_conversation_2023_sample.csv.gz"
SERVEGEN: Final = "servegen_two_weeks_sample.csv.gz"
_AZURE_DAY: Final = date(2023, 11, 16)
_SERVEGEN_DAY: Final = date(2026, 10, 1)
_MIDDLE: Final = timedelta(days=15)
_MODELS: Final = ("gpt-4o", "claude-3-haiku", "gemini-1.5-pro")

_AZURE_MAPPING: Final = """
format = "csv"
shift = {{ from = "{day}", to = "{to}" }}
[columns]
started_at = "TIMESTAMP"
input = "ContextTokens"
output = "GeneratedTokens"
[constant]
customer = "client-000"
project = "main"
model = "gpt-4o"
"""

_SERVEGEN_MAPPING: Final = """
format = "csv"
shift = {{ from = "{day}", to = "{to}" }}
[columns]
started_at = "started_at"
client = "client"
input = "input_tokens"
output = "output_tokens"
[constant]
project = "main"
"""


def sizes_of_calls(count: int) -> list[tuple[int, int]]:
    """Return the sizes of that many real requests: context and generated tokens."""
    with gzip.open(sample(AZURE), "rt", newline="") as file:
        rows = csv.DictReader(file)
        return [
            (int(row["ContextTokens"]), int(row["GeneratedTokens"]))
            for row, _ in zip(rows, range(count), strict=False)
        ]


def trace_imports(
    db: Database, month: BillingMonth, folder: Path, moved: Callable[[int, int], None]
) -> int:
    """Import both samples into the month and return how many events were stored."""
    stored = 0
    for name, mapping in (
        (AZURE, _azure_mapping(month)),
        (SERVEGEN, _servegen_mapping(month)),
    ):

        def move(progress: Progress) -> None:
            moved(progress.done_bytes, progress.size_bytes)

        rejects = folder / f"{name}.rejects.csv"
        report = import_usage(
            db, sample(name), parse_mapping(mapping), rejects=rejects, progress=move
        )
        if report.rejected:
            raise Unavailable(f"样本 {name} 有 {report.rejected} 行被拒，原因见 {rejects}")
        stored += report.stored
    return stored


def _azure_mapping(month: BillingMonth) -> str:
    return _AZURE_MAPPING.format(day=_AZURE_DAY, to=month.first_day + _MIDDLE)


def _servegen_mapping(month: BillingMonth) -> str:
    """Give every client its own customer, and three models by turns."""
    clients = "".join(
        f'[clients."{client_slug(number)}"]\n'
        f'customer = "{client_slug(number)}"\nmodel = "{client_model(number)}"\n'
        for number in CLIENTS
    )
    return _SERVEGEN_MAPPING.format(day=_SERVEGEN_DAY, to=month.first_day) + clients


def client_model(number: int) -> str:
    """Return which model a client of the trace uses: three by turns."""
    return _MODELS[number % len(_MODELS)]


def sample(name: str) -> Path:
    """Return where a sample lies."""
    return Path(str(files("yuejie.demo").joinpath("data", name)))
