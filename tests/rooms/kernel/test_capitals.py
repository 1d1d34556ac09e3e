import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.kernel.capitals import capitals
from yuejie.kernel.money import FEN, exact

VECTORS = {
    "0.00": "零圆整",
    "0.01": "壹分",
    "0.10": "壹角整",
    "1.01": "壹圆零壹分",
    "10.05": "壹拾圆零伍分",
    "106.00": "壹佰零陆圆整",
    "325.04": "叁佰贰拾伍圆零肆分",
    "1409.50": "壹仟肆佰零玖圆伍角整",
    "1680.32": "壹仟陆佰捌拾圆叁角贰分",
    "6007.14": "陆仟零柒圆壹角肆分",
    "10010.00": "壹万零壹拾圆整",
    "16409.02": "壹万陆仟肆佰零玖圆零贰分",
    "100000.00": "壹拾万圆整",
    "107000.53": "壹拾万柒仟圆伍角叁分",
    "200500.08": "贰拾万零伍佰圆零捌分",
    "30000200.00": "叁仟万零贰佰圆整",
    "100000001.00": "壹亿零壹圆整",
    "100010000.00": "壹亿零壹万圆整",
    "1000000000.05": "壹拾亿圆零伍分",
    "123456789.12": "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖圆壹角贰分",
    "-106.00": "（负数）壹佰零陆圆整",
    # Beyond the rule's own examples: where 万 and 亿 meet.
    "1000000000000.00": "壹万亿圆整",
    "1234500000000.00": "壹万贰仟叁佰肆拾伍亿圆整",
    "1000200030004.00": "壹万零贰亿零叁万零肆圆整",
    "92233720368547758.07": (
        "玖亿贰仟贰佰叁拾叁万柒仟贰佰零叁亿陆仟捌佰伍拾肆万柒仟柒佰伍拾捌圆零柒分"
    ),
}
DIGITS = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(("figures", "written"), VECTORS.items())
def test_the_vectors_of_the_rule(figures: str, written: str) -> None:
    assert capitals(exact(figures, FEN, "金额")) == written


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_what_is_written_reads_back(fen: int) -> None:
    assert read(capitals(fen)) == fen


@given(st.integers(min_value=1, max_value=10**18))
def test_no_zero_is_doubled_and_only_fen_end_without_whole(fen: int) -> None:
    written = capitals(fen)
    assert "零零" not in written
    assert "零圆" not in written
    assert written.endswith("整") == (fen % 10 == 0)


def read(written: str) -> int:
    """Read capitals back, by another road than they were written: adding up what stands there."""
    sign = -1 if written.startswith("（负数）") else 1
    found = re.fullmatch(r"(?:(.+)圆)?(?:(.)角)?(?:零?(.)分)?整?", written.removeprefix("（负数）"))
    assert found, written
    yuan, jiao, fen = found.groups()
    return sign * (_whole(yuan or "零") * 100 + DIGITS[jiao or "零"] * 10 + DIGITS[fen or "零"])


def _whole(text: str) -> int:
    for unit, worth in (("亿", 10**8), ("万", 10**4)):
        high, found, low = text.rpartition(unit)
        if found:
            return _whole(high) * worth + (_whole(low) if low else 0)
    total = digit = 0
    for char in text:
        if char in PLACES:
            total, digit = total + digit * PLACES[char], 0
        else:
            digit = DIGITS[char]
    return total + digit
