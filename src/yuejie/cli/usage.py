"""`yuejie usage …`."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, progress, say, show_table
from yuejie.cli.keeping.warehouse import warehouse
from yuejie.cli.months import Month, last_month
from yuejie.cli.watch.nodes import show_lost
from yuejie.cli.watch.refusals import plain_call, refusals
from yuejie.cli.words import EVENTS, called
from yuejie.contracts.auto.routed import asked_of, read_routed
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.intake.imports.load import Progress, import_usage, read_report
from yuejie.intake.imports.mapping import Mapping, read_mapping
from yuejie.intake.nodes.keep import all_lost_tails
from yuejie.intake.resolve import (
    Measured,
    resolve_by_hand,
    resolve_by_report,
    resolve_unpriced,
)
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import whole
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.correct import WorkFilter
from yuejie.usage.correct import worklist as open_events
from yuejie.usage.meters import Meter
from yuejie.usage.rebuild import rebuild as rebuild_month
from yuejie.usage.refusals.look import look_up
from yuejie.usage.show import (
    Attempt,
    By,
    Question,
    UsageLine,
    parse_request_id,
    show_requests,
    show_usage,
)

_SHOWN_METERS = ("requests", "input", "cache_read", "output", "reasoning")


@click.group()
def usage() -> None:
    """用量：查看、导入、待处理清单、更正、重建。"""


usage.add_command(warehouse)
usage.add_command(refusals)


def _customer_id(db: Database, name: str | None) -> str | None:
    if name is None:
        return None
    with db.read() as tx:
        return find_customer(tx, name).customer_id


@usage.command("show")
@click.option("--customer", help="客户；不写则全部")
@click.option("--month", type=Month(), help="账期；不写则本月")
@click.option(
    "--by", "by", multiple=True, type=click.Choice([by.value for by in By]), help="分组，可多次"
)
@click.option("--project", help="项目（含下级）")
@click.option("--department")
@click.option("--environment")
@click.option("--tag", help="名=值")
@click.option("--key")
@click.option("--model")
@click.option("--provider")
@as_json
@frame
def show(house: Frame, /, **asked: object) -> None:
    """按任意维度查看用量，实时（两秒内）。"""
    as_data = bool(asked.pop("json"))
    customer = asked.pop("customer")
    month = asked.pop("month") or BillingMonth.of(house.now(), zone_of("Asia/Shanghai"))
    by = tuple(By(str(each)) for each in asked.pop("by") or ("customer", "model"))  # type: ignore[attr-defined]  # click gives a tuple
    assert isinstance(month, BillingMonth)
    filters = {name: str(value) for name, value in asked.items() if value is not None}
    question = Question(by=by, first=month, last=month, **filters)  # type: ignore[arg-type]  # the options are its fields
    with house.database() as db:
        who = _customer_id(db, str(customer) if customer else None)
        lines = show_usage(db, who, question)
    if as_data:
        give_json(lines)
        return
    if not lines:
        say(f"{month} 无用量数据")
        return
    rows = [_usage_row(line, by) for line in lines]
    columns = [*(str(each) for each in by), *_SHOWN_METERS, "计费额", "成本"]
    show_table(f"用量 {month}", columns, rows)


def _usage_row(line: UsageLine, by: tuple[By, ...]) -> list[object]:
    return [
        *(line.keys[each] for each in by),
        *(line.quantities.get(meter, 0) for meter in _SHOWN_METERS),
        "  ".join(f"{charge} {currency}" for currency, charge in line.charges.items()),
        "  ".join(f"{cost} {currency}" for currency, cost in line.costs.items()),
    ]


@usage.command("requests")
@click.option("--customer", required=True)
@click.option("--limit", default=100)
@click.option("--why", is_flag=True, help="自动模型的每次选择各说一句为什么")
@as_json
@frame
def requests(house: Frame, customer: str, limit: int, *, why: bool, json: bool) -> None:
    """一个客户最近的请求：用量、计费额、耗时、状态（不含内容）。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        page = show_requests(db, who.customer_id, limit=limit)
        zone = zone_of(who.zone)
    if json:
        give_json(page)
        return
    rows = [
        (
            f"req_{a.event.operation_id.hex}",
            f"{a.event.started_at.astimezone(zone):%m-%d %H:%M:%S}",
            _model(a),
            called(EVENTS, a.event.state),
            a.event.http_status,
            _quantities(a),
            str(a.charge) + " " + a.charge.currency if a.charge else "",
            a.latency_ms,
        )
        for a in page.attempts
    ]
    columns = ["请求", "开始", "模型", "状态", "HTTP", "用量", "计费额", "耗时 ms"]
    show_table(f"{customer} 最近的请求", columns, rows)
    for attempt in page.attempts if why else ():
        routed = read_routed(attempt.event.facts)
        if routed is not None:
            say(f"req_{attempt.event.operation_id.hex}　{routed.sentence()}")


def _model(attempt: Attempt) -> str:
    """Name who answered, and behind it the name that was asked for, where that is another."""
    event = attempt.event
    asked = asked_of(event.facts, event.model)
    return event.model if asked == event.model else f"{event.model} ← {asked}"


def _quantities(attempt: Attempt) -> str:
    """Name what was used; that nothing was used of a meter is told in JSON, not in a table."""
    used = [item for item in attempt.items if item.quantity and item.meter != "requests"]
    return " ".join(f"{item.meter}={item.quantity:,}" for item in used)


@usage.command("request")
@click.argument("request_id")
@frame
def request(house: Frame, request_id: str) -> None:
    """一次请求的全部：每次尝试、用量、单价、计费额；被拒绝的，为什么、怎么办。

    被拒绝的请求保留 30 天；同一密钥同一原因每分钟前 5 次可逐条查，其余只计次数（usage refusals）。
    """
    with house.database() as db:
        found = look_up(db, None, parse_request_id(request_id))
    if found.refused is not None:
        give_json(plain_call(found.refused))
        return
    give_json([_attempt(each) for each in found.attempts])


def _attempt(attempt: Attempt) -> dict[str, object]:
    """Give an attempt with what was asked for, and why its model was chosen."""
    routed = read_routed(attempt.event.facts)
    return {name: getattr(attempt, name) for name in attempt.__dataclass_fields__} | {
        "asked": asked_of(attempt.event.facts, attempt.event.model),
        "why": routed.sentence() if routed else "",
    }


@usage.command("litellm-callback")
def litellm_callback() -> None:
    """打印 LiteLLM 回调文件 yuejie_litellm.py；存到代理旁边即可把用量推送到月结。"""
    say(
        files("yuejie.intake.elsewhere")
        .joinpath("yuejie_litellm.py.txt")
        .read_text("utf-8")
        .rstrip()
    )


@usage.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping", "mapping_file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--rejects", type=click.Path(path_type=Path), help="坏行写到哪里")
@as_json
@frame
def import_file(
    house: Frame, file: Path, mapping_file: Path | None, rejects: Path | None, *, json: bool
) -> None:
    """导入用量文件；中断后重跑接着导，重复导入不会多计，坏行连同原因另存。"""
    mapping = read_mapping(mapping_file) if mapping_file else Mapping()
    with house.database() as db, progress(f"导入 {file.name}") as move:

        def moved(far: Progress) -> None:
            move(far.done_bytes, far.size_bytes)

        report = import_usage(db, file, mapping, rejects=rejects, progress=moved)
    if json:
        give_json(report)
        return
    say(
        f"共 {report.rows:,} 行：新入库 {report.stored:,}，"
        f"已有 {report.known:,}，拒绝 {report.rejected:,}"
    )
    if report.reject_file:
        say(f"被拒的行和原因：{report.reject_file}")


@usage.command("worklist")
@click.option("--customer")
@click.option("--state", type=click.Choice(["estimated", "unmeasured", "unpriced"]))
@click.option("--model")
@click.option("--older-hours", type=click.IntRange(0, 1_000_000), help="只看早于这么多小时的")
@click.option("--after", type=click.UUID, help="从这个事件之后继续")
@as_json
@frame
def worklist(
    house: Frame,
    customer: str | None,
    state: str | None,
    model: str | None,
    older_hours: int | None,
    after: UUID | None,
    *,
    json: bool,
) -> None:
    """待处理清单：用量或价格尚不明确的事件，处理之前不计费。"""
    older = timedelta(hours=older_hours) if older_hours else None
    wanted = WorkFilter(state=state, model=model, older_than=older)
    with house.database() as db:
        who = _customer_id(db, customer)
        page = open_events(db, who, wanted, now=house.now(), after=after)
        tails = all_lost_tails(db)
    if json:
        give_json(page)
        return
    rows = [
        (
            str(item.event.event_id),
            item.event.model,
            called(EVENTS, item.event.state),
            item.event.reason,
            f"{item.age.total_seconds() / 3600:.1f} 小时",
        )
        for item in page.items
    ]
    show_table("待处理清单", ["事件", "模型", "状态", "原因", "已过"], rows)
    if page.after is not None:
        say(f"还有更多：--after {page.after}")
    show_lost(tails)


@usage.group("resolve")
def resolve() -> None:
    """处理待处理清单：手工、供应商报告、补价。"""


@resolve.command("hand")
@click.argument("event_id", type=click.UUID)
@click.option("--meter", "meters", multiple=True, required=True, help="计量项=数量，可多次")
@frame
def by_hand(house: Frame, event_id: UUID, meters: tuple[str, ...]) -> None:
    """手工填写一个事件的用量。"""
    measured = Measured(quantities=dict(_quantity(each) for each in meters))
    with house.database() as db:
        verdict = resolve_by_hand(db, event_id, measured, by=house.by)
    say(f"{event_id}：{verdict.value}")


def _quantity(text: str) -> tuple[Meter, int]:
    name, _, written = text.partition("=")
    number = whole(written)
    if number is None or name not in set(Meter):
        raise Invalid(f"“{text}”请写成 计量项=数量，例如 input=812；计量项：{'、'.join(Meter)}")
    return Meter(name), number


@resolve.command("report")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", default="jsonl")
@frame
def by_report(house: Frame, file: Path, form: str) -> None:
    """用供应商的用量报告逐次核对（按请求编号匹配）。"""
    with house.database() as db:
        resolved = resolve_by_report(db, read_report(file, form))
    give_json(resolved)


@resolve.command("prices")
@click.option("--customer")
@frame
def by_prices(house: Frame, customer: str | None) -> None:
    """按已补的价目处理未定价的事件。"""
    with house.database() as db:
        who = _customer_id(db, customer)
        resolved = resolve_unpriced(db, who, now=house.now())
    give_json(resolved)


@usage.command("rebuild")
@click.argument("month", type=Month(), required=False)
@click.option("--check", is_flag=True, help="只比对，不改")
@frame
def rebuild(house: Frame, month: BillingMonth | None, *, check: bool) -> None:
    """从原始事件重建小时汇总、从小时汇总重建日月汇总，应与现有的一字不差。"""
    month = last_month(month, house)
    with house.database() as db:
        found = rebuild_month(db, month, check=check)
    for name, table in (("汇总", found), ("日月汇总", found.sums)):
        verdict = "一致" if not table.different else ("已重建" if found.replaced else "不一致")
        say(f"{month} {name} {table.same:,} 行相同，{table.different:,} 行不同：{verdict}")
    if not found.whole:
        raise SystemExit(1)
