"""`yuejie forecast …`."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import click

from yuejie.budgets.allowance import PERIODS, Period, amount_text
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.insight.chart import LEGEND, Column, chart
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.forecast.exhaust import exhaustions
from yuejie.insights.forecast.figures import (
    MEASURE_NAMES,
    Day,
    Exhaustion,
    Forecast,
    Hour,
    HoursAhead,
    Measure,
    Month,
    Told,
)
from yuejie.insights.forecast.foresee import HOURS, foresee, foresee_hours
from yuejie.insights.forecast.proof import Proof
from yuejie.insights.forecast.rhythm import HoursProof
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

_MONEY: Final = frozenset({"CNY", "USD"})
_SHOWN_HOURS: Final = 72
_STEP: Final = 2
"""Hours in one column of the chart."""
as_measure: Final = click.option(
    "--measure",
    type=click.Choice([each.value for each in Measure]),
    default=Measure.MONEY.value,
    show_default=True,
    help="费用、token 或请求",
)


@click.group()
def forecast() -> None:
    """预测：月底会用多少、额度何时用完、今后三个月，都带区间与回测误差。"""


@forecast.command("show")
@click.argument("customer")
@click.option("--project", help="只看一个项目（含下级）")
@click.option("--model", help="只看一个模型")
@as_measure
@as_json
@frame
def show(
    house: Frame, customer: str, project: str | None, model: str | None, measure: str, *, json: bool
) -> None:
    """本月底与今后三个月：按售价计的用量，未计阶梯、管理费等条款。"""
    with house.database() as db:
        found = foresee(
            db,
            _customer(db, customer),
            measure=Measure(measure),
            project=project,
            model=model,
            now=house.now(),
        )
    if json:
        give_json(found)
        return
    what = " · ".join([customer, *filter(None, (project, model)), MEASURE_NAMES[found.measure]])
    zone = zone_of(found.zone)
    say(f"{what}，截至 {found.as_of.astimezone(zone):%Y-%m-%d %H:%M}；{found.knows}")
    if not found.months:
        return
    _draw([_column(each) for each in found.days], found.unit, "每日")
    rows = [_month(each, found.unit) for each in found.months]
    columns = ["月份", "已用", "预计", "80 % 区间", "95 % 区间", "照目前速度"]
    show_table(f"按月（{_unit(found.unit)}）", columns, rows)
    _tell_proof(found.proof, found)


@forecast.command("budgets")
@click.argument("customer")
@as_json
@frame
def budgets(house: Frame, customer: str, *, json: bool) -> None:
    """各额度何时用完：最可能的时刻与 80 % 区间，或本周期内不会用完。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        found = exhaustions(db, who.customer_id, now=house.now())
    if json:
        give_json(found)
        return
    if not found:
        say(f"{who.slug} 没有费用、token 或请求的额度，可用 yuejie budgets add 设立")
        return
    zone = zone_of(who.zone)
    columns = ["额度", "范围", "周期", "限额", "已用", "期末预计", "用完时刻", "80 % 区间"]
    show_table(f"{who.slug} 的额度何时用完", columns, [_exhaustion(e, zone) for e in found])
    for said in dict.fromkeys(each.knows for each in found):
        say(said)


@forecast.command("hours")
@click.argument("customer")
@click.option("--project", help="只看一个项目（含下级）")
@click.option("--model", help="只看一个模型")
@click.option("--hours", default=HOURS, show_default=True, help="预测几个小时，最多 168")
@as_measure
@as_json
@frame
def hours_(house: Frame, /, customer: str, *, json: bool, **told: str | int | None) -> None:
    """今后几天逐时的用量。"""
    with house.database() as db:
        found = foresee_hours(
            db,
            _customer(db, customer),
            measure=Measure(str(told["measure"])),
            project=_text(told["project"]),
            model=_text(told["model"]),
            ahead=int(told["hours"] or HOURS),
            now=house.now(),
        )
    if json:
        give_json(found)
        return
    say(f"{customer} · {MEASURE_NAMES[found.measure]}；{found.knows}")
    zone = zone_of(found.zone)
    _draw(_hour_columns(found, zone), found.unit, f"每小时（每列为 {_STEP} 小时的平均）")
    rows = [_hour(each, found.unit, zone) for each in found.hours if each.told is not None]
    if not rows:
        return
    show_table(
        f"逐时（{_unit(found.unit)}）", ["时刻", "预计", "80 % 区间", "95 % 区间"], rows[:24]
    )
    if len(rows) > 24:
        say(f"其余 {len(rows) - 24} 小时见上图，或用 --json 取得")
    _tell_hours_proof(found.proof)


def _customer(db: Database, name: str) -> CustomerId:
    with db.read() as tx:
        return find_customer(tx, name).customer_id


def _text(told: str | int | None) -> str | None:
    return None if told is None else str(told)


def _unit(unit: str) -> str:
    return unit if unit in _MONEY else MEASURE_NAMES[Measure(unit)]


def _write(number: int, unit: str) -> str:
    return str(Money(number, unit)) if unit in _MONEY else f"{number:,}"


def _short(number: int, unit: str) -> str:
    """Write a number for an axis."""
    if unit in _MONEY:
        return f"{number // 100:,}"
    for size, word in ((10**8, "亿"), (10**4, "万")):
        if number >= 10 * size:
            return f"{number // size:,}{word}"
    return f"{number:,}"


def _draw(columns: list[Column], unit: str, what: str) -> None:
    lines = chart(columns, lambda number: _short(number, unit))
    if not lines:
        return
    say(f"{what}，{_unit(unit)}")
    for line in lines:
        say(line)
    say(LEGEND)


def _column(day: Day) -> Column:
    label = f"{day.day:%m-%d}"
    if day.told is None:
        return Column(label, day.used)
    return Column(label, day.used, day.told.low80, day.told.middle, day.told.high80)


def _hour_columns(found: HoursAhead, zone: ZoneInfo) -> list[Column]:
    past = [each for each in found.hours if each.told is None][-_SHOWN_HOURS:]
    ahead = [each for each in found.hours if each.told is not None]
    columns = []
    for hours in (past, ahead):
        for place in range(0, len(hours), _STEP):
            some = hours[place : place + _STEP]
            label = f"{some[0].hour.astimezone(zone):%d日%H时}"
            used = sum(each.used for each in some) // len(some)
            estimates = [each.told for each in some if each.told is not None]
            columns.append(_mean(label, used, estimates))
    return columns


def _mean(label: str, used: int, estimates: list[Told]) -> Column:
    if not estimates:
        return Column(label, used)
    low, middle, high = (
        sum(getattr(each, name) or 0 for each in estimates) // len(estimates)
        for name in ("low80", "middle", "high80")
    )
    return Column(label, used, low, middle, high)


def _between(low: int | None, high: int | None, unit: str) -> str:
    if low is None or high is None:
        return "—"
    return f"{_write(low, unit)} ～ {_write(high, unit)}"


def _month(each: Month, unit: str) -> list[object]:
    return [
        str(each.month),
        _write(each.used, unit),
        _write(each.told.middle, unit),
        _between(each.told.low80, each.told.high80, unit),
        _between(each.told.low95, each.told.high95, unit),
        "—" if each.run_rate is None else _write(each.run_rate, unit),
    ]


def _hour(each: Hour, unit: str, zone: ZoneInfo) -> list[object]:
    assert each.told is not None, "only hours to come are listed"
    return [
        f"{each.hour.astimezone(zone):%m-%d %H:%M}",
        _write(each.told.middle, unit),
        _between(each.told.low80, each.told.high80, unit),
        _between(each.told.low95, each.told.high95, unit),
    ]


def _exhaustion(each: Exhaustion, zone: ZoneInfo) -> list[object]:
    def amount(number: int) -> str:
        return amount_text(number, each.measure, each.unit)

    return [
        each.name,
        each.scope,
        PERIODS[Period(each.period)],
        amount(each.cap),
        amount(each.spent),
        "—" if each.told is None else amount(each.told.middle),
        _when(each, zone),
        _span(each, zone),
    ]


def _when(each: Exhaustion, zone: ZoneInfo) -> str:
    if each.spent >= each.cap:
        return "已用完"
    if each.likely is None:
        return "本周期内不会" if each.early is None else "本周期内多半不会"
    return _at(each.likely, zone)


def _span(each: Exhaustion, zone: ZoneInfo) -> str:
    if each.early is None or each.spent >= each.cap:
        return "—"
    return f"{_at(each.early, zone)} ～ {_at(each.late, zone) if each.late else '本周期内不会'}"


def _at(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%m-%d %H:%M}"


def _tell_proof(proof: Proof | None, found: Forecast) -> None:
    if proof is None or not proof.trials:
        say("回测：历史太短，还不能在过去检验这个预测")
        return
    count = len(proof.trials)
    said = f"回测：在过去 {count} 个时点只用当时已知的用量重做预测，"
    if proof.miss is not None and proof.naive_miss is not None:
        said += (
            f"误差中位数 {_percent(proof.miss)}（照当时速度推算为 {_percent(proof.naive_miss)}），"
        )
    say(f"{said}80 % 区间命中 {proof.held80} 次，95 % 区间命中 {proof.held95} 次")
    if proof.mase is not None:
        word = "好于" if proof.mase < 1 else "不如"
        say(f"逐日 MASE {proof.mase:.2f}：{word}“与上周同日相同”的推算")
    rows: list[list[object]] = [
        [
            str(each.made_on),
            f"{each.since} 起至 {each.until} 前",
            _write(round(each.told.middle), found.unit),
            _write(round(each.came), found.unit),
            "是" if each.held80 else "否",
        ]
        for each in proof.trials
    ]
    show_table("在过去重做的预测", ["作于", "区间", "预计", "实际", "80 % 内"], rows)


def _tell_hours_proof(proof: HoursProof | None) -> None:
    if proof is None:
        say("回测：历史太短，还不能在过去检验这个预测")
        return
    said = f"回测：最近 {proof.trials} 段时间只用此前的用量重做，"
    if proof.mase is not None and proof.naive_mase is not None:
        said += f"MASE {proof.mase:.2f}（照搬前一天为 {proof.naive_mase:.2f}），"
    held = f"80 % 区间含 {_percent(proof.held80)}，95 % 区间含 {_percent(proof.held95)} 的小时"
    say(said + held)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
