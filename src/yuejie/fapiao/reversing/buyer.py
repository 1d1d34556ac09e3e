"""Red forms that the buyer starts (03 购方录入待销方确认): found, shown, answered by two people.

The buyer's form is a red fapiao that somebody else asked for: it is kept like ours, and its own
errand asks what becomes of it until the red fapiao is issued and booked. What cannot be followed
here (a fapiao of elsewhere, lines that do not add up, a form of ours in the way) is told to finance
once, for the tax office's clock runs all the same. One that went on without us, agreed to on the
tax office's own site, is taken up as well: its red fapiao exists.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.fapiao import store as blues
from yuejie.fapiao.amounts import FapiaoRefused
from yuejie.fapiao.fapiao import BUYER, Fapiao, RedFapiao, find_red, left_on, mint_key
from yuejie.fapiao.issuing.errand import ErrandKind, ErrandState
from yuejie.fapiao.issuing.stop import is_followed_by_hand
from yuejie.fapiao.issuing.store import add_errand, errands_of
from yuejie.fapiao.life import RED_PENDING, SAID, STANDING, RedState
from yuejie.fapiao.providers.port import MISSHAPEN, BuyersForm, FormsTold, Provider
from yuejie.fapiao.reversing import store
from yuejie.fapiao.reversing.form import (
    AGREE,
    CONFIRM_WITHIN,
    DENY,
    WAITS_FOR_SELLER,
    draw_buyers,
    is_contrary,
)
from yuejie.fapiao.tell import tell_contrary, tell_unread
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.period import zone_of
from yuejie.kernel.two_people import refuse_same

log = structlog.get_logger()

_CHINA: Final = zone_of("Asia/Shanghai")
_BACK: Final = timedelta(days=5)
"""How far back forms are looked for: they live three days."""
_AGAIN: Final = timedelta(hours=1)
"""When to look again after a look that brought no answer."""


def find_forms(db: Database, provider: Provider, *, now: datetime) -> int:
    """Look for forms of buyers if it is time, and return how many new ones were found."""
    if not _claim(db, provider, now):
        return 0
    told = _asked(provider, now)
    if told is None:
        return 0
    _note_answered(db, provider.name, told, now)
    return sum(take_form(db, provider.name, form, now=now) for form in told.forms)


def take_form(db: Database, provider: str, form: BuyersForm, *, now: datetime) -> bool:
    """Keep a form that is not known yet, and follow it; False where it is known, or only told."""
    with db.begin() as tx:
        named = blues.fapiao_by_name(tx, form.blue_number)
        if named is None or named.number != form.blue_number:
            why = "该发票不是在本系统开具的"
            tell_unread(tx, None, form.number, form.blue_number, why, now=now)
            return False
        # A person may be noting the same form: who comes second finds it known.
        tx.lock_exclusive(f"fapiao {named.customer_id}")
        blue = blues.lock_fapiao(tx, named.customer_id, named.fapiao_id)
        tx.lock_exclusive(f"red form {form.number or form.uuid}")
        if store.red_of_form(tx, uuid=form.uuid, number=form.number):
            return False
        try:
            red = _red(tx, blue, form, now)
        except (FapiaoRefused, Conflict) as error:
            why = str(error)
            tell_unread(tx, blue.customer_id, form.number, form.blue_number, why, now=now)
            return False
        store.insert_red(tx, red, by=provider)
        if is_contrary(red, red.form_code):
            tell_contrary(tx, red, red.form_code, by=provider, now=now)
        sent = ErrandState.SENT
        add_errand(tx, ErrandKind.RED, red.red_id, red.key, provider, at=now, state=sent)
        return True


def propose_answer(
    db: Database, name: str, *, agree: bool, why: str, by: str, now: datetime
) -> RedFapiao:
    """Propose to agree to a buyer's form or to deny it; a second person lets the answer go out.

    Raises Invalid for a denial without a reason, Conflict for a form that does not wait for us.
    """
    if not agree and not why.strip():
        raise Invalid("请写明拒绝红字确认单的原因")
    with db.begin() as tx:
        was = _waiting(tx, name, now)
        answer = AGREE if agree else DENY
        if not store.propose_answer(tx, was.red_id, answer, by=by, at=now, why=why):
            raise Conflict(f"红字确认单 {was.key} 的答复已批准，正在提交税局，不能再改")
        told = {"answer": was.answer, "answered_by": was.answered_by}
        became = {"answer": answer, "answered_by": by}
        record_deed(tx, Deed(by, now, answer, "red_fapiao", was.key, why), was=told, became=became)
        return store.lock_red(tx, was.customer_id, was.red_id)


def approve_answer(
    db: Database, name: str, *, agree: bool | None = None, by: str, now: datetime
) -> RedFapiao:
    """Let the proposed answer go to the tax office; who proposed it may not.

    `agree` says which answer was seen: one that was changed meanwhile is refused. Followed by hand,
    it is a person who gives it on the tax office's site, and notes the end.
    """
    with db.begin() as tx:
        was = _waiting(tx, name, now)
        if was.answered_by is None:
            raise Conflict(f"红字确认单 {was.key} 还没有拟定答复，请先提出确认或拒绝")
        refuse_same(was.answered_by, by, f"红字确认单 {was.key} 的答复", deed="批准")
        if agree is not None and was.answer != (AGREE if agree else DENY):
            raise Conflict(f"红字确认单 {was.key} 拟定的答复已改，请核对后再批准")
        if not store.approve_answer(tx, was.red_id, by=by, at=now):
            raise Conflict(f"红字确认单 {was.key} 的答复已批准，正在提交税局，不能再改")
        facts = {"answer": was.answer, "proposed_by": was.answered_by}
        record_deed(tx, Deed(by, now, "approve", "red_fapiao", was.key, was.why), became=facts)
        if not is_followed_by_hand(tx, was.red_id):
            (own, *_) = [e for e in errands_of(tx, was.red_id) if e.what == ErrandKind.RED]
            add_errand(tx, ErrandKind.ANSWER, was.red_id, was.key, own.provider, at=now)
        return store.lock_red(tx, was.customer_id, was.red_id)


def _claim(db: Database, provider: Provider, now: datetime) -> bool:
    with db.begin() as tx:
        tx.lock_exclusive(f"red forms of {provider.name}")
        last = store.looked(tx, provider.name)
        if last.answered_at is not None and now - last.answered_at < provider.forms_apart:
            return False
        if last.at is not None and now - last.at < _AGAIN:
            return False
        store.note_look(tx, provider.name, at=now)
        return True


def _note_answered(db: Database, provider: str, told: FormsTold, now: datetime) -> None:
    """Note that a look was answered, and tell finance of the forms that nobody could read."""
    with db.begin() as tx:
        store.look_answered(tx, provider, at=now)
        for number in told.unread:
            tell_unread(tx, None, number, "", "服务商所答读不懂", now=now)


def _asked(provider: Provider, now: datetime) -> FormsTold | None:
    """Return what the platform tells; of what it tells in no known shape nothing is known."""
    since = (now - _BACK).astimezone(_CHINA).date()
    try:
        told = provider.buyers_forms(since=since, now=now)
    except MISSHAPEN as error:
        log.warning("fapiao.misshapen", what="buyers_forms", error=repr(error))
        return None
    finally:
        provider.notebook.take()
    if not isinstance(told, FormsTold):
        log.warning("fapiao.forms_not_told", provider=provider.name, answer=str(told))
        return None
    return told


def _red(tx: Tx, blue: Fapiao, form: BuyersForm, now: datetime) -> RedFapiao:
    """Return the red fapiao that a form asks for. Raises Conflict where it cannot be followed."""
    if blue.state not in STANDING:
        raise Conflict(f"发票 {form.blue_number} 处于“{SAID[blue.state]}”状态，不能红冲")
    reds = store.reds_of_fapiao(tx, blue.fapiao_id)
    for each in reds:
        if each.state in RED_PENDING:
            raise Conflict(f"我方对该发票的红冲申请 {each.key} 尚未结束，请先撤回")
    lines = draw_buyers(blue, left_on(blue, reds), form.amounts, form.lines, form.reason)
    return RedFapiao(
        red_id=mint("red", now),
        customer_id=blue.customer_id,
        fapiao_id=blue.fapiao_id,
        blue_number=form.blue_number,
        key=mint_key(now, "R"),
        reason=str(form.reason),
        state=RedState.WAITING,
        form_code=form.code,
        form_number=form.number,
        form_uuid=form.uuid,
        whole=form.amounts == -blue.amounts,
        amounts=form.amounts,
        lines=lines,
        requested_by=BUYER,
        requested_at=now,
        applied_at=form.filed_at,
        expires_at=form.filed_at + CONFIRM_WITHIN,
        started_by=BUYER,
    )


def _waiting(tx: Tx, name: str, now: datetime) -> RedFapiao:
    named = find_red(store.red_by_name(tx, name), name)
    red = store.lock_red(tx, named.customer_id, named.red_id)
    waits = red.state is RedState.WAITING and red.form_code == WAITS_FOR_SELLER
    if not red.is_buyers or not waits:
        raise Conflict(f"红字确认单 {red.key} 不是购方发起、待我方答复的，不能确认或拒绝")
    if red.expires_at is not None and now >= red.expires_at:
        raise Conflict(f"红字确认单 {red.key} 已过 72 小时，自动作废，不能再答复")
    return red
