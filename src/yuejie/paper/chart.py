"""The house's one maker of charts for paper: lines, bars, stacked bars, a line with a band.

A chart is data; `draw` sets it in our fonts as SVG (for PDF) or PNG (for DOCX). Everything is told
apart without colour: by lightness, by hatching, by the kind of line. A chart shows figures that
stand in a table nearby; it computes none, so its floats are never money.

matplotlib is read with the first chart that is drawn: reading it takes longer than most commands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal

from yuejie.kernel.errors import Invalid
from yuejie.paper.printable import FONTS, drawable, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["line", "bar", "stacked", "band"]
Form = Literal["svg", "png"]
Value = int | float | Decimal | None
"""None leaves a gap: what is not known is not drawn as zero."""

SERIES: Final = 8
"""More could not be told apart in grey."""
LABELS: Final = 1_000
"""A year of days, six weeks of hours; more points than that have no width on paper."""
WIDTH_CM: Final = 16.0
HEIGHT_CM: Final = 7.2
"""The text width of an A4 page with usual margins, and so low that two fit beside their tables."""
_DPI: Final = 200
_TICKS: Final = 12
_VALUES_WRITTEN: Final = 14
"""So few bars have room for their figure above them."""
_AXIS_WIDTH: Final = 100
"""So many halves of an ideograph stand side by side under the axis; names are measured in them."""
_LINE_WIDTH: Final = 11
_NAME_WIDTH: Final = 30
_TITLE_WIDTH: Final = 56
_INK: Final = "#222222"
_FILLS: Final = (
    ("#1f4e79", ""),
    ("#f0b95a", "///"),
    ("#7fa9c9", ""),
    ("#c9d8e3", "..."),
    ("#5d5d5d", ""),
    ("#e8e8e8", "xxx"),
    ("#a35b2a", ""),
    ("#b9d3a8", "\\\\\\"),
)
"""Fill and hatching of a series: neighbours differ in lightness and in hatching."""
_LINES: Final = (
    ("#1f4e79", "-", "o"),
    ("#c77700", "--", "s"),
    ("#5d8db3", "-.", "^"),
    ("#5d5d5d", ":", "D"),
    ("#7a3e1d", "-", "v"),
    ("#8fae7b", "--", "P"),
    ("#999999", "-.", "X"),
    ("#222222", ":", "*"),
)
_FAMILY: Final = ("Noto Sans SC", "Noto Sans SC Rare")
_turn: Final = Lock()
"""matplotlib's settings belong to the process: one chart at a time."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures, one per label."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn. Of a `band` the last two series are its lower and its upper edge."""

    title: str
    kind: Kind
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str
    decimals: int | None = None
    """How many decimals the figures above bars have, as in the table beside; None: as they come."""

    def written(self, value: Value) -> str:
        """Write a figure as it stands above its bar."""
        if value is None or self.decimals is None:
            return grouped(value)
        return f"{Decimal(value):,.{self.decimals}f}"

    def refuse_nonsense(self) -> None:
        """Refuse what cannot be drawn, or could not be read once drawn."""
        if not 1 <= len(self.labels) <= LABELS:
            raise Invalid(f"图“{self.title}”的刻度须为 1 到 {LABELS} 个（现为 {len(self.labels)}）")
        if not 1 <= len(self.series) <= SERIES:
            raise Invalid(f"图“{self.title}”的数列须为 1 到 {SERIES} 条（现为 {len(self.series)}）")
        if self.kind == "band" and len(self.series) < 3:
            raise Invalid(f"区间图“{self.title}”须有曲线、下限、上限至少三条数列")
        for series in self.series:
            if len(series.values) != len(self.labels):
                raise Invalid(
                    f"图“{self.title}”的数列“{series.name}”有 {len(series.values)} 个数，"
                    f"刻度却有 {len(self.labels)} 个，请对齐后重试"
                )
            if any(value is not None and not math.isfinite(value) for value in series.values):
                raise Invalid(f"图“{self.title}”的数列“{series.name}”含有不是有限数的值")
            if self.kind == "stacked" and any((value or 0) < 0 for value in series.values):
                raise Invalid(f"堆叠图“{self.title}”的数列“{series.name}”含负数，请改用柱状图")


def draw(chart: Chart, form: Form) -> bytes:
    """Draw a chart; the same chart gives the same bytes. Text in SVG is outlines, in our fonts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    chart.refuse_nonsense()
    with _settings():
        figure = Figure(figsize=(WIDTH_CM / 2.54, HEIGHT_CM / 2.54), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _DRAWN[chart.kind](axes, chart)
        _frame(axes, chart)
        _legend(figure, axes, chart)
        paper = BytesIO()
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(paper, format=form, dpi=_DPI, metadata=metadata)
    return paper.getvalue()


def _line(axes: Axes, chart: Chart) -> None:
    _lines(axes, chart.series, len(chart.labels))


def _lines(axes: Axes, rows: tuple[Series, ...], points: int) -> None:
    """Draw lines; marks are set where they do not touch each other."""
    marked = points <= _TICKS * 3
    for series, (colour, style, mark) in zip(rows, _LINES, strict=False):
        axes.plot(
            range(points),
            _numbers(series),
            label=_cut(series.name, _NAME_WIDTH),
            color=colour,
            linestyle=style,
            marker=mark if marked else "",
            markersize=3.5,
            linewidth=1.4,
        )


def _band(axes: Axes, chart: Chart) -> None:
    *lines, low, high = chart.series
    axes.fill_between(
        range(len(chart.labels)),
        _numbers(low),
        _numbers(high),
        color="#d5dee6",
        edgecolor="#8a9aa8",
        linewidth=0.6,
        label=_cut(f"{low.name} – {high.name}", _NAME_WIDTH),
    )
    _lines(axes, tuple(lines), len(chart.labels))


def _bar(axes: Axes, chart: Chart) -> None:
    """Draw bars beside each other, each with its figure where there is room for it."""
    width = 0.8 / len(chart.series)
    bars_drawn = len(chart.labels) * len(chart.series)
    longest = max(len(chart.written(value)) for series in chart.series for value in series.values)
    few = bars_drawn <= _VALUES_WRITTEN and bars_drawn * longest <= _AXIS_WIDTH
    for place, (series, (fill, hatch)) in enumerate(zip(chart.series, _FILLS, strict=False)):
        left = [at - 0.4 + width * (place + 0.5) for at in range(len(chart.labels))]
        bars = axes.bar(
            left,
            _numbers(series),
            width=min(width, 0.5),
            label=_cut(series.name, _NAME_WIDTH),
            color=fill,
            hatch=hatch,
            edgecolor=_INK,
            linewidth=0.5,
        )
        if few:
            written = [chart.written(value) for value in series.values]
            axes.bar_label(bars, labels=written, fontsize=7, padding=1.5)
    axes.margins(y=0.14 if few else 0.05)


def _stacked(axes: Axes, chart: Chart) -> None:
    bottom = [0.0] * len(chart.labels)
    for series, (fill, hatch) in zip(chart.series, _FILLS, strict=False):
        heights = [0.0 if value is None else float(value) for value in series.values]
        axes.bar(
            range(len(chart.labels)),
            heights,
            bottom=bottom,
            width=0.6,
            label=_cut(series.name, _NAME_WIDTH),
            color=fill,
            hatch=hatch,
            edgecolor=_INK,
            linewidth=0.5,
        )
        bottom = [under + height for under, height in zip(bottom, heights, strict=True)]


_DRAWN: Final[dict[Kind, Callable[[Axes, Chart], None]]] = {
    "line": _line,
    "bar": _bar,
    "stacked": _stacked,
    "band": _band,
}


def _frame(axes: Axes, chart: Chart) -> None:
    """Set title, unit, grid and the two axes."""
    from matplotlib.ticker import (  # noqa: PLC0415 - see above
        FixedLocator,
        FuncFormatter,
        MaxNLocator,
    )

    axes.set_title(_cut(chart.title, _TITLE_WIDTH), fontsize=10, pad=16, loc="left", color=_INK)
    unit = _cut(chart.unit, _NAME_WIDTH)
    axes.text(0, 1.02, unit, transform=axes.transAxes, fontsize=7.5, color="#555555", va="bottom")
    axes.grid(axis="y", color="#d9d9d9", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, min_n_ticks=3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, axes)))
    every = math.ceil(len(chart.labels) / _TICKS)
    shown = range(0, len(chart.labels), every)
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    room = _AXIS_WIDTH // len(shown)
    turned = room < _LINE_WIDTH and any(_width(chart.labels[at]) > room for at in shown)
    axes.set_xticks(
        list(shown),
        [_label(chart.labels[at], max(room, _LINE_WIDTH)) for at in shown],
        rotation=35 if turned else 0,
        ha="right" if turned else "center",
    )
    axes.tick_params(labelsize=7.5, length=3, colors=_INK)
    low, high = axes.get_ylim()
    if low > 0 and low < high / 2:
        axes.set_ylim(bottom=0)


def _legend(figure: Figure, axes: Axes, chart: Chart) -> None:
    if len(chart.series) == 1:
        return
    figure.legend(
        handles=axes.get_legend_handles_labels()[0],
        loc="outside lower center",
        ncols=min(len(chart.series), 4),
        fontsize=7.5,
        frameon=False,
        handlelength=3,
    )


def grouped(value: Value) -> str:
    """Write a figure with thousands separated: two decimals at most, below one three digits."""
    if value is None:
        return ""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    small = exact and abs(exact) < 1
    text = f"{exact:,.{2 - exact.adjusted() if small else 2}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _tick(value: float, axes: Axes) -> str:
    """Write a mark of the axis; small ranges need more decimals than money has."""
    low, high = axes.get_ylim()
    span = high - low
    decimals = 0 if span >= 5 else min(8, 1 - math.floor(math.log10(span)))
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not float(text.replace(",", "")) else text


def _numbers(series: Series) -> list[float]:
    return [math.nan if value is None else float(value) for value in series.values]


def _label(text: str, width: int) -> str:
    """Break a long label into two lines, cut what is longer still."""
    whole = _cut(text, 2 * width)
    if _width(whole) <= width:
        return whole
    first = _head(whole, width)
    gap = max(first.rfind(" "), first.rfind("-"), first.rfind("/"))
    first = first[: gap + 1] if gap > 2 else first
    return f"{first.rstrip()}\n{_cut(whole[len(first) :].lstrip(), width)}"


def _cut(text: str, width: int) -> str:
    """Make a text fit: drawable characters, so many halves of an ideograph, `…` where it ends."""
    shown = printable(text, drawable)
    return shown if _width(shown) <= width else _head(shown, width - 1).rstrip() + "…"


def _head(text: str, width: int) -> str:
    used = 0
    for at, char in enumerate(text):
        used += _width(char)
        if used > width:
            return text[:at]
    return text


def _width(text: str) -> int:
    return sum(1 if char < "\u1100" else 2 for char in text)


@contextmanager
def _settings() -> Iterator[None]:
    """Set our fonts, outlines in SVG with fixed ids, no mathematics in names ($ is a currency)."""
    import matplotlib as mpl  # noqa: PLC0415 - see above
    from matplotlib import font_manager  # noqa: PLC0415 - see above

    with _turn:
        known = {entry.fname for entry in font_manager.fontManager.ttflist}
        for path in sorted(FONTS.glob("*.otf")):
            if str(path) not in known:
                font_manager.fontManager.addfont(path)
        with mpl.rc_context(
            {
                "font.family": list(_FAMILY),
                "svg.fonttype": "path",
                "svg.hashsalt": "yuejie",
                "text.parse_math": False,
                "axes.unicode_minus": True,
                "hatch.linewidth": 0.5,
                "path.simplify": False,
            }
        ):
            yield
