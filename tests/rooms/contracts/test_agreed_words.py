from dataclasses import fields
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.contracts.documents.test_documents import ODD, PRICING, RICH
from yuejie.contracts.formats.agreed import (
    DiscountWords,
    OverrideWords,
    TermsWords,
    percent,
    ppm_of,
    pricing_of,
    pricing_words,
    read_terms,
    words_of,
)
from yuejie.contracts.terms import STANDARD, CommercialTerms
from yuejie.kernel.errors import Invalid


@pytest.mark.parametrize("terms", [STANDARD, RICH, ODD.terms.commercial])
def test_terms_are_read_as_they_were_written(terms: CommercialTerms) -> None:
    assert read_terms(msgspec.to_builtins(words_of(terms))) == terms


def test_every_term_can_be_written() -> None:
    units = {"_fen", "_ppm_per_day", "_ppm"}

    def word(name: str) -> str:
        name = name.replace("late_fee_ppm_per_day", "late_fee_per_day")
        return next((name.removesuffix(unit) for unit in units if name.endswith(unit)), name)

    assert {word(each.name) for each in fields(CommercialTerms)} == set(
        TermsWords.__struct_fields__
    )


def test_what_says_nothing_is_the_standard() -> None:
    assert read_terms({}) == STANDARD


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"deposit": "1.234"}, "deposit 的金额“1.234”"),
        ({"late_fee_cap": "0.2"}, "须带百分号"),
        ({"late_fee_cap": "101%"}, "0% 到 100%"),
        ({"type": "two_years"}, "two_years"),
        ({"settlement_hour": 5}, "settlement_hour"),
        ({"commitment": {"amount": "0.00"}}, "承诺消费"),
        ({"sla": {"availability": "99.9", "steps": []}}, "须带百分号"),
        ({"sla": {"availability": "99.9%", "steps": []}}, "至少一档"),
        ({"sla": {"availability": "99.9%", "steps": [], "exclude": ["ours"]}}, "ours"),
    ],
)
def test_a_wrong_word_is_named(facts: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        read_terms(facts)


@given(st.integers(0, 10**6))
def test_shares_are_read_as_they_were_written(ppm: int) -> None:
    assert ppm_of(percent(ppm), "x") == ppm


def test_prices_are_read_as_they_were_written() -> None:
    said = pricing_words(PRICING)
    assert said["discount"] == [{"models": "gpt-*", "discount": "10%"}]
    discounts = [msgspec.convert(each, DiscountWords) for each in said["discount"]]
    overrides = [msgspec.convert(each, OverrideWords) for each in said["override"]]
    assert pricing_of(discounts, overrides, "CNY") == PRICING


def test_a_meter_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="计量项“words”不认识"):
        pricing_of([], [OverrideWords(model="m", meter="words", rate="1")], "CNY")


def test_dates_may_be_dates_or_text() -> None:
    assert read_terms({"ends_on": "2027-12-01"}) == read_terms({"ends_on": date(2027, 12, 1)})
