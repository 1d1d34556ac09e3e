from dataclasses import replace
from datetime import date

import pytest

from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    Commitment,
    TierDiscount,
    TierStep,
    decode_terms,
    encode_terms,
)
from yuejie.kernel.errors import Invalid

RICH = CommercialTerms(
    ends_on=date(2027, 11, 1),
    credit_limit_fen=5_000_000_00,
    tier_discount=TierDiscount((TierStep(0, 0), TierStep(100_000_00, 50_000))),
    commitment=Commitment(10_000_00),
    purchase_order="PO-2026-0042",
)


def test_terms_are_read_as_they_were_written() -> None:
    assert decode_terms(encode_terms(RICH)) == RICH


def test_a_field_that_did_not_exist_has_its_default() -> None:
    assert decode_terms("{}") == STANDARD


def test_what_is_no_term_is_refused_in_a_sentence() -> None:
    with pytest.raises(Invalid, match="合同条款读不懂"):
        decode_terms('{"review_days": "soon"}')


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(RICH, management_fee_fen=-1), "管理费"),
        (replace(RICH, commitment=Commitment(0)), "承诺消费"),
        (replace(RICH, tier_discount=TierDiscount(())), "阶梯折扣"),
        (replace(RICH, tier_discount=TierDiscount((TierStep(5, 0), TierStep(5, 1)))), "阶梯折扣"),
        (replace(RICH, tier_discount=TierDiscount((TierStep(0, 1_000_001),))), "阶梯折扣"),
    ],
)
def test_nonsense_is_refused_naming_the_field(terms: CommercialTerms, field: str) -> None:
    with pytest.raises(Invalid, match=field):
        terms.refuse_nonsense()
