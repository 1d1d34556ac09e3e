"""A CSV file as somebody hands it in: decoded, its headings known, its rows whole. Pure.

A row that has more or fewer cells than the headings, or a quote that nobody closed, refuses the
file by its line: read on, it would be other rows than were written, or fewer of them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from yuejie.kernel.errors import Invalid

Table = tuple[list[str], Iterator[tuple[int, dict[str, str]]]]
"""The headings, and the rows with the lines that they end on."""
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""UTF-8, with or without BOM, and GB18030, which holds GBK."""


def table_of(body: bytes, what: str) -> Table:
    """Read a table, UTF-8 or GBK; `what` names the file in refusals, its cells come trimmed.

    Raises Invalid for what is no CSV, also while rows are being read.
    """
    text = decoded(body)
    if text is None:
        raise Invalid(f"{what}既不是 UTF-8 也不是 GBK 编码的文本，请另存为 CSV（UTF-8）后重试")
    lines = _lines(text, what)
    headings = next((cells for _, cells in lines), [])
    twice = sorted({name for name in headings if name and headings.count(name) > 1})
    if twice:
        raise Invalid(f"{what}的列名 {'、'.join(twice)} 出现了两次，请只留一列后重试")
    return headings, _rows(headings, lines, what)


def decoded(body: bytes, encodings: Sequence[str] = ENCODINGS) -> str | None:
    """Read text in the first encoding that it is in; None where it is in none, or has a NUL."""
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    return None


def _lines(text: str, what: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that hold something; one that is no CSV is named by where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            begins = reader.line_num + 1
            trimmed = [cell.strip() for cell in cells]
            if any(trimmed):
                yield reader.line_num, trimmed
    except csv.Error as error:
        raise Invalid(
            f"{what}第 {begins} 行不是正确的 CSV（引号没有成对，或一格太长），请重新导出后重试"
        ) from error


def _rows(
    headings: list[str], lines: Iterator[tuple[int, list[str]]], what: str
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, cells in lines:
        if len(cells) != len(headings):
            raise Invalid(
                f"{what}第 {number} 行有 {len(cells)} 列，表头有 {len(headings)} 列，"
                "请补齐或改正后重试"
            )
        yield number, dict(zip(headings, cells, strict=True))
