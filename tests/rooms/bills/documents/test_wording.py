import pytest

from tests.rooms.bills.documents.sample import Use, bill_document, three_lines
from yuejie.bills.documents import wording
from yuejie.kernel.money import Money
from yuejie.usage.meters import UNIT_METERS, Meter


def test_every_meter_has_a_chinese_name_and_every_piece_a_unit() -> None:
    assert {str(meter) for meter in Meter} == wording.METERS.keys()
    assert {str(meter) for meter in UNIT_METERS} == wording.UNITS.keys()


def test_a_meter_without_a_name_keeps_its_code() -> None:
    assert wording.meter_name("from_the_future") == "from_the_future"


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
