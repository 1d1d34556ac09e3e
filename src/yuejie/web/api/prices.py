"""Price books, what a model costs when and why, exchange rates."""

from datetime import date
from typing import Annotated, Final

from fastapi import Query, status

from yuejie.contracts.agreed.on_day import rates_of
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import publish_fx
from yuejie.contracts.store import BookRow, book, book_rows, books, fx_rows, revisions
from yuejie.contracts.tier import DEFAULT
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import zone_of
from yuejie.usage.record import unix_us
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.prices import (
    BookOut,
    FxIn,
    FxOut,
    PriceOut,
    RateOnOut,
    RateOut,
    RevisionOut,
    meters_of,
)
from yuejie.web.shapes.wire import Instant, Name

routes: Final = guarded("价目")
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2999, 12, 31)


@routes.get("/books", summary="列出价目")
def list_books(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[BookOut]:
    """列出成本价目、销售价目和折算卡。"""
    window = Window.read("books", cursor, limit)
    with db.read() as tx:
        found = cut(window, books(tx), lambda row: row.book_id)
    return window.page(found, BookOut.model_validate, lambda row: row.book_id)


@routes.get("/books/{book_id}/revisions", summary="列出版次")
def list_revisions(
    db: Db, book_id: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[RevisionOut]:
    """列出一本价目发布过的各版。"""
    window = Window.read("revisions", cursor, limit)
    with db.read() as tx:
        rows = revisions(tx, _book(tx, book_id).book_id)
    found = cut(window, rows, lambda row: f"{row.revision:08d}")
    return window.page(found, RevisionOut.of, lambda row: f"{row.revision:08d}")


@routes.get("/books/{book_id}/price", summary="解释价格")
def show_price(
    db: Db,
    now: Now,
    book_id: Name,
    model: Annotated[Name, Query(description="模型", examples=["gpt-4o"])],
    at: Annotated[Instant | None, Query(description="时刻；不写为现在")] = None,
    service_tier: Annotated[Name, Query(description="服务档")] = DEFAULT,
    context_tokens: Annotated[int, Query(ge=0, description="整个请求的输入 token 数")] = 0,
) -> PriceOut:
    """说明一个模型在某一时刻各计量项按什么单价计费，为什么。"""
    moment = at or now
    with db.read() as tx:
        priced = Book(book_rows(tx, _book(tx, book_id)))
    started_us = unix_us(moment)
    revision = priced.revision_at(started_us)
    named = None if revision is None else priced.naming(model, revision, started_us)
    if revision is None or named is None:
        raise NotFound(
            f"价目 {book_id} 在 {moment.isoformat()} 没有为模型 {model} 定价，请核对模型名和时间",
            model=model,
        )
    rates = [
        RateOut.of(
            meter,
            priced.explain(
                model,
                meter,
                revision=revision,
                started_us=started_us,
                service_tier=service_tier,
                context_tokens=context_tokens,
            ),
        )
        for meter in meters_of(priced.price_list(model, named))
    ]
    return PriceOut(book_id=book_id, model=model, at=moment, revision=named, rates=rates)


@routes.get("/customers/{customer}/rates", summary="客户的单价")
def list_rates(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    on: Annotated[date | None, Query(description="客户时区的日期；不写为今天")] = None,
    model: Annotated[str, Query(max_length=200, description="模型名含这些字的")] = "",
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[RateOnOut]:
    """客户的合同在某一天适用的销售单价；当天变过价的先后各列一行，没有合同的一天没有单价。"""
    window = Window.read(f"rates:{customer}:{on}:{model}", cursor, limit)
    with db.read(consistent=True) as tx:
        who = find_customer(tx, str(whose(tx, caller, customer)))
        day = on or now.astimezone(zone_of(who.zone)).date()
        found = list(enumerate(rates_of(tx, who.customer_id, who.zone, day, model), 1))
    rows = cut(window, found, lambda row: f"{row[0]:08d}")
    return window.page(rows, lambda row: RateOnOut.of(row[1]), lambda row: f"{row[0]:08d}")


@routes.get("/fx", summary="列出汇率", tags=["汇率"])
def list_fx(
    db: Db,
    base: Annotated[Name, Query(description="外币")] = "USD",
    quote: Annotated[Name, Query(description="折成的币种")] = "CNY",
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[FxOut]:
    """按登记的先后列出汇率。"""
    window = Window.read("fx", cursor, limit)
    with db.read() as tx:
        rows = fx_rows(tx, base=base, quote=quote, first=_FIRST, last=_LAST)
    found = cut(window, rows, lambda row: f"{row.fx_id:020d}")
    return window.page(found, FxOut.of, lambda row: f"{row.fx_id:020d}")


@routes.post("/fx", summary="登记汇率", tags=["汇率"], status_code=status.HTTP_201_CREATED)
def add_fx(db: Db, caller: AnyCaller, now: Now, body: FxIn) -> FxOut:
    """登记一天的汇率；内容相同则不再改动。"""
    rate = FxRate.parse(body.rate, body.base, body.quote)
    row = publish_fx(db, rate, body.on_date, source=body.source, by=caller.name, now=now)
    return FxOut.of(row)


def _book(tx: Tx, book_id: str) -> BookRow:
    found = book(tx, book_id)
    if found is None:
        raise NotFound(f"价目 {book_id} 不存在，请用 GET /api/v1/books 查看", book=book_id)
    return found
