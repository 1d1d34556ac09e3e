"""CSV files as people hand them in: their rows whole, or refused by the line."""

import pytest

from yuejie.kernel.errors import Invalid
from yuejie.paper.table import table_of


def read(text: str) -> list[tuple[int, dict[str, str]]]:
    headings, rows = table_of(text.encode(), "文件")
    assert headings == ["a", "b"]
    return list(rows)


def test_rows_come_trimmed_with_the_lines_they_end_on() -> None:
    assert read('\ufeffa , b\n1, 2 \n\n,\n"x\ny",4\n') == [
        (2, {"a": "1", "b": "2"}),
        (6, {"a": "x\ny", "b": "4"}),
    ]
    headings, rows = table_of("名,值\n甲,1".encode("gbk"), "文件")
    assert (headings, [*rows]) == (["名", "值"], [(2, {"名": "甲", "值": "1"})])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', "第 3 行不是正确的 CSV"),
        ('a,b\n1,"2"3\n', "第 2 行不是正确的 CSV"),
        ("a,b\n1,2,3\n", "第 2 行有 3 列，表头有 2 列"),
        ("a,b\n1,2\n3\n", "第 3 行有 1 列，表头有 2 列"),
        ("a,b,a\n1,2,3\n", "列名 a 出现了两次"),
        ("a,b\n1,\0\n", "不是 UTF-8"),
    ],
)
def test_what_would_be_other_rows_is_refused(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        [*table_of(text.encode(), "文件")[1]]
