import pytest

from tests.rooms.bills.documents.sample import Use, bill_document, three_lines
from yuejie.bills.documents import wording
from yuejie.kernel.money import Money


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (1, 3, "33.3%"),
        (3, 3, "100.0%"),
        (0, 3, "0.0%"),
        (-1, 3, "—"),
        (4, 3, "—"),
        (0, 0, "—"),
        (1, -3, "—"),
    ],
)
def test_a_share_is_written_where_it_has_a_meaning(part: int, whole: int, written: str) -> None:
    assert wording.share(part, whole) == written


def test_money_carries_its_sign_before_the_currency() -> None:
    assert wording.signed(Money(112_225, "CNY")) == "¥1,122.25"
    assert wording.signed(Money(-5, "USD")) == "-$0.05"
    assert wording.amount(None) == "—"
    assert wording.tax_rate(60_000) == "6%"
    assert wording.tax_rate(65_000) == "6.5%"
    assert wording.in_capitals(Money(10_600, "USD")) == "美元壹佰零陆圆整"


def test_what_is_below_zero_is_carried_forward() -> None:
    negative = bill_document(Use("gpt-4o", "input", -1_000_000, "5.00"))
    assert wording.owed_title(negative) == "本期为负，结转下期抵扣（人民币，价税合计）"
    assert wording.paid_into(negative) == []
    assert wording.owed_title(three_lines()) == "本期应付（人民币，价税合计）"
