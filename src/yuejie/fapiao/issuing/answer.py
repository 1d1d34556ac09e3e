"""What the provider answered about a fapiao, written down: one answer, one transaction.

The same answer heard twice does nothing more: a fapiao moves by compare-and-set, and an errand that
has ended stays ended. An answer that contradicts what was requested parks the errand for a person.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.bills.due import fapiao_received
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.fapiao import store
from yuejie.fapiao.fapiao import Fapiao, find_fapiao, find_red
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.chain import seal_fapiao
from yuejie.fapiao.issuing.errand import Errand, ErrandKind, ErrandState, after
from yuejie.fapiao.issuing.steps import again, end, go_on, keep_file, park, wrong_number
from yuejie.fapiao.issuing.store import Exchange
from yuejie.fapiao.life import FapiaoEvent, FapiaoState, advance
from yuejie.fapiao.providers.papers import is_file_of
from yuejie.fapiao.providers.port import Answer, Done, Files, Held, Issued, Refused
from yuejie.fapiao.reversing.answer import hear_our_answer, hear_red, hear_withdrawal
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.fapiao.tell import tell_files_kept, tell_held, tell_issued, tell_rejected
from yuejie.kernel.ids import BillId
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

_CHINA: Final = zone_of("Asia/Shanghai")
_FILES_PATIENCE: Final = timedelta(hours=24)
"""Files still missing after a day are fetched or uploaded by hand."""


def hear(
    db: Database, errand: Errand, answer: Answer, exchanges: Sequence[Exchange], *, now: datetime
) -> None:
    """Write down an answer, what it changes, and what is to be done next."""
    with db.begin() as tx:
        for exchange in exchanges:
            errands.insert_exchange(tx, errand.errand_id, exchange, at=now)
        match errand.what:
            case ErrandKind.ISSUE:
                _hear_issue(tx, errand, answer, now)
            case ErrandKind.RED:
                hear_red(tx, errand, answer, now=now)
            case ErrandKind.WITHDRAW:
                hear_withdrawal(tx, errand, answer, now=now)
            case ErrandKind.ANSWER:
                hear_our_answer(tx, errand, answer, now=now)
            case ErrandKind.FILES:
                _hear_files(tx, errand, answer, now)
            case _:
                _hear_delivery(tx, errand, answer, now)


def note_issued(tx: Tx, fapiao: Fapiao, issued: Issued, *, by: str, now: datetime) -> Fapiao:
    """Give a fapiao its number and seal it; a number that contradicts the request is refused.

    Whoever uploads what was issued by hand comes through here as well.
    """
    became = replace(
        fapiao,
        state=advance(fapiao.state, FapiaoEvent.ISSUE),
        number=issued.number,
        issued_at=issued.issued_at,
    )
    if store.move_fapiao(tx, fapiao, became, FapiaoEvent.ISSUE, by=by, at=now):
        seal_fapiao(tx, became)
        tell_issued(tx, became, now=now)
    return became


def contradiction(tx: Tx, fapiao: Fapiao, issued: Issued) -> str:
    """Say how an issued fapiao differs from the request, or nothing."""
    wrong = wrong_number(tx, fapiao.fapiao_id, issued.number, issued.issued_at)
    if wrong:
        return wrong
    if issued.amounts != fapiao.amounts:
        heard, asked = (
            Money(amounts.gross_fen, "CNY") for amounts in (issued.amounts, fapiao.amounts)
        )
        return f"开出的金额 {heard} 与申请的 {asked} 不符（或其不含税、税额不符）"
    return ""


def _hear_issue(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    fapiao = find_fapiao(store.fapiao_by_name(tx, errand.subject_id), errand.subject_id)
    match answer:
        case Issued():
            wrong = contradiction(tx, fapiao, answer)
            if wrong:
                park(tx, errand, wrong, now)
                return
            if fapiao.state is FapiaoState.APPROVED:
                note_issued(tx, fapiao, answer, by=errand.provider, now=now)
                _send_for(tx, fapiao, errand.provider, now)
            end(tx, errand, now)
        case Refused():
            _reject(tx, errand, fapiao, answer, now)
        case _:
            go_on(tx, errand, answer, now)
            if isinstance(answer, Held):
                tell_held(tx, errand.provider, answer.hold, answer.message, now=now)


def _send_for(tx: Tx, fapiao: Fapiao, provider: str, now: datetime) -> None:
    """Have the files fetched, and the fapiao delivered where somebody is named to get it."""
    errands.add_errand(tx, ErrandKind.FILES, fapiao.fapiao_id, fapiao.key, provider, at=now)
    if fapiao.emails or fapiao.mobile:
        errands.add_errand(tx, ErrandKind.DELIVER, fapiao.fapiao_id, fapiao.key, provider, at=now)
    else:
        received(tx, fapiao, by=provider, now=now)


def received(tx: Tx, fapiao: Fapiao, *, by: str, now: datetime) -> None:
    """Note that the customer has a fapiao: payment may count from that day, once.

    A buyer sees a 数电票 in its tax account at once; where nobody is to be mailed, that is it.
    """
    if store.mark_delivered(tx, fapiao.fapiao_id, at=now):
        facts = {"to": ", ".join(fapiao.emails), "number": fapiao.number}
        record_deed(tx, Deed(by, now, "deliver", "fapiao", fapiao.key), became=facts)
        for bill_id in fapiao.bills:
            fapiao_received(tx, BillId(bill_id), now.astimezone(_CHINA).date())


def _reject(tx: Tx, errand: Errand, fapiao: Fapiao, refused: Refused, now: datetime) -> None:
    """End a request that the provider finally refused; its tax lines are free for another key."""
    why = f"{refused.code} {refused.message}".strip()
    if fapiao.state is FapiaoState.APPROVED:
        became = replace(fapiao, state=advance(fapiao.state, FapiaoEvent.FAIL), why=why)
        if store.move_fapiao(tx, fapiao, became, FapiaoEvent.FAIL, by=errand.provider, at=now):
            tell_rejected(tx, became, by=errand.provider, now=now)
    end(tx, errand, now, why=why)


def _hear_files(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    if not isinstance(answer, Files):
        again(tx, errand, answer, now)
        return
    blue = store.fapiao_by_name(tx, errand.subject_id)
    named = blue or find_red(red_by_name(tx, errand.subject_id), errand.subject_id)
    sound = {f: body for f, body in answer.bodies.items() if is_file_of(f, body, named.number)}
    missing = [*answer.missing, *(form for form in answer.bodies if form not in sound)]
    for form, body in sound.items():
        file = errands.NewFile(form, body, errand.provider)
        keep_file(tx, named, file, by=errand.provider, now=now)
    if not missing:
        end(tx, errand, now)
        tell_files_kept(tx, named, sound, now=now)
    elif now - errand.made_at > _FILES_PATIENCE:
        park(tx, errand, f"版式文件 {'、'.join(missing)} 一直取不到，请人工下载后上传", now)
    else:
        errands.move_errand(
            tx,
            errand.errand_id,
            ErrandState.WAITING,
            next_at=now + after(errand.attempts),
            why=f"尚缺 {'、'.join(missing)}",
        )


def _hear_delivery(tx: Tx, errand: Errand, answer: Answer, now: datetime) -> None:
    if isinstance(answer, Done | Refused):
        # Where no mail is taken, the buyer still has it in its tax account.
        subject = find_fapiao(store.fapiao_by_name(tx, errand.subject_id), errand.subject_id)
        received(tx, subject, by=errand.provider, now=now)
        refused = f"{answer.code} {answer.message}" if isinstance(answer, Refused) else ""
        end(tx, errand, now, why=refused)
    else:
        again(tx, errand, answer, now)
