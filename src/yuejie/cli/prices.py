"""`yuejie price|fx …`."""

from datetime import date
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.words import BOOKS, called
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.store import book, book_rows, books, fx_rows, revisions
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.rating.explain import show as show_price

_CHINA = zone_of("Asia/Shanghai")


@click.group()
def price() -> None:
    """价目：导入、查看、解释。"""


@price.command("books")
@as_json
@frame
def list_books(house: Frame, *, json: bool) -> None:
    """列出价目及其版次。"""
    with house.database() as db, db.read() as tx:
        found = [(row, revisions(tx, row.book_id)) for row in books(tx)]
    if json:
        give_json([{"book": row, "revisions": notes} for row, notes in found])
        return
    rows = [
        (
            row.book_id,
            called(BOOKS, row.kind),
            row.currency,
            len(notes),
            f"{notes[-1].starts_at.astimezone(_CHINA):%Y-%m-%d %H:%M}" if notes else "",
            notes[-1].source if notes else "",
        )
        for row, notes in found
    ]
    show_table("价目", ["价目", "类别", "币种", "版次数", "最新一版生效", "来源"], rows)


@price.command("open")
@click.argument("book_id")
@click.option("--kind", type=click.Choice(["cost", "sale"]), required=True)
@click.option("--currency", type=click.Choice(["CNY", "USD"]), required=True)
@frame
def open_one(house: Frame, book_id: str, kind: str, currency: str) -> None:
    """建立一本价目。"""
    with house.database() as db:
        open_book(db, book_id, kind=kind, currency=currency, by=house.by, now=house.now())
    say(f"价目 {book_id} 已建立")


@price.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--book", "book_id", required=True)
@click.option("--starts", help="生效时间，例如 2026-12-01T00:00:00；不写则为十分钟后")
@click.option("--approve", is_flag=True, help="批准大幅变动和提前生效")
@click.option("--commit", is_flag=True, help="真正发布；不加则只试算")
@frame
def import_file(
    house: Frame, file: Path, book_id: str, starts: str | None, *, approve: bool, commit: bool
) -> None:
    """导入价目文件（TOML、CSV、JSON）；逐行报告，有一条不对就全部不导入。"""
    from yuejie.kernel.limits import PUBLICATION_LEAD

    now = house.now()
    wanted = PriceImport(
        book_id=book_id,
        name=file.name,
        body=file.read_bytes(),
        starts_at=parse_instant(starts, _CHINA) if starts else now + PUBLICATION_LEAD,
        approve=approve,
    )
    with house.database() as db:
        report = import_prices(db, wanted, by=house.by, now=now, dry_run=not commit)
    for line in report.lines():
        say(line)
    if report.refused:
        raise SystemExit(1)


@price.command("show")
@click.argument("model")
@click.option("--book", "book_id", required=True)
@click.option("--at", help="时刻，例如 2026-10-15T20:00:00；不写则为现在")
@click.option("--tier", default="default", help="服务档")
@click.option("--context", "context_tokens", default=0, help="整个请求的输入 token 数")
@frame
def show(
    house: Frame, model: str, book_id: str, at: str | None, tier: str, context_tokens: int
) -> None:
    """解释某个时刻一个模型按什么单价计费，为什么。"""
    moment = parse_instant(at, _CHINA) if at else house.now()
    with house.database() as db, db.read() as tx:
        row = book(tx, book_id)
        if row is None:
            raise NotFound(f"价目 {book_id} 不存在，请用 yuejie price books 查看")
        rows = book_rows(tx, row)
    for line in show_price(
        Book(rows), model, moment, service_tier=tier, context_tokens=context_tokens
    ):
        say(line)


@click.group()
def fx() -> None:
    """汇率：登记与查看。"""


@fx.command("add")
@click.argument("base")
@click.argument("quote")
@click.argument("rate")
@click.option("--on", "on_date", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--source", required=True, help="出处，例如 中国外汇交易中心中间价")
@frame
def add_fx(house: Frame, base: str, quote: str, rate: str, on_date: date, source: str) -> None:
    """登记一天的汇率，例如 yuejie fx add USD CNY 7.2 --on 2026-10-31 --source …。"""
    with house.database() as db:
        row = publish_fx(
            db,
            FxRate.parse(rate, base, quote),
            date(on_date.year, on_date.month, on_date.day),
            source=source,
            by=house.by,
            now=house.now(),
        )
    say(f"{row.on_date} 1 {base} = {row.rate} {quote}（{source}）")


@fx.command("list")
@click.option("--base", default="USD")
@click.option("--quote", default="CNY")
@as_json
@frame
def list_fx(house: Frame, base: str, quote: str, *, json: bool) -> None:
    """列出登记过的汇率。"""
    with house.database() as db, db.read() as tx:
        found = fx_rows(tx, base=base, quote=quote, first=date(2000, 1, 1), last=date(2999, 1, 1))
    if json:
        give_json(found)
        return
    rows = [(str(r.on_date), f"1 {r.base} = {r.rate} {r.quote}", r.source) for r in found]
    show_table("汇率", ["日期", "汇率", "来源"], rows)
