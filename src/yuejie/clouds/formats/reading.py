"""Files of cloud bills, row by row in bounded memory: CSV, JSON and JSON lines (also gz), Parquet.

Numbers keep the digits they are written with; a Parquet double is read as the shortest decimal
that means it, which is what the same cloud's CSV prints.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from yuejie.clouds.charge import CellWrong, CloudRow, Metric
from yuejie.clouds.formats import aws, azure, focus, gcp
from yuejie.clouds.formats.words import Cells, Dialect
from yuejie.kernel.errors import Invalid

DIALECTS: Final = (aws.DIALECT, aws.BEFORE, azure.DIALECT, gcp.DIALECT, focus.DIALECT)
WRONG_MAX: Final = 20
"""So many wrong cells are named; who has more has another problem than cells."""
_BATCH: Final = 2_000
_CHUNK: Final = 1 << 20
_JSON_ROW: Final = 16 * _CHUNK
"""Largest row of a JSON file."""
_CELL: Final = 8 * _CHUNK
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str)


class FileWrong(Invalid):
    """A file cannot be taken, and why: the first wrong cells by row and column."""

    code = "cloud_file_wrong"

    def __init__(self, path: Path, whys: Sequence[str]) -> None:
        more = f"（只列前 {WRONG_MAX} 处）" if len(whys) >= WRONG_MAX else ""
        super().__init__(
            f"文件 {path.name} 有 {len(whys)} 处读不懂{more}，整次导入未生效：{'；'.join(whys)}"
        )
        self.whys = tuple(whys)


def dialect_of(path: Path) -> Dialect:
    """Return the dialect of a file by its columns. Raises FileWrong."""
    for _, cells in rows_of(path):
        return _choose(path, cells)
    raise FileWrong(path, ["没有任何数据行"])


def _choose(path: Path, cells: Cells) -> Dialect:
    for dialect in DIALECTS:
        if dialect.fits(cells):
            return dialect
    nearest = min(DIALECTS, key=lambda one: len(_missing(one, cells)))
    missing = "、".join(_missing(nearest, cells))
    why = f"不是 AWS CUR、Azure、GCP 或 FOCUS 账单；最接近 {nearest.name}，缺少列 {missing}"
    raise FileWrong(path, [why])


def _missing(dialect: Dialect, cells: Cells) -> list[str]:
    return sorted(dialect.needs - {dialect.called(name) for name in cells})


def metric_of(dialect: Dialect, asked: Metric | None, path: Path) -> Metric:
    """Return what a file states; asked only where its kind leaves that open."""
    if asked is None:
        return dialect.metrics[0]
    if asked not in dialect.metrics:
        raise FileWrong(path, [f"{dialect.name} 账单同时写明两种金额，不用指定 metric"])
    return asked


@dataclass(slots=True)
class Far:
    """How far a file is read, in its own bytes, compressed or not."""

    read: int = 0


def read_bill(
    path: Path,
    dialect: Dialect,
    metric: Metric,
    account: str,
    others: Container[str] = (),
    far: Far | None = None,
) -> Iterator[CloudRow]:
    """Yield every row of a file; wrong cells are gathered and raised together as FileWrong.

    `account` is the billing account that the file must be of; rows of `others` may stand beside.
    """
    wrong: list[str] = []
    for number, cells in rows_of(path, far):
        called = {dialect.called(name): text for name, text in cells.items()}
        if len(called) != len(cells):
            raise FileWrong(path, [_alike(dialect, cells)])
        try:
            row = dialect.read(called, number, metric)
            if row.billing_account not in others:
                _refuse_other(row, account)
        except CellWrong as error:
            column = _in_file(error.column, dialect, cells)
            wrong.append(f"第 {number} 行列 {column}：{error.why}")
            if len(wrong) >= WRONG_MAX:
                break
            continue
        if not wrong:
            yield row
    if wrong:
        raise FileWrong(path, wrong)


def _in_file(column: str, dialect: Dialect, cells: Cells) -> str:
    """Return a column's name as the file writes it."""
    known = dialect.called(column)
    return next((name for name in cells if dialect.called(name) == known), column)


def _alike(dialect: Dialect, cells: Cells) -> str:
    """Name the columns that mean the same: which of them holds, nobody can tell."""
    known = [dialect.called(name) for name in cells]
    alike = [name for name, each in zip(cells, known, strict=True) if known.count(each) > 1]
    return f"列 {'、'.join(alike)} 是同一列的不同写法，请只留一个"


def _refuse_other(row: CloudRow, account: str) -> None:
    if row.billing_account != account:
        raise CellWrong("账单账号", f"“{row.billing_account}”不是来源登记的 {account}")


def rows_of(path: Path, far: Far | None = None) -> Iterator[tuple[int, Cells]]:
    """Yield the number and the cells of each row; CSV rows count as lines of the file."""
    far = far or Far()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        yield from _parquet(path, far) if magic == b"PAR1" else _text(path, magic, far)
    except OSError as error:
        raise FileWrong(path, [f"读不了（{error.strerror or error}）"]) from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FileWrong(path, ["不是完整的 UTF-8 文本或 gz 文件"]) from error
    except (csv.Error, pa.ArrowException) as error:
        raise FileWrong(path, [str(error)]) from error


def _text(path: Path, magic: bytes, far: Far) -> Iterator[tuple[int, Cells]]:
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        raw: io.BufferedReader | gzip.GzipFile = file
        if magic[:2] == b"\x1f\x8b":
            raw = stack.enter_context(gzip.open(file))
        text: TextIO = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        first = text.read(1)
        while first.isspace():
            first = text.read(1)
        rows = _json(path, first, text) if first in {"{", "["} else _csv(path, first, text)
        for row in rows:
            far.read = file.tell()
            yield row


def _csv(path: Path, first: str, text: TextIO) -> Iterator[tuple[int, Cells]]:
    csv.field_size_limit(_CELL)
    lines = csv.reader(_joined(first, text), strict=True)
    heads = next(lines, [])
    if len(set(heads)) != len(heads):
        twice = sorted({name for name in heads if heads.count(name) > 1})
        raise FileWrong(path, [f"列名 {'、'.join(twice)} 出现了两次"])
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(heads):
            why = f"第 {lines.line_num} 行有 {len(cells)} 列，表头有 {len(heads)} 列"
            raise FileWrong(path, [why])
        yield lines.line_num, dict(zip(heads, map(str.strip, cells), strict=True))


def _joined(first: str, text: TextIO) -> Iterator[str]:
    yield first + text.readline()
    yield from text


def _json(path: Path, first: str, text: TextIO) -> Iterator[tuple[int, Cells]]:
    """Read objects one after another, of a list or of lines, holding one of them at a time."""
    held, number = first if first == "{" else "", 0
    while True:
        held = held.lstrip(" \t\r\n,")
        try:
            found, end = _DECODER.raw_decode(held)
        except RecursionError:
            raise FileWrong(path, [f"第 {number + 1} 行的括号层数太多"]) from None
        except ValueError:
            more = text.read(_CHUNK)
            if more and len(held) < _JSON_ROW:
                held += more
                continue
            if held.strip(" \t\r\n,]"):
                raise FileWrong(path, [f"第 {number + 1} 行不是 JSON 对象"]) from None
            return
        if not isinstance(found, dict):
            raise FileWrong(path, [f"第 {number + 1} 行不是 JSON 对象"])
        held, number = held[end:], number + 1
        yield number, dict(_flat("", found))


def _flat(prefix: str, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", _written(value)


def _parquet(path: Path, far: Far) -> Iterator[tuple[int, Cells]]:
    number, size = 0, path.stat().st_size
    with pq.ParquetFile(path) as file:
        whole = max(file.metadata.num_rows, 1)
        maps = {field.name for field in file.schema_arrow if pa.types.is_map(field.type)}
        for batch in file.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                far.read = size * number // whole
                for name in maps:
                    row[name] = _written(dict(row[name] or ()) or None)
                yield number, dict(_flat("", row))


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str) if value else ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
