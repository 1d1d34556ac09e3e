"""A figure worked out as a person writes it, and numbers that no source accounts for."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenarios.rework import number, worth
from yuejie.presales.proposal.layout import Cite, Facts, Grid, Paper, Para, Part, Run, runs
from yuejie.presales.proposal.proposal import Language
from yuejie.presales.proposal.traced.printed import account_of, decode_account, encode_account
from yuejie.presales.proposal.traced.worked import shown, worked
from yuejie.presales.proposal.words import Words
from yuejie.presales.trace import Op, Tracing

PAPER = Paper(
    title="t",
    subtitle="s",
    language="zh",
    seller="x",
    number="n",
    cover=(),
    parts=(),
    foot="",
    pages="",
)
WHOLE = st.integers(0, 10**12)
UNITS = ("fen", "token", "ppm", "milli", "e8")


def formula(tracing: Tracing, name: str) -> str:
    return worked(tracing.figures[name], tracing.figures, most=9)


def test_units_cancel_and_what_is_left_is_written() -> None:
    """Five a second, 9.4 hours, 31 days: × 3,600; tokens × dollars a million: ÷ 1,000,000."""
    tracing = Tracing()
    tracing.given("q", "", 5_000, "milli", "form:q")
    tracing.given("h", "", 940, "percent", "form:h")
    tracing.given("d", "", 31 * 10**9, "parts", "calendar:x")
    by = 1_000 * 100 * 10**9
    tracing.derived("n", "", Op.RATIO, ("q", "h", "d"), "request", times=3_600, by=by)
    assert formula(tracing, "n") == "5 × 9.4 × 31 × 3,600"
    assert shown(tracing.figures["n"]) == "5,245,200"
    tracing.given("rate.7", "", 2_500_000, "pico", "rate:7", currency="USD")
    tracing.derived("c", "", Op.RATIO, ("n", "rate.7"), "pico", currency="USD")
    assert formula(tracing, "c") == "5,245,200 × 2.5 ÷ 1,000,000"
    assert shown(tracing.figures["c"]) == "13.113"
    tracing.derived("a", "", Op.RATIO, ("c",), "fen", currency="USD", by=10**10)
    assert formula(tracing, "a") == "13.113"
    assert shown(tracing.figures["a"]) == "13.11"
    tracing.given("g", "", 20_000, "ppm", "form:g")
    tracing.derived("g3", "", Op.POWER, ("g",), "ppm", times=3, by=10**6)
    assert formula(tracing, "g3") == "(1 + 2%)^3"
    assert shown(tracing.figures["g3"]) == "1.061208"
    tracing.derived("none", "", Op.SUM, (), "fen", currency="USD")
    assert formula(tracing, "none") == "0"


@given(
    st.sampled_from([Op.SUM, Op.MINUS, Op.EXCESS, Op.RATIO]),
    st.lists(st.tuples(WHOLE, st.sampled_from(UNITS)), min_size=1, max_size=4),
    st.integers(1, 10**6),
)
def test_a_formula_comes_to_the_figure(op: Op, parts: list[tuple[int, str]], by: int) -> None:
    """Read as it is printed and worked out with fractions, within the rounding of its unit."""
    tracing = Tracing()
    units = {"fen"} if op is not Op.RATIO else None
    names = [
        tracing.given(f"p{at}", "", value, "fen" if units else unit, "form:x", currency="USD")
        for at, (value, unit) in enumerate(parts)
    ]
    by = by if op is Op.RATIO else 1
    name = tracing.derived("f", "", op, names, "fen", currency="USD", by=by)
    found = worth(formula(tracing, name))
    assert found is not None
    assert abs(found - number(shown(tracing.figures[name]))) <= Fraction(1, 200)


@pytest.mark.parametrize(
    ("run", "loose"),
    [
        (Run("为管理费的 6.50 倍"), True),
        (Run("为管理费的 6.50 倍", cites=(Cite("roi.ratio", "6.50"),)), False),
        (Run("为管理费的 6.50 倍", cites=(Cite("roi.ratio", "6.5"),)), True),
        (Run("自 2026-12 起 12 个月", cites=(Cite("form.months", "12"),)), False),
        (Run("自 2026-12 起 12 个月"), True),
        (Run("$1,300.00 与 $300.00", cites=(Cite("a", "$300.00"),)), True),
        (Run("gpt-4o 在 2026-12-01"), False),
        (Run("gpt-5 在 2026-12-01"), True),
    ],
)
def test_a_number_without_an_origin_is_told(run: Run, *, loose: bool) -> None:
    """In a paragraph, beside a label, and in a table; appendices explain and are not looked at."""
    blocks = (Para(runs(run)), Facts((("x", (run,)),)), Grid(("a",), ((run,),)))
    for block in blocks:
        part = Part("1\u3000摘要", (block,))
        found = account_of(replace(PAPER, parts=(part,)), ["gpt-4o"])
        assert bool(found.loose) is loose, found
        assert [each.printed for each in found.numbers] == [each.printed for each in run.cites]
        assert decode_account(encode_account(found)) == found
        explained = replace(PAPER, parts=(replace(part, explains=True),))
        assert not account_of(explained, []).loose


def test_words_of_a_document_are_known_in_the_other_language() -> None:
    english, chinese = Words(Language.EN), Words(Language.ZH)
    assert english.again("7\u3000费用") == "7. Cost"
    assert chinese.again("7. Cost") == "7\u3000费用"
    assert english.again("99.9% · 返还当月用量费用") == "99.9% · Credit of the month's usage"
    assert english.again("客户的话") == "客户的话"
