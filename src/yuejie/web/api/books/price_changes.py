"""Price files, and the changes of prices that one person asks for and another approves."""

from typing import Annotated, Final

from fastapi import Body, Path, Query

from yuejie.contracts.changes.ask import bring_prices
from yuejie.contracts.changes.change import ChangeDecision, ChangeState
from yuejie.contracts.changes.decide import (
    decide_price_change,
    find_change,
    hindrance,
    look_at_change,
)
from yuejie.contracts.changes.store import price_changes
from yuejie.contracts.import_prices import PriceImport
from yuejie.kernel.errors import Invalid
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.price_changes import (
    PriceChangeOut,
    PriceDifferenceOut,
    PriceImportIn,
    PriceImportOut,
)
from yuejie.web.shapes.money.fapiao import WhyIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("价目")


@routes.post("/books/{book_id}/imports", summary="导入价目文件")
def import_file(
    db: Db, caller: AnyCaller, now: Now, book_id: Name, body: PriceImportIn
) -> PriceImportOut:
    """试算或导入：新模型直接发布；改动已有单价的提出调价，由另一人批准后才生效。"""
    wanted = PriceImport(
        name=body.name,
        body=body.content.encode(),
        book_id=book_id,
        starts_at=now,
        approve=body.approve,
    )
    report = bring_prices(
        db,
        wanted,
        starts_at=body.starts_at,
        by=caller.name,
        now=now,
        why=body.why,
        dry_run=body.dry_run,
    )
    if report.refused and not body.dry_run:
        raise Invalid(f"未导入：{report.gravest}（试算可看全部报告）")
    return PriceImportOut.of(report)


@routes.get("/price-changes", summary="列出调价")
def list_changes(
    db: Db,
    now: Now,
    book: Annotated[Name | None, Query(description="只看一本价目")] = None,
    state: Annotated[ChangeState | None, Query(description="只看这种状态")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[PriceChangeOut]:
    """提出过的调价，新的在前。"""
    window = Window.read(f"price-changes:{book or ''}:{state or ''}", cursor, limit)
    with db.read(consistent=True) as tx:
        rows = price_changes(
            tx, book_id=book, state=state, before=window.after or None, limit=window.fetch
        )
        hindered = {row.change_id: hindrance(tx, row, now) for row in rows}
    return window.page(
        rows, lambda row: PriceChangeOut.of(row, hindered[row.change_id]), lambda row: row.change_id
    )


@routes.get("/price-changes/{change}", summary="查看调价")
def show_change(db: Db, now: Now, change: Name) -> PriceChangeOut:
    """一次调价：谁提出、何时生效、现在能否批准。"""
    with db.read(consistent=True) as tx:
        found = find_change(tx, change)
        return PriceChangeOut.of(found, hindrance(tx, found, now))


@routes.get("/price-changes/{change}/prices", summary="调价的每个单价")
def list_prices(
    db: Db, now: Now, change: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[PriceDifferenceOut]:
    """一次调价涉及的每个单价，与提出时的现行价并列。"""
    window = Window.read(f"price-change:{change}", cursor, limit)
    with db.read(consistent=True) as tx:
        found = look_at_change(tx, change, now).differences
    placed = [(f"{at:08d}", each) for at, each in enumerate(found)]
    rows = cut(window, placed, lambda pair: pair[0])
    return window.page(rows, lambda pair: PriceDifferenceOut.of(pair[1]), lambda pair: pair[0])


@routes.post("/price-changes/{change}/{decision}", summary="批准、驳回或撤回调价")
def decide(
    db: Db,
    caller: AnyCaller,
    now: Now,
    change: Name,
    decision: Annotated[ChangeDecision, Path(description="approve、reject 或 withdraw")],
    body: Annotated[WhyIn | None, Body()] = None,
) -> PriceChangeOut:
    """批准或驳回他人提出的调价，或撤回自己的；批准后按其生效时间执行。"""
    why = body.why if body else ""
    done = decide_price_change(db, change, decision, why=why, by=caller.name, now=now)
    return PriceChangeOut.of(done, "")
