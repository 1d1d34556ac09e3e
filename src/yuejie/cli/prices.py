"""`yuejie price|fx …`."""

from datetime import date, datetime
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.words import BOOKS, called
from yuejie.contracts.agreed.on_day import RateOn, rates_of
from yuejie.contracts.changes.ask import bring_prices, told_of
from yuejie.contracts.changes.change import STATE_NAMES, ChangeDecision, ChangeState, PriceChange
from yuejie.contracts.changes.compare import KINDS
from yuejie.contracts.changes.decide import decide_price_change, hindrance, look_at_change
from yuejie.contracts.changes.store import price_changes
from yuejie.contracts.documents import words
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.prices import Book, RateRow
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.store import book, book_rows, books, fx_rows, revisions
from yuejie.contracts.tier import DEFAULT
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import NotFound
from yuejie.kernel.limits import PUBLICATION_LEAD
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.rating.explain import show as show_price
from yuejie.usage.meters import meter_name

_CHINA = zone_of("Asia/Shanghai")
_SHOWN = 100


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
@click.option("--starts", help="生效时间，例如 2026-12-01T00:00:00；不写为发布或批准后十分钟")
@click.option("--why", default="", help="原因，给批准的人看")
@click.option("--approve", is_flag=True, help="批准异常单价和提前生效；机器的运营者可就此直接调价")
@click.option("--commit", is_flag=True, help="真正发布或提出；不加则只试算")
@frame
def import_file(
    house: Frame,
    file: Path,
    book_id: str,
    starts: str | None,
    why: str,
    *,
    approve: bool,
    commit: bool,
) -> None:
    """导入价目文件（TOML、CSV、JSON）；逐行报告，有一条不对就全部不导入。

    新模型直接发布；改动已有单价的提出调价，由另一人用 yuejie price approve 批准后才生效。
    """
    now = house.now()
    asked = parse_instant(starts, _CHINA) if starts else None
    wanted = PriceImport(
        book_id=book_id,
        name=file.name,
        body=file.read_bytes(),
        starts_at=asked or now + PUBLICATION_LEAD,
        approve=approve,
    )
    with house.database() as db:
        by = house.by
        if approve and not house.is_member:  # who runs the machine has the last word on it
            report = import_prices(db, wanted, by=by, now=now, dry_run=not commit)
        else:
            report = bring_prices(
                db, wanted, starts_at=asked, by=by, now=now, why=why, dry_run=not commit
            )
    for line in report.lines():
        say(line)
    if report.refused:
        raise SystemExit(1)


@price.command("changes")
@click.option("--book", "book_id", help="只看一本价目")
@click.option("--state", type=click.Choice([each.value for each in ChangeState]))
@as_json
@frame
def list_changes(house: Frame, book_id: str | None, state: str | None, *, json: bool) -> None:
    """列出提出过的调价，新的在前，至多 100 次。"""
    now = house.now()
    with house.database() as db, db.read(consistent=True) as tx:
        wished = ChangeState(state) if state else None
        found = price_changes(tx, book_id=book_id, state=wished, limit=_SHOWN)
        hindered = {each.change_id: hindrance(tx, each, now) for each in found}
    if json:
        give_json([told_of(each) | {"change_id": each.change_id} for each in found])
        return
    rows = [
        (
            each.change_id,
            each.book_id,
            len(each.lists),
            _start_of(each),
            each.asked_by,
            STATE_NAMES[each.state] + ("（已不能批准）" if hindered[each.change_id] else ""),
        )
        for each in found
    ]
    show_table("调价", ["编号", "价目", "模型数", "生效", "谁提出", "状态"], rows)


@price.command("change")
@click.argument("change_id")
@frame
def show_change(house: Frame, change_id: str) -> None:
    """逐个单价查看一次调价；批准的正是这些。"""
    with house.database() as db, db.read(consistent=True) as tx:
        looked = look_at_change(tx, change_id, house.now())
    change = looked.change
    say(f"{change.change_id}  {change.book_id}  {STATE_NAMES[change.state]}  {_start_of(change)}")
    say(f"提出：{change.asked_by}  {change.why}")
    if looked.hindrance:
        say(looked.hindrance)
    rows = [
        (
            *(str(part) for part in each.key),
            each.written(each.was),
            each.written(each.became),
            KINDS[each.kind],
        )
        for each in looked.differences
    ]
    heads = ["模型", "计量项", "服务档", "长上下文", "时段", "原单价", "新单价", "变化"]
    show_table("单价", heads, rows)


def _start_of(change: PriceChange) -> str:
    if change.starts_at is None:
        return "批准后十分钟"
    return f"{change.starts_at.astimezone(_CHINA):%Y-%m-%d %H:%M}"


@price.command("approve")
@click.argument("change_id")
@click.option("--why", default="", help="意见")
@frame
def approve_one(house: Frame, change_id: str, why: str) -> None:
    """批准他人提出的调价；到其生效时间自动执行。"""
    done = _decide(house, change_id, ChangeDecision.APPROVE, why)
    say(f"已批准 {done.change_id}，价目 {done.book_id} 第 {done.revision} 版")


@price.command("reject")
@click.argument("change_id")
@click.option("--why", required=True, help="理由，提出人会看到")
@frame
def reject_one(house: Frame, change_id: str, why: str) -> None:
    """驳回他人提出的调价。"""
    say(f"已驳回 {_decide(house, change_id, ChangeDecision.REJECT, why).change_id}")


@price.command("withdraw")
@click.argument("change_id")
@frame
def withdraw_one(house: Frame, change_id: str) -> None:
    """撤回自己提出的调价。"""
    say(f"已撤回 {_decide(house, change_id, ChangeDecision.WITHDRAW, '').change_id}")


def _decide(house: Frame, change_id: str, decision: ChangeDecision, why: str) -> PriceChange:
    with house.database() as db:
        return decide_price_change(db, change_id, decision, why=why, by=house.by, now=house.now())


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


@price.command("day")
@click.argument("customer")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="客户时区的日期；不写则为今天")
@click.option("--model", default="", help="只看名称含这些字的模型")
@as_json
@frame
def show_day(house: Frame, customer: str, on: datetime | None, model: str, *, json: bool) -> None:
    """列出客户的合同在某一天适用的销售单价。"""
    with house.database() as db, db.read(consistent=True) as tx:
        who = find_customer(tx, customer)
        day = on.date() if on else house.now().astimezone(zone_of(who.zone)).date()
        found = rates_of(tx, who.customer_id, who.zone, day, model)
    if json:
        give_json([_plain(each) for each in found])
        return
    if not found:
        say(f"客户 {who.slug} 在 {day} 没有这样的单价：合同没有生效，或没有约定这个模型")
        return
    rows = [
        (
            each.rate.model,
            meter_name(each.rate.meter),
            _applies(each.rate),
            words.rate(each.rate.pico, each.rate.meter),
            words.unit(each.rate.meter, each.rate.currency),
            f"{each.since.astimezone(zone_of(who.zone)):%Y-%m-%d %H:%M}",
        )
        for each in found
    ]
    columns = ["模型", "计量项", "适用", "单价", "单位", "自何时起"]
    show_table(f"{who.slug} {day} 的单价", columns, rows)


def _applies(row: RateRow) -> str:
    """Say to which calls a rate applies, where not to all."""
    said = []
    if row.service_tier != DEFAULT:
        said.append(f"服务档 {row.service_tier}")
    if row.context_above:
        said.append(f"输入超过 {row.context_above:,} token")
    if row.time_window:
        said.append(f"时段 {row.time_window}")
    return "，".join(said)


def _plain(found: RateOn) -> dict[str, object]:
    row = found.rate
    return {
        "model": row.model,
        "meter": row.meter,
        "rate": words.rate(row.pico, row.meter),
        "unit": words.unit(row.meter, row.currency),
        "service_tier": row.service_tier,
        "context_above": row.context_above,
        "time_window": row.time_window,
        "since": found.since,
    }


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
