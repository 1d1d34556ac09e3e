"""`yuejie trend …`."""

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final, TypeVar

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.trend.billed import Billed, show_trend
from yuejie.insights.trend.compare import Comparison, Periods, Side, show_comparison
from yuejie.insights.trend.figures import MEASURE_NAMES, Measure, charges_of, growth_text
from yuejie.insights.trend.paper import bar, cell, effects_in_fen, fen, rounded, spark
from yuejie.insights.trend.places import BY_NAMES, By, Filter
from yuejie.insights.trend.series import EMPTY, TOP, TOP_MAX, Asked, Line, Series
from yuejie.insights.trend.span import DAY, GRAIN_NAMES, Grain, Period, parse_period
from yuejie.insights.trend.told import growth_of, tell_comparison, tell_trend
from yuejie.kernel.errors import DomainError
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

F = TypeVar("F", bound=Callable[..., object])

_MODELS_SHOWN: Final = 15
_MONEY: Final = (
    Measure.CHARGE,
    Measure.COST,
    Measure.MARGIN,
    Measure.PER_THOUSAND,
    Measure.PER_MTOK,
)
_ROWS: Final = (
    *(Measure.CHARGE, Measure.COST, Measure.MARGIN, Measure.REQUESTS, Measure.TOKENS),
    *(Measure.PER_THOUSAND, Measure.PER_MTOK, Measure.CACHE_SHARE),
)
_WHOLE_HEADS: Final = (
    *("费用", "环比 %", "成本", "毛利", "请求", "token", "每千次\n费用", "每百万\ntoken 费用"),
    "缓存\n命中 %",
)
_DAILY: Final = frozenset(
    {Measure.CHARGE, Measure.COST, Measure.MARGIN, Measure.REQUESTS, Measure.TOKENS}
)


class PeriodText(click.ParamType[Period]):
    """A period on the command line."""

    name = "时段"

    def convert(
        self, value: str | Period, param: click.Parameter | None, ctx: click.Context | None
    ) -> Period:
        """Read “2026-10”, “2026-W41”, “2026-10-05” or two of them joined by “..”."""
        if isinstance(value, Period):
            return value
        try:
            return parse_period(value)
        except DomainError as error:
            self.fail(error.sentence, param, ctx)


def _parts(command: F) -> F:
    """Add the options that say which part of the usage is meant."""
    options = (
        click.option("--customer", required=True, help="客户"),
        click.option(
            "--by", type=click.Choice([by.value for by in By]), help="按什么分；项目含下级"
        ),
        click.option("--tag-name", help="按标签分时，只按这个标签名"),
        click.option("--project", help="只看这个项目（含下级）"),
        click.option("--department", help="只看这个部门"),
        click.option("--environment", help="只看这个环境"),
        click.option("--key", help="只看这个密钥（名称或编号）"),
        click.option("--tag", help="只看这个标签，名=值"),
        click.option("--model", help="只看这个模型"),
        click.option("--provider", help="只看这个供应商"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def trend() -> None:
    """趋势：月、周、日、小时的费用与用量，任意维度；两期相比，为什么变。"""


@trend.command("show")
@_parts
@click.option(
    "--grain",
    type=click.Choice([grain.value for grain in Grain]),
    default=Grain.MONTH.value,
    help="月、周、日或小时",
)
@click.option("--count", type=int, help="几个；不写为 13 个月、13 周、31 日、48 小时")
@click.option("--until", type=click.DateTime(), help="到何时所在的那个为止（客户时区）")
@click.option(
    "--measure",
    type=click.Choice([measure.value for measure in Measure]),
    default=Measure.CHARGE.value,
    help="画哪个、按哪个排名",
)
@click.option("--top", type=click.IntRange(1, TOP_MAX), default=TOP, help="分组时前几名")
@as_json
@frame
def show(house: Frame, /, **asked: Any) -> None:  # noqa: ANN401 - the options are many
    """一个客户的趋势，实时（两秒内）；计费额精确，表中显示到分。"""
    measure, now = Measure(asked["measure"]), house.now()
    with house.database() as db:
        customer = _customer(db, asked["customer"])
        until = asked["until"]
        wanted = Asked(
            grain=Grain(asked["grain"]),
            count=asked["count"],
            until=until and until.replace(tzinfo=zone_of(customer.zone)).astimezone(UTC),
            by=By(asked["by"]) if asked["by"] else None,
            tag_name=asked["tag_name"],
            filter=_filter(asked),
        )
        series, billed = show_trend(db, customer, wanted, now=now)
    series = series.top(asked["top"], measure)
    if asked["json"]:
        give_json(tell_trend(series, billed, with_cost=True, now=now))
        return
    _show_whole(customer, series, measure, now)
    if billed is not None:
        _show_billed(series, billed)
    if series.lines:
        _show_lines(series, measure, now)


@trend.command("compare")
@click.argument("before", type=PeriodText())
@click.argument("after", type=PeriodText())
@_parts
@click.option("--top", type=click.IntRange(1, TOP_MAX), default=TOP, help="分组时前几名")
@as_json
@frame
def compare(house: Frame, /, before: Period, after: Period, **asked: Any) -> None:  # noqa: ANN401 - as above
    """比较两个时段：2026-09 2026-10、2026-W40 2026-W41、2026-09-01..2026-09-10 2026-10-05。

    长短可以不同，日均另列。费用的变化分解为用量、价格、结构三项，精确相加。
    """
    with house.database() as db:
        found = show_comparison(
            db,
            _customer(db, asked["customer"]),
            Periods(before, after),
            by=By(asked["by"]) if asked["by"] else None,
            tag_name=asked["tag_name"],
            wanted=_filter(asked),
            now=house.now(),
        )
    if asked["json"]:
        give_json(tell_comparison(found, with_cost=True))
        return
    _show_sides(found)
    _show_why(found)
    if found.by is not None:
        _show_changes(found, asked["top"])


def _customer(db: Database, name: str) -> Customer:
    with db.read() as tx:
        return find_customer(tx, name)


def _filter(asked: dict[str, Any]) -> Filter:
    return Filter(**{name: asked[name] for name in Filter.__slots__})


# A trend -----------------------------------------------------------------------------------------


def _show_whole(customer: Customer, series: Series, measure: Measure, now: datetime) -> None:
    grain = GRAIN_NAMES[series.grain]
    first = next((place for place, sums in enumerate(series.whole.sums) if sums != EMPTY), None)
    if first is None:
        say(f"{customer.slug} 在 {series.buckets[0].label} 至 {series.buckets[-1].label} 无用量")
        return
    for currency in series.currencies or ("",):
        rows = _bucket_rows(series, currency, now)[first:]
        columns = [grain, *_WHOLE_HEADS]
        show_table(f"{customer.slug} 按{grain}（{currency or '无费用'}）", columns, rows)
        _chart(series, measure, currency, first, now)
    whole = series.whole.whole
    exact = "，".join(f"{charge} {charge.currency}" for charge in charges_of(whole.charges))
    say(f"合计费用（精确）：{exact or '无'}")
    if whole.pending:
        say(f"另有 {whole.pending:,} 次请求在待处理清单上，查明之前不计入")


def _show_billed(series: Series, billed: Billed) -> None:
    rows: list[list[object]] = [
        [bucket.label, None if amount is None else fen(amount, billed.currency)]
        for bucket, amount in zip(series.buckets, billed.amounts, strict=True)
        if amount != 0
    ]
    columns = [GRAIN_NAMES[series.grain], f"折合 {billed.currency}"]
    show_table("按账期汇率折成出账币种（账单逐行取整一次，尾差以账单为准）", columns, rows)
    for sentence in billed.sentences:
        say(sentence)


def _bucket_rows(series: Series, currency: str, now: datetime) -> list[list[object]]:
    over = tuple(bucket.over(now) for bucket in series.buckets)
    grown = growth_of(series.whole, Measure.CHARGE, currency, over)
    columns = zip(series.buckets, series.whole.sums, grown, over, strict=True)
    return [
        [
            bucket.label + ("" if done else " …"),
            cell(sums.value(Measure.CHARGE, currency), Measure.CHARGE, currency),
            _percent(grew),
            *(cell(sums.value(each, currency), each, currency) for each in _ROWS[1:]),
        ]
        for bucket, sums, grew, done in columns
    ]


def _chart(series: Series, measure: Measure, currency: str, first: int, now: datetime) -> None:
    values = series.whole.values(measure, currency)[first:]
    most = max((value for value in values if value is not None), default=Fraction(0))
    if most <= 0:
        return
    say(f"\n{_head(measure, currency)}（… 为进行中）")
    cells = [_words(cell(value, measure, currency)) for value in values]
    wide = max(map(len, cells))
    long = max(len(bucket.label) for bucket in series.buckets)
    for bucket, value, written in zip(series.buckets[first:], values, cells, strict=True):
        mark = "" if bucket.over(now) else " …"
        drawn = bar(value or Fraction(0), most)
        say(f"{bucket.label:<{long}}  {written:>{wide}}  {drawn}{mark}".rstrip())
    say("")


def _show_lines(series: Series, measure: Measure, now: datetime) -> None:
    assert series.by is not None, "a trend without lines has no table of them"
    currency = series.currency
    over = tuple(bucket.over(now) for bucket in series.buckets)
    whole = series.whole.whole.value(measure, currency)
    labels = [bucket.label for bucket in series.buckets]
    last, before = labels[-1], labels[-2] if len(labels) > 1 else None
    columns = [
        BY_NAMES[series.by],
        f"合计 {_head(measure, currency)}",
        *(["占比 %"] if measure in _DAILY else []),
        *([before] if before else []),
        last + ("" if over[-1] else " …"),
        "走势",
    ]
    rows = [_line(line, measure, currency, whole) for line in series.lines]
    show_table(f"按{BY_NAMES[series.by]}（{labels[0]} 至 {last}）", columns, rows)


def _line(line: Line, measure: Measure, currency: str, whole: Fraction | None) -> list[object]:
    values = line.values(measure, currency)
    own = line.whole.value(measure, currency)
    share = rounded(own * 100 / whole, 1) if own is not None and whole else None
    return [
        f"{line.label} {line.members} 个" if not line.name and line.members > 1 else line.label,
        cell(own, measure, currency),
        *([share] if measure in _DAILY else []),
        *(cell(value, measure, currency) for value in values[-2:]),
        spark(values),
    ]


# A comparison ------------------------------------------------------------------------------------


def _show_sides(found: Comparison) -> None:
    before, after = found.before, found.after
    for currency in found.currencies or ("",):
        rows = [_side_row(found, each, currency) for each in _ROWS]
        columns = [
            "项目",
            _named(before),
            _named(after),
            "变化",
            "变化 %",
            "日均（先）",
            "日均（后）",
            "日均变化 %",
        ]
        show_table(f"{before.period.label} 与 {after.period.label} 相比", columns, rows)


def _named(side: Side) -> str:
    period = side.period
    last = period.end - DAY
    days = f"{side.days} 天" if side.days == period.days else f"已过 {side.days} / {period.days} 天"
    return f"{period.first:%Y-%m-%d} 至 {last:%m-%d}\n{days}"


def _side_row(found: Comparison, measure: Measure, currency: str) -> list[object]:
    was, now = (side.sums.value(measure, currency) for side in (found.before, found.after))
    known = was is not None and now is not None
    changed = now - was if was is not None and now is not None else None
    comparable = known and not (found.why_not and measure in _MONEY)
    daily = [side.per_day(measure, currency) for side in (found.before, found.after)]
    if measure not in _DAILY:
        daily = [None, None]
    return [
        _head(measure, currency),
        cell(was, measure, currency),
        cell(now, measure, currency),
        cell(changed, measure, currency) if comparable else None,
        _percent(growth_text(was, now)) if comparable else None,
        *(_daily_cell(value, measure, currency) for value in daily),
        _percent(growth_text(*daily)) if comparable else None,
    ]


def _daily_cell(value: Fraction | None, measure: Measure, currency: str) -> object:
    if value is None:
        return None
    return fen(value, currency) if measure in _MONEY else rounded(value, 1)


def _show_why(found: Comparison) -> None:
    if found.why_not:
        say(f"{found.why_not}。")
        return
    for each in found.why:
        rows = [
            [model, *(Money(amount, each.currency) for amount in amounts)]
            for model, *amounts in effects_in_fen(each, _MODELS_SHOWN)
        ]
        columns = ["模型", "先", "后", "变化", "用量", "价格", "结构"]
        show_table(f"费用为什么变（{each.currency}）", columns, rows)
    if found.why:
        say(
            "用量：一切照旧只是多用少用；价格：同样的用量比旧价多付少付；结构：用的模型、档次不同。"
        )


def _show_changes(found: Comparison, top: int) -> None:
    assert found.by is not None, "a comparison without lines has no table of them"
    for currency in found.currencies or ("",):
        rows = []
        for change in found.changes[:top]:
            was, now = (
                side.value(Measure.CHARGE, currency) for side in (change.before, change.after)
            )
            changed = change.by(Measure.CHARGE, currency)
            cells = (None if each is None else fen(each, currency) for each in (was, now))
            rows.append(
                [
                    change.label,
                    *cells,
                    None if found.why_not or changed is None else fen(changed, currency),
                    None if found.why_not else _percent(growth_text(was, now)),
                    change.after.tokens - change.before.tokens,
                ]
            )
        heads = ["先", "后", "变化", "变化 %", "token 变化"]
        columns = [BY_NAMES[found.by], *heads]
        show_table(f"变化最大的{BY_NAMES[found.by]}（费用 {currency}）", columns, rows)
    if len(found.changes) > top:
        say(f"另有 {len(found.changes) - top} 行，用 --top 或 --json 查看")


def _head(measure: Measure, currency: str) -> str:
    if measure is Measure.CACHE_SHARE:
        return f"{MEASURE_NAMES[measure]} %"
    return f"{MEASURE_NAMES[measure]} {currency}".strip() if measure in _MONEY else _plain(measure)


def _plain(measure: Measure) -> str:
    return MEASURE_NAMES[measure]


def _percent(text: str | None) -> object:
    return rounded(Fraction(text), 1) if text is not None else None


def _words(value: object) -> str:
    return "" if value is None else str(value) if isinstance(value, Money) else f"{value:,}"
