"""What a client is told when an allowance does not let its call pass.

429 with `retry-after` where what others reserved may come back, or the next minute brings more;
402 where it will not fit however often it is tried. The scope, the cap and what to do are named.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from yuejie.budgets.allowance import FOREVER_S, PERIODS, Origin, Period, amount_text
from yuejie.gateway.allow.slices import Need
from yuejie.gateway.refusal import Code, Refused
from yuejie.gateway.snapshot import AllowanceRow

SOON_S: Final = 1
AWAY_S: Final = 2
_S: Final = 1_000_000


def refusal(lacking: Sequence[Need], now_us: int) -> Refused:
    """Say why a call does not pass: what never fits before what may fit in a moment."""
    never = [need for need in lacking if need.worst_left < need.reserve]
    need = never[0] if never else lacking[0]
    row = need.slice.row
    seconds = max(-(-(need.slice.ends_us - now_us) // _S), 1)
    if row.origin == Origin.PROTECTION and need.cap == 0:
        return Refused(Code.PROTECTED, _facts(need))
    if row.origin == Origin.CREDIT and never:
        return Refused(Code.CREDIT_TOO_SMALL, _facts(need))
    if row.period == Period.MINUTE and need.reserve <= need.cap:
        return Refused(Code.RATE_LIMITED, _facts(need), seconds if never else SOON_S)
    if never:
        return Refused(Code.CAP_USED_UP, _facts(need))
    return Refused(Code.CAP_BUSY, _facts(need), SOON_S)


def away(need: Need) -> Refused:
    """Say that nobody can be asked whether anything is left."""
    return Refused(Code.LIMITS_AWAY, _facts(need), AWAY_S)


def unbounded(row: AllowanceRow, why: str) -> Refused:
    """Say that a call has no worst case, so that no hard cap can let it pass."""
    return Refused(Code.CAP_UNBOUNDED, {"name": row.name, "whose": whose(row), "why": why})


def whose(row: AllowanceRow) -> str:
    """Name a scope."""
    parts = [
        f"{what} {name}"
        for what, name in (
            ("项目", row.project_id),
            ("密钥", row.key_id),
            ("模型", row.model),
            ("标签", row.tag),
        )
        if name
    ]
    return "、".join(parts) or "整个客户"


def _facts(need: Need) -> dict[str, object]:
    each, row = need.slice, need.slice.row
    unit = each.slot.unit
    ends_s = each.ends_us // _S
    until = "" if ends_s >= FOREVER_S else f"{datetime.fromtimestamp(ends_s, UTC):%Y-%m-%d %H:%MZ}"
    return {
        "name": row.name,
        "whose": whose(row),
        "period": PERIODS[Period(row.period)],
        "cap": amount_text(need.cap, row.measure, unit),
        "left": amount_text(max(need.worst_left, 0), row.measure, unit),
        "need": amount_text(need.reserve, row.measure, unit),
        "until": f"，或等到 {until} 之后" if until else "",
        "until_en": f", or wait until {until}" if until else "",
    }
