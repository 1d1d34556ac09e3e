import pytest

from yuejie.kernel.errors import SENTENCE, Invalid
from yuejie.kernel.money import (
    FEN,
    PICO,
    Charge,
    FxRate,
    Money,
    Rate,
    apportion,
    exact,
    plain,
    whole,
)


def test_a_million_tokens_cost_the_rate() -> None:
    assert Rate.parse("2.5", "USD").charge(1_000_000).settle() == Money(250, "USD")


@pytest.mark.parametrize("text", ["0.0000001", "1e-7", "abc", "", "1,000", "NaN", "Infinity"])
def test_a_rate_finer_than_six_decimals_or_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="最多 6 位小数"):
        Rate.parse(text, "CNY")


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(Invalid, match="不能为负"):
        Rate.parse("-1", "CNY")


def test_half_a_fen_rounds_away_from_zero_on_both_sides() -> None:
    half = PICO // FEN // 2
    assert Charge(half, "CNY").settle() == Money(1, "CNY")
    assert Charge(-half, "CNY").settle() == Money(-1, "CNY")
    assert Charge(half - 1, "CNY").settle() == Money(0, "CNY")


def test_five_thousand_dollars_at_seven_point_two() -> None:
    fx = FxRate.parse("7.2", "USD", "CNY")
    assert Charge(5_000 * PICO, "USD").settle(fx) == Money(3_600_000, "CNY")


def test_conversion_and_rounding_are_one_step() -> None:
    fx = FxRate.parse("7.2", "USD", "CNY")
    charge = Charge(PICO // 1000 * 4, "USD")
    assert charge.settle(fx) == Money(3, "CNY")
    assert charge.settle() == Money(0, "USD")


def test_two_currencies_never_add() -> None:
    with pytest.raises(Invalid, match="汇率"):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(Invalid, match="汇率"):
        Charge(1, "CNY") + Charge(1, "USD")


def test_a_card_rate_is_quantised_to_a_pico() -> None:
    fx = FxRate.parse("7.12345678", "USD", "CNY")
    assert Rate.parse("2.5", "USD").card(fx) == Rate(17_808_642, "CNY")


def test_tax_is_split_off_by_largest_remainder() -> None:
    assert apportion(112_225, [100, 6]) == [105_873, 6_352]


def test_equal_weights_share_the_rest_from_the_front() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(-10, [1, 1, 1]) == [-4, -3, -3]
    assert apportion(5, [0, 0]) == [3, 2]


def test_nothing_to_share_over_is_refused() -> None:
    with pytest.raises(Invalid):
        apportion(1, [])
    with pytest.raises(Invalid, match="不能为负"):
        apportion(1, [1, -1])


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [(250, 100, "2.50"), (-5, 100, "-0.05"), (72 * 10**7, 10**8, "7.20"), (1, 10**6, "0.000001")],
)
def test_numbers_are_written_plainly(value: int, scale: int, text: str) -> None:
    assert plain(value, scale) == text


def test_money_is_shown_with_thousands() -> None:
    assert str(Money(112_225, "CNY")) == "1,122.25"
    assert str(Money(-5, "CNY")) == "-0.05"
    assert Money(112_225, "CNY").amount == "1122.25"


def test_a_whole_number_has_eighteen_digits_at_most() -> None:
    assert [whole(text) for text in ("0", " 12 ", "9" * 18)] == [0, 12, 10**18 - 1]
    assert [whole(text) for text in ("", "-1", "1.0", "²", "１", "1_0", "9" * 19)] == [None] * 7


@pytest.mark.parametrize("text", ["1e999999999", "1e61", "9" * 70, "1e-999999999", "NaN", "inf"])
def test_a_number_that_nobody_owes_is_refused_at_once(text: str) -> None:
    with pytest.raises(Invalid, match="位小数的数字"):
        exact(text, 100, "金额")


def test_a_refusal_quotes_what_can_be_read_of_it() -> None:
    sentence = Invalid(f"日期“{'9' * 100_000}”应写成 2026-10-31").sentence
    assert len(sentence) < SENTENCE
    assert sentence.startswith("日期“9")
    assert sentence.endswith("应写成 2026-10-31")
