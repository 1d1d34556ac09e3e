"""A trace computes again, and says which figure does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.presales.trace import Figure, Op, Tracing, Untraceable, check_trace, roots_of


def bill() -> Tracing:
    """10 tokens at 7 picos, twice, less 30, rounded up to tens."""
    tracing = Tracing()
    tracing.given("n", "数量", 10, "token", "form:n")
    tracing.given("rate", "单价", 7, "pico", "rate:1", currency="CNY")
    tracing.derived("charge", "计费额", Op.RATIO, ("n", "rate"), "pico", times=3, by=2)
    tracing.given("off", "折扣", 30, "fen", "terms:off")
    tracing.derived("sum", "合计", Op.SUM, ("charge", "charge"), "fen")
    tracing.derived("left", "余", Op.EXCESS, ("off", "sum"), "fen")
    tracing.derived("net", "净额", Op.MINUS, ("sum", "off"), "fen")
    tracing.derived("mean", "平均", Op.DIVIDED, ("net", "n"), "fen", times=100)
    tracing.derived("steps", "取整", Op.STEPS, ("net", "rate"), "fen")
    tracing.derived("power", "次方", Op.POWER, ("n",), "none", times=3, by=1)
    return tracing


def test_every_operation_does_what_it_says() -> None:
    tracing = bill()
    values = {each.name: each.value for each in tracing.all()}
    assert values["charge"] == 105
    assert values["sum"] == 210
    assert values["left"] == 0
    assert values["net"] == 180
    assert values["mean"] == 1_800
    assert values["steps"] == 182
    assert values["power"] == 11**3
    assert check_trace(tracing.all()) == 10


@pytest.mark.parametrize("name", ["charge", "sum", "net", "mean", "steps", "power", "left"])
def test_a_figure_that_was_touched_is_found(name: str) -> None:
    touched = [
        replace(each, value=each.value + 1) if each.name == name else each for each in bill().all()
    ]
    with pytest.raises(Untraceable, match="应为"):
        check_trace(touched)


def test_what_has_no_source_or_no_ground_is_refused() -> None:
    alone = Figure(name="a", label="甲", value=1, unit="fen")
    with pytest.raises(Untraceable, match="没有出处"):
        check_trace([alone])
    with pytest.raises(Untraceable, match="不存在"):
        check_trace([replace(alone, op=Op.SUM, of=("b",))])
    with pytest.raises(Untraceable, match="两次"):
        check_trace([replace(alone, source="form:a")] * 2)
    with pytest.raises(Untraceable, match="没有“z”"):
        list(roots_of(bill().all(), "z"))
    assert {each.name for each in roots_of(bill().all(), "mean")} == {"n", "rate", "off"}


@given(st.integers(0, 10**15), st.integers(1, 10**9))
def test_steps_is_the_least_multiple_that_covers(need: int, step: int) -> None:
    tracing = Tracing()
    tracing.given("need", "缺口", need, "fen", "form:need")
    tracing.given("step", "最小", step, "fen", "form:step")
    found = tracing.value(tracing.derived("up", "充值", Op.STEPS, ("need", "step"), "fen"))
    assert found % step == 0
    assert need <= found < need + step
