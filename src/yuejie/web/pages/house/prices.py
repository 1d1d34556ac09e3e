"""Price books: their revisions, what a model costs when and why, price files, exchange rates."""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.contracts.changes.ask import bring_prices
from yuejie.contracts.changes.change import STATE_NAMES
from yuejie.contracts.changes.store import open_changes, price_changes
from yuejie.contracts.documents.words import rate
from yuejie.contracts.import_prices import ImportReport, PriceImport
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.store import BookRow, book, books, fx_rows, models, rates, revisions
from yuejie.contracts.tier import DEFAULT
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import parse_instant
from yuejie.web.api.prices import show_price
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.refuse import is_form
from yuejie.web.pages.frame.sheet import sheet
from yuejie.web.pages.house import words
from yuejie.web.shapes.prices import PriceOut

routes: Final = APIRouter(include_in_schema=False, prefix="/prices", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]

_LIST: Final = (
    *("model", "mode", "meter", "price"),
    *("currency", "service_tier", "context_above", "time_window"),
)
"""The columns of a price file, as an import reads them."""
_CHANGES: Final = 20
"""Newest changes that a book shows; the record of deeds has all of them."""
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2999, 12, 31)


@routes.get("")
def list_books(
    request: Request,
    db: Db,
    base: Literal["USD", "CNY"] = "USD",
    quote: Literal["USD", "CNY"] = "CNY",
    cursor: str | None = None,
) -> Response:
    """Show every book with its newest revision, and the exchange rates, the newest first."""
    window = Window.read("page:fx", cursor, PAGE)
    before = window.behind(int)
    with db.read() as tx:
        found = [(row, revisions(tx, row.book_id)) for row in books(tx)]
        waiting = open_changes(tx)
        fx = fx_rows(tx, base=base, quote=quote, first=_FIRST, last=_LAST)
    newest = sorted(fx, key=lambda row: -row.fx_id)
    rows = [row for row in newest if before is None or row.fx_id < before]
    shown = rows[: window.limit]
    return draw(
        request,
        "house/prices.html",
        books=found,
        waiting=waiting,
        states=STATE_NAMES,
        kinds=words.BOOKS,
        fx=shown,
        asked={"base": base, "quote": quote},
        older=window.write(shown[-1].fx_id) if len(rows) > window.limit else None,
    )


@routes.post("", dependencies=ours)
def open_one(
    request: Request,
    db: Db,
    now: Now,
    name: Text = "",
    kind: Text = "sale",
    currency: Text = "CNY",
) -> Response:
    """Open a book, empty; prices come by a file."""
    if not name.strip() or "/" in name:
        raise Invalid("价目名称不能为空，也不含斜杠，例如 list")
    by = caller_of(request).name
    made = open_book(db, name.strip(), kind=kind, currency=currency, by=by, now=now)
    return go(request, f"/prices/{made.book_id}", f"价目 {made.book_id} 已建立，请导入价目文件")


@routes.post("/fx", dependencies=ours)
def add_fx(
    request: Request,
    db: Db,
    now: Now,
    on_date: Annotated[date, Form()],
    rate: Text = "",
    base: Text = "USD",
    quote: Text = "CNY",
    source: Text = "",
) -> Response:
    """Write a day's exchange rate down; the last word on a day counts."""
    if not source.strip():
        raise Invalid("登记汇率须写明出处，例如 中国外汇交易中心中间价")
    found = FxRate.parse(rate, base, quote)
    by = caller_of(request).name
    row = publish_fx(db, found, on_date, source=source.strip(), by=by, now=now)
    return go(request, "/prices", f"{row.on_date} 1 {base} = {row.rate} {quote} 已登记")


@routes.get("/{book}")
def show_book(
    request: Request,
    db: Db,
    now: Now,
    book: str,
    model: str = "",
    at: str = "",
    tier: str = DEFAULT,
    context: int = 0,
) -> Response:
    """Show what was published in a book, and what one model costs at one time, if asked."""
    return _page(request, db, now, book, asked=_Asked(model.strip(), at, tier, context))


@dataclass(frozen=True, slots=True)
class Handed:
    """A price file as it was handed in, and what stood beside it."""

    name: str
    body: bytes
    starts: str
    approve: bool

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: what is imported is what the report was about."""
        return sha256(f"{self.starts}\0{self.approve}\0".encode() + self.body).hexdigest()


def _handed(file: UploadFile, starts: Text = "", approve: Text = "") -> Handed:
    return Handed(file.filename or "", file.file.read(), starts, bool(approve))


@routes.get("/{book}/list")
def hand_out(db: Db, now: Now, book: str) -> Response:
    """Give the list that holds now as a price file: change a price in it, and import it."""
    with db.read() as tx:
        row = _book(tx, book)
        starts = {each.revision: each.starts_at for each in revisions(tx, row.book_id)}
        held = [each for each in rates(tx, row.book_id) if starts[each.revision] <= now]
        modes = {each.model_id: each.mode for each in models(tx)}
    newest = {each.model: each.revision for each in held}
    lines = (
        (
            each.model,
            modes.get(each.model, "chat"),
            each.meter,
            rate(each.pico, each.meter),
            each.currency,
            "" if each.service_tier == DEFAULT else each.service_tier,
            each.context_above or "",
            each.time_window,
        )
        for each in held
        if each.revision == newest[each.model] and not each.origin.startswith("fallback:")
    )
    return sheet(f"{row.book_id}.csv", _LIST, lines)


@routes.post("/{book}/import", dependencies=ours)
def take_in(
    request: Request,
    db: Db,
    now: Now,
    book: str,
    handed: Annotated[Handed, Depends(_handed)],
    look: Text = "",
    seen: Text = "",
    why: Text = "",
) -> Response:
    """Look at a price file and say what would come of it; the same once more imports it.

    What changes a price is asked for, and waits for another person.

    `seen` is the digest of what was looked at.
    """
    looking = bool(look) or not seen
    if not looking and seen != handed.digest:
        raise Conflict("文件、生效时间或批准与刚才试算的不同，未导入；请重新试算，核对后再导入")
    report = bring_prices(
        db,
        PriceImport(
            name=handed.name,
            body=handed.body,
            book_id=book,
            starts_at=now,
            approve=handed.approve,
        ),
        starts_at=parse_instant(handed.starts, HOUSE_ZONE, "生效时间") if handed.starts else None,
        by=caller_of(request).name,
        now=now,
        why=why,
        dry_run=looking,
    )
    if not looking and not report.refused:
        there = f"/price-changes/{report.change_id}" if report.change_id else f"/prices/{book}"
        return go(request, there, report.outcome)
    if is_form(request):
        status = 422 if report.refused else 200
        return draw(
            request,
            "house/report.html",
            status=status,
            report=report,
            seen=handed.digest,
            grave=words.GRAVE,
        )
    return _page(request, db, now, book, report=report, seen=handed.digest)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which price is asked for."""

    model: str = ""
    at: str = ""
    tier: str = DEFAULT
    context: int = 0


def _page(
    request: Request,
    db: Db,
    now: Now,
    named: str,
    *,
    asked: _Asked | None = None,
    report: ImportReport | None = None,
    seen: str = "",
) -> Response:
    with db.read() as tx:
        row = _book(tx, named)
        notes = revisions(tx, row.book_id)
        known = rates(tx, row.book_id)
        changes = price_changes(tx, book_id=row.book_id, limit=_CHANGES)
    wish = asked or _Asked()
    price, unpriced = _price(db, now, row, wish)
    return draw(
        request,
        "house/book.html",
        status=422 if report and report.refused else 200,
        book=row,
        revisions=notes[::-1],
        models=sorted({each.model for each in known}),
        borrowed={each.rate_id for each in known if each.origin.startswith("fallback:")},
        changes=changes,
        states=STATE_NAMES,
        kinds=words.BOOKS,
        asked=wish,
        price=price,
        unpriced=unpriced,
        report=report,
        seen=seen,
        grave=words.GRAVE,
        now=now,
    )


def _price(db: Db, now: Now, row: BookRow, asked: _Asked) -> tuple[PriceOut | None, str]:
    """Return the price that is asked for, or the sentence why there is none."""
    if not asked.model:
        return None, ""
    at = parse_instant(asked.at, HOUSE_ZONE) if asked.at else None
    try:
        found = show_price(
            db,
            now,
            row.book_id,
            model=asked.model,
            at=at,
            service_tier=asked.tier or DEFAULT,
            context_tokens=max(asked.context, 0),
        )
    except NotFound as error:
        return None, error.sentence
    return found, ""


def _book(tx: Tx, named: str) -> BookRow:
    found = book(tx, named)
    if found is None:
        raise NotFound(f"价目 {named} 不存在，请在价目页核对名称", book=named)
    return found
