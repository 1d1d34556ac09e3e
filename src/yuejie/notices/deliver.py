"""Deliver what is due: hand notices on, form messages, send them, note how it went.

Each step is a transaction of its own, and sending is in none. A process that dies after sending
and before noting leaves a lease that runs out; the message is then sent again with the same id.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import CustomerId, mint
from yuejie.notices import store
from yuejie.notices.channels.parcel import Courier, Outcome, Parcel, Rest, Result, refused
from yuejie.notices.contact import ChannelKind, Sender
from yuejie.notices.gather import (
    LONGEST_RATE,
    LONGEST_REST,
    MOST_ATTEMPTS,
    choose,
    plan,
    wait_after,
)
from yuejie.notices.notice import Audience, Kind, Notice, is_urgent
from yuejie.notices.outbox import enqueue

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=1)
"""Longer than the slowest attempt; after it, whoever took a message is taken for dead."""
MAIL_LEASE: Final = timedelta(minutes=4)
"""Fifteen megabytes of files take their time."""
AT_ONCE: Final = 8
"""Messages under way together, each to another robot or server."""
_HAND_ON: Final = 100
_HANDS: Final = 10
_COPIES: Final = 1_000
_LOOK: Final = 200


def deliver_due(db: Database, post: Courier, now: datetime) -> int:
    """Make one round and return how many messages were attempted; 0 says that nothing is due."""
    for _ in range(_HANDS):  # an alarm about a notice is a notice, too
        if not hand_on_due(db, now):
            break
    form_due(db, now)
    parcels = take_due(db, now)
    if not parcels:
        return 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="post") as pool:
        running = [pool.submit(_carry, db, post, parcel, number, now) for parcel, number in parcels]
    for each in running:
        each.result()
    return len(parcels)


def hand_on_due(db: Database, now: datetime) -> int:
    """Give every channel that wants it a copy of each fresh notice; return how many notices."""
    with db.begin() as tx:
        fresh = store.unhanded(tx, limit=_HAND_ON)
        for notice in fresh:
            channels = store.channels_for(tx, notice)
            store.hand_on(tx, notice.notice_id, channels, now)
            if not channels:
                _tell_nobody_hears(tx, notice, now)
        return len(fresh)


def _tell_nobody_hears(tx: Tx, notice: store.Unhanded, now: datetime) -> None:
    """Let the operator know that a customer's notice has no reader."""
    log.warning("notice.unread", notice=notice.notice_id, kind=notice.kind)
    if notice.audience == Audience.CUSTOMER:
        facts = {
            "message": notice.notice_id,
            "channel": "无",
            "kind": notice.kind,
            "why": "该客户没有订阅此类通知的联系人，请登记联系人后人工补发",
        }
        _alarm(tx, facts, f"unread:{notice.notice_id}", notice.customer_id, now)


def form_due(db: Database, now: datetime) -> int:
    """Put the copies that are ready into messages; return how many messages were formed."""
    with db.begin() as tx:
        tx.lock_exclusive("notices.form")
        made = plan(store.ready_copies(tx, now=now, limit=_COPIES), now)
        for copy, until in made.postponed:
            store.postpone(tx, copy.channel_id, [copy.notice_id], until)
        for copies in made.messages:
            urgent = any(is_urgent(copy.kind) for copy in copies)
            store.form_message(tx, mint("msg", now), copies, urgent=urgent, at=now)
        return len(made.messages)


def take_due(db: Database, now: datetime, *, only: str | None = None) -> list[tuple[Parcel, int]]:
    """Take messages for one attempt each, one of each receiver at most, under a lease.

    A receiver that rests, or has heard as much as it may, is passed over whole: what waits for it
    keeps nobody else waiting.
    """
    with db.begin() as tx:
        tx.lock_exclusive("notices.take")
        due = store.due_messages(tx, now=now, limit=_LOOK, only=only)
        due = [message for message in due if not _give_up(tx, message, now)]
        begun: dict[str, list[datetime]] = {}
        buckets = sorted(message.bucket for message in due)
        for recent in store.recent_attempts(tx, buckets, now - LONGEST_RATE):
            begun.setdefault(recent.bucket, []).append(recent.begun_at)
        chosen, resting = choose(
            ((m.message_id, m.channel_kind, m.bucket) for m in due), begun, now=now, most=AT_ONCE
        )
        for bucket, until in resting.items():
            store.let_rest(tx, bucket, until, store.LIMIT)
        senders = {sender.kind: sender for sender in store.senders(tx)}
        return [
            (_taken(tx, message, senders, now), message.attempts + 1)
            for message in due
            if message.message_id in chosen
        ]


def _taken(
    tx: Tx, message: store.DueMessage, senders: Mapping[str, Sender], now: datetime
) -> Parcel:
    """Begin an attempt and return what it takes to make it."""
    lease = MAIL_LEASE if message.channel_kind == ChannelKind.EMAIL else LEASE
    store.begin_attempt(tx, message, at=now, until=now + lease)
    parcel, sender = _parcel(tx, message), senders.get(message.channel_kind)
    if sender is None:
        return parcel
    return replace(parcel, sender_settings=sender.settings, sender_sealed=sender.sealed)


def _give_up(tx: Tx, message: store.DueMessage, now: datetime) -> bool:
    """End a message whose every attempt died with its process: it may be what kills them."""
    if message.tried < MOST_ATTEMPTS:
        return False
    store.end_dead(tx, message.message_id, message.attempts, now)
    _mourn(tx, _parcel(tx, message), refused("lost", "历次发送都没有留下结果"), now)
    return True


def _parcel(tx: Tx, message: store.DueMessage) -> Parcel:
    mail = message.channel_kind == ChannelKind.EMAIL
    return Parcel(
        message_id=message.message_id,
        channel_id=message.channel_id,
        kind=message.channel_kind,
        language=message.language,
        told=tuple(store.enclosed(tx, message.message_id)),
        bucket=message.bucket,
        hint=message.hint,
        forgiven=message.forgiven,
        sealed=message.sealed,
        attachments=tuple(store.attached(tx, message.message_id)) if mail else (),
    )


def _carry(db: Database, post: Courier, parcel: Parcel, number: int, now: datetime) -> Outcome:
    """Send one parcel outside of any transaction, then note how it ended."""
    outcome = post.send(parcel, at=now)
    note(db, parcel, number, outcome, now)
    return outcome


def note(db: Database, parcel: Parcel, number: int, outcome: Outcome, now: datetime) -> None:
    """Write an attempt's outcome down and let the message end, wait, or die with an alarm."""
    message_id, tried = parcel.message_id, number - parcel.forgiven
    with db.begin() as tx:
        store.note_outcome(tx, message_id, number, outcome, now)
        if outcome.result is Result.SENT:
            if store.end_sent(tx, message_id, now) and outcome.missed:
                _mourn(tx, parcel, outcome, now)
        elif outcome.result is Result.REFUSED or tried >= MOST_ATTEMPTS:
            if store.end_dead(tx, message_id, number, now):
                _mourn(tx, parcel, outcome, now)
        else:
            wait = wait_after(message_id, tried, outcome.wait)
            store.try_again(tx, message_id, number, now + wait)
            _let_rest(tx, parcel, outcome, wait, now)
    log.info(
        "notice.attempted",
        message=message_id,
        channel=parcel.kind,
        attempt=number,
        result=str(outcome.result),
        code=outcome.code,
    )


def _let_rest(tx: Tx, parcel: Parcel, outcome: Outcome, wait: timedelta, now: datetime) -> None:
    """Leave a receiver or a sender in peace that asked for it or cannot be reached."""
    if outcome.rest is Rest.NOBODY:
        return
    key = parcel.bucket if outcome.rest is Rest.RECEIVER else parcel.kind
    store.let_rest(tx, key, now + (outcome.wait or min(wait, LONGEST_REST)), outcome.code)


def _mourn(tx: Tx, parcel: Parcel, outcome: Outcome, now: datetime) -> None:
    """Tell the operator of a message that somebody did not get; an alarm's death raises no alarm.

    A message that is tried again on request, and dies again, is told of again.
    """
    log.error("notice.dead", message=parcel.message_id, channel=parcel.kind, code=outcome.code)
    if all(told.kind in {Kind.UNDELIVERED, Kind.TEST} for told in parcel.told):
        return
    facts = {
        "message": parcel.message_id,
        "channel": f"{parcel.kind} {parcel.hint}",
        "kind": "、".join(dict.fromkeys(told.kind for told in parcel.told)),
        "why": f"{outcome.code} {outcome.said}".strip(),
    }
    again = f":{parcel.forgiven}" if parcel.forgiven else ""
    customer = parcel.told[0].customer_id
    _alarm(tx, facts, f"undelivered:{parcel.message_id}{again}", customer, now)


def _alarm(
    tx: Tx, facts: dict[str, str], key: str, customer_id: CustomerId | None, now: datetime
) -> None:
    alarm = Notice(Kind.UNDELIVERED, Audience.OPERATOR, facts, key, customer_id)
    enqueue(tx, alarm, at=now)


def send_now(db: Database, post: Courier, message_id: str, now: datetime) -> Outcome | None:
    """Attempt one message now, whatever else is due; None when it is not due.

    A receiver or sender that rested and took it is well again, and no longer left alone.
    """
    for parcel, number in take_due(db, now, only=message_id):
        outcome = _carry(db, post, parcel, number, now)
        if outcome.result is Result.SENT:
            with db.begin() as tx:
                store.wake(tx, sorted((parcel.bucket, parcel.kind)))
        return outcome
    return None
