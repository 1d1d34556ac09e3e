"""The only SQL about requests for signature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.contracts.esign.port import Signer
from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "due_signings": "the clerk takes every customer's to the platforms",
    "ended_signings": "the operator is told how each of them ended",
    "signing_by_id": "the clerk writes down what came of one, and the operator names one by its id",
    "steps_of_signing": "the operator looks at one by its id",
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


def signing_by_id(tx: Tx, signing_id: str) -> Signing | None:
    """Return a request for signature by its id."""
    return tx.maybe(Signing, BY_ID, signing_id=signing_id)


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


SIGNINGS_OF_DRAFT: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE customer_id = %(customer_id)s AND draft_id = %(draft_id)s
    ORDER BY created_at, signing_id
"""


def signings_of_draft(tx: Tx, customer_id: CustomerId, draft_id: str) -> list[Signing]:
    """Return every request for signature of a draft, the oldest first."""
    return tx.rows(Signing, SIGNINGS_OF_DRAFT, customer_id=customer_id, draft_id=draft_id)


DUE: Final = """
    SELECT signing_id, customer_id, draft_id, paper_id, platform, state, signer::text AS signer,
           task, url, note, attempts, next_at, asked_by, created_at
    FROM signing
    WHERE state IN ('asked', 'starting', 'running') AND next_at <= %(now)s
      AND platform = ANY(%(platforms)s)
    ORDER BY next_at, signing_id
    LIMIT %(limit)s
"""


def due_signings(tx: Tx, now: datetime, *, platforms: list[str], limit: int) -> list[Signing]:
    """Return what a job should look at on these platforms, the longest waiting first."""
    return tx.rows(Signing, DUE, now=now, platforms=platforms, limit=limit)


HASTEN: Final = """
    UPDATE signing SET next_at = %(now)s
    WHERE platform = %(platform)s AND task = %(task)s AND task <> '' AND state = 'running'
      AND next_at > %(now)s
"""


def hasten(tx: Tx, platform: str, task: str, *, now: datetime) -> bool:
    """Have a running task asked about now; False where nothing of that name waits."""
    return tx.run(HASTEN, platform=platform, task=task, now=now) == 1


OVERTAKEN: Final = """
    SELECT NOT EXISTS (SELECT FROM contract_draft
                       WHERE customer_id = %(customer_id)s AND draft_id = %(draft_id)s
                         AND state IN ('reviewed', 'signed'))
        OR EXISTS (SELECT FROM contract_draft_step
                   WHERE draft_id = %(draft_id)s AND at > %(since)s
                     AND event IN ('reject', 'rework', 'revise'))
"""


def is_overtaken(tx: Tx, customer_id: CustomerId, draft_id: str, *, since: datetime) -> bool:
    """Tell whether a draft no longer says, or no longer is, what it was at an instant."""
    found = tx.value(OVERTAKEN, customer_id=customer_id, draft_id=draft_id, since=since)
    return found is True


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
      AND next_at = %(was_next_at)s
"""


def move_signing(tx: Tx, was: Signing, became: Signing) -> bool:
    """Write what became of a request if it still is what it was."""
    moved = tx.run(
        MOVE,
        signing_id=was.signing_id,
        was=str(was.state),
        was_attempts=was.attempts,
        was_next_at=was.next_at,
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


def note_step(tx: Tx, signing_id: str, step: Transition) -> None:
    """Write down which way a request went, or that it was asked for, also among all deeds."""
    tx.run(NOTE_STEP, signing_id=signing_id, **step.row())
    record_step(tx, step, "contract_signing", signing_id)


STEPS_OF_SIGNING: Final = """
    SELECT at, by, event, was, became, why FROM signing_step
    WHERE signing_id = %(signing_id)s
    ORDER BY step_id
"""


def steps_of_signing(tx: Tx, signing_id: str) -> list[Transition]:
    """Return the life of a request for signature, step by step."""
    return tx.rows(Transition, STEPS_OF_SIGNING, signing_id=signing_id)


@dataclass(frozen=True, slots=True)
class EndedSigning:
    """How a request for signature ended, and by which step."""

    step_id: int
    signing_id: str
    customer_id: CustomerId
    draft_id: str
    became: str
    why: str


ENDED_SIGNINGS: Final = """
    SELECT s.step_id, s.signing_id, g.customer_id, g.draft_id, s.became, s.why
    FROM signing_step s
    JOIN signing g USING (signing_id)
    WHERE s.at >= %(since)s AND s.became IN ('completed', 'refused', 'failed')
    ORDER BY s.step_id
"""


def ended_signings(tx: Tx, *, since: datetime) -> list[EndedSigning]:
    """Return the ends of requests since an instant; one that was resumed may have several."""
    return tx.rows(EndedSigning, ENDED_SIGNINGS, since=since)
