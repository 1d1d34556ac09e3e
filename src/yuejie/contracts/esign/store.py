"""The only SQL about requests for signature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.contracts.esign.port import Signer, SigningState
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "due_signings": "the clerk takes every customer's to the platforms",
    "signing_by_id": "the clerk writes down what came of one",
    "signing_by_task": "a callback names the platform's task and nothing else",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A paper that somebody is asked to sign on a platform. `next_at` is when a job looks again."""

    signing_id: str
    customer_id: CustomerId
    draft_id: str
    paper_id: str
    platform: str
    state: str
    signer: str
    task: str
    url: str
    note: str
    attempts: int
    next_at: datetime
    asked_by: str
    created_at: datetime

    @property
    def who(self) -> Signer:
        """Who is to sign."""
        return msgspec.json.decode(self.signer, type=Signer)


BY_ID: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE signing_id = %(signing_id)s
"""


def signing_by_id(tx: Tx, signing_id: str) -> Signing:
    """Return a request for signature."""
    return tx.row(Signing, BY_ID, signing_id=signing_id)


BY_TASK: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE platform = %(platform)s AND task = %(task)s AND task <> ''
"""


def signing_by_task(tx: Tx, platform: str, task: str) -> Signing | None:
    """Return the request that a platform knows under a name of its own."""
    return tx.maybe(Signing, BY_TASK, platform=platform, task=task)


SIGNINGS_OF: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE customer_id = %(customer_id)s
    ORDER BY signing_id
"""


def signings_of(tx: Tx, customer_id: CustomerId) -> list[Signing]:
    """Return every request for signature of a customer, the oldest first."""
    return tx.rows(Signing, SIGNINGS_OF, customer_id=customer_id)


DUE: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE state IN ('asked', 'starting', 'running') AND next_at <= %(now)s
    ORDER BY next_at, signing_id
    LIMIT %(limit)s
"""


def due_signings(tx: Tx, now: datetime, *, limit: int) -> list[Signing]:
    """Return what a job should look at, the longest waiting first."""
    return tx.rows(Signing, DUE, now=now, limit=limit)


INSERT: Final = """
    INSERT INTO signing (signing_id, customer_id, draft_id, paper_id, platform, state, signer,
                         next_at, asked_by, created_at)
    VALUES (%(signing_id)s, %(customer_id)s, %(draft_id)s, %(paper_id)s, %(platform)s, %(state)s,
            %(signer)s::jsonb, %(next_at)s, %(asked_by)s, %(created_at)s)
    ON CONFLICT DO NOTHING
"""


def insert_signing(tx: Tx, signing: Signing) -> bool:
    """Write a request; False where the same paper is already on its way."""
    added = tx.run(
        INSERT,
        signing_id=signing.signing_id,
        customer_id=signing.customer_id,
        draft_id=signing.draft_id,
        paper_id=signing.paper_id,
        platform=signing.platform,
        state=signing.state,
        signer=signing.signer,
        next_at=signing.next_at,
        asked_by=signing.asked_by,
        created_at=signing.created_at,
    )
    return added == 1


MOVE: Final = """
    UPDATE signing
    SET state = %(state)s, task = %(task)s, url = %(url)s, note = %(note)s,
        attempts = %(attempts)s, next_at = %(next_at)s
    WHERE signing_id = %(signing_id)s AND state = %(was)s AND attempts = %(was_attempts)s
"""


def move_signing(tx: Tx, was: Signing, became: Signing) -> bool:
    """Write what became of a request if it still is what it was."""
    moved = tx.run(
        MOVE,
        signing_id=was.signing_id,
        was=str(was.state),
        was_attempts=was.attempts,
        state=str(became.state),
        task=became.task,
        url=became.url,
        note=became.note,
        attempts=became.attempts,
        next_at=became.next_at,
    )
    return moved == 1


NOTE_STEP: Final = """
    INSERT INTO signing_step (signing_id, at, by, event, was, became, why)
    VALUES (%(signing_id)s, %(at)s, %(by)s, %(event)s, %(was)s, %(became)s, %(why)s)
"""


def note_step(tx: Tx, was: Signing, became: Signing, *, by: str, at: datetime) -> None:
    """Write down which way a request went."""
    tx.run(
        NOTE_STEP,
        signing_id=was.signing_id,
        at=at,
        by=by,
        event=str(SigningState(became.state)),
        was=str(was.state),
        became=str(became.state),
        why=became.note,
    )
