"""Calls as gateways write them down, and the journals that hold them."""

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from yuejie.db.session import Database
from yuejie.intake.ingest import Ingest
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.limits import SEGMENT_BYTES
from yuejie.usage import store
from yuejie.usage.journal import Begun, Ended, EndedItem, Journal, Record
from yuejie.usage.store import EventRow

OCTOBER = datetime(2026, 10, 16, 4, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OCTOBER_MS = int(OCTOBER.timestamp()) * 1000


class StandingClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


def begin(ms: int = OCTOBER_MS, **changes: Any) -> Begun:
    """A call that is about to go upstream."""
    event = uuid7_at(ms)
    begun = Begun(
        event=event,
        operation=event,
        attempt=1,
        started_us=ms * 1000 + 7,
        month="2026-10",
        hour_s=ms // 3_600_000 * 3600,
        customer="cus_a",
        project="prj_a",
        key="key_a",
        tags="team=x",
        deployment="dep_a",
        api="openai.chat",
        model="gpt-4o",
        stream=True,
        contract="con_a",
        contract_version=1,
        sale_book="sale",
        sale_revision=3,
        cost_book="cost",
        cost_revision=5,
        hold_pico=10**9,
        lease="lease",
    )
    return msgspec.structs.replace(begun, **changes)


def end(begun: Begun, **changes: Any) -> Ended:
    """The same call, answered."""
    ended = Ended(
        begun=begun,
        ended_us=begun.started_us + 1_250_000,
        state="measured",
        reason="",
        billable=True,
        items=(
            EndedItem(begun.model, "input", 100, 900_011, 900_021),
            EndedItem(begun.model, "output", 40, 900_012, 900_022),
            EndedItem(begun.model, "requests", 1, 0, 0),
        ),
        context_tokens=100,
        billed_model="gpt-4o-2024-08-06",
        service_tier="default",
        first_byte_ms=210,
        response_id=f"chatcmpl-{begun.event.hex()}",
        facts={"finish": "stop"},
    )
    return msgspec.structs.replace(ended, **changes)


def calls(count: int, seed: int = 1) -> list[Ended]:
    """Answered calls of a few customers, models, states and hours."""
    rnd = random.Random(seed)
    made = []
    for i in range(count):
        which = rnd.randrange(4)
        model = rnd.choice(["gpt-4o", "claude-3-haiku"])
        begun = begin(
            OCTOBER_MS + i * 40_000,
            customer=f"cus_{which}",
            project=f"prj_{which}",
            tags=rnd.choice(["", "team=x"]),
            model=model,
        )
        items = (
            EndedItem(model, "input", rnd.randrange(5000), 900_011, 900_021),
            EndedItem(model, "output", rnd.randrange(900), 900_012, 900_022),
            EndedItem(model, "requests", 1, 0, 0),
        )
        state = rnd.choice(["measured", "measured", "partial", "unpriced"])
        made.append(end(begun, items=items, state=state))
    return made


def journal_id(ms: int = OCTOBER_MS) -> UUID:
    return UUID(bytes=uuid7_at(ms))


def open_journal(
    home: Path, name: UUID | None = None, segment_bytes: int = SEGMENT_BYTES
) -> Journal:
    """A journal that is being written."""
    return Journal(
        home / "journals", name or journal_id(), lambda _: None, segment_bytes=segment_bytes
    )


def write(journal: Journal, records: Iterable[Record]) -> None:
    for record in records:
        journal.append(record)
    journal.flush()


def write_journal(home: Path, records: Iterable[Record], name: UUID | None = None) -> Path:
    """A journal whose writer has ended."""
    journal = open_journal(home, name)
    write(journal, records)
    journal.close()
    return journal.folder


def whole(ended: Iterable[Ended]) -> list[Record]:
    """Each call's begin and end, one after the other."""
    return [record for one in ended for record in (one.begun, one)]


KNOW_RATES = """
    INSERT INTO book (book_id, kind, currency, created_at) VALUES ('calls', 'sale', 'USD', now())
    ON CONFLICT DO NOTHING;
    INSERT INTO book_revision (book_id, revision, starts_at, published_at, source, body_hash)
    VALUES ('calls', 1, now(), now(), 'test', '') ON CONFLICT DO NOTHING;
    INSERT INTO rate (rate_id, book_id, revision, model, meter, pico, currency)
        OVERRIDING SYSTEM VALUE
    SELECT id, 'calls', 1, 'calls', id::text, 1, 'USD'
    FROM unnest(ARRAY[900011, 900012, 900021, 900022]) AS t (id)
    ON CONFLICT DO NOTHING
"""


def know_rates(db: Database) -> None:
    """Let the house have the rates by which these calls are priced."""
    with db.begin() as tx, tx.cursor as cursor:
        cursor.execute(KNOW_RATES)


def ingest(db: Database, home: Path) -> Ingest:
    know_rates(db)
    return Ingest(db, home, "node-1", StandingClock())


def take_in(db: Database, home: Path) -> int:
    """Run a fresh ingest until nothing is left."""
    follower = ingest(db, home)
    events = follower.step(NOW)
    while follower.behind:
        events += follower.step(NOW)
    return events


@contextmanager
def following(*followers: Ingest) -> Iterator[threading.Event]:
    """Let ingests run on threads of their own; give something to wait on meanwhile."""
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in followers]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_for(db: Database, ended: Sequence[Ended]) -> None:
    """Wait until every one of these calls is stored, some seconds at most."""
    pause = threading.Event()
    for _ in range(400):
        if len(events(db, ended)) >= len(ended):
            return
        pause.wait(0.05)
    raise AssertionError("the ingest does not keep up")


def events(db: Database, ended: Sequence[Ended]) -> list[EventRow]:
    """Every stored version of these calls."""
    with db.read() as tx:
        return store.versions_of(tx, sorted({UUID(bytes=one.begun.event) for one in ended}))


def quantities(ended: Iterable[Ended]) -> dict[tuple[str, str, str, str], int]:
    """What the calls come to: customer, model, meter, state."""
    sums: dict[tuple[str, str, str, str], int] = {}
    for one in ended:
        for item in one.items:
            key = (one.begun.customer, item.model, item.meter, one.state)
            sums[key] = sums.get(key, 0) + item.quantity
    return {key: quantity for key, quantity in sums.items() if quantity}


def rolled_up(db: Database) -> dict[tuple[str, str, str, str], int]:
    """What the rollups say, by the same key."""
    with db.read() as tx, tx.cursor as cursor:
        cursor.execute(
            "SELECT d.customer_id, r.model, r.meter, r.state, sum(r.quantity)"
            " FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)"
            " GROUP BY 1, 2, 3, 4 HAVING sum(r.quantity) <> 0"
        )
        return {(str(a), str(b), str(c), str(d)): int(e) for a, b, c, d, e in cursor.fetchall()}
