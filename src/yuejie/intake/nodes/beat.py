"""The beat: once a second a node tells of itself, and learns what is wished of it.

The database says what people want (`serving`, `draining`), the latch in the home says it to the
gateways, and the node itself says when it has left: no worker, no unread journal, no lease.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from yuejie.db.errors import CommitUncertain
from yuejie.db.session import Database, Tx
from yuejie.intake.nodes import store
from yuejie.intake.nodes.node import BEAT_SECONDS, NodeState, Told
from yuejie.intake.nodes.store import OpenCall
from yuejie.intake.nodes.tails import JournalTail, Tails, calls_of, event_id
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Conflict, Unavailable
from yuejie.usage.nodes.home import (
    forget_writers,
    is_leaving,
    set_leaving,
    this_build,
    writer_of,
)

log = structlog.get_logger()

_MILLISECOND: Final = timedelta(milliseconds=1)


class Published(NamedTuple):
    """Which snapshot the node's gateways have."""

    revision: int
    dated: datetime | None


class Beat:
    """One node's word to the others."""

    def __init__(
        self,
        db: Database,
        home: Path,
        node_id: UUID,
        name: str,
        tails: Tails,
        published: Callable[[], Published],
        machine: Clock,
    ) -> None:
        """`machine` is the machine's own clock, whose distance to the database's is told."""
        self._db = db
        self._home = home
        self._node_id = node_id
        self._name = name
        self._tails = tails
        self._published = published
        self._machine = machine
        self._noted: set[UUID] = set()
        self._claimed: set[UUID] = set()
        self._skew_ms = 0

    def run(self, stop: threading.Event) -> None:
        """Beat until told to stop; while the database is away the tails are measured all the same.

        The last beat, when everything else has stopped, is for whoever runs this thread to give.
        """
        while not stop.wait(BEAT_SECONDS):
            self.attempt()

    def attempt(self, *, ending: bool = False) -> None:
        """Beat once; a database that is away hears the next one."""
        try:
            self.step(ending=ending)
        except (Unavailable, Conflict, CommitUncertain) as error:
            # What was told of calls under way may be gone with the server that heard it.
            self._noted.clear()
            self._claimed.clear()
            log.warning("node.unheard", why=error.sentence)

    def step(self, *, ending: bool = False) -> NodeState:
        """Measure, tell, and do what is wished; return the state that the node is in then.

        `ending` is the last beat of an intake that stops: all read, the node has left.
        """
        tails = self._tails.measure()
        told = self._told(tails)
        calls = {call.event_id: call for call in _calls(self._tails)}
        with self._db.begin() as tx:
            wish = store.beat(tx, self._node_id, self._name, told)
            fresh = {each.journal_id for each in tails} - self._claimed
            claimed = store.claim_journals(tx, sorted(fresh), self._node_id) if fresh else set()
            self._skew_ms = self._skew(tx)
            store.add_open_calls(tx, [c for e, c in calls.items() if e not in self._noted])
            store.drop_open_calls(tx, sorted(self._noted - calls.keys()))
        self._noted = set(calls)
        self._claimed |= claimed
        return self._obey(NodeState(wish.state), tails, ending=ending)

    def _told(self, tails: list[JournalTail]) -> Told:
        living = {each.journal_id for each in tails if each.alive}
        forget_writers(self._home, living)
        writers = [writer_of(self._home, journal_id) for journal_id in living]
        ours, published = this_build(), self._published()
        return Told(
            version=ours.version,
            knows=min([ours.knows, *(each.knows if each else 0 for each in writers)]),
            workers=len(living),
            tail_bytes=sum(each.bytes for each in tails),
            tail_calls=calls_of(tails),
            skew_ms=self._skew_ms,
            snapshot_revision=published.revision,
            snapshot_at=published.dated,
        )

    def _skew(self, tx: Tx) -> int:
        """Return how far the database's clock is ahead of ours, in milliseconds."""
        before = self._machine.now()
        there = store.instant(tx)
        # Half-way between question and answer is the best guess of when that clock was read.
        return (there - before - (self._machine.now() - before) / 2) // _MILLISECOND

    def _obey(self, state: NodeState, tails: list[JournalTail], *, ending: bool) -> NodeState:
        latched = is_leaving(self._home)
        match state:
            case NodeState.LOST:
                return self._become(state, NodeState.SERVING, "重新出现")
            case NodeState.LEFT if not (latched or ending):
                return self._become(state, NodeState.SERVING, "重新加入")
            case NodeState.SERVING if latched:
                set_leaving(self._home, leaving=False)
            case NodeState.DRAINING if not latched:
                set_leaving(self._home, leaving=True)
            case NodeState.DRAINING if self._is_empty(tails):
                return self._become(state, NodeState.LEFT, "已退出：流水读完，额度归还")
            case NodeState.SERVING if ending and self._is_empty(tails):
                return self._become(state, NodeState.LEFT, "正常停止")
            case _:
                pass
        return state

    def _is_empty(self, tails: list[JournalTail]) -> bool:
        if any(each.alive or each.bytes or each.calls != 0 for each in tails):
            return False
        with self._db.read() as tx:
            unread = store.unread_journals(tx, self._node_id)
            return not (unread or store.leases_held(tx, self._node_id))

    def _become(self, was: NodeState, state: NodeState, why: str) -> NodeState:
        with self._db.begin() as tx:
            done = store.change_state(
                tx, self._node_id, was=[was], state=state, by=self._name, why=why
            )
        log.info("node.became", node=self._name, state=state, why=why)
        return state if done else was


def _calls(tails: Tails) -> list[OpenCall]:
    return [
        OpenCall(journal_id, event_id(payload), payload)
        for journal_id, calls in tails.under_way().items()
        for payload in calls
    ]
