"""`yuejie presales quote …`: make, show, trace, approve, offer; and replays without a quote."""

from datetime import datetime
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.presales.commands import presales
from yuejie.cli.presales.words import say_next, show_quote, tree
from yuejie.contracts.numbers.number import called
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.presales import store
from yuejie.presales.ask import Ask, ask_of, read_ask
from yuejie.presales.life.decide import find_quote, step_quote
from yuejie.presales.life.sign_up import SignUp, draft_from_quote
from yuejie.presales.make import make_quote
from yuejie.presales.prospects import find_prospect
from yuejie.presales.quote import CALLED, DONE, Quote, QuoteEvent, QuoteState
from yuejie.presales.replay.again import replay_usage
from yuejie.presales.store import QuoteNote

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _ask(file: Path | None, book: str | None) -> Ask:
    if (file is None) == (book is None):
        raise Invalid("请写 --ask 报价要求文件，或只写 --book 价目名（按目录价报三种合同）")
    if file is not None:
        return read_ask(file.read_bytes(), file.name)
    return ask_of({"book": book})


@presales.command("quote")
@click.argument("prospect")
@click.option("--ask", "file", type=_FILE, help="报价要求文件，写法见 yuejie presales example ask")
@click.option("--book", help="只写价目：按目录价报三种合同类型")
@as_json
@frame
def quote(house: Frame, prospect: str, file: Path | None, book: str | None, *, json: bool) -> None:
    """按最新的需求表报价，存为新的一版；低于毛利底线的等待另一人批准。"""
    ask = _ask(file, book)
    with house.database() as db:
        made = make_quote(db, prospect, ask, by=house.by, now=house.now())
    _show(house, made, prospect, json=json)


@presales.command("show")
@click.argument("quote_id")
@as_json
@frame
def show(house: Frame, quote_id: str, *, json: bool) -> None:
    """查看一份报价：用量、方案与费用、建议、比较。"""
    with house.database() as db, db.read() as tx:
        found = find_quote(tx, quote_id)
        who = find_prospect(tx, found.prospect_id)
    _show(house, found, who.slug, json=json)


def _show(house: Frame, quote: Quote, slug: str, *, json: bool) -> None:
    if json:
        give_json(quote)
        return
    today = house.now().astimezone(zone_of(quote.body.basis.zone)).date()
    show_quote(quote, slug=slug, expired=quote.expired(today))


@presales.command("quotes")
@click.argument("prospect", required=False)
@as_json
@frame
def quotes(house: Frame, prospect: str | None, *, json: bool) -> None:
    """列出一个潜在客户的报价，新的在前；不写则列出等待批准的报价。"""
    with house.database() as db, db.read() as tx:
        if prospect is None:
            found = store.waiting_quotes(tx)
        else:
            found = store.quotes_of(tx, find_prospect(tx, prospect).prospect_id)
    if json:
        give_json(found)
        return
    if not found:
        say("没有等待批准的报价" if prospect is None else f"{prospect} 还没有报价")
        return
    rows = [_note_row(each) for each in found]
    show_table("报价", ["编号", "版", "需求表版", "状态", "有效至", "报价人"], rows)


def _note_row(note: QuoteNote) -> tuple[object, ...]:
    return (
        note.quote_id,
        note.version,
        note.form_version,
        CALLED[QuoteState(note.state)],
        note.valid_until.isoformat(),
        note.made_by,
    )


@presales.command("life")
@click.argument("quote_id")
@as_json
@frame
def life(house: Frame, quote_id: str, *, json: bool) -> None:
    """一份报价的经手记录。"""
    with house.database() as db, db.read() as tx:
        zone = zone_of(find_quote(tx, quote_id).body.basis.zone)
        found = store.transitions_of(tx, quote_id)
    if json:
        give_json(found)
        return
    rows = [
        (
            f"{t.at.astimezone(zone):%Y-%m-%d %H:%M}",
            DONE[t.event],
            CALLED[QuoteState(t.became)],
            t.by,
            t.why,
        )
        for t in found
    ]
    show_table(f"报价 {quote_id}", ["时间", "动作", "状态", "经手人", "事由"], rows)


@presales.command("trace")
@click.argument("quote_id")
@click.argument("figure", required=False)
@click.option("--depth", default=4, show_default=True, help="展开几层")
@as_json
@frame
def trace(house: Frame, quote_id: str, figure: str | None, depth: int, *, json: bool) -> None:
    """一个数从哪里来：公式、输入与价目行；不写名称则列出主要的数。"""
    with house.database() as db, db.read() as tx:
        found = find_quote(tx, quote_id).body
    names = {each.name for each in found.trace}
    if figure is None:
        given = [o.figure for o in found.options] + [o.expected.figure for o in found.options]
        given += [each.figure for each in found.advice if each.figure]
        given += [name for name in ("roi.net", "roi.ratio", "roi_whole.net") if name in names]
        chosen = [each for each in found.trace if each.name in given]
    elif figure not in names:
        raise NotFound(f"报价 {quote_id} 里没有“{figure}”这个数，不写名称可列出主要的数")
    else:
        chosen = [each for each in found.trace if each.name == figure]
    if json:
        give_json(found.trace if figure is None else chosen)
        return
    for each in chosen:
        for line in tree(found.trace, each.name, 0 if figure is None else depth):
            say(line)


def _step(house: Frame, quote_id: str, event: QuoteEvent, why: str) -> None:
    with house.database() as db:
        found = step_quote(db, quote_id, event, why=why, by=house.by, now=house.now())
    say(f"报价 {quote_id}：{CALLED[found.state]}")
    say_next(found)


@presales.command("approve")
@click.argument("quote_id")
@click.option("--why", required=True, help="事由")
@frame
def approve(house: Frame, quote_id: str, why: str) -> None:
    """批准一份低于毛利底线的报价；报价人不能批准自己的。"""
    _step(house, quote_id, QuoteEvent.APPROVE, why)


@presales.command("reject")
@click.argument("quote_id")
@click.option("--why", required=True, help="事由")
@frame
def reject(house: Frame, quote_id: str, why: str) -> None:
    """驳回一份低于毛利底线的报价。"""
    _step(house, quote_id, QuoteEvent.REJECT, why)


@presales.command("offer")
@click.argument("quote_id")
@click.option("--why", default="", help="备注，例如发给谁")
@frame
def offer(house: Frame, quote_id: str, why: str) -> None:
    """记下报价已给潜在客户。"""
    _step(house, quote_id, QuoteEvent.OFFER, why)


@presales.command("accept")
@click.argument("quote_id")
@click.option("--why", default="", help="备注，例如谁确认的")
@frame
def accept(house: Frame, quote_id: str, why: str) -> None:
    """记下潜在客户接受了报价。"""
    _step(house, quote_id, QuoteEvent.ACCEPT, why)


@presales.command("withdraw")
@click.argument("quote_id")
@click.option("--why", required=True, help="事由")
@frame
def withdraw(house: Frame, quote_id: str, why: str) -> None:
    """撤回一份报价。"""
    _step(house, quote_id, QuoteEvent.WITHDRAW, why)


@presales.command("draft")
@click.argument("quote_id")
@click.option("--customer", default="", help="客户简称；不写为潜在客户的简称，还没有则登记为客户")
@click.option("--plan", default="", help="方案名称；不写为建议的方案")
@click.option("--starts", type=click.DateTime(["%Y-%m-%d"]), help="合同起日；不写为需求表首月首日")
@as_json
@frame
def draft(
    house: Frame, quote_id: str, customer: str, plan: str, starts: datetime | None, *, json: bool
) -> None:
    """由已接受的报价起草合同：客户、价目、折扣与条款照报价；随后提交、审核、签署。"""
    wish = SignUp(
        quote_id=quote_id,
        customer=customer,
        plan=plan,
        starts_on=starts.date() if starts else None,
    )
    with house.database() as db:
        made = draft_from_quote(db, wish, by=house.by, now=house.now())
        with db.read() as tx:
            who = find_customer(tx, made.customer_id)
            name = called(tx, made.customer_id, made.draft_id)
    if json:
        give_json(made)
        return
    starts_on = made.body.starts_at.astimezone(zone_of(made.body.zone)).date()
    ends_on = made.body.commercial.ends_on
    until = f"至 {ends_on}（不含）" if ends_on else "不约定止日"
    say(f"合同草案 {name}：客户 {who.slug}（{who.legal_name}），{made.body.remark}")
    say(f"价目 {made.body.sale_book}，自 {starts_on} 起，{until}")
    say(f"请核对：yuejie contracts show {name} --customer {who.slug}")
    say(f"然后提交财务审核：yuejie contracts submit {name}")


@presales.command("replay")
@click.argument("prospect")
@click.option("--ask", "file", type=_FILE, required=True, help="报价要求文件，[usage] 写明 import")
@as_json
@frame
def replay(house: Frame, prospect: str, file: Path, *, json: bool) -> None:
    """重放历史用量：在各方案下逐月会是多少钱；只计算，不存报价，不限月数。"""
    ask = read_ask(file.read_bytes(), file.name)
    with house.database() as db:
        found = replay_usage(db, prospect, ask, now=house.now())
    if json:
        columns = [
            {
                "plan": each.plan,
                "switch": each.switch,
                "months": each.months,
                "unpriced": each.unpriced,
                "total": Money(each.total_fen, found.currency),
            }
            for each in found.columns
        ]
        give_json({"currency": found.currency, "columns": columns, "trace": found.trace})
        return
    for column in found.columns:
        name = f"{column.plan}（{column.switch}）" if column.switch else column.plan
        rows = [
            (
                each.month,
                *(
                    str(Money(fen, found.currency))
                    for fen in (
                        each.usage_fen,
                        each.discount_fen,
                        each.true_up_fen,
                        each.fee_fen,
                        each.tax_fen,
                        each.gross_fen,
                    )
                ),
            )
            for each in column.months
        ]
        columns_shown = ["月份", "用量", "折扣", "补足", "管理费", "税额", "价税合计"]
        show_table(f"{name}（{found.currency}）", columns_shown, rows)
        say(f"合计 {Money(column.total_fen, found.currency)} {found.currency}")
        if column.unpriced:
            say(f"未定价：{'、'.join(column.unpriced)}，合计为下限")
