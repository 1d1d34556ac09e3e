"""A chart on paper: the same bytes, nothing of a name read as markup, nothing out of bounds."""

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from yuejie.kernel.errors import Invalid
from yuejie.paper.chart import LABELS, Chart, Form, Kind, Series, draw, grouped

MONTHS = tuple(f"2026-{month:02d}" for month in range(1, 13))
CHART = Chart(
    title="每月费用 $5,000 → $3,500",
    kind="line",
    labels=MONTHS,
    series=(
        Series("gpt-4o", tuple(Decimal(1000) * month for month in range(12))),
        Series("赟燚垚 𠮷", (None, *range(11))),
        Series("上限", tuple(range(12, 24))),
    ),
    unit="元",
)


@pytest.mark.parametrize("kind", ["line", "bar", "stacked", "band"])
@pytest.mark.parametrize("form", ["svg", "png"])
def test_same_chart_same_bytes(kind: Kind, form: Form) -> None:
    chart = replace(CHART, kind=kind)
    assert draw(chart, form) == draw(chart, form)


def test_matplotlib_is_read_with_the_first_chart() -> None:
    """Reading it takes longer than most commands, and most draw nothing."""
    asked = "import sys, yuejie.paper.chart; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_other_figures_give_another_picture() -> None:
    other = replace(CHART, series=(*CHART.series[:2], Series("上限", tuple(range(13, 25)))))
    assert draw(CHART, "png") != draw(other, "png")


def test_svg_is_outlines_only_and_names_nothing_outside() -> None:
    """No font is needed to show it, no address is fetched, two dollars are no mathematics."""
    root = ET.fromstring(draw(CHART, "svg"))  # noqa: S314 (we wrote it)
    assert not [each for each in root.iter() if each.tag.endswith("}text")]
    references = [
        value
        for each in root.iter()
        for name, value in each.attrib.items()
        if name.endswith("href") and not value.startswith("#")
    ]
    assert references == []


def test_size_is_bounded_whatever_the_names() -> None:
    long = replace(
        CHART,
        kind="bar",
        title="很长" * 200,
        labels=tuple("供应商名称有限责任公司" * 20 + str(at) for at in range(12)),
        unit="元" * 100,
    )
    header = draw(long, "png")[16:24]
    assert header == draw(CHART, "png")[16:24]
    assert len(draw(long, "svg")) < 2_000_000


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        ({"labels": ()}, "刻度"),
        ({"labels": MONTHS * (LABELS // 12 + 1)}, "刻度"),
        ({"series": ()}, "数列"),
        ({"series": CHART.series * 3}, "数列"),
        ({"series": (Series("短", (1,)),)}, "短"),
        ({"series": (Series("无穷", (float("inf"),) * 12),)}, "无穷"),
        ({"kind": "band", "series": CHART.series[:2]}, "区间"),
        ({"kind": "stacked", "series": (Series("负", (-1,) * 12),)}, "负"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(broken: dict[str, object], names: str) -> None:
    with pytest.raises(Invalid, match=names):
        draw(replace(CHART, **broken), "svg")  # type: ignore[arg-type]  # why: wrong on purpose


def test_a_chart_of_zeros_and_gaps_can_be_drawn() -> None:
    assert draw(replace(CHART, series=(Series("零", (0,) * 12),)), "png")
    assert draw(replace(CHART, series=(Series("空", (None,) * 12),)), "png")
    assert draw(replace(CHART, labels=("一",), series=(Series("一", (1,)),)), "svg")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (Decimal("31250.50"), "31,250.5"),
        (Decimal("0.03614"), "0.0361"),
        (-1000.0, "-1,000"),
        (0, "0"),
        (None, ""),
    ],
)
def test_figures_are_grouped(value: float | Decimal | None, text: str) -> None:
    assert grouped(value) == text
