"""A slip in a file is said in the language of whoever wrote it, with its place."""

from datetime import date

import msgspec
import pytest

from yuejie.kernel.errors import said_of


class Part(msgspec.Struct, forbid_unknown_fields=True):
    slug: str
    count: int = 0
    since: date | None = None


class File(msgspec.Struct, forbid_unknown_fields=True):
    part: list[Part] = []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[part]]\nslog = "acme"', "没有 part[0].slog 这一项"),
        ("[[part]]\ncount = 1", "缺少 part[0].slug"),
        ('slug = "acme"', "没有 slug 这一项"),
        ('[[part]]\nslug = "a"\ncount = "1"', "part[0].count 的类型不对，应为 整数"),
        ('[[part]]\nslug = "a"\ncount = 1.5', "part[0].count 的小数请加引号"),
        ('[[part]]\nslug = "a"\nsince = "soon"', "应为 日期（如 2026-11-11）"),
        ("slug = acme", "第 1 行第 8 列，值的写法不对，文字须加引号"),
        ("slug", "末尾，名称后面缺少等号"),
        ('slug = "a', "末尾，引号没有闭合"),
        ('slug = "a\n"', "第 1 行第 10 列，引号没有闭合"),
        ("part = [1", "末尾，方括号没有闭合"),
        ("a = 1\na = 2", "末尾，同一项写了两次"),
        ("[x]\n[x]", "第 2 行第 3 列，同一项写了两次"),
        ('a = "\\q"', "第 1 行第 8 列，引号里的反斜杠须写两个"),
        ("单价 = 1", "第 1 行第 1 列，这里不是“名称 = 值”，名称含中文时须加引号"),
        ("a = 1 2", "第 1 行第 7 列，一行只能写一项，文字须加引号"),
    ],
)
def test_a_slip_in_toml(text: str, said: str) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.toml.decode(text, type=File)
    assert said in said_of(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"part":}', "第 9 个字节处不是有效的 JSON"),
        (b"{", "内容不完整"),
        (b'{"part": [{"slug": 1}]}', "part[0].slug 的类型不对，应为 文字"),
    ],
)
def test_a_slip_in_json(text: bytes, said: str) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(text, type=File)
    assert said in said_of(caught.value)


def test_what_is_no_utf_8() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"ab\xff".decode()
    assert said_of(caught.value) == "第 3 个字节不是 UTF-8"
    assert said_of(RecursionError("maximum recursion depth exceeded")) == "括号套得太深"
    assert said_of(ValueError("2 too many")) == "2 too many"
