"""The live bill: looked at once, or each second as server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final, Literal

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from yuejie.bills.live.board import Board
from yuejie.bills.live.live import Live, moved
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import WATCH_SECONDS
from yuejie.web.api.billing.watchers import EVENT, Watchers
from yuejie.web.auth import AnyCaller, Caller, guarded, still_admitted, whose
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.refusals.english import in_language
from yuejie.web.shapes.billing.live import LiveChangeOut, LiveOut
from yuejie.web.shapes.wire import Name, Out

routes: Final = guarded("账单", prefix="/customers/{customer}/bills/live")

LINES: Final = 200
LOOK_SECONDS: Final = 1
"""How often a stream looks."""
ADMITTED_SECONDS: Final = 3
"""So long a stream may outlive the token or session that opened it."""
Lines = Annotated[
    int, Query(ge=0, le=10_000, description="每部分至多给几行用量，金额大的优先；合计总是全部")
]


@routes.get("", summary="实时账单")
def get_live(
    request: Request, db: Db, caller: AnyCaller, now: Now, customer: Name, lines: Lines = LINES
) -> LiveOut:
    """若本月此刻结束，应付多少：条款、税与费用俱全，与关账到分一致；写明哪些尚未确定。"""
    board: Board = request.app.state.board
    return LiveOut.of(board.show(db, _own(db, caller, customer), now=now), lines)


@routes.get(
    "/stream",
    summary="实时账单（逐秒）",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT: {}}, "description": "server-sent events"}},
)
async def get_stream(
    request: Request,
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    customer: Name,
    lines: Lines = LINES,
    seconds: Annotated[
        int, Query(ge=1, le=WATCH_SECONDS, description="多少秒后结束；客户端应重新连接")
    ] = WATCH_SECONDS,
    language: Annotated[Literal["zh", "en"], Query(description="problem 事件用什么语言说")] = "zh",
) -> Response:
    """逐秒推送（SSE）：先是 bill（整张），随后 change（变动的行）；没有变动则是注释行。

    算不出时推送 problem 并继续；至多十分钟后结束，重新连接即可。连接数有上限，满时答 503。
    """
    customer_id = await run_in_threadpool(_own, db, caller, customer)
    watchers: Watchers = request.app.state.watchers
    seat = watchers.seat(customer_id)
    seat.__enter__()  # here, so that a full house is a 503 and no broken stream

    began = time.monotonic()

    def is_open() -> bool:
        return not watchers.is_closing and time.monotonic() - began < seconds

    def is_admitted() -> bool:
        return still_admitted(request, desk, customer_id)

    async def stream() -> AsyncIterator[bytes]:
        try:
            board = request.app.state.board
            looks = _looks(board, db, customer_id, desk.clock, is_open, is_admitted)
            async for event in _events(looks, lines, language):
                yield event
        finally:
            seat.__exit__(None, None, None)

    return StreamingResponse(stream(), media_type=EVENT, headers={"x-accel-buffering": "no"})


def _own(db: Database, caller: Caller, customer: str) -> CustomerId:
    """Return the customer whose bill it is; a stranger hears that there is none."""
    with db.read() as tx:
        return find_customer(tx, str(whose(tx, caller, customer))).customer_id


async def _looks(
    board: Board,
    db: Database,
    customer_id: CustomerId,
    clock: Clock,
    is_open: Callable[[], bool],
    is_admitted: Callable[[], bool],
) -> AsyncIterator[Live | DomainError]:
    """Look once a second, in the thread pool, as long as the stream is to be open.

    Every few seconds it is asked again whether whoever watches still may.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    asked = due
    while is_open():
        if due - asked >= ADMITTED_SECONDS:
            asked = due
            if not await run_in_threadpool(is_admitted):
                return
        try:
            yield await run_in_threadpool(board.show, db, customer_id, now=clock.now())
        except DomainError as error:
            yield error
        due = max(due + LOOK_SECONDS, loop.time())
        await asyncio.sleep(due - loop.time())


async def _events(
    looks: AsyncIterator[Live | DomainError], lines: int, language: str
) -> AsyncIterator[bytes]:
    """Write looks as events: the whole bill first, then what moved."""
    was: Live | None = None
    yield b"retry: 1000\n\n"
    async for seen in looks:
        if isinstance(seen, DomainError):
            said = in_language(seen.sentence, language)
            yield f"event: problem\ndata: {said}\n\n".encode()
        elif was is None:
            yield _event("bill", LiveOut.of(seen, lines))
            was = seen
        elif changes := moved(was, seen):
            yield _event("change", LiveChangeOut.of(seen, changes, lines))
            was = seen
        else:
            yield b": nothing moved\n\n"


def _event(name: str, body: Out) -> bytes:
    return f"event: {name}\ndata: {body.model_dump_json()}\n\n".encode()
