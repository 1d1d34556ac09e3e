"""Between admission and the provider: whatever ends a call there, what it took is given back."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, NoReturn
from uuid import UUID

import pytest

from tests.rooms.gateway.autos import CAP
from tests.rooms.gateway.world import CREDENTIAL, KEY, PEPPER, Draft, now_us
from yuejie.budgets.allowance import Slot
from yuejie.budgets.lending.lease import Leased
from yuejie.db.session import Database
from yuejie.gateway import store
from yuejie.gateway.allow.leases import Ask, Leases
from yuejie.gateway.call.claims import FREEING_SECONDS, Claims
from yuejie.gateway.call.live import Live
from yuejie.gateway.call.operation import Workshop
from yuejie.gateway.http import Gateway
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.ink import Ink
from yuejie.gateway.meter.metering import Metering
from yuejie.gateway.meter.prefix import Sketch
from yuejie.gateway.meter.refused import Turned
from yuejie.gateway.metrics import Gauges
from yuejie.gateway.rights.admission import Admission
from yuejie.gateway.rights.view import View
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.server.head import Head
from yuejie.gateway.snapshot import PrefixRow, Snapshot
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.gateway.upstream.vitals import Vitals
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.ids import uuid7_at

CHAT = {"model": "gpt-sim", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}
PLENTY = 10**18
EARLIER = datetime(2026, 11, 20, tzinfo=UTC)


class Line:
    """A client's connection, of which only what it is told matters."""

    date = ""

    def __init__(self) -> None:
        self.told = b""

    def write(self, data: bytes) -> None:
        self.told += data

    def drained(self) -> None:
        return None

    def slow(self) -> None: ...

    def resume(self) -> None: ...

    def ends(self) -> bool:
        return True

    def answered(self) -> None: ...

    def abort(self) -> None: ...


class Nobody:
    """A provider that must not hear of any call."""

    async def send(self, *_: object) -> NoReturn:
        raise AssertionError("nothing is to be sent")


def plenty(
    demands: list[Mapping[Slot, int]], _free: object, like: Mapping[Slot, int], *_: object
) -> dict[Slot, Leased]:
    slots = {slot for each in [*demands, like] for slot in each}
    return dict.fromkeys(slots, Leased(PLENTY, PLENTY, 0, PLENTY))


class Salted(Draft):
    """A house with a cap, whose prefix hashes are asked for under a salt that fits no hash."""

    salt = b""

    def snapshot(self) -> Snapshot:
        known = super().snapshot()
        known.allowances.append(CAP)
        if self.salt:
            known.prefixes.append(PrefixRow("cus_1", "", self.salt))
        return known


class Door:
    """A worker's door without its sockets."""

    def __init__(self, home: Path, ask: Ask, connect: Callable[[], Database], salt: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.live = Live()
        self.ink = Ink(home, UUID(bytes=uuid7_at(1)), loop, lambda: None)
        chrono, breakers = Chrono(SystemClock()), Breakers()
        metering = Metering(self.ink, chrono)
        shop = Workshop(
            Nobody(),
            metering,
            breakers,
            self.live,
            Random(1),
            Vitals(),
            Turned(lambda *_: None),
        )
        self.leases = Leases(ask, lambda _: None, chrono.now_us)
        self.claims = Claims(connect)
        gauges = Gauges("1", metering, self.live, breakers, chrono.now_us)
        self.gateway = Gateway(
            shop, chrono, self.claims, self.leases, gauges, PEPPER, Sketch(home), None
        )
        draft = Salted("http://x")
        draft.salt = salt
        self.gateway.know(
            Admission(View(draft.snapshot(), lambda _: CREDENTIAL)), published_us=now_us()
        )

    def call(self, **headers: str) -> "tuple[Line, Exchange, asyncio.Task[Any]]":
        """Let a call come in; its body comes with it."""
        line, exchange, task = self.open(**headers)
        exchange.take(json.dumps(CHAT).encode())
        exchange.whole = True
        return line, exchange, task

    def open(self, **headers: str) -> "tuple[Line, Exchange, asyncio.Task[Any]]":
        """Let the head of a call come in."""
        line, loop = Line(), asyncio.get_running_loop()
        pairs = [("authorization", f"Bearer {KEY}"), *headers.items()]
        head = Head("POST", "/v1/chat/completions", pairs, keeps=True, old=False)
        exchange = Exchange(line, loop, head)
        exchange.task = loop.create_task(self.gateway.answer(exchange))
        return line, exchange, exchange.task

    @property
    def held(self) -> int:
        """What calls under way hold of every allowance."""
        return sum(each.held for each in self.leases.slices.present.values())

    def close(self) -> None:
        self.leases.close()
        self.claims.close()
        self.ink.close()


def at_the_door(
    home: Path,
    story: "Callable[[Door], Any]",
    *,
    ask: Any = plenty,
    connect: Callable[[], Database] | None = None,
    salt: bytes = b"",
) -> None:
    def nowhere() -> Database:
        raise AssertionError("no database is asked")

    async def whole() -> None:
        door = Door(home, ask, connect or nowhere, salt)
        try:
            await story(door)
        finally:
            door.close()

    asyncio.run(whole())


async def until(event: Event) -> None:
    await asyncio.get_running_loop().run_in_executor(None, event.wait)


def test_an_error_of_ours_before_the_provider_keeps_no_hold(tmp_path: Path) -> None:
    """A salt longer than any hash takes: the call fails, and the cap is as free as before."""

    async def story(door: Door) -> None:
        line, _, task = door.call()
        with pytest.raises(ValueError, match="maximum key length"):
            await task
        assert line.told.startswith(b"HTTP/1.1 500")
        assert (door.held, door.live.running) == (0, set())

    at_the_door(tmp_path, story, salt=b"x" * 65)


def test_a_worker_that_stops_ends_a_call_that_waits_for_its_lease(tmp_path: Path) -> None:
    asked, answer = Event(), Event()

    def slow(*demands: Any) -> dict[Slot, Leased]:
        asked.set()
        answer.wait()
        return plenty(*demands)

    async def story(door: Door) -> None:
        line, _, task = door.call()
        await until(asked)
        await door.live.stop(0)
        answer.set()
        await task
        assert line.told.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in line.told
        assert (door.held, door.live.running) == (0, set())

    at_the_door(tmp_path, story, ask=slow)


def test_a_worker_that_stops_frees_a_key_that_was_just_being_written_down(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    """The thread cannot be stopped: it writes the key down, sees nobody waits, and frees it."""
    asked, answer = Event(), Event()

    def connect() -> Database:
        asked.set()
        answer.wait()
        return Database.open(database_url, size=4, name="claims")

    async def story(door: Door) -> None:
        line, _, task = door.call(**{"idempotency-key": "order-9"})
        await until(asked)
        await door.live.stop(0)
        answer.set()
        await task
        assert line.told.startswith(b"HTTP/1.1 503")
        assert (door.held, door.live.running) == (0, set())

    at_the_door(tmp_path, story, connect=connect)
    with database.read() as tx:
        assert store.first_use(tx, "cus_1", "order-9") is None


def test_a_call_waits_a_second_at_most_until_its_key_is_free(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    """
    Its client has had no answer yet. Where the database takes minutes, the error goes out; the key
    is freed when it can be.
    """
    answer = Event()
    mine = ("cus_1", "order-9", bytes(16))

    def connect() -> Database:
        answer.wait()
        return Database.open(database_url, size=4, name="claims")

    async def story(door: Door) -> None:
        with database.begin() as tx:
            store.claim(tx, *mine[:2], body_hash=b"", operation_id=UUID(int=0), at=EARLIER)
        try:
            await asyncio.wait_for(door.claims.release(*mine), 5 * FREEING_SECONDS)
        finally:
            answer.set()

    at_the_door(tmp_path, story, connect=connect)
    with database.read() as tx:
        assert store.first_use(tx, "cus_1", "order-9") is None


def test_a_body_that_ends_behind_the_stop_is_told_to_go_elsewhere(tmp_path: Path) -> None:
    """Nobody waits any more for what begins now: the journal may be closed under it."""

    async def story(door: Door) -> None:
        line, exchange, task = door.open()
        await asyncio.sleep(0)
        await door.live.stop(0)
        exchange.take(json.dumps(CHAT).encode())
        exchange.whole = True
        exchange.wake()
        await task
        assert line.told.startswith(b"HTTP/1.1 503")
        assert (door.held, door.live.running) == (0, set())

    at_the_door(tmp_path, story)


def test_a_round_that_breaks_leaves_nobody_waiting(tmp_path: Path) -> None:
    """An answer that makes no sense is an error of ours; who asked is decided without it."""

    async def story(door: Door) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        line, _, task = door.call()
        await task
        assert line.told.startswith(b"HTTP/1.1 503")
        assert (door.held, door.live.running) == (0, set())

    at_the_door(tmp_path, story, ask=lambda *_: {})
