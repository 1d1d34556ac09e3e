"""`yuejie bills live`."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.live.live import Live, Moved, moved
from yuejie.bills.live.look import look
from yuejie.bills.live.memory import Remembering
from yuejie.cli.billing.bills import bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, plain, say
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 15
"""A gateway without calls is noted as read every few seconds only."""
_CHANGE: Final = "较上一秒"
_MODELS: Final = 12
_LINES: Final = 8
"""Rows of a screen that a person takes in at a glance; the rest is summed up in one."""


@bills.command("live")
@click.argument("customer")
@click.option("--watch", is_flag=True, help="每秒刷新，显示刚刚变动的行；Ctrl-C 结束")
@click.option("--seconds", type=click.IntRange(1), help="与 --watch 同用：看多少秒后结束")
@as_json
@frame
def live(house: Frame, customer: str, *, watch: bool, seconds: int | None, json: bool) -> None:
    """实时账单：若本月此刻结束，应付多少；与关账同一算法，不写入任何数据。"""
    if seconds and not watch:
        raise click.UsageError("--seconds 须与 --watch 同用")
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        zone = zone_of(who.zone)
        if not watch:
            seen = look(db, who.customer_id, now=house.now())
            if json:
                give_json(_plain(seen))
            else:
                Console().print(_page(seen, None, None, seen.drawn_at.astimezone(zone)))
            return
        try:
            if json:
                _stream(house, db, who.customer_id, seconds)
            else:
                _watch(house, db, who.customer_id, seconds)
        except KeyboardInterrupt:
            return


def _looks(
    house: Frame, db: Database, customer_id: CustomerId, seconds: int | None
) -> Iterator[tuple[Live, Live | None]]:
    """Yield what is seen each second, with what was seen the second before."""
    memory, was, number = Remembering(), None, 0
    due = time.monotonic()
    while seconds is None or number <= seconds:
        seen = look(db, customer_id, now=house.now(), memory=memory)
        yield seen, was
        was, number = seen, number + 1
        due = max(due + SECONDS, time.monotonic())
        if seconds is None or number <= seconds:
            time.sleep(max(0.0, due - time.monotonic()))


def _stream(house: Frame, db: Database, customer_id: CustomerId, seconds: int | None) -> None:
    """Write one line of JSON per second, with what moved."""
    for seen, was in _looks(house, db, customer_id, seconds):
        changes = moved(was, seen) if was else []
        answer = {**_head(seen), "moved": [_moved(each, seen.currency) for each in changes]}
        say(msgspec.json.encode(plain(answer)).decode())


def _watch(house: Frame, db: Database, customer_id: CustomerId, seconds: int | None) -> None:
    """Show the bill in place, refreshed each second."""
    with db.read() as tx:
        zone = zone_of(find_customer(tx, customer_id).zone)
    with Screen(screen=Console().is_terminal, auto_refresh=False, transient=False) as screen:
        last: tuple[list[Moved], datetime] | None = None
        for seen, was in _looks(house, db, customer_id, seconds):
            at = seen.drawn_at.astimezone(zone)
            changes = moved(was, seen) if was else []
            last = (changes, at) if changes else last
            screen.update(_page(seen, was, last, at), refresh=True)


def _page(
    seen: Live, was: Live | None, last: tuple[list[Moved], datetime] | None, at: datetime
) -> RenderableType:
    behind = max(0, int((seen.drawn_at - seen.used_until).total_seconds()))
    head = Text.assemble(
        ("实时账单 ", "bold"),
        f"{seen.slug} {seen.month}  若此刻月末  {at:%Y-%m-%d %H:%M:%S}",
        ("" if behind < _QUIET_SECONDS else f"  网关用量读到 {behind} 秒前", "yellow"),
    )
    parts: list[RenderableType] = [head, _totals(seen, was)]
    if seen.beside:
        parts.append(_others("另一币种的账单", seen.beside))
    if seen.earlier:
        parts.append(_others("已结束、待关账的月份", seen.earlier))
    if seen.by_model():
        parts.append(_models(seen, was))
    else:
        parts.append(Text(f"{seen.month} 还没有用量", style="dim"))
    if _term_sums(seen.bills):
        parts.append(_terms(seen, was))
    if last is not None:
        parts.append(_changes(*last, seen.currency))
    parts.append(Text("尚未确定：", style="bold"))
    parts += [Text(f"  · {note.sentence}") for note in seen.notes]
    return Group(*parts)


def _totals(seen: Live, was: Live | None) -> Table:
    table = _table("部分", "行数", "不含税", "税额", f"价税合计 {seen.currency}", _CHANGE, was=was)
    before = {bill.part: bill.gross.fen for bill in was.bills} if was else {}
    for bill in seen.bills if len(seen.bills) > 1 else ():
        _add(
            table,
            bill.part_name or "主账单",
            f"{len(bill.lines):,}",
            str(bill.net),
            str(bill.tax),
            str(bill.gross),
            _delta(bill.gross.fen - before.get(bill.part, 0) if was else 0, seen.currency),
        )
    change = seen.gross.fen - was.gross.fen if was else 0
    _add(
        table,
        "合计",
        f"{sum(len(bill.lines) for bill in seen.bills):,}",
        str(seen.net),
        str(seen.tax),
        Text(str(seen.gross), style="bold"),
        _delta(change, seen.currency),
    )
    return table


def _others(title: str, bills: tuple[Bill, ...]) -> Table:
    table = _table(title, "部分", "价税合计")
    for bill in bills:
        _add(table, str(bill.month), bill.part_name, f"{bill.gross} {bill.currency}")
    return table


def _models(seen: Live, was: Live | None) -> Table:
    table = _table("模型用量", f"金额 {seen.currency}", _CHANGE, was=was)
    before = was.by_model() if was else {}
    ranked = sorted(seen.by_model().items(), key=lambda each: (-each[1], each[0]))
    for model, fen in ranked[:_MODELS]:
        change = fen - before.get(model, 0) if was else 0
        _add(table, model, _money(fen, seen.currency), _delta(change, seen.currency))
    rest = sum(fen for _, fen in ranked[_MODELS:])
    if rest:
        _add(table, f"其余 {len(ranked) - _MODELS} 个模型", _money(rest, seen.currency), "")
    return table


def _terms(seen: Live, was: Live | None) -> Table:
    table = _table("合同条款", "账期", f"金额 {seen.currency}", _CHANGE, was=was)
    before = _term_sums(was.bills) if was else {}
    for (item, month), fen in _term_sums(seen.bills).items():
        change = fen - before.get((item, month), 0) if was else 0
        _add(table, item, month, _money(fen, seen.currency), _delta(change, seen.currency))
    return table


def _term_sums(found: tuple[Bill, ...]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for bill in found:
        for line in bill.lines:
            if not line.metered:
                key = (line.item, str(line.service_month))
                sums[key] = sums.get(key, 0) + line.amount_fen
    return sums


def _changes(changes: list[Moved], at: datetime, currency: str) -> Table:
    table = _table(f"{at:%H:%M:%S} 变动的行", "数量", f"金额 {currency}")
    for each in changes[:_LINES]:
        if each.amount_fen or each.quantity:
            named = _line_words(each.line) if each.line else each.name.item or each.name.model
            quantity = f"{each.quantity:+,}" if each.quantity else ""
            _add(table, named, quantity, _delta(each.amount_fen, currency))
    if len(changes) > _LINES:
        _add(table, f"还有 {len(changes) - _LINES} 行", "", "")
    return table


def _line_words(line: BillLine) -> str:
    if not line.metered:
        return line.item
    return f"{line.project_name}  {line.model}  {line.meter}"


def _table(*columns: str, was: Live | None = None) -> Table:
    """Return a table; its last column, what changed, only where there is a second before."""
    table = Table(header_style="bold", expand=False)
    shown = columns if was is not None or columns[-1] != _CHANGE else columns[:-1]
    for number, column in enumerate(shown):
        table.add_column(column, justify="left" if not number else "right", no_wrap=number > 0)
    return table


def _add(table: Table, *cells: RenderableType) -> None:
    table.add_row(*cells[: len(table.columns)])


def _money(fen: int, currency: str) -> str:
    return str(Money(fen, currency))


def _delta(fen: int, currency: str) -> Text:
    """Show a change with its sign; nothing where nothing changed."""
    if not fen:
        return Text("")
    sign = "+" if fen > 0 else ""
    return Text(f"{sign}{Money(fen, currency)}", style="green" if fen > 0 else "magenta")


def _head(seen: Live) -> dict[str, object]:
    return {
        "customer": seen.slug,
        "month": seen.month,
        "drawn_at": seen.drawn_at,
        "used_until": seen.used_until,
        "epoch": seen.epoch,
        "net": seen.net,
        "tax": seen.tax,
        "gross": seen.gross,
    }


def _plain(seen: Live) -> dict[str, object]:
    return {
        **_head(seen),
        "parts": [_part(bill) for bill in seen.bills],
        "beside": [_part(bill) for bill in seen.beside],
        "earlier": [_part(bill) for bill in seen.earlier],
        "notes": seen.notes,
    }


def _part(bill: Bill) -> dict[str, object]:
    return {
        "month": bill.month,
        "part": bill.part,
        "part_name": bill.part_name,
        "net": bill.net,
        "tax": bill.tax,
        "gross": bill.gross,
        "lines": bill.lines,
        "tax_lines": bill.tax_lines,
    }


def _moved(each: Moved, currency: str) -> dict[str, object]:
    return {
        **each.name._asdict(),
        "amount": Money(each.amount_fen, currency),
        "quantity": each.quantity,
    }
