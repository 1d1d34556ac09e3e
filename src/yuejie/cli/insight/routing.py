"""`yuejie routing …`."""

from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import last_month, month_argument
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers, keys
from yuejie.db.session import Database
from yuejie.insights.routing.report import Report, report_routing
from yuejie.insights.routing.saved import Saved
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth

_GROUPS: Final = {
    "name": ("asked", "default_model"),
    "model": ("asked", "default_model", "model"),
    "key": ("asked", "default_model", "customer_id", "key_id"),
    "customer": ("customer_id",),
}
_COLUMNS: Final = {
    "customer_id": "客户",
    "asked": "自动模型",
    "default_model": "默认模型",
    "model": "应答模型",
    "key_id": "密钥",
}


@click.group()
def routing() -> None:
    """智能选模：自动模型逐月省了多少。"""


@routing.command("report")
@month_argument
@click.option("--customer", help="客户；不写则全部")
@click.option(
    "--by",
    type=click.Choice(list(_GROUPS)),
    default="model",
    help="name 按自动模型，model 按应答模型（默认），key 按密钥，customer 按客户",
)
@as_json
@frame
def report(
    house: Frame, month: BillingMonth | None, customer: str | None, by: str, *, json: bool
) -> None:
    """与默认模型相比省了多少：同样的用量按默认模型的单价重算，精确到计费额。"""
    month = last_month(month, house)
    with house.database() as db:
        who = _customer_id(db, customer)
        found = report_routing(db, who, month)
        names = _names(db, found)
    if json:
        give_json(_plain(found))
        return
    if not found.lines:
        say(f"{month} 没有经自动模型计费的调用")
        return
    grouped = _GROUPS[by]
    rows = [_row(each, grouped, names) for each in found.by(*grouped)]
    columns = [*(_COLUMNS[name] for name in grouped), "次数", "实付", "若用默认模型", "节省"]
    show_table(f"自动选模 {month}", columns, rows)
    for each in found.totals:
        say(_total(each))
    say(found.assumption)


def _customer_id(db: Database, name: str | None) -> CustomerId | None:
    if name is None:
        return None
    with db.read() as tx:
        return find_customer(tx, name).customer_id


def _names(db: Database, found: Report) -> dict[str, str]:
    wanted = {CustomerId(each.line.customer_id) for each in found.lines}
    with db.read() as tx:
        named = {str(each.customer_id): each.slug for each in customers(tx)}
        for customer_id in sorted(wanted):
            named |= {str(key.key_id): key.name for key in keys(tx, customer_id)}
    return named


def _row(each: Saved, grouped: tuple[str, ...], names: dict[str, str]) -> list[object]:
    told = (getattr(each.line, name) for name in grouped)
    return [
        *(names.get(text, text) for text in told),
        each.calls,
        _money(each.charge),
        _money(each.default_charge),
        _money(each.saving),
    ]


def _total(each: Saved) -> str:
    said = (
        f"合计 {each.calls:,} 次：实付 {_money(each.charge)}，若都用默认模型 "
        f"{_money(each.default_charge)}，节省 {_money(each.saving)}"
    )
    if each.calls_uncompared:
        charge = _money(Charge(each.charge_uncompared_pico, each.line.currency))
        why = "、".join(sorted(each.lacking))
        said += f"；另有 {each.calls_uncompared:,} 次（{charge}）无法比较：{why}"
    return said


def _money(charge: Charge) -> str:
    """Show a charge as it is: exact, so that rows add up to their sum."""
    return f"{charge} {charge.currency}"


def _plain(found: Report) -> dict[str, object]:
    return {
        "month": str(found.month),
        "assumption": found.assumption,
        "lines": [_saved(each) for each in found.lines],
        "totals": [_saved(each) for each in found.totals],
    }


def _saved(each: Saved) -> dict[str, object]:
    line = {name: getattr(each.line, name) for name in each.line.__slots__}
    return line | {
        "calls": each.calls,
        "charge": str(each.charge),
        "default_charge": str(each.default_charge),
        "saving": str(each.saving),
        "calls_uncompared": each.calls_uncompared,
        "charge_uncompared": str(Charge(each.charge_uncompared_pico, each.line.currency)),
        "lacking": sorted(each.lacking),
    }
