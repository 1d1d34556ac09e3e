import pytest

from yuejie.contracts.prices import RateRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge, FxRate
from yuejie.rating.totals import LineKey, line_charges, margin, sum_by, total
from yuejie.usage.event import NO_RATE


def row(rate_id: int, pico: int, currency: str = "USD") -> RateRow:
    return RateRow(rate_id, 1, "m", "input", pico, currency, "default", 0, "", 0)


RATES = {1: row(1, 5_000_000), 2: row(2, 15_000_000), 3: row(3, 36_000_000, "CNY")}
FX = FxRate.parse("7.2", "USD", "CNY")


def test_lines_sum_their_quantities_first() -> None:
    key = LineKey("prj", "m", "input", 1)
    found = line_charges(
        [(key, 3), (key, -1), (key._replace(rate_id=2), 4), (key._replace(rate_id=NO_RATE), 9)],
        RATES,
    )
    assert found == {
        key: Charge(10_000_000, "USD"),
        key._replace(rate_id=2): Charge(60_000_000, "USD"),
    }


def test_sums_keep_currencies_apart() -> None:
    found = sum_by([("a", 1, 2), ("a", 3, 1), ("a", 2, 1), ("b", NO_RATE, 5)], RATES)
    assert found == {
        ("a", "USD"): Charge(25_000_000, "USD"),
        ("a", "CNY"): Charge(36_000_000, "CNY"),
    }


def test_a_total_is_of_one_currency() -> None:
    assert total([Charge(1, "USD"), Charge(2, "USD")], "USD") == Charge(3, "USD")
    assert total([], "CNY") == Charge(0, "CNY")
    with pytest.raises(Invalid):
        total([Charge(1, "USD")], "CNY")


def test_a_margin_is_exact_and_joins_currencies() -> None:
    sale, cost = Charge(36 * 10**12, "CNY"), Charge(3 * 10**12, "USD")
    found = margin(sale, cost, FX)
    assert (found.currency, str(found.money), found.ppm) == ("CNY", "14.40", 400_000)
    assert found.e20 == 1440 * 10**18
    assert (found + found).money.fen == 2880


def test_a_margin_of_one_currency_needs_no_rate() -> None:
    found = margin(Charge(5, "USD"), Charge(7, "USD"))
    assert found.e20 == -2 * 10**8
    assert margin(Charge(0, "USD"), Charge(7, "USD")).ppm is None


def test_a_margin_without_the_right_rate_is_refused() -> None:
    for fx in (None, FxRate.parse("0.14", "CNY", "USD")):
        with pytest.raises(Invalid, match="USD→CNY"):
            margin(Charge(1, "CNY"), Charge(1, "USD"), fx)
    with pytest.raises(Invalid):
        _ = margin(Charge(1, "CNY"), Charge(1, "CNY")) + margin(Charge(1, "USD"), Charge(1, "USD"))
