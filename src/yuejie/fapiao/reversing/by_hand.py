"""A red form that people follow on the tax office's own site: filed, ended, started by the buyer.

What the site says is told here by a person, with its number and its time, from which the 72 hours
count. Nothing is void by our clock alone: whether the buyer confirmed in the last hour, only the
tax office knows (decision 0121).
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.fapiao.amounts import NOTHING
from yuejie.fapiao.fapiao import BUYER, Fapiao, RedFapiao, find_red, left_on, mint_key
from yuejie.fapiao.issuing.stop import is_followed_by_hand, take_over
from yuejie.fapiao.life import RedEvent, RedState
from yuejie.fapiao.reversing import store
from yuejie.fapiao.reversing.answer import move
from yuejie.fapiao.reversing.form import (
    ANSWERS,
    CONFIRM_WITHIN,
    FORM_STATES,
    FormEnd,
    RedPick,
    RedReason,
    code_of,
    draw_red,
    is_contrary,
)
from yuejie.fapiao.reversing.reverse import hold_blue, refuse_second
from yuejie.fapiao.tell import tell_contrary
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.ids import mint

_NUMBER: Final = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
_AHEAD: Final = timedelta(hours=1)
"""How far a clock of the tax office may be ahead of ours."""
_WHY: Final = "已手工提交确认单"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """What the tax office says of a form that a person filed: its number, and since when."""

    number: str
    filed_at: datetime
    needs_nobody: bool = False
    """01 无需确认: the buyer has not used the fapiao, so the red one is issued at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A form that the buyer started, as a person reads it on the tax office's site."""

    fapiao: str
    number: str
    filed_at: datetime
    reason: RedReason
    picks: tuple[RedPick, ...] = ()
    """Nothing means the whole fapiao."""


def file_form(db: Database, name: str, filed: Filed, *, by: str, now: datetime) -> RedFapiao:
    """Note that an approved form was filed by hand; its 72 hours count from the time it was.

    Said once more of a form that waits, it corrects number and time. Raises Conflict while a
    provider may be filing it, Invalid for a time before its approval or to come.
    """
    with db.begin() as tx:
        was = _locked(tx, name)
        _refuse_buyers(was)
        _refuse_number(tx, filed.number, was.red_id)
        _refuse_time(filed.filed_at, now)
        if was.approved_at is not None and filed.filed_at < was.approved_at.replace(
            second=0, microsecond=0
        ):
            raise Invalid("填写的提交时间早于批准时间，请核对")
        take_over(tx, was.red_id, was.key, why=_WHY)
        told = replace(
            was,
            form_number=filed.number,
            applied_at=filed.filed_at,
            expires_at=filed.filed_at + CONFIRM_WITHIN,
        )
        if was.state is RedState.WAITING and not filed.needs_nobody:
            store.correct_filed(tx, told)
            record_deed(tx, Deed(by, now, "correct", "red_fapiao", was.key), was=was, became=told)
            return told
        if filed.needs_nobody:
            return move(tx, was, replace(told, form_code="01"), RedEvent.CONFIRM, by=by, now=now)
        return move(tx, was, replace(told, form_code="02"), RedEvent.WAIT, by=by, now=now)


def end_form(
    db: Database, name: str, ended: FormEnd, *, why: str, by: str, now: datetime
) -> RedFapiao:
    """Note what became of a form that people follow; a confirmed one waits for its red fapiao.

    Raises Invalid for a form that is told to have lapsed before its 72 hours are over, Conflict for
    an end that a confirmed one cannot have.
    """
    with db.begin() as tx:
        was = _locked(tx, name)
        take_over(tx, was.red_id, was.key, why=_WHY)
        if was.state is RedState.APPROVED:
            raise Conflict(f"红字确认单 {was.key} 尚未登记提交，请先登记确认单编号和提交时间")
        if was.state is RedState.CONFIRMED and ended in {FormEnd.DENIED, FormEnd.LAPSED}:
            raise Conflict(f"红字确认单 {was.key} 已确认，不会再被否认或逾期；只能登记为已撤销")
        if ended is FormEnd.LAPSED:
            _refuse_running(tx, was, by=by, now=now)
        return note_end(tx, was, ended, why=why, by=by, now=now)


def note_end(
    tx: Tx, was: RedFapiao, ended: FormEnd, *, why: str, by: str, now: datetime
) -> RedFapiao:
    """Move a form to its end, and tell finance of one that two people did not approve.

    Raises Conflict where two people still can answer a buyer's form, and for the contrary of what
    they approved where nobody says why: the tax office's word counts, a slip does not. Raises
    Forbidden for who told the time by which a buyer's form is over, until 72 hours behind telling.
    """
    _refuse_unanswered(tx, was, ended, by=by, now=now)
    code = code_of(ended, was)
    words, event = FORM_STATES[code]
    assert event is not None, "an end has an event"
    contrary = is_contrary(was, code)
    if contrary and was.approved_by is not None and not why.strip():
        raise Conflict(
            f"红字确认单 {was.key} 的答复已由 {was.answered_by} 拟定、{was.approved_by} 批准为"
            f"“{ANSWERS[was.answer]}”，与此相反；税局所示确实如此的，请写明原因登记结果"
        )
    said = why.strip() or words
    became = move(tx, was, replace(was, form_code=code, why=said), event, by=by, now=now)
    if contrary:
        tell_contrary(tx, was, code, by=by, why=why.strip(), now=now)
    return became


def note_buyers_form(db: Database, seen: Seen, *, by: str, now: datetime) -> RedFapiao:
    """Note a form that the buyer started and that a person saw; it waits for our answer.

    Noted once more while nobody has approved an answer, it corrects the time from which its 72
    hours count.
    """
    with db.begin() as tx:
        blue, blue_number = hold_blue(tx, seen.fapiao)
        _refuse_time(seen.filed_at, now)
        _refuse_before(blue, seen.filed_at)
        reds = store.reds_of_fapiao(tx, blue.fapiao_id)
        noted = next((each for each in reds if each.form_number == seen.number), None)
        if noted is not None and noted.is_buyers and noted.state is RedState.WAITING:
            return _corrected(tx, blue, noted, seen, by=by, now=now)
        _refuse_number(tx, seen.number, "")
        refuse_second(blue_number, reds)
        lines = draw_red(blue, left_on(blue, reds), seen.picks, seen.reason)
        red = RedFapiao(
            red_id=mint("red", now),
            customer_id=blue.customer_id,
            fapiao_id=blue.fapiao_id,
            blue_number=blue_number,
            key=mint_key(now, "R"),
            reason=str(seen.reason),
            state=RedState.WAITING,
            form_code="03",
            form_number=seen.number,
            form_uuid="",
            whole=not seen.picks,
            amounts=sum((line.amounts for line in lines), NOTHING),
            lines=lines,
            requested_by=BUYER,
            requested_at=now,
            applied_at=seen.filed_at,
            expires_at=seen.filed_at + CONFIRM_WITHIN,
            started_by=BUYER,
        )
        store.insert_red(tx, red, by=by)
        return red


def _corrected(
    tx: Tx, blue: Fapiao, noted: RedFapiao, seen: Seen, *, by: str, now: datetime
) -> RedFapiao:
    """Correct since when a buyer's form waits. Raises Conflict for anything else that differs."""
    was = store.lock_red(tx, noted.customer_id, noted.red_id)
    others = [each for each in store.reds_of_fapiao(tx, blue.fapiao_id) if each != was]
    lines = draw_red(blue, left_on(blue, others), seen.picks, seen.reason)
    if was.state is not RedState.WAITING or was.approved_by is not None:
        raise Conflict(f"红字确认单 {was.key} 的答复已批准，不能再更正；请登记税局所示的结果")
    if not is_followed_by_hand(tx, was.red_id):
        raise Conflict(f"红字确认单 {was.key} 由服务商跟踪，提交时间以税局所告为准，不须更正")
    if (was.reason, was.lines) != (str(seen.reason), lines):
        raise Conflict(f"确认单编号 {seen.number} 已登记在 {was.key}，原因或金额不同；请核对")
    told = replace(was, applied_at=seen.filed_at, expires_at=seen.filed_at + CONFIRM_WITHIN)
    store.correct_filed(tx, told)
    record_deed(tx, Deed(by, now, "correct", "red_fapiao", was.key), was=was, became=told)
    return told


def _locked(tx: Tx, name: str) -> RedFapiao:
    named = find_red(store.red_by_name(tx, name), name)
    return store.lock_red(tx, named.customer_id, named.red_id)


def _refuse_buyers(red: RedFapiao) -> None:
    if red.is_buyers:
        raise Conflict(f"红字确认单 {red.key} 由购方发起，不须我方提交；请确认或拒绝")


def _refuse_unanswered(tx: Tx, red: RedFapiao, ended: FormEnd, *, by: str, now: datetime) -> None:
    """Refuse that one person answers the buyer, as long as two still can."""
    ours = ended in {FormEnd.CONFIRMED, FormEnd.DENIED} and red.is_buyers
    if not ours or red.approved_by is not None:
        return
    if red.expires_at is None or now < red.expires_at:
        raise Conflict(f"红字确认单 {red.key} 由购方发起，须先由两人拟定并批准答复，再登记结果")
    _refuse_own_time(tx, red, by=by, now=now)


def _refuse_running(tx: Tx, red: RedFapiao, *, by: str, now: datetime) -> None:
    """Refuse that a form has lapsed whose 72 hours are not over."""
    if red.expires_at is None or now < red.expires_at:
        raise Invalid(f"红字确认单 {red.key} 的 72 小时还没有到，不能登记为逾期作废")
    _refuse_own_time(tx, red, by=by, now=now)


def _refuse_own_time(tx: Tx, red: RedFapiao, *, by: str, now: datetime) -> None:
    """Refuse that a time which one person alone told lets the same person act alone at once.

    Who told it waits until 72 hours behind telling it, which no wrong time can shorten.
    """
    told = store.told_time(tx, red.key, by)
    if told is not None and now < told + CONFIRM_WITHIN:
        raise Forbidden(
            f"红字确认单 {red.key} 的提交时间由 {by} 登记，据此已过 72 小时的结果须由另一人登记"
        )


def _refuse_number(tx: Tx, number: str, red_id: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise Invalid(f"确认单编号“{number}”应为不超过 32 位的字母或数字，请按税局所示填写")
    tx.lock_exclusive(f"red form {number}")
    holder = store.red_by_name(tx, number)
    if holder is not None and holder.red_id != red_id:
        raise Conflict(f"确认单编号 {number} 已登记在 {holder.key}，请核对")


def _refuse_time(filed_at: datetime, now: datetime) -> None:
    if filed_at > now + _AHEAD:
        raise Invalid("填写的提交时间晚于现在，请核对")


def _refuse_before(blue: Fapiao, filed_at: datetime) -> None:
    """Refuse that a fapiao was to be reversed before it was issued; people type whole minutes."""
    if blue.issued_at is not None and filed_at < blue.issued_at.replace(second=0, microsecond=0):
        raise Invalid(f"填写的提交时间早于发票 {blue.number} 的开具时间，请核对")
