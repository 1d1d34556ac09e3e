"""Read a file row by row in bounded memory, whatever its form; a bad line is a row as well.

Rows are flat: names and texts, as CSV has them. Of JSON, nested `meters` and `tags` become
`input`, `tags.team`; a provider's usage page becomes one row per result.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePath
from typing import IO, Any, Final

import msgspec

from yuejie.intake.elsewhere.logs import litellm_row, newapi_row
from yuejie.intake.elsewhere.store import MAGIC, sqlite_rows
from yuejie.intake.imports.exports import anthropic_row, openai_row
from yuejie.kernel.errors import UNREADABLE, Invalid
from yuejie.usage.meters import Meter

_LINE_BYTES: Final = 16 * 1024 * 1024
_TOO_LONG: Final = f"有一行超过 {_LINE_BYTES} 字节，不是用量文件，请核对后重试"
FORMATS: Final = ("csv", "jsonl", "openai", "anthropic", "newapi", "litellm")
PAGE_BYTES: Final = 64 * 1024 * 1024
"""Largest page of a provider's export, which has to be read whole."""
_METERS: Final = frozenset(str(meter) for meter in Meter)
_decode: Final = msgspec.json.Decoder().decode
_LOGS: Final = {"newapi": newapi_row, "litellm": litellm_row}

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its number, 1 for the first after the heading; `fault` says why it is none."""

    number: int
    line: int
    fields: Fields
    digest: bytes
    fault: str = ""


@dataclass(slots=True)
class Opened:
    """A file being read: its rows, and how many bytes of it are done."""

    raw: IO[bytes]
    size: int
    sha256: str
    rows: Generator[Row, None, None]

    @property
    def done(self) -> int:
        """Bytes read so far, compressed where the file is."""
        return min(self.raw.tell(), self.size)

    def close(self) -> None:
        """Close the file, once its reader has let go of it."""
        self.rows.close()
        self.raw.close()


def open_rows(path: Path, form: str) -> Opened:
    """Open a file, plain or gzip, and read its rows one by one."""
    if form not in FORMATS:
        raise Invalid(f"文件格式“{form}”不认识，请写 {'、'.join(FORMATS)} 之一")
    try:
        raw = path.open("rb")
    except OSError as error:
        raise Invalid(f"打不开文件 {path}：{error.strerror}") from error
    digest = file_digest(raw, "sha256").hexdigest()
    size = raw.tell()
    raw.seek(0)
    head = raw.read(2)
    raw.seek(0)
    plain: IO[bytes] = _Gunzipped(fileobj=raw) if head == b"\x1f\x8b" else raw  # type: ignore[assignment]  # it reads bytes
    return Opened(raw, size, digest, _safely(_READERS[form](plain)))


def form_of(path: PurePath) -> str:
    """Guess the form from the name; a provider's export has to be named."""
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if name.endswith(".csv"):
        return "csv"
    raise Invalid(
        f"看不出 {path.name} 的格式，请用映射文件的 format 写明 {'、'.join(FORMATS)} 之一"
    )


def _safely(rows: Iterator[Row]) -> Generator[Row, None, None]:
    """Turn what makes a whole file unreadable into one sentence."""
    try:
        yield from rows
    except UnicodeDecodeError as error:
        raise Invalid(f"文件不是 UTF-8 编码（第 {error.start} 字节附近），请转码后重试") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Invalid(f"压缩文件不完整（{error}），请重新下载后重试") from error
    except csv.Error as error:
        raise Invalid(f"表头读不出（{error}），请重新导出后重试") from error


class _Gunzipped(gzip.GzipFile):
    """Unpacks line by line; one line that never ends would be all of memory."""

    _since = 0

    def read1(self, size: int = -1) -> bytes:
        """Return the next piece."""
        piece = super().read1(size)
        at = piece.rfind(b"\n")
        self._since = len(piece) - at - 1 if at >= 0 else self._since + len(piece)
        if self._since > _LINE_BYTES:
            raise Invalid(_TOO_LONG)
        return piece

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line."""
        bound = _LINE_BYTES + 1 if size is None or size < 0 else size
        line = super().readline(bound)
        if len(line) > _LINE_BYTES:
            raise Invalid(_TOO_LONG)
        return line


def _csv(file: IO[bytes]) -> Iterator[Row]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from _cells(text)
    finally:
        # The wrapper would close the file when it goes; its owner still asks how far it is.
        text.detach()


def _cells(text: io.TextIOWrapper) -> Iterator[Row]:
    reader = csv.reader(text, strict=True)
    heading = [name.strip() for name in next(reader, [])]
    if len(set(heading)) != len(heading):
        raise Invalid("表头有重名的列，请改正后重试")
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, reader.line_num, {}, b"", f"CSV 格式错误：{error}")
            continue
        if not cells:
            continue
        number += 1
        digest = sha256("\x1f".join(cells).encode()).digest()
        if len(cells) == len(heading):
            fields = dict(zip(heading, cells, strict=True))
            yield Row(number, reader.line_num, fields, digest)
            continue
        fault = f"有 {len(cells)} 列，表头有 {len(heading)} 列"
        yield Row(number, reader.line_num, {"": ",".join(cells)}, digest, fault)


def _jsonl(file: IO[bytes]) -> Iterator[Row]:
    number = 0
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        number += 1
        digest = sha256(text.strip()).digest()
        try:
            yield Row(number, line, flat(_decode(text)), digest)
        except (*UNREADABLE, Invalid) as error:
            shown = text.decode("utf-8", "replace").strip()
            yield Row(number, line, {"": shown}, digest, f"不是可用的 JSON 对象：{error}")


def flat(value: object) -> Fields:
    """Return an object's members as texts; `meters`, `usage` and `tags` are spread out."""
    if not isinstance(value, dict):
        raise Invalid("应为一个对象")
    fields: Fields = {}
    for name, member in value.items():
        if name in {"meters", "usage"} and isinstance(member, dict):
            fields |= {str(meter): _text(quantity) for meter, quantity in member.items()}
        elif name == "tags" and isinstance(member, dict):
            fields |= {f"tags.{tag}": _text(text) for tag, text in member.items()}
        else:
            fields[name] = _text(member)
    return fields


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _log(file: IO[bytes], form: str) -> Iterator[Row]:
    """Yield the rows of another gateway's log: CSV, JSON lines, SQLite; no usage is a fault."""
    head = file.read(len(MAGIC))
    file.seek(0)
    if head == MAGIC:
        rows = _tabled(Path(file.name), form)
    else:
        rows = _jsonl(file) if head[:1] == b"{" else _csv(file)
    for row in rows:
        if row.fault:
            yield row
            continue
        try:
            yield Row(row.number, row.line, _LOGS[form](row.fields), row.digest)
        except Invalid as error:
            yield Row(row.number, row.line, {}, row.digest, error.sentence)


def _tabled(path: Path, form: str) -> Iterator[Row]:
    for number, fields in enumerate(sqlite_rows(path, form), 1):
        digest = sha256(msgspec.json.encode(fields, order="sorted")).digest()
        yield Row(number, number, fields, digest)


def _page(
    file: IO[bytes], reader: Callable[[dict[str, Any], dict[str, Any]], Fields]
) -> Iterator[Row]:
    """Yield the results of pages: one page as a document, or several, one a line."""
    number = 0
    for line, page in _pages(file):
        for bucket in page["data"]:
            results = bucket.get("results", []) if isinstance(bucket, dict) else None
            if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
                raise Invalid(
                    f"第 {line} 行起不是供应商的用量导出（没有 results 列表）；请核对文件"
                )
            for result in results:
                number += 1
                digest = sha256(msgspec.json.encode([bucket | {"results": []}, result])).digest()
                try:
                    yield Row(number, line, reader(bucket, result), digest)
                except (Invalid, TypeError, ValueError, AttributeError) as error:
                    yield Row(number, line, {}, digest, f"用量导出的一项不合格：{error}")


def _pages(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in _documents(file):
        try:
            page = _decode(text)
        except UNREADABLE as error:
            raise Invalid(f"第 {line} 行起不是完整的 JSON：{error}；请重新导出") from error
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise Invalid(f"第 {line} 行起不是供应商的用量导出（没有 data 列表）；请核对文件")
        yield line, page


def _documents(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines that are each a document, or the whole file as one."""
    first = file.readline(PAGE_BYTES)
    try:
        _decode(first)
    except UNREADABLE:
        rest = file.read(PAGE_BYTES)
        if file.read(1):
            raise Invalid("导出文件的一页过大，请按天分别导出") from None
        yield 1, first + rest
        return
    yield 1, first
    yield from ((n, text) for n, text in enumerate(file, 2) if text.strip())


_READERS: Final[dict[str, Callable[[IO[bytes]], Iterator[Row]]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "openai": lambda file: _page(file, openai_row),
    "anthropic": lambda file: _page(file, anthropic_row),
    "newapi": lambda file: _log(file, "newapi"),
    "litellm": lambda file: _log(file, "litellm"),
}
