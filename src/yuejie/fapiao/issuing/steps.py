"""What becomes of an errand after an answer: ended, parked, tried again, or asked about."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final

import structlog

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.fapiao import store
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.errand import ATTEMPTS, HELD, Errand, ErrandState, Hold, after
from yuejie.fapiao.issuing.store import NewFile
from yuejie.fapiao.providers.port import (
    Accepted,
    Answer,
    Duplicate,
    Held,
    NotSent,
    Unheard,
    Unknown,
    Unsealed,
)
from yuejie.kernel.period import zone_of

log = structlog.get_logger()

NUMBER: Final = re.compile(r"\d{20}", re.ASCII)
_CHINA: Final = zone_of("Asia/Shanghai")


def wrong_number(tx: Tx, subject_id: str, number: str, issued_at: datetime) -> str:
    """Say why a fapiao or red fapiao cannot have a number, or nothing (china-finance §1.2)."""
    if not NUMBER.fullmatch(number):
        return f"发票号码“{number}”不是 20 位数字"
    if int(number[:2]) > issued_at.astimezone(_CHINA).year % 100:
        return f"发票号码 {number} 的前两位晚于开票年份"
    tx.lock_exclusive(f"fapiao number {number}")
    holder = store.holder_of(tx, number)
    if holder not in {"", subject_id}:
        return f"发票号码 {number} 已登记在 {holder}"
    return ""


def keep_file(
    tx: Tx, subject: Fapiao | RedFapiao, file: NewFile, *, by: str, now: datetime
) -> None:
    """Archive a file of a fapiao or red fapiao for ever; one that is there already stays."""
    noun, subject_id = (
        ("red_fapiao", subject.red_id)
        if isinstance(subject, RedFapiao)
        else ("fapiao", subject.fapiao_id)
    )
    if errands.insert_file(tx, subject.customer_id, subject_id, file, by=by, at=now):
        facts = {"format": file.format, "sha256": sha256(file.body).hexdigest()}
        record_deed(tx, Deed(by, now, "archive", noun, subject.key, file.source), became=facts)


def end(tx: Tx, errand: Errand, now: datetime, *, why: str = "") -> None:
    """Note that nothing is left to do."""
    errands.move_errand(tx, errand.errand_id, ErrandState.DONE, next_at=now, why=why)


def park(tx: Tx, errand: Errand, why: str, now: datetime) -> None:
    """Leave an errand to a person."""
    errands.move_errand(tx, errand.errand_id, ErrandState.PARKED, next_at=now, why=why)
    log.error("fapiao.errand_parked", errand_id=errand.errand_id, key=errand.key, why=why)


def again(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    """Try a repeatable errand again later, a bounded number of times."""
    why = str(answer)
    if errand.attempts >= ATTEMPTS:
        park(tx, errand, f"尝试 {errand.attempts} 次未成：{why}", now)
        return
    errands.move_errand(
        tx, errand.errand_id, ErrandState.WAITING, next_at=now + after(errand.attempts), why=why
    )


def go_on(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    """Note when to call or to ask next, after an answer that decides nothing.

    From `sent` only `Unheard`, the provider's own word that it does not know the key, leads back to
    a call, and that is under the same key.
    """
    if errand.asking and errand.asked >= ATTEMPTS:
        park(tx, errand, f"询问 {errand.asked} 次仍无结果：{answer}", now)
        return
    state, next_at, hold, why = ErrandState.SENT, now + after(errand.asked), Hold.NOTHING, ""
    match answer:
        case Accepted():
            pass
        case Duplicate():
            next_at, why = now, "服务商称订单号已存在，改为查询"
        case Unheard():
            state, why = ErrandState.WAITING, "服务商没有这个订单号，以同一订单号重发"
        case NotSent(why=why) if not errand.asking:
            state, next_at = ErrandState.WAITING, now + after(errand.attempts)
        case NotSent(why=why):
            pass
        case Held(hold=hold, message=why):
            next_at = now + HELD
            state = ErrandState.SENT if errand.asking else ErrandState.WAITING
        case Unknown(why=why) | Unsealed(message=why):
            pass
        case _:
            why = f"答复不合所问：{answer}"
    if errand.asking and isinstance(answer, Held):
        hold = Hold.NOTHING
    errands.move_errand(tx, errand.errand_id, state, next_at=next_at, hold=hold, why=why)
