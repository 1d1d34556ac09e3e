"""What the tax office said of a red form, written down in the transaction of the answer."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.fapiao import store as blues
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, find_red, left_on
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.chain import seal_red
from yuejie.fapiao.issuing.errand import Errand, ErrandKind, ErrandState, after
from yuejie.fapiao.issuing.steps import again, end, go_on, park, wrong_number
from yuejie.fapiao.life import (
    IN_FORCE,
    RED_PENDING,
    RED_SAID,
    FapiaoEvent,
    FapiaoState,
    RedEvent,
    RedState,
    advance,
    advance_red,
)
from yuejie.fapiao.providers.port import (
    Accepted,
    Answer,
    Done,
    FormTold,
    Held,
    Issued,
    Refused,
    Unheard,
    Unknown,
)
from yuejie.fapiao.reversing import store
from yuejie.fapiao.reversing.form import (
    CONFIRM_WITHIN,
    FORM_STATES,
    LAPSED,
    WAITS_FOR_SELLER,
    is_contrary,
)
from yuejie.fapiao.tell import tell_contrary, tell_held, tell_lapsed, tell_red_ended

_SLOW: Final = 3
"""A form that waits for people is asked about every five minutes at first, then hourly."""


def hear_red(tx: Tx, errand: Errand, answer: Answer, *, now: datetime) -> None:
    """Write down what became of a form: its state, its end, or its red fapiao."""
    named = find_red(store.red_by_name(tx, errand.subject_id), errand.subject_id)
    red = store.lock_red(tx, named.customer_id, named.red_id)
    match answer:
        case FormTold():
            _hear_form(tx, errand, red, answer, now)
        case Refused() if red.state in RED_PENDING:
            why = f"{answer.code} {answer.message}".strip()
            move(tx, red, replace(red, why=why), RedEvent.VOID, by=errand.provider, now=now)
            end(tx, errand, now, why=why)
        case Refused():
            end(tx, errand, now, why=answer.message)
        case Unheard() if red.is_buyers:
            # There is nothing of ours to file anew: it is asked about like what nobody knows yet.
            go_on(tx, errand, Unknown("服务商没有购方的这张确认单"), now)
        case _:
            if isinstance(answer, Accepted) and red.applied_at is None:
                store.note_applied(tx, red.red_id, applied_at=now, expires_at=now + CONFIRM_WITHIN)
            go_on(tx, errand, answer, now)
            if isinstance(answer, Held):
                tell_held(tx, errand.provider, answer.hold, answer.message, now=now)


def hear_withdrawal(tx: Tx, errand: Errand, answer: Answer, *, now: datetime) -> None:
    """Write down whether a withdrawal was taken; the form's own errand hears what became of it."""
    if isinstance(answer, Done):
        end(tx, errand, now)
        errands.hurry_key(tx, errand.key, now=now)
    elif isinstance(answer, Refused):
        end(tx, errand, now, why=f"{answer.code} {answer.message}")
    else:
        _again_while_pending(tx, errand, answer, now)


def hear_our_answer(tx: Tx, errand: Errand, answer: Answer, *, now: datetime) -> None:
    """Write down whether our yes or no to the buyer was taken.

    Refused, it may have been taken before, its answer lost: the form's own errand asks, and lets it
    be given again where the form still waits.
    """
    if isinstance(answer, Done):
        end(tx, errand, now)
        errands.hurry_key(tx, errand.key, now=now)
    elif isinstance(answer, Refused):
        end(tx, errand, now, why=f"税局未受理答复：{answer.code} {answer.message}")
        errands.hurry_key(tx, errand.key, now=now)
    else:
        _again_while_pending(tx, errand, answer, now)


def note_red_issued(tx: Tx, red: RedFapiao, issued: Issued, *, by: str, now: datetime) -> RedFapiao:
    """Give a red fapiao its number, seal it, and move the blue one to what is left of it."""
    told = replace(red, number=issued.number, issued_at=issued.issued_at)
    became = move(tx, red, told, RedEvent.ISSUE, by=by, now=now)
    seal_red(tx, became)
    blue = blues.lock_fapiao(tx, red.customer_id, red.fapiao_id)
    issued_reds = [
        each for each in store.reds_of_fapiao(tx, blue.fapiao_id) if each.state is RedState.ISSUED
    ]
    left = sum(amounts.gross_fen for amounts in left_on(blue, issued_reds).values())
    event = FapiaoEvent.REVERSE_PART if left else FapiaoEvent.REVERSE
    _move_blue(tx, blue, event, f"红字发票 {issued.number}", by=by, now=now)
    return became


def move(
    tx: Tx, was: RedFapiao, told: RedFapiao, event: RedEvent, *, by: str, now: datetime
) -> RedFapiao:
    """Move a red fapiao on by one event, and tell whoever asked for it of one that came to nothing.

    Somebody else's move in between is a bug of the locks. Of 72 hours that are over finance is told
    as such, and a buyer's form nobody here asked for.
    """
    became = replace(told, state=advance_red(was.state, event))
    moved = store.move_red(tx, was, became, event, by=by, at=now)
    assert moved, f"{was.red_id} moved behind its own lock"
    ended = event in {RedEvent.DECLINE, RedEvent.VOID}
    if ended and not became.is_buyers and became.form_code != LAPSED:
        tell_red_ended(tx, became, by=by, now=now)
    return became


def _hear_form(tx: Tx, errand: Errand, red: RedFapiao, told: FormTold, now: datetime) -> None:
    if told.code not in FORM_STATES:
        park(tx, errand, f"税局确认单状态“{told.code}”未知", now)
        return
    if red.state not in RED_PENDING:
        end(tx, errand, now)
        return
    heard = _named(red, told, now)
    if is_contrary(red, told.code):
        tell_contrary(tx, heard, told.code, by=errand.provider, why=told.message, now=now)
    if told.issued is not None:
        _hear_issued(tx, errand, heard, told.issued, now)
        return
    words, event = FORM_STATES[told.code]
    if event is RedEvent.VOID:
        why = f"{words}{f'：{told.message}' if told.message else ''}"
        void = move(tx, red, replace(heard, why=why), event, by=errand.provider, now=now)
        end(tx, errand, now, why=why)
        if told.code == LAPSED:
            tell_lapsed(tx, void, now=now)
        return
    if event is not None and not _is_there(red.state, event):
        move(tx, red, heard, event, by=errand.provider, now=now)
    else:
        store.note_form(tx, heard)
    if red.is_buyers and told.code == WAITS_FOR_SELLER:
        _reopen(tx, red, errand, now)
    slow = event is RedEvent.WAIT
    errands.move_errand(
        tx,
        errand.errand_id,
        ErrandState.SENT,
        next_at=now + after(max(errand.asked, _SLOW) if slow else errand.asked),
        why=words,
    )


def _reopen(tx: Tx, red: RedFapiao, errand: Errand, now: datetime) -> None:
    """Let an answer be given again that the tax office refused: the form still waits for it.

    One approved while a person followed the form, who did not give it, goes out now.
    """
    given = [each for each in errands.errands_of(tx, red.red_id) if each.what == ErrandKind.ANSWER]
    if red.approved_by is None:
        return
    if not given:
        errands.add_errand(tx, ErrandKind.ANSWER, red.red_id, red.key, errand.provider, at=now)
        return
    last = given[-1]
    if last.state == ErrandState.DONE and last.why:
        store.forget_answer(tx, red.red_id, why=last.why)
        deed = Deed(errand.provider, now, "refuse", "red_fapiao", red.key, last.why)
        record_deed(tx, deed, was={"answer": red.answer, "approved_by": red.approved_by})


def _again_while_pending(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    """Try again what is said of a form, unless the form has come to its end without it."""
    named = find_red(store.red_by_name(tx, errand.subject_id), errand.subject_id)
    if named.state in RED_PENDING:
        again(tx, errand, answer, now)
    else:
        end(tx, errand, now, why=f"确认单已是“{RED_SAID[named.state]}”状态")


def _hear_issued(tx: Tx, errand: Errand, red: RedFapiao, issued: Issued, now: datetime) -> None:
    wrong = wrong_number(tx, red.red_id, issued.number, issued.issued_at)
    if wrong or issued.amounts != red.amounts:
        park(tx, errand, wrong or f"红字发票 {issued.number} 的金额与申请不符", now)
        return
    note_red_issued(tx, red, issued, by=errand.provider, now=now)
    errands.add_errand(tx, ErrandKind.FILES, red.red_id, red.key, errand.provider, at=now)
    end(tx, errand, now)


def _named(red: RedFapiao, told: FormTold, now: datetime) -> RedFapiao:
    applied = red.applied_at or now
    return replace(
        red,
        form_code=told.code,
        form_number=told.number or red.form_number,
        form_uuid=told.uuid or red.form_uuid,
        applied_at=applied,
        expires_at=red.expires_at or applied + CONFIRM_WITHIN,
    )


def _is_there(state: RedState, event: RedEvent) -> bool:
    """Tell whether a form is where an event would lead, or beyond: polls repeat, or come late."""
    reached = {
        RedEvent.WAIT: {RedState.WAITING, RedState.CONFIRMED},
        RedEvent.CONFIRM: {RedState.CONFIRMED},
    }
    return state in reached.get(event, set())


def _move_blue(
    tx: Tx, blue: Fapiao, event: FapiaoEvent, why: str, *, by: str, now: datetime
) -> None:
    assert blue.state in IN_FORCE - {FapiaoState.REQUESTED, FapiaoState.APPROVED}
    became = replace(blue, state=advance(blue.state, event), why=why)
    moved = blues.move_fapiao(tx, blue, became, event, by=by, at=now)
    assert moved, f"{blue.fapiao_id} moved behind its own lock"
