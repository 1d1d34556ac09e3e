"""The only SQL about nodes. Beats are dated by the database's clock, which all nodes share."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.intake.nodes.node import Node, NodeState, Told
from yuejie.usage.journal import Position

OPERATOR_READS: Final = {
    "open_calls": "calls of a lost node, whoever's they are",
    "lost_tails": "journals belong to nodes",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of a node, as it learns with its beat."""

    state: str
    revision: int
    """The snapshot's, as the database has it now."""


JOIN: Final = """
    INSERT INTO node (node_id, name, state, version, knows, workers, tail_bytes, tail_calls,
                      skew_ms, snapshot_revision, snapshot_at, joined_at, beat_at, changed_at,
                      changed_by, why)
    VALUES (%(node_id)s, %(name)s, 'serving', %(version)s, %(knows)s, %(workers)s,
            %(tail_bytes)s, %(tail_calls)s, %(skew_ms)s, %(snapshot_revision)s, %(snapshot_at)s,
            clock_timestamp(), clock_timestamp(), clock_timestamp(), %(name)s, '加入')
    ON CONFLICT DO NOTHING
"""
BEAT: Final = """
    UPDATE node
    SET name = %(name)s, version = %(version)s, knows = %(knows)s, workers = %(workers)s,
        tail_bytes = %(tail_bytes)s, tail_calls = %(tail_calls)s, skew_ms = %(skew_ms)s,
        snapshot_revision = %(snapshot_revision)s, snapshot_at = %(snapshot_at)s,
        beat_at = clock_timestamp()
    WHERE node_id = %(node_id)s
    RETURNING state, (SELECT revision FROM snapshot_revision) AS revision
"""


def beat(tx: Tx, node_id: UUID, name: str, told: Told) -> Wish:
    """Write down what a node tells, the first time as a node that joins; return the wish."""
    facts = {"node_id": node_id, "name": name, **asdict(told)}
    found = tx.maybe(Wish, BEAT, **facts)
    if found is None:
        tx.run(JOIN, **facts)
        found = tx.row(Wish, BEAT, **facts)
    return found


INSTANT: Final = "SELECT clock_timestamp()"


def instant(tx: Tx) -> datetime:
    """Return what the database's own clock says at this moment."""
    found: datetime = tx.value(INSTANT)
    return found


CHANGE: Final = """
    UPDATE node
    SET state = %(state)s, changed_at = clock_timestamp(), changed_by = %(by)s, why = %(why)s
    WHERE node_id = %(node_id)s AND state = ANY(%(was)s)
"""


def change_state(
    tx: Tx, node_id: UUID, *, was: Sequence[NodeState], state: NodeState, by: str, why: str
) -> bool:
    """Move a node to another state; False when it is in none of those it was thought to be in."""
    return (
        tx.run(
            CHANGE, node_id=node_id, was=[str(each) for each in was], state=state, by=by, why=why
        )
        == 1
    )


NODES: Final = """
    SELECT n.node_id, n.name, n.state, n.version, n.knows, n.workers, n.tail_bytes, n.tail_calls,
           n.skew_ms, n.snapshot_revision, n.snapshot_at, n.joined_at, n.beat_at, n.changed_at,
           n.changed_by, n.why,
           coalesce(l.leases, 0)::int AS leases, coalesce(l.presumed, 0)::int AS presumed,
           (SELECT count(*) FROM journal j WHERE j.node_id = n.node_id
                                             AND j.state <> 'drained')::int AS journals,
           clock_timestamp() AS seen_at
    FROM node n
    LEFT JOIN (
        SELECT a.node_id,
               count(*) FILTER (WHERE g.granted > g.used + g.returned + g.presumed) AS leases,
               count(*) FILTER (WHERE g.presumed > 0) AS presumed
        FROM allowance_journal a JOIN allowance_grant g USING (journal_id)
        WHERE g.granted > g.used + g.returned + g.presumed OR g.presumed > 0
        GROUP BY a.node_id
    ) AS l USING (node_id)
    ORDER BY n.name, n.joined_at
"""
HOLD_NODE: Final = "SELECT state FROM node WHERE node_id = %(node_id)s FOR UPDATE"


def nodes(tx: Tx) -> list[Node]:
    """Return every node that ever joined, by name."""
    return [replace(node, state=NodeState(node.state)) for node in tx.rows(Node, NODES)]


def hold_node(tx: Tx, node_id: UUID) -> NodeState:
    """Return a node's state and keep others from changing it."""
    return NodeState(tx.value(HOLD_NODE, node_id=node_id))


# Journals of a node ------------------------------------------------------------------------------

UNREAD: Final = "SELECT count(*) FROM journal WHERE node_id = %(node_id)s AND state = 'live'"


def unread_journals(tx: Tx, node_id: UUID) -> int:
    """Return how many journals of a node are not read to their end."""
    return int(tx.value(UNREAD, node_id=node_id))


HELD: Final = """
    SELECT count(*)
    FROM allowance_journal a JOIN allowance_grant g USING (journal_id)
    WHERE a.node_id = %(node_id)s AND g.granted > g.used + g.returned + g.presumed
"""


def leases_held(tx: Tx, node_id: UUID) -> int:
    """Return of how many windows a node's journals hold something."""
    return int(tx.value(HELD, node_id=node_id))


@dataclass(frozen=True, slots=True)
class _Id:
    journal_id: UUID


LIVE_OF: Final = """
    SELECT journal_id FROM journal
    WHERE state = 'live'
      AND (node_id = %(node_id)s OR (node_id IS NULL AND node = %(name)s))
    ORDER BY journal_id
"""
BORROWING_OF: Final = """
    SELECT journal_id FROM allowance_journal
    WHERE node_id = %(node_id)s AND NOT ended
    ORDER BY journal_id
"""


def live_journals_of(tx: Tx, node_id: UUID, name: str) -> list[UUID]:
    """Return a node's journals that are not read to their end, the oldest first."""
    return [row.journal_id for row in tx.rows(_Id, LIVE_OF, node_id=node_id, name=name)]


def borrowing_journals_of(tx: Tx, node_id: UUID) -> list[UUID]:
    """Return a node's journals that lease, also those that nobody has ever read."""
    return [row.journal_id for row in tx.rows(_Id, BORROWING_OF, node_id=node_id)]


CLAIM_JOURNAL: Final = """
    UPDATE journal SET node_id = %(node_id)s
    WHERE journal_id = ANY(%(journal_ids)s) AND node_id IS NULL
"""
OWNED: Final = """
    SELECT journal_id FROM journal
    WHERE journal_id = ANY(%(journal_ids)s) AND node_id IS NOT NULL
"""


def claim_journals(tx: Tx, journal_ids: Sequence[UUID], node_id: UUID) -> set[UUID]:
    """Note whose journals are, once; return those of which it is known, the others come later."""
    tx.run(CLAIM_JOURNAL, journal_ids=list(journal_ids), node_id=node_id)
    return {row.journal_id for row in tx.rows(_Id, OWNED, journal_ids=list(journal_ids))}


GIVE_UP: Final = """
    UPDATE journal
    SET state = 'parked', note = %(note)s, lost_at = %(now)s, lost_bytes = %(lost_bytes)s,
        lost_calls = %(lost_calls)s, seen_at = greatest(seen_at, %(now)s::timestamptz)
    WHERE journal_id = %(journal_id)s AND state = 'live'
"""


def give_journal_up(
    tx: Tx,
    journal_id: UUID,
    *,
    note: str,
    now: datetime,
    lost_bytes: int | None = None,
    lost_calls: int | None = None,
) -> None:
    """Wait no more for a journal that is lost with its node."""
    tx.run(
        GIVE_UP,
        journal_id=journal_id,
        note=note,
        now=now,
        lost_bytes=lost_bytes,
        lost_calls=lost_calls,
    )


REVIVE: Final = """
    UPDATE journal
    SET state = 'live', note = '', lost_at = NULL, lost_bytes = NULL, lost_calls = NULL
    WHERE journal_id = %(journal_id)s AND state = 'parked' AND lost_at IS NOT NULL
"""


def revive_journal(tx: Tx, journal_id: UUID) -> bool:
    """Let a journal that was lost with its node go on: it is here. False: it was not lost."""
    return tx.run(REVIVE, journal_id=journal_id) == 1


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a journal is, and whether its node still tells of itself."""

    state: str
    segment: int
    position: int
    note: str
    name: str | None
    node_state: str | None
    lost_at: datetime | None

    @property
    def at(self) -> Position:
        """Up to where the journal is stored."""
        return Position(self.segment, self.position)


OWNER: Final = """
    SELECT j.state, j.segment, j.position, j.note, n.name, n.state AS node_state, j.lost_at
    FROM journal j LEFT JOIN node n USING (node_id)
    WHERE j.journal_id = %(journal_id)s
"""


def owner_of(tx: Tx, journal_id: UUID) -> Owner | None:
    """Return whose a journal is; None for one that nobody has ever read."""
    return tx.maybe(Owner, OWNER, journal_id=journal_id)


@dataclass(frozen=True, slots=True)
class LostTail:
    """A journal that is lost with its node: what was not read of it is not on any bill."""

    journal_id: UUID
    node: str
    lost_at: datetime
    read_until: datetime
    """Calls that ended before it are stored."""
    heard_at: datetime | None
    """When its node last told of itself."""
    tail_bytes: int | None
    tail_calls: int | None
    note: str


LOST_TAILS: Final = """
    SELECT j.journal_id, coalesce(n.name, j.node) AS node, j.lost_at, j.seen_at AS read_until,
           n.beat_at AS heard_at, j.lost_bytes AS tail_bytes, j.lost_calls AS tail_calls, j.note
    FROM journal j LEFT JOIN node n USING (node_id)
    WHERE j.lost_at IS NOT NULL
    ORDER BY j.lost_at, j.journal_id
"""


def lost_tails(tx: Tx) -> list[LostTail]:
    """Return what is lost and neither found nor worked off, the oldest first."""
    return tx.rows(LostTail, LOST_TAILS)


# Calls under way ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is under way, as its journal began it."""

    journal_id: UUID
    event_id: UUID
    begun: bytes


OPEN_CALLS: Final = """
    SELECT journal_id, event_id, begun FROM open_call
    WHERE journal_id = ANY(%(journal_ids)s)
    ORDER BY journal_id, event_id
"""
ADD_OPEN: Final = """
    INSERT INTO open_call (journal_id, event_id, begun)
    SELECT o.journal_id, o.event_id, o.begun
    FROM unnest(%(journals)s::uuid[], %(events)s::uuid[], %(begun)s::bytea[])
         AS o (journal_id, event_id, begun)
    JOIN journal j USING (journal_id)
    ON CONFLICT DO NOTHING
"""
DROP_OPEN: Final = "DELETE FROM open_call WHERE event_id = ANY(%(events)s)"


def open_calls(tx: Tx, journal_ids: Sequence[UUID]) -> list[OpenCall]:
    """Return the calls that were under way in some journals when they were last heard of."""
    return tx.rows(OpenCall, OPEN_CALLS, journal_ids=list(journal_ids))


def add_open_calls(tx: Tx, calls: Sequence[OpenCall]) -> None:
    """Note calls that have been under way for long."""
    if calls:
        tx.run(
            ADD_OPEN,
            journals=[call.journal_id for call in calls],
            events=[call.event_id for call in calls],
            begun=[call.begun for call in calls],
        )


def drop_open_calls(tx: Tx, events: Sequence[UUID]) -> None:
    """Forget calls that are over."""
    if events:
        tx.run(DROP_OPEN, events=list(events))
