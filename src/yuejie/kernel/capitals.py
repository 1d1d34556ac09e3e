"""大写金额: an amount in Chinese capitals, as 支付结算办法 (附件一) has it written.

Ends at 圆 or at 角 → 整; ends at 分 → no 整; inner zeros collapse to one 零;
10 to 19 begin with 壹拾; an amount below zero begins with （负数）.
"""

from typing import Final

from yuejie.kernel.money import FEN

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ((1000, "仟"), (100, "佰"), (10, "拾"), (1, ""))
_WAN: Final = 10**4
_YI: Final = 10**8


def capitals(fen: int) -> str:
    """Write an amount of fen in capitals, without naming the currency."""
    whole, rest = divmod(abs(fen), FEN)
    sign = "（负数）" if fen < 0 else ""
    return f"{sign}{_yuan(whole, rest)}{_jiao_and_fen(whole, rest)}"


def _yuan(whole: int, rest: int) -> str:
    if whole:
        return f"{_number(whole)}圆"
    return "" if rest else "零圆"


def _jiao_and_fen(whole: int, rest: int) -> str:
    jiao, fen = divmod(rest, 10)
    if not rest:
        return "整"
    if not fen:
        return f"{_DIGITS[jiao]}角整"
    if jiao:
        return f"{_DIGITS[jiao]}角{_DIGITS[fen]}分"
    return f"{'零' if whole else ''}{_DIGITS[fen]}分"


def _number(value: int) -> str:
    """Read a whole number above zero: 亿 and 万 split it, four digits at a time."""
    if value >= _YI:
        return _split(value, _YI, "亿")
    if value >= _WAN:
        return _split(value, _WAN, "万")
    return _four_digits(value)


def _split(value: int, unit: int, name: str) -> str:
    """Read what stands before a unit and what stands after; 零 where the first place is empty."""
    high, low = divmod(value, unit)
    if not low:
        return f"{_number(high)}{name}"
    gap = "零" if low < unit // 10 else ""
    return f"{_number(high)}{name}{gap}{_number(low)}"


def _four_digits(value: int) -> str:
    written = ""
    for place, name in _PLACES:
        digit = value // place % 10
        if digit:
            written += _DIGITS[digit] + name
        elif written and not written.endswith("零"):
            written += "零"
    return written.rstrip("零")
