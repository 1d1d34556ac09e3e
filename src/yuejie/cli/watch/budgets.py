"""`yuejie budgets …`."""

from dataclasses import asdict
from typing import Final
from zoneinfo import ZoneInfo

import click

from yuejie.budgets.allowance import (
    DEFAULT_FORECASTS,
    DEFAULT_THRESHOLDS,
    MODES,
    PERIODS,
    Allowance,
    Measure,
    Mode,
    Period,
    amount_text,
    read_cap,
)
from yuejie.budgets.check import check_budgets
from yuejie.budgets.keep import (
    AllowanceDraft,
    Change,
    add_allowance,
    change_allowance,
    end_allowance,
)
from yuejie.budgets.show import Standing, history, standings
from yuejie.budgets.watch.report import ReportLine, budget_report
from yuejie.budgets.watch.store import AlertRow
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import Month
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers as all_customers
from yuejie.customers.store import keys, projects
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import BillingMonth, zone_of

_WINDOWS: Final = 100


@click.group()
def budgets() -> None:
    """额度：金额、token、请求数、并发的限额，限速，提醒。"""


def _customer(db: Database, name: str) -> Customer:
    with db.read() as tx:
        return find_customer(tx, name)


def read_percents(text: str) -> tuple[int, ...]:
    """Read “50,80,100”; nothing means nobody is told."""
    try:
        return tuple(int(part.strip().rstrip("%")) for part in text.split(",") if part.strip())
    except ValueError:
        raise Invalid(f"提醒百分比“{text}”应写成 50,80,100") from None


@budgets.command("add")
@click.argument("customer")
@click.argument("name")
@click.option("--cap", required=True, help="限额：金额写小数，其余写整数")
@click.option(
    "--measure",
    type=click.Choice([each.value for each in Measure]),
    default="money",
    help="计量：money 金额、tokens、requests、concurrency 并发",
)
@click.option("--currency", default="", help="金额的币种；不写则为客户的结算币种")
@click.option(
    "--per",
    "period",
    type=click.Choice([each.value for each in Period]),
    help="周期；不写则 month，并发为 always",
)
@click.option(
    "--mode",
    type=click.Choice([each.value for each in Mode]),
    default="hard",
    help="soft 只提醒；hard 预占最坏情况，绝不超出；paced 有余量就放行，最多超出在途请求",
)
@click.option("--project", help="项目（含下级）")
@click.option("--key", help="密钥编号或名称")
@click.option("--model")
@click.option("--tag", help="名称=值")
@click.option("--output-bound", type=int, help="请求没写 max_tokens 时由网关写入的最长输出")
@click.option("--alert", default="", help="提醒的百分比，例如 50,80,100（默认）；none 为不提醒")
@click.option("--forecast", default="", help="预计用量提醒的百分比，默认 100；none 为不提醒")
@click.option("--why", default="", help="事由")
@frame
def add(house: Frame, /, customer: str, name: str, **told: str | int | None) -> None:
    """新增一个额度；本周期已用的计算在内。"""
    measure = Measure(str(told["measure"]))
    period = str(told["period"] or ("always" if measure is Measure.CONCURRENCY else "month"))
    alert = str(told["alert"])
    percents = () if alert == "none" else read_percents(alert) or DEFAULT_THRESHOLDS
    ahead = str(told["forecast"])
    forecasts = () if ahead == "none" else read_percents(ahead) or DEFAULT_FORECASTS
    with house.database() as db:
        who = _customer(db, customer)
        draft = AllowanceDraft(
            name=name,
            measure=measure,
            cap=read_cap(str(told["cap"]), measure),
            currency=(str(told["currency"]) or who.currency) if measure is Measure.MONEY else "",
            period=Period(period),
            mode=Mode(str(told["mode"])),
            project=_text(told["project"]),
            key=_text(told["key"]),
            model=_text(told["model"]),
            tag=_text(told["tag"]),
            output_bound=told["output_bound"],  # type: ignore[arg-type]  # click read a number
            thresholds=percents,
            forecasts=forecasts,
            why=str(told["why"]),
        )
        added = add_allowance(db, who, draft, by=house.by, now=house.now())
        shown = [each for each in standings(db, who, now=house.now()) if each.allowance == added]
        say(f"额度“{name}”已生效（{added.allowance_id}），各网关一秒内执行")
        _show_standings(db, who, shown)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@budgets.command("list")
@click.argument("customer")
@as_json
@frame
def list_budgets(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的额度：限额、已用、预占、剩余。"""
    with house.database() as db:
        who = _customer(db, customer)
        found = standings(db, who, now=house.now())
        if json:
            give_json([_plain(each) for each in found])
        elif not found:
            say(f"{who.slug} 没有额度")
        else:
            _show_standings(db, who, found)


@budgets.command("show")
@click.argument("customer")
@click.argument("name")
@as_json
@frame
def show_budget(house: Frame, customer: str, name: str, *, json: bool) -> None:
    """查看一个额度的各个周期，新的在前。"""
    with house.database() as db:
        who = _customer(db, customer)
        found = history(db, who, name, limit=_WINDOWS, now=house.now())
        if json:
            give_json([_plain(each) for each in found])
        elif not found:
            raise NotFound(f"客户 {who.slug} 没有额度“{name}”，请用 yuejie budgets list 查看")
        else:
            _show_standings(db, who, found)


@budgets.command("change")
@click.argument("customer")
@click.argument("name")
@click.option("--cap", help="新的限额")
@click.option("--mode", type=click.Choice([each.value for each in Mode]))
@click.option(
    "--output-bound", type=int, help="请求没写 max_tokens 时由网关写入的最长输出；0 为取消"
)
@click.option("--alert", help="提醒的百分比，例如 50,80,100")
@click.option("--forecast", help="预计用量提醒的百分比，例如 100")
@click.option("--why", help="事由")
@frame
def change(house: Frame, /, customer: str, name: str, **told: str | int | None) -> None:
    """更改限额，本周期立即生效；范围不能改，请结束后另立。"""
    with house.database() as db:
        who = _customer(db, customer)
        now = house.now()
        own = [each.allowance for each in standings(db, who, now=now)]
        measure = next(
            (each.measure for each in own if name in (each.name, each.allowance_id)), Measure.MONEY
        )
        wanted = Change(
            cap=read_cap(str(told["cap"]), measure) if told["cap"] is not None else None,
            mode=Mode(str(told["mode"])) if told["mode"] else None,
            output_bound=told["output_bound"],  # type: ignore[arg-type]  # click read a number
            thresholds=read_percents(str(told["alert"])) if told["alert"] is not None else None,
            forecasts=(
                read_percents(str(told["forecast"])) if told["forecast"] is not None else None
            ),
            why=_text(told["why"]),
        )
        changed = change_allowance(db, who, name, wanted, by=house.by, now=now)
        found = [each for each in standings(db, who, now=now) if each.allowance == changed]
        say(f"额度“{changed.name}”已更改，各网关一秒内执行")
        _show_standings(db, who, found)


@budgets.command("end")
@click.argument("customer")
@click.argument("name")
@click.option("--why", default="", help="事由")
@frame
def end(house: Frame, customer: str, name: str, *, why: str) -> None:
    """结束一个额度：不再限制任何调用，已有记录保留。"""
    with house.database() as db:
        ended = end_allowance(
            db, _customer(db, customer), name, by=house.by, now=house.now(), why=why
        )
    say(f"额度“{ended.name}”已结束，各网关一秒内不再执行")


@budgets.command("report")
@click.argument("customer")
@click.argument("month", type=Month(), required=False)
@as_json
@frame
def report(house: Frame, customer: str, month: BillingMonth | None, *, json: bool) -> None:
    """一个客户一个月（默认本月）的额度报告：各周期的限额、已用、预计、何时提醒过。"""
    with house.database() as db:
        who, now = _customer(db, customer), house.now()
        month = month or BillingMonth.of(now, zone_of(who.zone))
        found = budget_report(db, who, month, now=now)
        names = _names(db, who)
    if json:
        give_json([_report_plain(each) for each in found])
        return
    if not found:
        say(f"{who.slug} 在 {month} 没有额度")
        return
    zone = zone_of(who.zone)
    rows = [
        (
            each.allowance.name,
            _scope(each.allowance, names),
            f"{each.starts_at.astimezone(zone):%m-%d} 起{PERIODS[each.allowance.period]}",
            amount_text(each.cap, each.allowance.measure, each.unit),
            amount_text(each.spent, each.allowance.measure, each.unit),
            "—" if each.percent is None else f"{each.percent}%",
            "—"
            if each.forecast is None
            else amount_text(each.forecast, each.allowance.measure, each.unit),
            "、".join(_alert(alert, zone) for alert in each.alerts) or "—",
        )
        for each in found
    ]
    columns = ["额度", "范围", "周期", "限额", "已用", "已用比例", "期末预计", "提醒"]
    show_table(f"{who.slug} {month} 额度报告", columns, rows)


def _alert(alert: AlertRow, zone: ZoneInfo) -> str:
    what = "预计" if alert.basis == "forecast" else "已用"
    eased = "（已恢复）" if alert.eased_at else ""
    return f"{alert.told_at.astimezone(zone):%m-%d %H:%M} {what}{alert.percent}%{eased}"


def _report_plain(line: ReportLine) -> dict[str, object]:
    return asdict(line) | {"percent": line.percent}


@budgets.command("check")
@click.option("--customer", help="客户；不写则全部")
@as_json
@frame
def check(house: Frame, customer: str | None, *, json: bool) -> None:
    """按用量汇总重算已用与预占，逐个周期核对。"""
    with house.database() as db:
        with db.read() as tx:
            who = [find_customer(tx, customer)] if customer else all_customers(tx)
        found = check_budgets(db, who)
    if json:
        give_json(found)
    for each in found if not json else ():
        say(
            f"额度“{each.allowance.name}”{each.slot} 的 {each.what}：记为 {each.stored}，"
            f"重算为 {each.computed}"
        )
    if found:
        raise Conflict(f"{len(found)} 处与重算不符，请把以上内容交给运维")
    if not json:
        say("各额度的已用与预占都与重算一致")


def _plain(standing: Standing) -> dict[str, object]:
    allowance = standing.allowance
    return asdict(allowance) | {
        "unit": standing.unit,
        "window_starts_at": standing.starts_at,
        "window_ends_at": standing.ends_at,
        "window_cap": standing.cap,
        "spent": standing.spent,
        "reserved": standing.reserved,
        "left": standing.left,
        "percent": standing.percent,
        "beyond": standing.beyond,
        "in_flight_calls": standing.flight.calls if standing.flight else 0,
        "in_flight_at": standing.flight.at if standing.flight else None,
    }


def _show_standings(db: Database, customer: Customer, found: list[Standing]) -> None:
    names, zone = _names(db, customer), zone_of(customer.zone)
    rows = [
        (
            each.allowance.name,
            _scope(each.allowance, names),
            f"{PERIODS[each.allowance.period]}{_until(each, zone)}",
            MODES[each.allowance.mode],
            amount_text(each.cap, each.allowance.measure, each.unit),
            amount_text(each.spent, each.allowance.measure, each.unit),
            amount_text(each.reserved, each.allowance.measure, each.unit),
            amount_text(each.left, each.allowance.measure, each.unit),
            "—" if each.percent is None else f"{each.percent}%",
        )
        for each in found
    ]
    columns = ["额度", "范围", "周期", "方式", "限额", "已用", "预占", "剩余", "已用比例"]
    show_table(f"{customer.slug} 的额度", columns, rows)
    for each in found:
        if (words := _beyond(each, zone)) is not None:
            say(words)


def _beyond(standing: Standing, zone: ZoneInfo) -> str | None:
    """Say by how much a paced cap may be overshot, and how fresh that is."""
    own, flight = standing.allowance, standing.flight
    if standing.beyond is None:
        return None
    if flight is None:
        return f"额度“{own.name}”（放行后计）：此刻没有在途请求，不会再超出"
    most = amount_text(flight.worst, own.measure, standing.unit)
    return (
        f"额度“{own.name}”（放行后计）：在途 {flight.calls:,} 次，最坏共 {most}，"
        f"余量用完后最多再超出这么多（{flight.at.astimezone(zone):%H:%M:%S} 的数）"
    )


def _until(standing: Standing, zone: ZoneInfo) -> str:
    """Say when a window ends, by the customer's clock: that is what its months go by."""
    if standing.ends_at is None or standing.allowance.period is Period.MINUTE:
        return ""
    return f"，至 {standing.ends_at.astimezone(zone):%m-%d %H:%M}"


def _names(db: Database, customer: Customer) -> dict[str, str]:
    with db.read() as tx:
        named = {each.project_id: each.name for each in projects(tx, customer.customer_id)}
        return named | {each.key_id: each.name for each in keys(tx, customer.customer_id)}


def _scope(allowance: Allowance, names: dict[str, str]) -> str:
    scope = allowance.scope
    parts = (
        ("项目", scope.project_id),
        ("密钥", scope.key_id),
        ("模型", scope.model),
        ("标签", scope.tag),
    )
    return "、".join(f"{what} {names.get(one, one)}" for what, one in parts if one) or "整个客户"
