import pytest

from yuejie.kernel.cnaps import check_cnaps, cnaps_check_digit
from yuejie.kernel.errors import Invalid

HEAD_OFFICES = (
    "102100099996",
    "103100000026",
    "104100000004",
    "105100000017",
    "301290000007",
    "302100011000",
    "303100000006",
    "305100000013",
    "308584000013",
    "309391000011",
    "310290000013",
    "403100000004",
)


@pytest.mark.parametrize("code", HEAD_OFFICES)
def test_head_offices_pass(code: str) -> None:
    assert check_cnaps(f" {code} ") == code


@pytest.mark.parametrize("code", ["308584000014", "102290020123"])
def test_a_wrong_check_digit_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="校验位"):
        check_cnaps(code)


@pytest.mark.parametrize(
    "code", ["", "30858400001", "3085840000131", "30858400001A", "１０２１００09999６"]
)
def test_a_wrong_shape_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="12 位"):
        check_cnaps(code)


@pytest.mark.parametrize("code", HEAD_OFFICES)
def test_one_wrong_digit_is_always_noticed(code: str) -> None:
    for place, digit in enumerate(code[:-1]):
        wrong = code[:place] + str((int(digit) + 1) % 10) + code[place + 1 : -1]
        assert cnaps_check_digit(wrong) != code[-1]
