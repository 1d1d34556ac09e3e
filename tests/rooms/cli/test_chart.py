"""The chart of the terminal: columns as high as their values, and bounds that do not hide them."""

from yuejie.cli.insight.chart import Column, chart


def drawn(columns: list[Column], *, line: int | None = None) -> list[str]:
    return chart(columns, str, line=line, height=4)


def test_columns_are_as_high_as_their_values() -> None:
    assert drawn([Column("a", 4), Column("", 2), Column("", 0), Column("", 1)]) == [
        "4 ┤█",
        "2 ┤█",
        "  │██",
        "  │██ █",
        "0 ┼────",
        "   a",
    ]


def test_what_is_to_come_shows_its_bounds() -> None:
    lines = drawn([Column("a", 4), Column("b", 0, low=1, middle=2, high=4)])
    assert [line[4] for line in lines[:4]] == ["░", "░", "▒", "▓"]


def test_a_bound_far_above_everything_is_cut_off() -> None:
    lines = drawn([Column("a", 10), Column("b", 0, low=1, middle=10, high=1_000)])
    assert lines[0].startswith("30 ┤")


def test_a_line_is_drawn_across_and_nothing_is_no_chart() -> None:
    lines = drawn([Column("a", 4), Column("", 1)], line=3)
    assert "┄" in lines[0]
    assert drawn([]) == []
    assert drawn([Column("a", 0)]) == []
