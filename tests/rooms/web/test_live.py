"""The live bill over the API: looked at once, watched each second, left at any time."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, OPERATOR, House, Museum, bearer
from tests.scenarios.books import FixedClock
from yuejie.bills.live.look import look
from yuejie.customers.keys import revoke_key
from yuejie.db.session import Database
from yuejie.kernel.limits import WATCHERS, WATCHERS_OF_CUSTOMER

LIVE = "/api/v1/customers/acme/bills/live"


def test_a_key_sees_its_own_live_bill_and_nobody_elses(museum: Museum) -> None:
    own = bearer(museum.house.acme_key.secret)
    told = museum.client.get(LIVE, headers=own).json()
    assert (told["customer"], told["month"]) == ("acme", "2026-11")
    assert told["notes"][0]["doubt"] == "open_epoch"
    for path in (LIVE, f"{LIVE}/stream"):
        refused = museum.client.get(path.replace("acme", "zeta"), headers=own)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert museum.client.get(path).status_code == 401


def test_it_says_what_looking_says_and_cuts_lines_not_sums(
    house: House, operator: TestClient, database: Database
) -> None:
    house.books.clock.at = NOW
    house.acme.uses("2026-11-03 10:00", "gpt-4o", input=3_000_000, output=1_000_000)
    seen = look(database, house.acme.customer.customer_id, now=NOW)
    told = operator.get(f"{LIVE}?lines=1").json()
    [part] = told["parts"]
    assert told["gross"]["amount"] == seen.gross.amount == part["gross"]["amount"] == "30.00"
    assert part["lines_whole"] == 2
    assert [line["meter"] for line in part["lines"]] == ["input"]


class Asked:
    """One request to the application, whose answer is read as it comes."""

    def __init__(
        self, app: FastAPI, path: str, query: str = "", headers: dict[str, str] = OPERATOR
    ) -> None:
        self.app = app
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "state": {},
        }
        self.status = 0
        self.body = b""
        self.gone = asyncio.Event()

    async def run(self, heard: Callable[[bytes], Awaitable[None]]) -> None:
        """Ask; `heard` is awaited with each piece of the answer."""
        begun = False

        async def receive() -> dict[str, Any]:
            nonlocal begun
            if begun:
                await self.gone.wait()
                return {"type": "http.disconnect"}
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            elif message.get("body"):
                self.body += message["body"]
                await heard(message["body"])

        await self.app(self.scope, receive, send)


def events_of(body: bytes) -> list[tuple[str, Any]]:
    found = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_watcher_hears_the_bill_then_what_moved_and_leaves_when_it_likes(
    house: House, app: FastAPI, clock: FixedClock
) -> None:
    house.books.clock.at = clock.at

    async def watch() -> Asked:
        asked = Asked(app, f"{LIVE}/stream", "seconds=30")

        async def heard(piece: bytes) -> None:
            assert app.state.watchers.seated == 1
            if piece.startswith(b"event: bill"):
                clock.at = datetime(2026, 11, 5, 2, 0, 1, tzinfo=UTC)
                await asyncio.to_thread(house.acme.uses, "2026-11-05 10:00", "gpt-4o", input=10**6)
            if piece.startswith(b"event: change"):
                asked.gone.set()

        await asyncio.wait_for(asked.run(heard), timeout=10)
        return asked

    asked = asyncio.run(watch())

    (first, bill), (second, change) = events_of(asked.body)
    assert (asked.status, first, second) == (200, "bill", "change")
    assert bill["gross"]["amount"] == "0.00"
    assert change["gross"]["amount"] == "5.00"
    [line] = change["moved"]
    assert (line["quantity_change"], line["amount_change"]["amount"]) == (10**6, "5.00")
    assert app.state.watchers.seated == 0


@pytest.mark.usefixtures("house")
def test_a_stream_ends_when_the_house_closes(app: FastAPI) -> None:
    async def watch() -> None:
        asked = Asked(app, f"{LIVE}/stream")

        async def heard(_: bytes) -> None:
            app.state.watchers.is_closing = True

        await asyncio.wait_for(asked.run(heard), timeout=5)

    asyncio.run(watch())
    assert app.state.watchers.seated == 0


@pytest.mark.parametrize(
    ("seats", "sentence"), [(WATCHERS, "连接已满"), (WATCHERS_OF_CUSTOMER, "这个客户")]
)
def test_a_full_house_says_so(
    house: House, app: FastAPI, operator: TestClient, seats: int, sentence: str
) -> None:
    own = house.acme.customer.customer_id
    held = [app.state.watchers.seat(own) for _ in range(min(seats, WATCHERS_OF_CUSTOMER))]
    held += [app.state.watchers.seat("another") for _ in range(seats - WATCHERS_OF_CUSTOMER)]
    for seat in held:
        seat.__enter__()
    refused = operator.get(f"{LIVE}/stream")
    assert refused.status_code == 503
    assert sentence in refused.json()["detail"]
    for seat in held:
        seat.__exit__(None, None, None)
    assert app.state.watchers.seated == 0


def test_a_stream_ends_with_the_key_that_opened_it(house: House, app: FastAPI) -> None:
    """Revoked in the middle, a key sees seconds more of the bill, and not ten minutes."""

    async def watch() -> float:
        asked = Asked(app, f"{LIVE}/stream", "seconds=60", bearer(house.acme_key.secret))
        revoked_at = 0.0

        async def heard(piece: bytes) -> None:
            nonlocal revoked_at
            if piece.startswith(b"event: bill"):
                key_id = house.acme_key.key.key_id
                await asyncio.to_thread(
                    revoke_key, house.books.db, key_id, by="test", now=datetime.now(UTC)
                )
                revoked_at = time.monotonic()

        await asked.run(heard)
        assert asked.status == 200
        return time.monotonic() - revoked_at

    assert asyncio.run(watch()) < 15
