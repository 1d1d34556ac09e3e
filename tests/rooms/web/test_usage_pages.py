"""Usage of the whole house, by more groups and pieces of time than an answer holds at once."""

import re

import anyio
import anyio.to_thread
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from tests.rooms.web.conftest import House
from tests.rooms.web.test_pages import admin, browser
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.usage.show import By, Question, each_usage, show_usage
from yuejie.web.pages.frame.cookies import SESSION

__all__ = ["admin", "browser"]

MODELS, HOURS, MOST = 140, 48, 6_000
"""More rows than an answer that is held whole may have, here."""
ASKED = "month=2026-10&by=model&grain=hour"
CONNECTIONS = 8
"""Of the pool in tests."""
MANY = """
    INSERT INTO usage_rollup (epoch, month, hour, dimension_id, model, meter, sale_rate, cost_rate,
                              state, quantity)
    SELECT epoch, month, h.hour, dimension_id, 'm' || n, meter, sale_rate, cost_rate, state, 1000
    FROM (SELECT * FROM usage_rollup
          WHERE month = '2026-10' AND meter = 'input' AND state = 'measured' LIMIT 1) AS one,
         generate_series(1, %(models)s) AS n,
         generate_series('2026-10-01T00:00Z'::timestamptz + INTERVAL '1 hour' * 0,
                         '2026-10-01T00:00Z'::timestamptz + INTERVAL '1 hour' * (%(hours)s - 1),
                         INTERVAL '1 hour') AS h(hour)
"""


def test_usage_beyond_what_an_answer_holds_is_paged_and_streamed(
    admin: TestClient, house: House
) -> None:
    db, month = house.books.db, BillingMonth(2026, 10)
    question = Question(by=(By.MODEL, By.HOUR), first=month, last=month)
    before = show_usage(db, None, question)
    assert list(each_usage(db, None, question, batch=3)) == before, "the same, row by row"
    with db.begin() as tx:
        assert tx.run(MANY, models=MODELS, hours=HOURS) == MODELS * HOURS > MOST
    with pytest.raises(Invalid, match="结果超过"):
        show_usage(db, None, question, most=MOST)
    assert sum(1 for _ in each_usage(db, None, question)) == MODELS * HOURS + len(before)

    first = admin.get(f"/usage?{ASKED}").text
    count = MODELS + len({line.keys[By.MODEL] for line in before})
    assert f"共 {count} 行" in first
    assert first.count('data-value="') == 100 * 3
    later = re.search(r'href="(/usage\?[^"]*cursor=[^"]+)"', first)
    assert later
    second = admin.get(later[1].replace("&amp;", "&")).text
    assert second.count('data-value="') == (count - 100) * 3
    totals = [re.search(r"<tfoot>.*?</tfoot>", page, re.DOTALL) for page in (first, second)]
    assert totals[0] and totals[1] and totals[0][0] == totals[1][0]  # noqa: PT018 - for mypy

    with admin.stream("GET", f"/usage/export?{ASKED}") as sheet:
        lines = sum(1 for _ in sheet.iter_lines())
    assert lines == 1 + MODELS * HOURS + len(before)


async def _read_slowly(app: FastAPI, cookie: str, began: anyio.Event, leave: anyio.Event) -> None:
    """Ask for a file, take two pieces of it, and no more before it is time to leave."""
    path, _, query = f"/usage/export?{ASKED}".partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver"), (b"cookie", f"{SESSION}={cookie}".encode())],
        "server": ("testserver", 80),
        "client": ("10.0.0.7", 50_000),
    }
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])
    pieces = 0

    async def receive() -> Message:
        for message in asked:
            return message
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal pieces
        pieces += bool(message.get("body"))
        if pieces == 2:
            began.set()
            await leave.wait()

    await app(scope, receive, send)


def test_whoever_reads_a_file_slowly_holds_no_connection_meanwhile(
    admin: TestClient, app: FastAPI, house: House
) -> None:
    """As many slow readers as there are connections: everybody else is served all the same."""
    db = house.books.db
    with db.begin() as tx:
        assert tx.run(MANY, models=MODELS, hours=HOURS)
    cookie = admin.cookies[SESSION]

    def look() -> object:
        with db.read() as tx:
            return tx.value("SELECT 1")

    async def crowd() -> None:
        leave = anyio.Event()
        began = [anyio.Event() for _ in range(CONNECTIONS)]
        async with anyio.create_task_group() as readers:
            try:
                for each in began:
                    readers.start_soon(_read_slowly, app, cookie, each, leave)
                for each in began:
                    await each.wait()
                assert await anyio.to_thread.run_sync(look) == 1
            finally:
                leave.set()

    anyio.run(crowd)
