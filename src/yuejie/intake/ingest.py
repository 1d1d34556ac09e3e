"""The ingest: journals → events, rollups and offsets, exactly once, within two seconds.

Whatever is held in memory can be found again in the journal, so whenever anything fails the
memory of that journal is thrown away and built anew from the database's offset.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from yuejie.budgets.allowance import Slot
from yuejie.budgets.flight.keep import Flight, keep_flights
from yuejie.budgets.lending.count import LeaseNews, Spending
from yuejie.db.errors import CommitUncertain, SerializationConflict
from yuejie.db.session import Database, Tx
from yuejie.intake import store
from yuejie.intake.leases import read_leases
from yuejie.intake.nodes import store as nodes
from yuejie.intake.nodes.tails import Stored, Tails
from yuejie.intake.store import Move
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Conflict, Invalid, Unavailable
from yuejie.kernel.limits import INGEST_BATCH
from yuejie.usage import store as usage_store
from yuejie.usage.arrival import Arrival, Reader
from yuejie.usage.journal import Position, RefusedOne, RefusedRow
from yuejie.usage.record import (
    GATEWAY,
    Added,
    Count,
    RateUnknown,
    Recorded,
    Recorder,
    died,
    rarely_collecting,
)
from yuejie.usage.refusals.store import add_refusals, add_refused_calls
from yuejie.usage.rows import Entry, Unstorable
from yuejie.usage.tail import (
    Chunk,
    Tail,
    is_alive,
    journal_folders,
    journal_id_of,
    segments,
)

log = structlog.get_logger()

LIVE: Final = "live"
DRAINED: Final = "drained"
PARKED: Final = "parked"

POLL_SECONDS: Final = 0.25
BACK_OFF_SECONDS: Final = 1.0
"""Longest pause in an outage; the first second after it, usage is live again."""
CHUNK: Final = 256
"""Calls read in one go: the server stores one chunk while the next is read."""
TURN: Final = 20
"""Batches of one journal before the next gets its turn."""
ADOPT_TRIES: Final = 100
"""So often another reader may be first, without anything left behind, before a person is asked."""
TOUCH: Final = timedelta(seconds=5)
"""How often an idle journal says that it has been read to its end."""

EVENTS: Final = Counter("yuejie_ingest_events", "Events written by the ingest")
CLASHES: Final = Counter("yuejie_ingest_clashes", "Second, different ends of one call, not stored")
PARKS: Final = Gauge("yuejie_ingest_parked_journals", "Journals that wait for a person")
LAG: Final = Gauge("yuejie_ingest_lag_seconds", "Age of the oldest usage not yet in the database")


@dataclass(slots=True)
class Reading:
    """A journal as we follow it. Wrong after a failed commit: then it is thrown away."""

    journal_id: UUID
    state: str
    tail: Tail
    stored_at: Position
    pending: Chunk | None = None
    """Read, but not stored yet: it has to wait for its partition or dimension."""
    whole: bool = False
    """Whether the last thing read was the tail."""
    touched_at: datetime | None = None
    quiet_size: int = -1
    """Bytes of the segment when its dead tail was last read, so that it is not read for ever."""

    @property
    def name(self) -> str:
        """The journal's name in logs."""
        return self.tail.folder.name

    def next(self, *, alive: bool) -> Chunk:
        """Return what comes next; behind a dead writer's last record, ends for its open calls."""
        if self.pending is not None:
            chunk, self.pending = self.pending, None
            return chunk
        chunk = self.tail.read(CHUNK)
        if chunk.tail and not alive:
            given_up = [self.tail.reader.read_ended(died(begun)) for begun in self.tail.give_up()]
            return replace(chunk, arrived=[*chunk.arrived, *given_up], open_at=chunk.at)
        return chunk

    def idle(self, chunk: Chunk, now: datetime, *, alive: bool) -> bool:
        """Tell whether there is nothing to store, not even that the journal is quiet."""
        if (
            chunk.at != self.stored_at
            or chunk.arrived
            or self._state(chunk, alive=alive) != self.state
        ):
            return False
        due = self.touched_at is None or now - self.touched_at >= TOUCH
        return self.state != LIVE or not due

    def move(self, chunk: Chunk, now: datetime, *, alive: bool) -> Move:
        """Return how the journal's row changes once everything up to the chunk is stored."""
        return Move(
            journal_id=self.journal_id,
            state=self._state(chunk, alive=alive),
            at=chunk.at,
            open_at=chunk.open_at,
            seen_at=now if chunk.tail else None,
            note=chunk.broken,
        )

    def moved(self, move: Move, chunk: Chunk, now: datetime) -> None:
        """Note that the row has changed."""
        self.state, self.stored_at = move.state, move.at
        self.whole, self.touched_at = chunk.tail, now

    def ends(self, chunk: Chunk, *, alive: bool) -> bool:
        """Tell whether the journal is over once everything up to the chunk is stored."""
        return self._state(chunk, alive=alive) == DRAINED

    def _state(self, chunk: Chunk, *, alive: bool) -> str:
        if chunk.broken:
            return PARKED
        return DRAINED if chunk.tail and not alive else LIVE


@dataclass(slots=True)
class _Batch:
    """What goes into one transaction."""

    last: Chunk
    leases: LeaseNews
    arrived: list[Arrival] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    ones: list[RefusedOne] = field(default_factory=list)
    flying: dict[Slot, Flight] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        return len(self.arrived) < INGEST_BATCH

    def add(self, chunk: Chunk) -> None:
        """Take what was read into the batch, with what it says of leases."""
        self.last = chunk
        self.arrived += chunk.arrived
        read_leases(self.leases, chunk)
        for each in chunk.returned:
            self.refused += each.refused
            self.ones += each.ones
            for number, starts_s, unit, worst, calls in each.flying:
                self.flying[Slot(number, starts_s, unit)] = Flight(int(worst), calls, each.at_us)


class Overtaken(Conflict):
    """Somebody else ingests this journal, and was first."""

    code = "overtaken"


class Reborn(Conflict):
    """The database lives another life since we last wrote: it may know less than we do."""

    code = "database_reborn"


class Ingest:
    """Follows every journal below a node's home. One thread; several may run beside each other."""

    def __init__(
        self,
        db: Database,
        home: Path,
        node: str,
        clock: Clock,
        *,
        tails: Tails | None = None,
    ) -> None:
        """Follow the journals of a home, and tell `tails` how far each is stored."""
        self._db = db
        self._root = home / "journals"
        self._tails = tails or Tails(home)
        self._renewed = db.renewed
        self._node = node
        self._clock = clock
        self._recorder = Recorder()
        self._spending = Spending()
        self._reader = Reader()
        self._readings: dict[Path, Reading] = {}
        self._whole_at: datetime | None = None
        self._timeline = ""
        self.behind = False
        """Whether the last step left something unread."""

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; an outage of the database only delays."""
        with rarely_collecting():
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        wait = POLL_SECONDS
        while not stop.is_set():
            now = self._clock.now()
            try:
                self.step(now)
                wait = 0.0 if self.behind else POLL_SECONDS
            except (Unavailable, CommitUncertain, SerializationConflict) as error:
                wait = min(2 * wait + POLL_SECONDS, BACK_OFF_SECONDS)
                log.warning("ingest.waits", why=error.sentence, seconds=wait)
                # The database that comes back may know less than the one that went.
                self._forget()
                self._say_lag(now, whole=False)
            stop.wait(wait)

    def finish(self, seconds: float) -> None:
        """Read what dead writers have left, at the end, for at most so long; then stop anyway."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            try:
                self.step(self._clock.now())
            except (Unavailable, CommitUncertain, SerializationConflict) as error:
                log.warning("ingest.unfinished", why=error.sentence)
                return
            if not self.behind:
                return

    def _forget(self) -> None:
        """Forget what the database held: dimensions, rates, partitions, places in journals."""
        self._readings.clear()
        self._spending = Spending()
        self._recorder = Recorder()

    def step(self, now: datetime) -> int:
        """Take in what the journals hold, and return how many events that made."""
        self.behind = False
        self._doubt()
        events = sum(self._follow(folder, now) for folder in journal_folders(self._root))
        self._tell_tails(now)
        PARKS.set(sum(reading.state == PARKED for reading in self._readings.values()))
        self._say_lag(now, whole=not self.behind)
        return events

    def adopt(self, folder: Path, now: datetime) -> int:
        """Take in a rescued journal of a dead node, from wherever its folder lies now.

        Whoever else takes it in at the same time gets a part of it: each record is stored once,
        and both go on until it is drained, or parked for damage.
        """
        if journal_id_of(folder) is None or not segments(folder):
            raise Invalid(f"{folder} 不是流水目录；请指向以流水编号命名、内有 .wal 文件的目录")
        if is_alive(folder):
            raise Conflict(f"流水 {folder.name} 还有进程在写；请先停止该进程再接管")
        events, tries = 0, 0
        while tries < ADOPT_TRIES:
            self.behind = False
            self._doubt()
            events += self._follow(folder, now)
            reading = self._readings.get(folder)
            if not self.behind and reading is not None and reading.state != LIVE:
                return events
            tries = 0 if self.behind and reading is not None else tries + 1
        raise Conflict(f"流水 {folder.name} 正由多个进程同时读取；请稍后再执行一次，不会重复入库")

    def _doubt(self) -> None:
        """Forget what is remembered of the database when its connection was made anew.

        Another server may answer, or the same after a crash, and know less than we remember: a
        dimension, an offset, even the end of a journal. All of it is found again in the journals.
        """
        if self._db.renewed != self._renewed:
            self._renewed = self._db.renewed
            self._forget()

    def _tell_tails(self, now: datetime) -> None:
        now_ms = int(now.timestamp() * 1000)
        for folder, reading in self._readings.items():
            opened = reading.tail.open.values()
            stored = Stored(reading.stored_at, len(opened), reading.state == DRAINED)
            self._tails.note(folder, stored, (payload for _, _, payload in opened), now_ms)

    def _follow(self, folder: Path, now: datetime) -> int:
        # The writer takes its lock before it makes its first segment.
        if not segments(folder):
            return 0
        # Asked before reading: what a writer appended before it died is then read.
        alive = is_alive(folder)
        try:
            reading = self._readings.get(folder) or self._open(folder, now)
            return 0 if reading.state == PARKED else self._read_on(reading, now, alive=alive)
        except Reborn:
            log.warning("ingest.database_reborn", timeline=self._timeline)
            self._forget()
        except Overtaken:
            log.info("ingest.overtaken", journal=folder.name)
            self._readings.pop(folder, None)
        except BaseException:
            # The open calls in memory may be ahead of what was committed.
            self._readings.pop(folder, None)
            raise
        # What this journal still holds is not known: nobody may say that all of it was read.
        self.behind = True
        return 0

    def _open(self, folder: Path, now: datetime) -> Reading:
        journal_id = UUID(folder.name)
        with self._db.begin() as tx:
            row = store.journal(tx, journal_id, node=self._node, now=now)
            if row.state == PARKED and nodes.revive_journal(tx, journal_id):
                # It was given up with its node, and is here after all.
                log.warning("ingest.found", journal=folder.name, why=row.note)
                row = replace(row, state=LIVE, note="")
        tail = Tail(folder, row.offset, reader=self._reader)
        reading = Reading(journal_id, row.state, tail, row.offset)
        if row.state == PARKED:
            log.error("ingest.parked", journal=folder.name, why=row.note)
        elif why := reading.tail.recall(row.open_offset):
            self._park(reading, row.offset, why)
        self._readings[folder] = reading
        return reading

    def _read_on(self, reading: Reading, now: datetime, *, alive: bool) -> int:
        size = reading.tail.size()
        if reading.state == DRAINED and size == reading.quiet_size:
            return 0
        events = 0
        for _ in range(TURN):
            events += self._take(reading, now, alive=alive)
            if reading.state == PARKED or (reading.whole and reading.pending is None):
                reading.quiet_size = size
                return events
        self.behind = True
        return events

    def _take(self, reading: Reading, now: datetime, *, alive: bool) -> int:
        """Move one batch over; when some of it is known already, find out which the slow way."""
        first = reading.next(alive=alive)
        if reading.idle(first, now, alive=alive):
            reading.whole = True
            return 0
        batch = _Batch(first, LeaseNews(reading.journal_id))
        try:
            entries = self._recorder.prepare_arrived(self._db, first.arrived)
            flow = self._flow(reading, batch, entries, alive=alive)
            try:
                done = self._commit(reading, batch, flow, now, alive=alive)
            except (usage_store.EventKnown, RateUnknown):
                done = self._commit(reading, batch, None, now, alive=alive)
        except (Unstorable, usage_store.EventRefused) as error:
            why = f"流水 {reading.name} 有无法入库的记录（{error}），已停读；请按手册处理"
            self._park(reading, reading.stored_at, why)
            return 0
        self._count(done, reading)
        return done.events

    def _flow(
        self, reading: Reading, batch: "_Batch", entries: list[Entry], *, alive: bool
    ) -> Iterator[list[Entry]]:
        """Yield entries while there is something to read: the server stores what we go on reading.

        It stops before calls of a dimension or month that must be prepared outside.
        """
        batch.add(batch.last)
        yield entries
        while not batch.last.tail and not batch.last.broken and batch.fits:
            chunk = reading.next(alive=alive)
            more = self._recorder.entries(chunk.arrived)
            if more is None:
                reading.pending = chunk
                return
            batch.add(chunk)
            yield more

    def _commit(
        self,
        reading: Reading,
        batch: "_Batch",
        flow: Iterator[list[Entry]] | None,
        now: datetime,
        *,
        alive: bool,
    ) -> Recorded:
        with self._db.begin() as tx:
            if self._db.renewed != self._renewed:
                raise Overtaken(f"流水 {reading.name} 的数据库连接是新的，从头核对")
            # What the database loses of this in a crash, the journal still has: its offset is
            # lost with it. Closing a month commits in full, and flushes what came before.
            usage_store.defer_flush(tx)
            self._same_life(tx)
            epoch = usage_store.enter_epoch(tx)
            row = store.hold_journal(tx, reading.journal_id)
            if (row.state, row.offset) != (reading.state, reading.stored_at):
                raise Overtaken(f"流水 {reading.name} 已由另一个进程读取")
            count = self._counting(reading, batch, alive=alive)
            if flow is not None:
                done = self._recorder.append_flow(
                    tx, flow, epoch=epoch, source=GATEWAY, count=count
                )
            else:
                done = self._recorder.append_arrived(
                    tx, batch.arrived, epoch=epoch, source=GATEWAY, count=count
                )
            add_refusals(tx, batch.refused, epoch=epoch)
            add_refused_calls(tx, batch.ones)
            over = reading.ends(batch.last, alive=alive)
            keep_flights(tx, reading.journal_id, batch.flying, over=over)
            move = reading.move(batch.last, now, alive=alive)
            store.move_journal(tx, move)
        reading.moved(move, batch.last, now)
        return done

    def _same_life(self, tx: Tx) -> None:
        """Refuse to write by what was learnt of another life of the database.

        A restore may have taken back a dimension whose number then became another's.
        """
        was, self._timeline = self._timeline, store.timeline(tx)
        if was not in {"", self._timeline}:
            raise Reborn("数据库已从备份恢复或换了主库，重新读取流水的位置")

    def _counting(self, reading: Reading, batch: "_Batch", *, alive: bool) -> Count:
        """Return what counts a batch for budgets, once all of it has been read."""

        def count(tx: Tx, added: Added) -> None:
            batch.leases.over = reading.ends(batch.last, alive=alive)
            self._spending.count(tx, added, batch.leases)

        return count

    def _count(self, done: Recorded, reading: Reading) -> None:
        EVENTS.inc(done.events)
        CLASHES.inc(len(done.clashes))
        for event_id in done.clashes:
            log.error("ingest.clash", event_id=event_id.hex, journal=reading.name)
        if reading.state == PARKED:
            log.error("ingest.parked", journal=reading.name)

    def _park(self, reading: Reading, at: Position, why: str) -> None:
        with self._db.begin() as tx:
            row = store.hold_journal(tx, reading.journal_id)
            if row.offset == at:
                parked = Move(reading.journal_id, PARKED, at, row.open_offset, note=why)
                store.move_journal(tx, parked)
        reading.state = PARKED
        log.error("ingest.parked", journal=reading.name, why=why)

    def _say_lag(self, now: datetime, *, whole: bool) -> None:
        if whole or self._whole_at is None:
            self._whole_at = now
        LAG.set((now - self._whole_at).total_seconds())
