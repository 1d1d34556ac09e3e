"""The root of every error that a person may meet.

    DomainError                  one sentence: what, where, what to do
    ├── Invalid                  the input breaks a rule; nothing was done
    ├── NotFound                 the thing named does not exist (or is another customer's)
    ├── Conflict                 it exists already, differently, or the state forbids it
    ├── Forbidden                the caller may not do this
    └── Unavailable              a part we depend on is down; try again

Errors carry facts as attributes and know no status code; `web/errors.py` and `gateway/refusal.py`
hold the tables from error to status and dialect.
Rooms derive their own from these.
What is wrong with a file that a person wrote, `said_of` says.
"""

import re
from typing import ClassVar, Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)
"""What reading JSON or TOML raises: of what is none, of numbers of thousands of digits, and of
brackets within brackets by the thousand."""
SENTENCE: Final = 2_000
"""Characters of the longest sentence: what somebody wrote is quoted in it, however long it is."""


class DomainError(Exception):
    """One sentence for the person who meets it, and a stable code for the program that does."""

    code: ClassVar[str] = "error"

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = _bounded(sentence)
        self.facts = facts


def _bounded(sentence: str) -> str:
    """Leave out the middle of what is too long to be read: both ends say what was wrong."""
    if len(sentence) <= SENTENCE:
        return sentence
    return f"{sentence[: SENTENCE // 2]} …… {sentence[-SENTENCE // 4 :]}"


class Invalid(DomainError):
    """The input breaks a rule; nothing was done."""

    code: ClassVar[str] = "invalid"


class NotFound(DomainError):
    """The thing named does not exist, or belongs to somebody else."""

    code: ClassVar[str] = "not_found"


class Conflict(DomainError):
    """It exists already with other contents, or its state forbids the deed."""

    code: ClassVar[str] = "conflict"


class Forbidden(DomainError):
    """The caller may not do this."""

    code: ClassVar[str] = "forbidden"


class Unavailable(DomainError):
    """Something we depend on does not answer; nothing was done, try again."""

    code: ClassVar[str] = "unavailable"


_FIELDS: Final = (
    (r"Object missing required field `(.+?)`(?: - at `\$\.?(.*)`)?", "缺少 {place}{fact}"),
    (r"Object contains unknown field `(.+?)`(?: - at `\$\.?(.*)`)?", "没有 {place}{fact} 这一项"),
    (r"Invalid enum value (.+?)(?: - at `\$\.?(.*)`)?\Z", "{place}的写法 {fact} 不认识"),
    (
        r"Expected `(.+?)`, got `float`(?: - at `\$\.?(.*)`)?",
        '{place}的小数请加引号写成文字，例如 "1.5"',
    ),
    (
        r"Expected `(.+?)`, got `(?:.+?)`(?: - at `\$\.?(.*)`)?",
        "{place}的类型不对，应为 {fact}",
    ),
    (
        r"(Invalid .+?)(?: - at `\$\.?(.*)`)?\Z",
        "{place}的写法不对（{fact}），日期写作 2026-11-11",
    ),
)
_TYPES: Final = {
    "str": "文字",
    "int": "整数",
    "bool": "true 或 false",
    "array": "列表",
    "object": "一节",
    "date": "日期（如 2026-11-11）",
    "null": "空",
}
_TOML: Final = (
    (r"Expected '=' after a key", "名称后面缺少等号"),
    (r"Expected newline or end of document", "一行只能写一项，文字须加引号"),
    (r"Unterminated string|Expected \"'''\"|Illegal character '\\n'", "引号没有闭合"),
    (r"Unclosed array", "方括号没有闭合"),
    (r"Unclosed inline table", "花括号没有闭合"),
    (r"Cannot overwrite a value|Cannot declare .+ twice", "同一项写了两次"),
    (r"Invalid value", "值的写法不对，文字须加引号"),
    (r"Unescaped '\\'", "引号里的反斜杠须写两个"),
    (r"Invalid statement|Invalid initial character", "这里不是“名称 = 值”，名称含中文时须加引号"),
)
_AT: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)\Z", re.DOTALL)
_BYTE: Final = re.compile(r"JSON is malformed: .* \(byte (\d+)\)\Z")


def said_of(error: Exception) -> str:
    """Return what `UNREADABLE` says, as a phrase in the language of whoever wrote the file.

    `msgspec` and `tomllib` say it in English and with `$.path`; who wrote `slog` for `slug` reads
    which field of which section that is. What nobody foresaw stays as it is.
    """
    said = str(error)
    placed = _AT.match(said)
    if placed is not None:
        return _of_toml(*placed.groups())
    byte = _BYTE.match(said)
    if byte is not None:
        return f"第 {int(byte[1]) + 1} 个字节处不是有效的 JSON"
    if said == "Input data was truncated":
        return "内容不完整"
    if isinstance(error, RecursionError):
        return "括号套得太深"
    if isinstance(error, UnicodeDecodeError):
        return f"第 {error.start + 1} 个字节不是 UTF-8"
    return _of_field(said)


def _of_toml(said: str, line: str | None, column: str | None) -> str:
    where = f"第 {line} 行第 {column} 列，" if line else "末尾，"
    for pattern, words in _TOML:
        if re.match(pattern, said):
            return f"{where}{words}"
    return f"{where}{said}"


def _of_field(said: str) -> str:
    for pattern, words in _FIELDS:
        found = re.match(pattern, said)
        if found is None:
            continue
        fact, place = found[1], found[2] or ""
        if words.startswith(("缺少", "没有")):
            place = f"{place}." if place else ""
        else:
            place = f"字段 {place} " if place else "内容"
        if "类型" in words:
            fact = fact.replace(" | null", "")
            for english, chinese in _TYPES.items():
                fact = re.sub(rf"\b{english}\b", chinese, fact)
        return words.format(fact=fact.replace(" | ", " 或 "), place=place)
    return said
