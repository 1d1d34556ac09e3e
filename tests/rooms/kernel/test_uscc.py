import pytest

from yuejie.kernel.errors import Invalid
from yuejie.kernel.uscc import check_uscc, uscc_check_character


@pytest.mark.parametrize(
    "code",
    [
        "91350100M000100Y43",
        "91330106MA2AYNWD8M",
        "91440101MA5APD8X8J",
        "91440300582733406C",
        "91310115MA1K39423D",
        "9111000071093123XX",
        "91110000802100433B",
        "91440300708461136T",
    ],
)
def test_real_codes_pass(code: str) -> None:
    assert check_uscc(code.lower()) == code


@pytest.mark.parametrize("code", ["91110108MA01KPGP0L", "91500105MAC35KKR6G"])
def test_a_wrong_check_character_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="校验位"):
        check_uscc(code)


@pytest.mark.parametrize("code", ["", "123", "91350100M000100Y4I", "91350100M000100Y433"])
def test_a_wrong_shape_is_refused(code: str) -> None:
    with pytest.raises(Invalid, match="18 位"):
        check_uscc(code)


def test_the_worked_example_of_the_standard() -> None:
    assert uscc_check_character("91440300708461136") == "T"
