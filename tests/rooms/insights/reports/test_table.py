"""From usage to rows: exact, whatever the grouping; bounded; and safe in any spreadsheet."""

import io
from datetime import date, timedelta
from decimal import Decimal
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader

from yuejie.insights.reports import table
from yuejie.insights.reports.forms.paper import ROWS, chart_of, to_pdf
from yuejie.insights.reports.forms.sheet import to_xlsx
from yuejie.insights.reports.forms.words import written
from yuejie.insights.reports.report import Form, Measure, ReportDraft, Spec
from yuejie.insights.reports.result import Column, Result, decode_result
from yuejie.insights.reports.span import GRAIN_NAMES, Days, Grain
from yuejie.insights.reports.table import Labels, tabulate
from yuejie.insights.reports.used import UsedRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import REPORT_ROWS
from yuejie.kernel.money import FX_SCALE, PICO

OCTOBER = Days(date(2026, 10, 1), date(2026, 11, 1), "Asia/Shanghai")
NASTY = ("=1+1", "+cmd", "-2", "@SUM(A1)", "'quoted", "普通", "\u202eabc", '=HYPERLINK("x")')
COUNTS = st.integers(0, 10**9)


def used(
    model: str = "gpt-4o", day: date = OCTOBER.first, tokens: int = 1_000, **more: object
) -> UsedRow:
    facts: dict[str, object] = {
        "bucket": day,
        "month": f"{day:%Y-%m}",
        "customer_id": "",
        "project_id": "",
        "key_id": "",
        "model": model,
        "meter": "",
        "tags": "team=a,env=b",
        "deployment_id": "",
        "currency": "CNY",
        "cost_currency": "CNY",
        "requests": 10,
        "failed": 1,
        "tokens": tokens,
        "input": tokens // 2,
        "cached": tokens // 4,
        "pico": tokens * 5_000_000,
        "cost_pico": tokens * 4_000_000,
    }
    return UsedRow(**facts | more)  # type: ignore[arg-type] # why: a test names only what it changes


def same(base: str, month: str) -> int:
    del month
    return FX_SCALE if base == "CNY" else 7 * FX_SCALE


def result(rows: list[UsedRow], spec: Spec, labels: Labels = Labels()) -> Result:  # noqa: B008 - frozen
    made = tabulate(spec, OCTOBER, rows, labels, same)
    return Result(
        report="月报 =1+1",
        owner="艾克米",
        period="上月",
        first="2026-10-01",
        last="2026-10-31",
        zone="Asia/Shanghai",
        grain=GRAIN_NAMES[spec.grain],
        filters=(("模型", "=SUM(A1)"),),
        currency="CNY",
        columns=made.columns,
        rows=made.rows,
        total=made.total,
        notes=("说明",),
        chart_title=made.chart_title,
        chart_form=made.chart_form,
        chart_labels=made.chart_labels,
        chart_series=made.chart_series,
        made_at="2026-11-01 08:00",
    )


GROUPS = st.lists(
    st.builds(
        used,
        model=st.sampled_from(["a", "b", "c"]),
        day=st.dates(OCTOBER.first, OCTOBER.last),
        tokens=COUNTS,
        currency=st.sampled_from(["CNY", "USD"]),
    ),
    max_size=40,
)


@settings(max_examples=50)
@given(GROUPS, st.sampled_from(Grain))
def test_totals_are_sums_of_what_is_printed_and_near_the_exact_worth(
    rows: list[UsedRow], grain: Grain
) -> None:
    """Each printed amount is off by half a fen at most, so the total by half a fen a row."""
    spec = Spec(grain=grain)
    made = tabulate(spec, OCTOBER, rows, Labels(), same)
    at = len(made.columns) - 3
    assert made.total[at] == sum(int(row[at] or 0) for row in made.rows)
    assert made.total[at + 1] == sum(row.requests for row in rows)
    assert made.total[at + 2] == sum(row.tokens for row in rows)
    exact = Decimal(sum(row.pico * (1 if row.currency == "CNY" else 7) for row in rows)) / PICO
    assert abs(Decimal(int(made.total[at] or 0)) / 100 - exact) <= Decimal("0.005") * len(made.rows)


@settings(max_examples=25)
@given(GROUPS)
def test_order_and_batches_do_not_matter(rows: list[UsedRow]) -> None:
    spec = Spec(dimensions=("model", "tag:team"), measures=tuple(Measure))
    forward = tabulate(spec, OCTOBER, rows, Labels(), same)
    assert forward == tabulate(spec, OCTOBER, rows[::-1], Labels(), same)


def test_a_share_of_nothing_is_no_share() -> None:
    spec = Spec(measures=(Measure.CACHE_SHARE, Measure.UNIT_COST, Measure.MARGIN_SHARE))
    empty = used(tokens=0, requests=0)
    made = tabulate(spec, OCTOBER, [empty], Labels(), same)
    assert made.rows == (("gpt-4o", None, None, None),)
    assert written(None, Column("x", "x", Form.SHARE)) == "—"


def test_the_greatest_are_drawn_by_name_and_the_rest_as_one() -> None:
    days = [OCTOBER.first + timedelta(days=n) for n in range(3)]
    rows = [used(f"m{n}", day, 1_000_000 * (n + 1)) for n in range(9) for day in days]
    drawn = result(rows, Spec(grain=Grain.DAY))
    names = [name for name, _ in drawn.chart_series]
    assert names == [*(f"m{n}" for n in range(8, 2, -1)), table.OTHERS]
    assert len(drawn.chart_labels) == 31
    assert sum(sum(filter(None, row)) for _, row in drawn.chart_series) == drawn.total[2]
    chart = chart_of(drawn)
    assert chart is not None
    assert (chart.kind, chart.unit) == ("stacked", "CNY")
    shares = chart_of(result(rows, Spec(measures=(Measure.CACHE_SHARE,), grain=Grain.DAY)))
    assert shares is not None
    assert (shares.kind, shares.unit, shares.series[0].values[:4]) == (
        "line",
        "%",
        (Decimal(50), Decimal(50), Decimal(50), None),
    )
    assert chart_of(result([], Spec())) is None


def test_too_many_rows_are_refused_with_what_to_do() -> None:
    rows = (used(f"m{n}") for n in range(REPORT_ROWS + 1))
    with pytest.raises(Invalid, match="请缩短时间段、减少维度"):
        tabulate(Spec(), OCTOBER, rows, Labels(), same)


@pytest.mark.parametrize(
    "spec",
    [
        Spec(dimensions=("colour",)),
        Spec(dimensions=("tag:",)),
        Spec(dimensions=("model", "model")),
        Spec(dimensions=("model", "key", "project", "department", "meter")),
        Spec(measures=()),
        Spec(measures=(Measure.CHARGE, Measure.CHARGE)),
        Spec(dimensions=("meter",), measures=(Measure.REQUESTS,)),
        Spec(filters={"model": ()}),
        Spec(currency="EUR"),
    ],
)
def test_what_cannot_be_shown_is_refused(spec: Spec) -> None:
    with pytest.raises(Invalid):
        spec.refuse_nonsense(None)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb"])
def test_a_name_is_one_line(name: str) -> None:
    with pytest.raises(Invalid):
        ReportDraft(name=name, spec=Spec()).refuse_nonsense(None)


def test_no_name_is_a_formula_and_every_number_is_one() -> None:
    """Not in the sheet, and not when the sheet is saved as CSV."""
    rows = [used(name, tokens=1_234_567 * (n + 1)) for n, name in enumerate(NASTY)]
    measures = (Measure.CHARGE, Measure.TOKENS, Measure.CACHE_SHARE)
    made = result(rows, Spec(measures=measures))
    body = to_xlsx(made)
    assert body == to_xlsx(made)
    with ZipFile(io.BytesIO(body)) as zipped:
        sheets = [n for n in zipped.namelist() if n.startswith("xl/worksheets/sheet")]
        assert not [n for n in sheets if b"<f>" in zipped.read(n)]
        assert any(n.startswith("xl/charts/chart") for n in zipped.namelist())
    book = load_workbook(io.BytesIO(body))
    sheet = book["明细"]
    assert sheet.freeze_panes == "B2"
    for row in sheet.iter_rows(min_row=2, max_row=len(NASTY) + 1):
        name, worth, tokens, share = (cell.value for cell in row)
        assert str(name)[:1] not in set("=+-@")
        assert [type(each) for each in (worth, tokens, share)] == [float, int, float]
    assert sheet.cell(len(NASTY) + 2, 3).value == made.total[2]
    assert str(book["概览"]["A1"].value).startswith("月报")


def test_paper_says_the_figures_and_how_many_rows_it_leaves_out() -> None:
    rows = [used(f"模型-{n:03}", tokens=1_000_000 + n) for n in range(ROWS + 5)]
    made = result(rows, Spec(measures=(Measure.CHARGE, Measure.CACHE_SHARE)))
    pages = PdfReader(io.BytesIO(to_pdf(made))).pages
    first, last = pages[0].extract_text(), pages[-1].extract_text()
    assert "50.0%" in first
    assert "另有 5 行" in last
    assert made.sha256.hex() in first
    assert decode_result(made.encoded) == made
