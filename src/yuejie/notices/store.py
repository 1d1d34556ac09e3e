"""The SQL of telling: contacts and channels, the outbox, messages, attempts; `log` reads back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yuejie.db.session import Json, Tx
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.parcel import Outcome, Told
from yuejie.notices.contact import RATES, Channel, Contact, Sender
from yuejie.notices.gather import ReadyCopy
from yuejie.notices.notice import Attachment, Kind, Notice

OPERATOR_READS: Final = {
    "contact": "a contact is named by its id; the verb then checks whose it is",
    "channel": "a channel is named by its id; the verb then checks whose it is",
    "channels_for": "handing on a notice finds out who is to be told",
    "unhanded": "the deliverer hands on every customer's notices",
    "ready_copies": "the deliverer forms every customer's messages",
    "due_messages": "the deliverer sends every customer's messages",
    "written": "an occasion is named by its key; the verb that wrote it knows whose it is",
    "enclosed": "the deliverer reads what a message tells",
}
"""Reads that serve the operator or the deliverer; all others take `customer_id` first."""

# contacts and channels ----------------------------------------------------------------------------

INSERT_CONTACT: Final = """
    INSERT INTO notice_contact (contact_id, customer_id, name, language, zone, quiet_from,
                                quiet_until, created_at)
    VALUES (%(contact_id)s, %(customer_id)s, %(name)s, %(language)s, %(zone)s, %(quiet_from)s,
            %(quiet_until)s, %(created_at)s)
"""


def insert_contact(tx: Tx, contact: Contact) -> None:
    """Write a contact down."""
    tx.run(INSERT_CONTACT, **{name: getattr(contact, name) for name in contact.__slots__})


CONTACTS: Final = """
    SELECT contact_id, customer_id, name, language, zone, quiet_from, quiet_until, created_at
    FROM notice_contact
    WHERE customer_id IS NOT DISTINCT FROM %(customer_id)s::text
    ORDER BY contact_id
"""


def contacts(tx: Tx, customer_id: CustomerId | None) -> list[Contact]:
    """Return a customer's contacts; None is the operator's own."""
    return tx.rows(Contact, CONTACTS, customer_id=customer_id)


CONTACT: Final = """
    SELECT contact_id, customer_id, name, language, zone, quiet_from, quiet_until, created_at
    FROM notice_contact
    WHERE contact_id = %(contact_id)s
    FOR UPDATE
"""


def contact(tx: Tx, contact_id: str) -> Contact | None:
    """Return one contact and hold its row."""
    return tx.maybe(Contact, CONTACT, contact_id=contact_id)


PUT_CONTACT: Final = """
    UPDATE notice_contact
    SET name = %(name)s, language = %(language)s, zone = %(zone)s, quiet_from = %(quiet_from)s,
        quiet_until = %(quiet_until)s
    WHERE contact_id = %(contact_id)s
"""


def put_contact(tx: Tx, contact: Contact) -> None:
    """Change what is known of a contact that this transaction holds."""
    tx.run(PUT_CONTACT, **{name: getattr(contact, name) for name in contact.__slots__})


DELETE_CONTACT: Final = "DELETE FROM notice_contact WHERE contact_id = %(contact_id)s"


def delete_contact(tx: Tx, contact_id: str) -> None:
    """Forget a contact that has no channel left."""
    tx.run(DELETE_CONTACT, contact_id=contact_id)


INSERT_CHANNEL: Final = """
    INSERT INTO notice_channel (channel_id, contact_id, customer_id, kind, kinds, hint, sealed,
                                bucket, created_at)
    VALUES (%(channel_id)s, %(contact_id)s, %(customer_id)s, %(kind)s, %(kinds)s, %(hint)s,
            %(sealed)s, %(bucket)s, %(created_at)s)
"""


def insert_channel(tx: Tx, channel: Channel) -> None:
    """Write a channel down."""
    tx.run(INSERT_CHANNEL, **{name: getattr(channel, name) for name in channel.__slots__})


CHANNELS: Final = """
    SELECT channel_id, contact_id, customer_id, kind, kinds, hint, sealed, bucket, created_at
    FROM notice_channel
    WHERE customer_id IS NOT DISTINCT FROM %(customer_id)s::text
    ORDER BY channel_id
"""


def channels(tx: Tx, customer_id: CustomerId | None) -> list[Channel]:
    """Return the channels of a customer's contacts; None is the operator's own."""
    return tx.rows(Channel, CHANNELS, customer_id=customer_id)


CHANNEL: Final = """
    SELECT channel_id, contact_id, customer_id, kind, kinds, hint, sealed, bucket, created_at
    FROM notice_channel
    WHERE channel_id = %(channel_id)s
    FOR UPDATE
"""


def channel(tx: Tx, channel_id: str) -> Channel | None:
    """Return one channel and hold its row."""
    return tx.maybe(Channel, CHANNEL, channel_id=channel_id)


RESEAL: Final = "UPDATE notice_channel SET sealed = %(sealed)s WHERE channel_id = %(channel_id)s"


def reseal(tx: Tx, channel_id: str, sealed: bytes) -> None:
    """Give a channel other secrets at the same address."""
    tx.run(RESEAL, channel_id=channel_id, sealed=sealed)


DROP_MESSAGES: Final = """
    UPDATE notice_message SET state = 'dropped', ended_at = %(at)s
    WHERE channel_id = %(channel_id)s AND state = 'waiting'
"""
DROP_COPIES: Final = """
    DELETE FROM notice_copy WHERE channel_id = %(channel_id)s AND message_id IS NULL
"""
DELETE_CHANNEL: Final = "DELETE FROM notice_channel WHERE channel_id = %(channel_id)s"


def delete_channel(tx: Tx, channel_id: str, at: datetime) -> None:
    """Forget a channel; what waits for it is dropped, what was sent stays in the log."""
    tx.run(DROP_MESSAGES, channel_id=channel_id, at=at)
    tx.run(DROP_COPIES, channel_id=channel_id)
    tx.run(DELETE_CHANNEL, channel_id=channel_id)


SAVE_SENDER: Final = """
    INSERT INTO notice_sender (kind, settings, sealed)
    VALUES (%(kind)s, %(settings)s, %(sealed)s)
    ON CONFLICT (kind) DO UPDATE SET settings = EXCLUDED.settings, sealed = EXCLUDED.sealed
"""


def save_sender(tx: Tx, sender: Sender) -> None:
    """Write the operator's account of a kind, or replace it."""
    tx.run(SAVE_SENDER, kind=sender.kind, settings=Json(sender.settings), sealed=sender.sealed)


SENDERS: Final = "SELECT kind, settings, sealed FROM notice_sender ORDER BY kind"


def senders(tx: Tx) -> list[Sender]:
    """Return the operator's accounts for mail and SMS."""
    return tx.rows(Sender, SENDERS)


# the outbox ---------------------------------------------------------------------------------------

INSERT_NOTICE: Final = """
    INSERT INTO notice (notice_id, key, kind, audience, customer_id, facts, only_channel, at)
    VALUES (%(notice_id)s, %(key)s, %(kind)s, %(audience)s, %(customer_id)s, %(facts)s,
            %(only_channel)s, %(at)s)
    ON CONFLICT (key) DO NOTHING
"""


def insert_notice(
    tx: Tx, notice_id: str, notice: Notice, *, at: datetime, only_channel: str | None
) -> bool:
    """Write a notice; False when its key is there already."""
    written = tx.run(
        INSERT_NOTICE,
        notice_id=notice_id,
        key=notice.key,
        kind=str(notice.kind),
        audience=str(notice.audience),
        customer_id=notice.customer_id,
        facts=Json(notice.facts),
        only_channel=only_channel,
        at=at,
    )
    return written == 1


@dataclass(frozen=True, slots=True)
class Written:
    """A notice that was written: its occasion, kind and audience, and when."""

    key: str
    kind: str
    audience: str
    at: datetime


WRITTEN: Final = """
    SELECT key, kind, audience, at FROM notice WHERE key = ANY(%(keys)s)
"""


def written(tx: Tx, keys: Sequence[str]) -> list[Written]:
    """Return which of these occasions were told of."""
    return tx.rows(Written, WRITTEN, keys=list(keys))


INSERT_ATTACHMENT: Final = """
    INSERT INTO notice_attachment (notice_id, position, name, media_type, body)
    VALUES (%(notice_id)s, %(position)s, %(name)s, %(media_type)s, %(body)s)
"""


def insert_attachment(tx: Tx, notice_id: str, position: int, attachment: Attachment) -> None:
    """Write a file that goes along."""
    tx.run(
        INSERT_ATTACHMENT,
        notice_id=notice_id,
        position=position,
        name=attachment.name,
        media_type=attachment.media_type,
        body=attachment.body,
    )


@dataclass(frozen=True, slots=True)
class Unhanded:
    """A notice of which no channel has a copy yet."""

    notice_id: str
    key: str
    kind: str
    audience: str
    customer_id: CustomerId | None
    only_channel: str | None


UNHANDED: Final = """
    SELECT notice_id, key, kind, audience, customer_id, only_channel
    FROM notice
    WHERE handed_on_at IS NULL
    ORDER BY notice_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
"""


def unhanded(tx: Tx, *, limit: int) -> list[Unhanded]:
    """Return notices that nobody has handed on, and hold them."""
    return tx.rows(Unhanded, UNHANDED, limit=limit)


CHANNELS_FOR: Final = """
    SELECT channel_id
    FROM notice_channel
    WHERE (%(only)s::text IS NOT NULL AND channel_id = %(only)s::text)
       OR (%(only)s::text IS NULL
           AND customer_id IS NOT DISTINCT FROM %(customer_id)s::text
           AND (kinds = '{}' OR %(kind)s = ANY (kinds)))
    ORDER BY channel_id
"""


@dataclass(frozen=True, slots=True)
class _Id:
    channel_id: str


def channels_for(tx: Tx, notice: Unhanded) -> list[str]:
    """Return the channels that want a notice; an operator's goes to the operator's own."""
    customer_id = notice.customer_id if notice.audience == "customer" else None
    found = tx.rows(
        _Id, CHANNELS_FOR, only=notice.only_channel, customer_id=customer_id, kind=notice.kind
    )
    return [each.channel_id for each in found]


INSERT_COPY: Final = """
    INSERT INTO notice_copy (notice_id, channel_id, ready_at)
    VALUES (%(notice_id)s, %(channel_id)s, %(at)s)
"""
HAND_ON: Final = """
    UPDATE notice SET handed_on_at = %(at)s, channels = %(channels)s
    WHERE notice_id = %(notice_id)s AND handed_on_at IS NULL
"""


def hand_on(tx: Tx, notice_id: str, channel_ids: list[str], at: datetime) -> None:
    """Give each channel its copy of a notice, once."""
    for channel_id in channel_ids:
        tx.run(INSERT_COPY, notice_id=notice_id, channel_id=channel_id, at=at)
    tx.run(HAND_ON, notice_id=notice_id, channels=len(channel_ids), at=at)


# messages -----------------------------------------------------------------------------------------


_KNOWN: Final = sorted(str(kind) for kind in Kind)
READY_COPIES: Final = """
    SELECT copy.notice_id, notice.kind,
           EXISTS (SELECT FROM notice_attachment a WHERE a.notice_id = copy.notice_id) AS attached,
           channel.channel_id, channel.customer_id, channel.kind AS channel_kind, channel.hint,
           channel.bucket, contact.zone, contact.quiet_from, contact.quiet_until,
           (SELECT max(formed_at) FROM notice_message m
             WHERE m.channel_id = copy.channel_id) AS last_formed_at
    FROM notice_copy copy
    JOIN notice USING (notice_id)
    JOIN notice_channel channel USING (channel_id)
    JOIN notice_contact contact USING (contact_id)
    WHERE copy.message_id IS NULL AND copy.ready_at <= %(now)s AND notice.kind = ANY (%(kinds)s)
    ORDER BY copy.ready_at, copy.notice_id
    LIMIT %(limit)s
    FOR UPDATE OF copy
"""


def ready_copies(tx: Tx, *, now: datetime, limit: int) -> list[ReadyCopy]:
    """Return the copies that wait for a message, the oldest first, and hold them.

    What a newer build tells of, and this one does not know, waits for that one.
    """
    return tx.rows(ReadyCopy, READY_COPIES, now=now, limit=limit, kinds=_KNOWN)


POSTPONE: Final = """
    UPDATE notice_copy SET ready_at = %(until)s
    WHERE channel_id = %(channel_id)s AND notice_id = ANY (%(notice_ids)s) AND message_id IS NULL
"""


def postpone(tx: Tx, channel_id: str, notice_ids: list[str], until: datetime) -> None:
    """Let copies wait longer."""
    tx.run(POSTPONE, channel_id=channel_id, notice_ids=notice_ids, until=until)


INSERT_MESSAGE: Final = """
    INSERT INTO notice_message (message_id, channel_id, customer_id, channel_kind, hint, bucket,
                                urgent, due_at, formed_at)
    VALUES (%(message_id)s, %(channel_id)s, %(customer_id)s, %(channel_kind)s, %(hint)s,
            %(bucket)s, %(urgent)s, %(at)s, %(at)s)
"""
ENCLOSE: Final = """
    UPDATE notice_copy SET message_id = %(message_id)s
    WHERE channel_id = %(channel_id)s AND notice_id = ANY (%(notice_ids)s) AND message_id IS NULL
"""


def form_message(
    tx: Tx, message_id: str, copies: list[ReadyCopy], *, urgent: bool, at: datetime
) -> None:
    """Write a message that tells these copies, all of one channel; it never tells others."""
    first = copies[0]
    tx.run(
        INSERT_MESSAGE,
        message_id=message_id,
        channel_id=first.channel_id,
        customer_id=first.customer_id,
        channel_kind=first.channel_kind,
        hint=first.hint,
        bucket=first.bucket,
        urgent=urgent,
        at=at,
    )
    notice_ids = [copy.notice_id for copy in copies]
    enclosed_rows = tx.run(
        ENCLOSE, message_id=message_id, channel_id=first.channel_id, notice_ids=notice_ids
    )
    assert enclosed_rows == len(copies), f"{message_id} lost a copy on its way"


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message whose turn it is, with its channel as it stands now."""

    message_id: str
    channel_id: str
    customer_id: CustomerId | None
    channel_kind: str
    hint: str
    bucket: str
    urgent: bool
    attempts: int
    forgiven: int
    language: str
    sealed: bytes = field(repr=False)

    @property
    def tried(self) -> int:
        """How many attempts count: those since somebody asked for another try."""
        return self.attempts - self.forgiven


DUE_MESSAGES: Final = """
    SELECT m.message_id, m.channel_id, m.customer_id, m.channel_kind, m.hint, m.bucket, m.urgent,
           m.attempts, m.forgiven, contact.language, channel.sealed
    FROM notice_message m
    JOIN notice_channel channel USING (channel_id)
    JOIN notice_contact contact USING (contact_id)
    WHERE m.message_id IN (
        SELECT DISTINCT ON (w.bucket) w.message_id
        FROM notice_message w
        WHERE w.state = 'waiting' AND w.due_at <= %(now)s
          AND (w.leased_until IS NULL OR w.leased_until <= %(now)s)
          AND (%(only)s::text IS NULL OR w.message_id = %(only)s::text)
          AND NOT EXISTS (SELECT FROM notice_copy c JOIN notice n USING (notice_id)
                           WHERE c.message_id = w.message_id AND n.kind <> ALL (%(kinds)s))
          AND NOT EXISTS (SELECT FROM notice_rest r
                           WHERE r.bucket IN (w.bucket, w.channel_kind) AND r.until > %(now)s
                             AND (%(only)s::text IS NULL OR r.why = 'limit'))
          AND (w.channel_kind <> ALL (%(one_by_one)s)
               OR NOT EXISTS (SELECT FROM notice_message busy
                               WHERE busy.bucket = w.bucket AND busy.state = 'waiting'
                                 AND busy.leased_until > %(now)s))
        ORDER BY w.bucket, w.urgent DESC, w.due_at, w.message_id)
    ORDER BY m.urgent DESC, m.due_at, m.message_id
    LIMIT %(limit)s
    FOR UPDATE OF m SKIP LOCKED
"""
_ONE_BY_ONE: Final = sorted(str(kind) for kind in RATES)
"""Receivers with limits get one message after the other; see `gather.free_at`."""


def due_messages(tx: Tx, *, now: datetime, limit: int, only: str | None = None) -> list[DueMessage]:
    """Return the next message of each receiver that is not resting, the urgent first, held.

    `only` asks for one message, for somebody who says that its receiver is well again: only our
    own limits hold it back.
    """
    return tx.rows(
        DueMessage,
        DUE_MESSAGES,
        now=now,
        limit=limit,
        only=only,
        one_by_one=_ONE_BY_ONE,
        kinds=_KNOWN,
    )


@dataclass(frozen=True, slots=True)
class Recent:
    """An attempt of the last while, for the limits of its robot."""

    bucket: str
    begun_at: datetime


RECENT: Final = """
    SELECT bucket, begun_at FROM notice_attempt
    WHERE bucket = ANY (%(buckets)s) AND begun_at > %(since)s
"""


def recent_attempts(tx: Tx, buckets: list[str], since: datetime) -> list[Recent]:
    """Return what was begun since then for these robots."""
    return tx.rows(Recent, RECENT, buckets=buckets, since=since)


LET_REST: Final = """
    INSERT INTO notice_rest (bucket, until, why)
    VALUES (%(bucket)s, %(until)s, %(why)s)
    ON CONFLICT (bucket) DO UPDATE SET until = excluded.until, why = excluded.why
    WHERE notice_rest.until < excluded.until
"""


def let_rest(tx: Tx, bucket: str, until: datetime, why: str) -> None:
    """Leave a receiver, or a sender by its kind, in peace until then; never shorter than before."""
    tx.run(LET_REST, bucket=bucket, until=until, why=why)


WAKE: Final = """
    DELETE FROM notice_rest WHERE bucket = ANY (%(buckets)s) AND why <> 'limit'
"""
LIMIT: Final = "limit"
"""Why one rests that has heard as much as it may: nobody's word ends that."""


def wake(tx: Tx, buckets: list[str]) -> None:
    """Forget that these rest, but for our own limits."""
    tx.run(WAKE, buckets=buckets)


LEASE: Final = """
    UPDATE notice_message SET attempts = %(number)s, leased_until = %(until)s
    WHERE message_id = %(message_id)s AND state = 'waiting'
"""
BEGIN_ATTEMPT: Final = """
    INSERT INTO notice_attempt (message_id, number, bucket, begun_at)
    VALUES (%(message_id)s, %(number)s, %(bucket)s, %(at)s)
"""


def begin_attempt(tx: Tx, message: DueMessage, *, at: datetime, until: datetime) -> None:
    """Take a message for one attempt until the lease ends."""
    number = message.attempts + 1
    tx.run(LEASE, message_id=message.message_id, number=number, until=until)
    tx.run(
        BEGIN_ATTEMPT,
        message_id=message.message_id,
        number=number,
        bucket=message.bucket,
        at=at,
    )


ENCLOSED: Final = """
    SELECT notice_id, notice.kind, notice.customer_id, notice.facts, notice.at
    FROM notice_copy copy
    JOIN notice USING (notice_id)
    WHERE copy.message_id = %(message_id)s
    ORDER BY notice.at, notice_id
"""


def enclosed(tx: Tx, message_id: str) -> list[Told]:
    """Return what a message tells, the oldest first."""
    return tx.rows(Told, ENCLOSED, message_id=message_id)


ATTACHED: Final = """
    SELECT a.name, a.media_type, a.body
    FROM notice_copy copy
    JOIN notice_attachment a USING (notice_id)
    WHERE copy.message_id = %(message_id)s
    ORDER BY a.notice_id, a.position
"""


def attached(tx: Tx, message_id: str) -> list[Attachment]:
    """Return the files that go along with a message."""
    return tx.rows(Attachment, ATTACHED, message_id=message_id)


INSERT_OUTCOME: Final = """
    INSERT INTO notice_outcome (message_id, number, at, result, code, said)
    VALUES (%(message_id)s, %(number)s, %(at)s, %(result)s, %(code)s, %(said)s)
"""


def note_outcome(tx: Tx, message_id: str, number: int, outcome: Outcome, at: datetime) -> None:
    """Write down how an attempt ended."""
    tx.run(
        INSERT_OUTCOME,
        message_id=message_id,
        number=number,
        at=at,
        result=str(outcome.result),
        code=outcome.code,
        said=outcome.said,
    )


END_SENT: Final = """
    UPDATE notice_message SET state = 'sent', ended_at = %(at)s, leased_until = NULL
    WHERE message_id = %(message_id)s AND state <> 'sent'
"""


def end_sent(tx: Tx, message_id: str, at: datetime) -> bool:
    """End a message that arrived, whichever attempt it was."""
    return tx.run(END_SENT, message_id=message_id, at=at) == 1


END_DEAD: Final = """
    UPDATE notice_message SET state = 'dead', ended_at = %(at)s, leased_until = NULL
    WHERE message_id = %(message_id)s AND state = 'waiting' AND attempts = %(number)s
"""


def end_dead(tx: Tx, message_id: str, number: int, at: datetime) -> bool:
    """Give a message up, unless a later attempt is under way."""
    return tx.run(END_DEAD, message_id=message_id, number=number, at=at) == 1


TRY_AGAIN: Final = """
    UPDATE notice_message SET due_at = %(due_at)s, leased_until = NULL
    WHERE message_id = %(message_id)s AND state = 'waiting' AND attempts = %(number)s
"""


def try_again(tx: Tx, message_id: str, number: int, due_at: datetime) -> bool:
    """Let a message wait for its next attempt, unless one is under way."""
    return tx.run(TRY_AGAIN, message_id=message_id, number=number, due_at=due_at) == 1
