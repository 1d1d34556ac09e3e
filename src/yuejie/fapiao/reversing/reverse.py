"""Reverse a fapiao by a red one: request, approve, withdraw, remind.

While a form is pending there is no second one for the same fapiao, and its tax lines are not free:
they become so when the red fapiao is issued. A form that expired or was denied leaves everything as
before, and may be asked for again as a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.fapiao import store as blues
from yuejie.fapiao.amounts import NOTHING, FapiaoRefused
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, find_fapiao, find_red, left_on, mint_key
from yuejie.fapiao.issuing.errand import ErrandKind
from yuejie.fapiao.issuing.stop import is_followed_by_hand, recall
from yuejie.fapiao.issuing.store import add_errand
from yuejie.fapiao.life import RED_PENDING, RED_SAID, SAID, STANDING, RedEvent, RedState
from yuejie.fapiao.request import MANUAL
from yuejie.fapiao.reversing import store
from yuejie.fapiao.reversing.answer import move
from yuejie.fapiao.reversing.form import (
    CONFIRM_WITHIN,
    REMIND_AFTER,
    WAITS_FOR_SELLER,
    RedPick,
    RedReason,
    draw_red,
    reminders_due,
)
from yuejie.fapiao.tell import tell_buyers_form, tell_lapsed, tell_waiting
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.two_people import refuse_same

_LAPSE_TOLD: Final = len(REMIND_AFTER) + 1
"""Kept in `reminded` once finance was told that the 72 hours are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedWish:
    """What is to be reversed, why, and in a person's words."""

    fapiao: str
    reason: RedReason
    why: str
    picks: tuple[RedPick, ...] = ()
    """Nothing means the whole fapiao."""


def hold_blue(tx: Tx, name: str) -> tuple[Fapiao, str]:
    """Hold a blue fapiao that may be reversed, and return it with its number."""
    named = find_fapiao(blues.fapiao_by_name(tx, name), name)
    tx.lock_exclusive(f"fapiao {named.customer_id}")
    blue = blues.lock_fapiao(tx, named.customer_id, named.fapiao_id)
    if blue.state not in STANDING or blue.number is None:
        raise Conflict(f"发票 {blue.key} 处于“{SAID[blue.state]}”状态，不能红冲")
    return blue, blue.number


def request_red(db: Database, wish: RedWish, *, by: str, now: datetime) -> RedFapiao:
    """Request a red fapiao; it waits for a second person before the tax office hears of it."""
    if not wish.why.strip():
        raise Invalid("请写明为什么红冲，审批人要看")
    with db.begin() as tx:
        blue, number = hold_blue(tx, wish.fapiao)
        reds = store.reds_of_fapiao(tx, blue.fapiao_id)
        refuse_second(number, reds)
        lines = draw_red(blue, left_on(blue, reds), wish.picks, wish.reason)
        amounts = sum((line.amounts for line in lines), NOTHING)
        if amounts.gross_fen >= 0:
            raise FapiaoRefused(f"发票 {blue.number} 没有可红冲的金额")
        red = RedFapiao(
            red_id=mint("red", now),
            customer_id=blue.customer_id,
            fapiao_id=blue.fapiao_id,
            blue_number=number,
            key=mint_key(now, "R"),
            reason=str(wish.reason),
            state=RedState.REQUESTED,
            form_code="",
            form_number="",
            form_uuid="",
            whole=not wish.picks,
            amounts=amounts,
            lines=lines,
            requested_by=by,
            requested_at=now,
            why=wish.why,
        )
        store.insert_red(tx, red, by=by)
        return red


def approve_red(db: Database, name: str, *, by: str, now: datetime) -> RedFapiao:
    """Let a requested red form go to the tax office; who requested it may not."""
    with db.begin() as tx:
        named = find_red(store.red_by_name(tx, name), name)
        was = store.lock_red(tx, named.customer_id, named.red_id)
        refuse_same(was.requested_by, by, f"红冲申请 {was.key} ", deed="批准")
        told = replace(was, approved_by=by, approved_at=now)
        became = move(tx, was, told, RedEvent.APPROVE, by=by, now=now)
        blue = find_fapiao(blues.fapiao_by_name(tx, was.fapiao_id), was.fapiao_id)
        if blue.provider != MANUAL:
            add_errand(tx, ErrandKind.RED, was.red_id, was.key, blue.provider, at=now)
        return became


def withdraw_red(db: Database, name: str, *, why: str, by: str, now: datetime) -> RedFapiao:
    """Take a red form back: at once while it has not left, else by asking the tax office.

    In the second case the form becomes void when the tax office says so.
    """
    if not why.strip():
        raise Invalid("请写明撤回红冲的原因")
    with db.begin() as tx:
        named = find_red(store.red_by_name(tx, name), name)
        was = store.lock_red(tx, named.customer_id, named.red_id)
        blue = find_fapiao(blues.fapiao_by_name(tx, was.fapiao_id), was.fapiao_id)
        if was.state is RedState.REQUESTED:
            return move(tx, was, replace(was, why=why), RedEvent.DECLINE, by=by, now=now)
        if was.state is RedState.APPROVED and recall(tx, was.red_id, why=why):
            return move(tx, was, replace(was, why=why), RedEvent.VOID, by=by, now=now)
        if was.is_buyers:
            raise Conflict(f"红字确认单 {was.key} 由购方发起，我方不能撤回；请确认或拒绝")
        if was.state is not RedState.WAITING:
            raise Conflict(f"红字发票 {was.key} 处于“{RED_SAID[was.state]}”状态，不能撤回")
        if is_followed_by_hand(tx, was.red_id):
            raise Conflict(
                f"红字确认单 {was.key} 是手工提交的，请先在电子税务局撤销，"
                "再登记结果“发起方已撤销”（withdrawn）"
            )
        add_errand(tx, ErrandKind.WITHDRAW, was.red_id, was.key, blue.provider, at=now)
        return was


def remind_waiting(db: Database, *, now: datetime) -> int:
    """Remind whoever a form waits for, at 0, 24 and 48 hours; each reminder goes out once.

    The buyer is reminded of ours, our finance of the buyer's until it is answered. Of a form whose
    72 hours are over, and that no platform follows, finance is told once: only the tax office knows
    whether it was confirmed in time.
    """
    told = 0
    with db.begin() as tx:
        for red in store.reds_waiting(tx, len(REMIND_AFTER)):
            assert red.applied_at is not None
            due = reminders_due(red.applied_at, red.reminded, now)
            if due > red.reminded and now < red.applied_at + CONFIRM_WITHIN:
                if not red.is_buyers:
                    tell_waiting(tx, red, due, now=now)
                elif red.approved_by is None and red.form_code == WAITS_FOR_SELLER:
                    tell_buyers_form(tx, red, due, now=now)
                store.mark_reminded(tx, red.red_id, due)
                told += 1
        for red in store.reds_lapsed(tx, told=_LAPSE_TOLD, now=now):
            tell_lapsed(tx, red, now=now)
            store.mark_reminded(tx, red.red_id, _LAPSE_TOLD)
            told += 1
    return told


def refuse_second(number: str, reds: Sequence[RedFapiao]) -> None:
    """Refuse a form beside one that is pending: the tax office knows one of a fapiao at a time."""
    for red in reds:
        if red.state in RED_PENDING:
            raise Conflict(
                f"发票 {number} 已有一张红字确认单在处理中（{red.key}，{RED_SAID[red.state]}），"
                "请等它结束或先撤回；手工提交的请先登记结果"
            )
