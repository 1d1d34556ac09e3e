"""The SQL of the delivery log: lists by any filter, one message whole, another try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.parcel import Told

OPERATOR_READS: Final = {
    "whole_log": "the operator looks at every delivery",
    "revive": "the operator asks for another try of any message",
    "told_in": "the notices of a message that was found to be the caller's",
    "tries": "the attempts of a message that was found to be the caller's",
    "resting": "what a message waits for that was found to be the caller's",
    "message_of_test": "whoever pressed the test button asks for its one message",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the log shows it, with the last thing its receiver said.

    `language` is the contact's; None says that the channel is gone.
    """

    message_id: str
    customer_id: CustomerId | None
    channel_id: str
    channel_kind: str
    hint: str
    kinds: list[str]
    urgent: bool
    state: str
    attempts: int
    formed_at: datetime
    due_at: datetime
    ended_at: datetime | None
    code: str | None
    said: str | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which deliveries are asked for; what is None does not matter."""

    state: str | None = None
    channel_kind: str | None = None
    channel_id: str | None = None
    kind: str | None = None
    notice_key: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""
    """The message behind which the page begins."""


LOG: Final = """
    SELECT m.message_id, m.customer_id, m.channel_id, m.channel_kind, m.hint,
           ARRAY(SELECT notice.kind FROM notice_copy copy JOIN notice USING (notice_id)
                  WHERE copy.message_id = m.message_id ORDER BY notice.at, notice_id) AS kinds,
           m.urgent, m.state, m.attempts, m.formed_at, m.due_at, m.ended_at, last.code, last.said,
           (SELECT contact.language FROM notice_channel channel
              JOIN notice_contact contact USING (contact_id)
             WHERE channel.channel_id = m.channel_id) AS language
    FROM notice_message m
    LEFT JOIN LATERAL (SELECT o.code, o.said FROM notice_outcome o
                        WHERE o.message_id = m.message_id
                        ORDER BY o.number DESC LIMIT 1) last ON true
    WHERE (%(everybody)s OR m.customer_id = %(customer_id)s::text)
      AND (%(state)s::text IS NULL OR m.state = %(state)s::text)
      AND (%(channel_kind)s::text IS NULL OR m.channel_kind = %(channel_kind)s::text)
      AND (%(channel_id)s::text IS NULL OR m.channel_id = %(channel_id)s::text)
      AND (%(message_id)s::text IS NULL OR m.message_id = %(message_id)s::text)
      AND (%(since)s::timestamptz IS NULL OR m.formed_at >= %(since)s::timestamptz)
      AND (%(until)s::timestamptz IS NULL OR m.formed_at < %(until)s::timestamptz)
      AND ((%(kind)s::text IS NULL AND %(notice_key)s::text IS NULL)
           OR EXISTS (SELECT FROM notice_copy copy JOIN notice USING (notice_id)
                       WHERE copy.message_id = m.message_id
                         AND (%(kind)s::text IS NULL OR notice.kind = %(kind)s::text)
                         AND (%(notice_key)s::text IS NULL OR notice.key = %(notice_key)s::text)))
      AND (%(before)s = '' OR m.message_id < %(before)s)
    ORDER BY m.message_id DESC
    LIMIT %(limit)s
"""


def log(tx: Tx, customer_id: CustomerId, wish: Wish, *, limit: int) -> list[Delivery]:
    """Return a customer's deliveries that are asked for, the newest first."""
    return tx.rows(
        Delivery, LOG, everybody=False, customer_id=customer_id, limit=limit, **_parts(wish)
    )


def whole_log(tx: Tx, wish: Wish, *, limit: int) -> list[Delivery]:
    """Return everybody's deliveries that are asked for, the newest first."""
    return tx.rows(Delivery, LOG, everybody=True, customer_id=None, limit=limit, **_parts(wish))


def _parts(wish: Wish) -> dict[str, object]:
    return {name: getattr(wish, name) for name in wish.__slots__}


TOLD_IN: Final = """
    SELECT notice_id, notice.kind, notice.customer_id, notice.facts, notice.at
    FROM notice_copy copy
    JOIN notice USING (notice_id)
    WHERE copy.message_id = %(message_id)s
    ORDER BY notice.at, notice_id
"""


def told_in(tx: Tx, message_id: str) -> list[Told]:
    """Return the notices of a message, the oldest first."""
    return tx.rows(Told, TOLD_IN, message_id=message_id)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt and how it ended; without an outcome its process died on the way."""

    number: int
    begun_at: datetime
    at: datetime | None
    result: str | None
    code: str | None
    said: str | None


TRIES: Final = """
    SELECT number, a.begun_at, o.at, o.result, o.code, o.said
    FROM notice_attempt a
    LEFT JOIN notice_outcome o USING (message_id, number)
    WHERE message_id = %(message_id)s
    ORDER BY number
"""


def tries(tx: Tx, message_id: str) -> list[Try]:
    """Return the attempts of a message in their order."""
    return tx.rows(Try, TRIES, message_id=message_id)


RESTING: Final = """
    SELECT r.until, r.why
    FROM notice_message m
    JOIN notice_rest r ON r.bucket IN (m.bucket, m.channel_kind)
    WHERE m.message_id = %(message_id)s AND m.state = 'waiting' AND r.until > %(now)s
    ORDER BY r.until DESC
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Resting:
    """Until when a receiver or its sender is left in peace, and the code that asked for it."""

    until: datetime
    why: str


def resting(tx: Tx, message_id: str, now: datetime) -> Resting | None:
    """Return what a waiting message waits for besides its turn."""
    return tx.maybe(Resting, RESTING, message_id=message_id, now=now)


REVIVE: Final = """
    UPDATE notice_message m
    SET state = 'waiting', forgiven = attempts, due_at = %(at)s, ended_at = NULL,
        leased_until = NULL
    WHERE message_id = ANY (%(message_ids)s) AND state = 'dead'
      AND EXISTS (SELECT FROM notice_channel channel WHERE channel.channel_id = m.channel_id)
    RETURNING message_id, bucket, channel_kind
"""


@dataclass(frozen=True, slots=True)
class Revived:
    """A message that is tried again, and who is bothered with it."""

    message_id: str
    bucket: str
    channel_kind: str


def revive(tx: Tx, message_ids: Sequence[str], at: datetime) -> list[Revived]:
    """Let messages that were given up wait for another try, where their channel still is."""
    return tx.rows(Revived, REVIVE, message_ids=list(message_ids), at=at)


MESSAGE_OF_TEST: Final = """
    SELECT m.message_id
    FROM notice
    JOIN notice_copy copy USING (notice_id)
    JOIN notice_message m USING (message_id)
    WHERE notice.key = %(key)s
"""


@dataclass(frozen=True, slots=True)
class _Message:
    message_id: str


def message_of_test(tx: Tx, key: str) -> str | None:
    """Return the message that tells the notice of that key on its one channel."""
    found = tx.maybe(_Message, MESSAGE_OF_TEST, key=key)
    return found.message_id if found else None
