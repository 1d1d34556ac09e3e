"""Record ended attempts: events and rollups together, in the transaction of who brings them.

Every road into the usage tables ends here: the journal's ingest, pushed events, imported files.
"""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict
from yuejie.kernel.limits import INGEST_BATCH
from yuejie.usage import store
from yuejie.usage.arrival import Arrival, in_full, item_tuples
from yuejie.usage.event import BILLED, NO_RATE, EventState
from yuejie.usage.journal import Begun, Ended, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.rollup import RollupSum, Tally
from yuejie.usage.rows import (
    Encoder,
    Entry,
    Place,
    Places,
    UnknownDimension,
    Unstorable,
    clean,
    entry_of,
    place_in,
)
from yuejie.usage.store import EventRow
from yuejie.usage.warehouse.read import refuse_writing

WORKER_DIED: Final = "worker_died"
GATEWAY: Final = "gateway"
_GC_BATCHES: Final = 40
_WEEKS_S: Final = 4 * 7 * 86_400
"""Not longer than the shortest month."""


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Look for cycles among objects rarely while records pass by the thousand.

    Records refer to nothing that refers back, and go when their batch goes; the search among them
    takes a sixth of the time. What garbage there is otherwise is still found, later.
    """
    was = gc.get_threshold()
    gc.set_threshold(_GC_BATCHES * INGEST_BATCH, *was[1:])
    try:
        yield
    finally:
        gc.set_threshold(*was)


class Added(NamedTuple):
    """What a batch did to the usage tables."""

    sums: Sequence[RollupSum]
    """What was added to the rollups."""
    replaced: Sequence[UUID] = ()
    """Events of which another version came."""
    known: frozenset[UUID] | None = None
    """Events of the batch of which something was stored before; None: it says each just once."""
    stripped: Mapping[bytes, Ended] = MappingProxyType({})
    """Calls that named a rate which is not there, as they are stored: without it."""


Count = Callable[[Tx, Added], None]
"""Is told of every batch, in its transaction. Budgets count with it."""


class Fate(Enum):
    """What becomes of an attempt that may have been stored before."""

    NEW = "new"
    SAME = "same"
    """Stored already with the same contents."""
    SUPERSEDES = "supersedes"
    """It says what happened to a call that was given up as unmeasured."""
    CLASHES = "clashes"
    """The event is stored with other contents; the first word stands."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch came to."""

    events: int
    same: int = 0
    clashes: tuple[UUID, ...] = ()


class RateUnknown(Conflict):
    """A call of the batch names a rate that is not there; nothing of the batch was written."""

    code = "rate_unknown"


class Recorder:
    """Writes batches; remembers dimensions, partitions and encoded places between them."""

    def __init__(self) -> None:
        self._places = Places()
        self._encoder = Encoder()
        self._months: set[date] = set()
        self._rates: set[int] = {NO_RATE}
        """Rates that are there; they never go."""

    def prepare(self, db: Database, records: Sequence[Ended]) -> list[Entry]:
        """Find out where attempts belong, and commit the partitions and dimensions they need.

        Both only ever grow, so nothing is wrong if the attempts themselves then fail.
        """
        begun = [ended.begun for ended in records]
        self._make_room(db, [each.event for each in begun], begun)
        of = self._places.of
        return [entry_of(ended, of(ended.begun)) for ended in records]

    def prepare_arrived(self, db: Database, arrived: Sequence[Arrival]) -> list[Entry]:
        """Do the same for calls from a journal."""
        self._make_room(db, _events(arrived), self._places.unplaced(arrived))
        return self._places.entries(arrived)

    def learn(self, tx: Tx, arrived: Sequence[Arrival]) -> None:
        """Do the same within a transaction, for a recorder that ends with it."""
        store.ensure_partitions(tx, sorted(utc_months(_events(arrived))))
        missing = self._places.unknown(self._places.unplaced(arrived))
        self._places.dimensions.update(store.intern_dimensions(tx, missing))

    def entries(self, arrived: Sequence[Arrival]) -> list[Entry] | None:
        """Return where calls from a journal belong, or None when they must be prepared first."""
        if utc_months(_events(arrived)) - self._months:
            return None
        try:
            return self._places.entries(arrived)
        except UnknownDimension:
            return None

    def _make_room(self, db: Database, events: Sequence[bytes], calls: Iterable[Begun]) -> None:
        months = utc_months(events) - self._months
        missing = self._places.unknown(calls)
        if months or missing:
            with db.begin() as tx:
                if months:
                    store.ensure_partitions(tx, sorted(months))
                found = store.intern_dimensions(tx, missing) if missing else {}
            self._places.dimensions.update(found)
            self._months |= months

    def append(
        self, tx: Tx, entries: Iterable[Entry], *, epoch: int, source: str, count: Count
    ) -> Recorded:
        """Write attempts that are new and priced here; a known one raises `EventKnown`."""
        tally = Tally()
        events = write(tx, self._encoder, (entries,), tally, epoch=epoch, source=source)
        count(tx, Added(tally.sorted()))
        return Recorded(events)

    def append_flow(
        self,
        tx: Tx,
        flow: Iterable[Iterable[Entry]],
        *,
        epoch: int,
        source: str,
        count: Count,
    ) -> Recorded:
        """Do the same for calls from a journal, chunk by chunk; `RateUnknown` if one's is lost."""
        tally = Tally()
        events = write(tx, self._encoder, flow, tally, epoch=epoch, source=source)
        named = {rate for sums in tally.sums.values() for key in sums for rate in key[2:]}
        if lost := self._lost(tx, named):
            raise RateUnknown(f"费率 {min(lost)} 不在库中")
        count(tx, Added(tally.sorted()))
        return Recorded(events)

    def append_arrived(
        self, tx: Tx, arrived: Iterable[Arrival], *, epoch: int, source: str, count: Count
    ) -> Recorded:
        """Write calls from a journal of which some may be known: skip, supersede, or report.

        One that names a rate which is not there waits on the worklist: a restore may take back
        prices by which gateways went on for a while.
        """
        asked, stripped = self._stripped(tx, [in_full(arrival) for arrival in arrived])
        ids = sorted({UUID(bytes=ended.begun.event) for ended in asked})
        versions: dict[UUID, list[tuple[Place, Ended]]] = defaultdict(list)
        refuse_writing(tx, ids)
        for row in store.versions_of(tx, ids):
            versions[row.event_id].append((_place(row), ended_of(row)))
        stored = sorted(versions)
        tally, fresh, same, clashes = Tally(), list[Entry](), 0, list[UUID]()
        replaced = set[UUID]()
        for ended in asked:
            known = versions[UUID(bytes=ended.begun.event)]
            match fate(ended, [version for _, version in known]):
                case Fate.SAME:
                    same += 1
                case Fate.CLASHES:
                    clashes.append(UUID(bytes=ended.begun.event))
                case Fate.NEW | Fate.SUPERSEDES:
                    if known:
                        _take_out(tally, *known[-1])
                        replaced.add(UUID(bytes=ended.begun.event))
                    place = self._places.of(ended.begun)
                    known.append((place, ended))
                    fresh.append(entry_of(ended, place, len(known)))
        events = write(tx, self._encoder, [fresh], tally, epoch=epoch, source=source)
        # What is stored and said again stays as it is, its estimate too.
        count(tx, Added(tally.sorted(), sorted(replaced), frozenset(stored), stripped))
        return Recorded(events, same, tuple(clashes))

    def _stripped(self, tx: Tx, asked: list[Ended]) -> tuple[list[Ended], dict[bytes, Ended]]:
        """Return calls without the rates that are not there, and those that had one, by event."""
        lost = self._lost(tx, {rate for ended in asked for rate in _rates_of(ended)})
        if not lost:
            return asked, {}
        stripped: dict[bytes, Ended] = {}
        for at, ended in enumerate(asked):
            if lost & _rates_of(ended):
                asked[at] = without(ended, lost)
                stripped.setdefault(ended.begun.event, asked[at])
        return asked, stripped

    def _lost(self, tx: Tx, named: set[int]) -> set[int]:
        """Return which of these rates are not there."""
        unknown = named - self._rates
        if unknown:
            found = store.prices(tx, unknown).keys()
            self._rates |= found
            unknown -= found
        return unknown


def _rates_of(ended: Ended) -> set[int]:
    return {rate for item in ended.items for rate in (item.sale_rate, item.cost_rate)}


def without(ended: Ended, lost: set[int]) -> Ended:
    """Return a call without the rates that are not there; what is billed is then unpriced."""
    items = tuple(
        msgspec.structs.replace(
            item,
            sale_rate=NO_RATE if item.sale_rate in lost else item.sale_rate,
            cost_rate=NO_RATE if item.cost_rate in lost else item.cost_rate,
        )
        for item in ended.items
    )
    if ended.state not in BILLED:
        return msgspec.structs.replace(ended, items=items)
    names = "、".join(map(str, sorted(lost & _rates_of(ended))))
    return msgspec.structs.replace(
        ended, items=items, state=EventState.UNPRICED.value, reason=f"费率 {names} 不在库中"
    )


def write(
    tx: Tx,
    encoder: Encoder,
    flow: Iterable[Iterable[Entry]],
    tally: Tally,
    *,
    epoch: int,
    source: str,
) -> int:
    """Write events, and their quantities together with what `tally` holds already."""
    pieces = encoder.rows(flow, epoch=epoch, source=source, tally=tally)
    events = store.copy_events(tx, pieces)
    store.add_rollups(tx, tally.sorted(), epoch)
    return events


def supersede(
    tx: Tx,
    changes: Sequence[tuple[EventRow, Ended]],
    *,
    epoch: int,
    source: str,
    count: Count,
) -> Recorded:
    """Append the next version of each event, and move its quantities in the rollups."""
    tally, entries = Tally(), list[Entry]()
    for row, became in changes:
        _take_out(tally, _place(row), ended_of(row))
        place = place_in(row.dimension_id, became.begun)
        entries.append(entry_of(became, place, row.version + 1))
    events = write(tx, Encoder(), [entries], tally, epoch=epoch, source=source)
    count(tx, Added(tally.sorted(), sorted(row.event_id for row, _ in changes)))
    return Recorded(events)


def _place(row: EventRow) -> Place:
    return Place(row.month, unix_us(row.hour) // 1_000_000, row.dimension_id)


def _take_out(tally: Tally, place: Place, ended: Ended) -> None:
    tally.add(place, ended.state, item_tuples(ended.items), -1)


def _events(arrived: Iterable[Arrival]) -> list[bytes]:
    return [head[0] for _, head, *_ in arrived]


def fate(record: Ended, known: Sequence[Ended]) -> Fate:
    """Decide what an attempt is to the versions of its event that are stored already."""
    if not known:
        return Fate.NEW
    if given_up(record) or any(same_contents(record, version) for version in known):
        return Fate.SAME
    return Fate.SUPERSEDES if given_up(known[0]) else Fate.CLASHES


def given_up(ended: Ended) -> bool:
    """Tell whether nothing is known of a call but that it was begun."""
    return ended.state == EventState.UNMEASURED and ended.reason == WORKER_DIED


def same_contents(one: Ended, other: Ended) -> bool:
    """Tell whether two records say the same about what was used."""
    return (
        one.state == other.state
        and one.billable == other.billable
        and one.ended_us == other.ended_us
        and one.items == other.items
        and clean(one.response_id) == other.response_id
    )


def died(begun: Begun) -> Ended:
    """Return the end of a call whose worker died: it was begun, and that is all we know.

    It is billable: the failed attempts of an operation end before the next one begins,
    so what is left open is the attempt that would have answered.
    """
    return Ended(
        begun=begun,
        ended_us=begun.started_us,
        state=EventState.UNMEASURED.value,
        reason=WORKER_DIED,
        billable=True,
        items=(EndedItem(begun.model, Meter.REQUESTS.value, 1, 0, 0),),
        http_status=0,
        outcome=WORKER_DIED,
    )


def ended_of(row: EventRow) -> Ended:
    """Return a stored version in the form in which usage arrives."""
    begun = Begun(
        event=row.event_id.bytes,
        operation=row.operation_id.bytes,
        attempt=row.attempt,
        started_us=unix_us(row.started_at),
        month=row.month,
        hour_s=unix_us(row.hour) // 1_000_000,
        customer=row.customer_id,
        project=row.project_id,
        key=row.key_id,
        tags=row.tags,
        deployment=row.deployment_id,
        api=row.api,
        model=row.model,
        stream=row.stream,
        contract=row.contract_id,
        contract_version=row.contract_version,
        sale_book=row.sale_book,
        sale_revision=row.sale_revision,
        cost_book=row.cost_book,
        cost_revision=row.cost_revision,
    )
    return Ended(
        begun=begun,
        ended_us=unix_us(row.used_at),
        state=row.state,
        reason=row.reason,
        billable=row.billable,
        items=tuple(EndedItem(*item) for item in row.items),
        context_tokens=row.context_tokens,
        billed_model=row.billed_model,
        service_tier=row.service_tier,
        http_status=row.http_status,
        outcome=row.outcome,
        first_byte_ms=row.first_byte_ms,
        response_id=row.response_id,
        facts=row.facts,
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def unix_us(instant: datetime) -> int:
    """Return whole microseconds since 1970, exactly."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def utc_months(events: Sequence[bytes]) -> set[date]:
    """Return the first days of the UTC months in which ids were made."""
    if not events:
        return set()
    # A few weeks touch no month but the first's and the last's; longer spans are looked through.
    edges = [min(events), max(events)]
    if _unix_s(edges[1]) - _unix_s(edges[0]) > _WEEKS_S:
        edges = list(events)
    try:
        days = {datetime.fromtimestamp(second, UTC).date() for second in map(_unix_s, edges)}
    except (ValueError, OverflowError) as error:
        raise Unstorable(str(error)) from error
    return {day.replace(day=1) for day in days}


def _unix_s(event: bytes) -> int:
    return int.from_bytes(event[:6], "big") // 1000
