"""Quotes: made, shown, traced, approved, offered; and replays without one."""

from typing import Annotated, Final

from fastapi import Query, status

from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.presales import store
from yuejie.presales.ask import ask_of
from yuejie.presales.life.decide import find_quote, step_quote
from yuejie.presales.life.sign_up import draft_from_quote
from yuejie.presales.make import make_quote
from yuejie.presales.prospects import find_prospect
from yuejie.presales.quote import QuoteEvent
from yuejie.presales.replay.again import replay_usage
from yuejie.presales.trace import Figure
from yuejie.web.api.agreed.contracts import out_of
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.agreed import DraftOut
from yuejie.web.shapes.presales.quotes import (
    AgainOut,
    AskIn,
    FigureOut,
    QuoteMoved,
    QuoteNoteOut,
    QuoteOut,
    QuoteStepIn,
    SignUpIn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("售前")


@routes.post("/prospects/{prospect}/replays", summary="重放历史用量")
def replay(db: Db, now: Now, prospect: Name, body: AskIn) -> AgainOut:
    """历史用量在各方案下逐月会是多少钱；只计算，不存。"""
    return AgainOut.of(replay_usage(db, prospect, ask_of(body.ask), now=now))


@routes.get("/prospects/{prospect}/quotes", summary="列出报价")
def list_quotes(
    db: Db, prospect: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[QuoteNoteOut]:
    """一个潜在客户的报价，按编号。"""
    window = Window.read("quotes", cursor, limit)
    with db.read() as tx:
        known = store.quotes_of(tx, find_prospect(tx, prospect).prospect_id)
    rows = cut(window, known, lambda row: row.quote_id)
    return window.page(rows, QuoteNoteOut.model_validate, lambda row: row.quote_id)


@routes.post("/prospects/{prospect}/quotes", summary="报价", status_code=status.HTTP_201_CREATED)
def quote(db: Db, caller: AnyCaller, now: Now, prospect: Name, body: AskIn) -> QuoteOut:
    """按最新的需求表报价；低于毛利底线的等待另一人批准。"""
    return QuoteOut.of(make_quote(db, prospect, ask_of(body.ask), by=caller.name, now=now))


@routes.get("/quotes", summary="待批准的报价")
def list_waiting(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[QuoteNoteOut]:
    """低于毛利底线、等待批准的报价。"""
    window = Window.read("waiting_quotes", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.waiting_quotes(tx), lambda row: row.quote_id)
    return window.page(rows, QuoteNoteOut.model_validate, lambda row: row.quote_id)


@routes.get("/quotes/{quote_id}", summary="查看报价")
def read_quote(db: Db, quote_id: Name) -> QuoteOut:
    """一份报价：用量、方案与费用、建议、比较。"""
    with db.read() as tx:
        return QuoteOut.of(find_quote(tx, quote_id))


@routes.get("/quotes/{quote_id}/trace", summary="数的来历")
def read_trace(
    db: Db,
    quote_id: Name,
    figure: Annotated[Name | None, Query(description="哪个数；不写为全部")] = None,
) -> list[FigureOut]:
    """一个数和它由来的每个数，先因后果；不写名称则给出整张推算表。"""
    with db.read() as tx:
        known = find_quote(tx, quote_id).body.trace
    if figure is None:
        return [FigureOut.of_figure(each) for each in known]
    below = _below(known, figure)
    if not below:
        raise NotFound(f"报价 {quote_id} 里没有“{figure}”这个数，请核对名称")
    return [FigureOut.of_figure(each) for each in known if each.name in below]


def _below(known: tuple[Figure, ...], name: str) -> set[str]:
    """Return a figure's name and those of all it follows from; nothing where it is not there."""
    by_name = {each.name: each for each in known}
    found, waiting = set[str](), [name] if name in by_name else []
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += by_name[each].of
    return found


@routes.get("/quotes/{quote_id}/life", summary="报价的经手记录")
def read_life(db: Db, quote_id: Name) -> list[QuoteMoved]:
    """每一步：谁、何时、为什么。"""
    with db.read() as tx:
        find_quote(tx, quote_id)
        return [QuoteMoved.of(each) for each in store.transitions_of(tx, quote_id)]


@routes.post("/quotes/{quote_id}/approve", summary="批准报价")
def approve(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: QuoteStepIn) -> QuoteOut:
    """批准一份低于毛利底线的报价；报价人不能批准自己的。"""
    return _step(db, caller, now, quote_id, QuoteEvent.APPROVE, body)


@routes.post("/quotes/{quote_id}/reject", summary="驳回报价")
def reject(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: QuoteStepIn) -> QuoteOut:
    """驳回一份低于毛利底线的报价。"""
    return _step(db, caller, now, quote_id, QuoteEvent.REJECT, body)


@routes.post("/quotes/{quote_id}/offer", summary="报出")
def offer(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: QuoteStepIn) -> QuoteOut:
    """记下报价已给潜在客户。"""
    return _step(db, caller, now, quote_id, QuoteEvent.OFFER, body)


@routes.post("/quotes/{quote_id}/accept", summary="接受报价")
def accept(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: QuoteStepIn) -> QuoteOut:
    """记下潜在客户接受了报价。"""
    return _step(db, caller, now, quote_id, QuoteEvent.ACCEPT, body)


@routes.post("/quotes/{quote_id}/withdraw", summary="撤回报价")
def withdraw(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: QuoteStepIn) -> QuoteOut:
    """撤回一份报价。"""
    return _step(db, caller, now, quote_id, QuoteEvent.WITHDRAW, body)


@routes.post(
    "/quotes/{quote_id}/draft", summary="由报价起草合同", status_code=status.HTTP_201_CREATED
)
def draft(db: Db, caller: AnyCaller, now: Now, quote_id: Name, body: SignUpIn) -> DraftOut:
    """由已接受的报价起草合同：客户、价目、折扣与条款照报价；随后提交、审核、签署。"""
    return out_of(db, draft_from_quote(db, body.wish(quote_id), by=caller.name, now=now))


def _step(
    db: Database,
    caller: AnyCaller,
    now: Now,
    quote_id: str,
    event: QuoteEvent,
    body: QuoteStepIn,
) -> QuoteOut:
    return QuoteOut.of(step_quote(db, quote_id, event, why=body.why, by=caller.name, now=now))
