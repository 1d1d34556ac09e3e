"""`yuejie whatif`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from yuejie.cli.frame import Frame, as_json, frame, give_json, progress, say, show_table, text_of
from yuejie.cli.months import Month
from yuejie.customers.enrol import find_customer
from yuejie.insights.whatif.compare import CAUSE_NAMES, LineChange, Side
from yuejie.insights.whatif.cost import Costs
from yuejie.insights.whatif.what_if import Outcome, what_if
from yuejie.insights.whatif.words import (
    MapWords,
    NamedFile,
    SupposeWords,
    convert_suppose,
    read_suppose,
    suppose,
)
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.money import MTOK, PICO, Money, plain
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import UNIT_METERS

_LINES: Final = 40
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("month", type=Month())
@click.argument("customer")
@click.option("--book", help="按另一个已发布的销售价目：名称，或 名称@版次")
@click.option("--prices", "price_file", type=_FILE, help="按价目文件（其中没有的模型单价不变）")
@click.option("--terms", "terms_file", type=_FILE, help="按条款文件：房屋文件的单位，没写的不变")
@click.option("--draft", help="按合同草案（编号）")
@click.option(
    "--map", "maps", multiple=True, metavar="模型A=模型B", help="把 A 的调用换成 B，可多次"
)
@click.option("--project", "projects", multiple=True, help="与 --map 同用：只换这些项目")
@click.option("--key", "keys", multiple=True, help="与 --map 同用：只换这些密钥")
@click.option("--above", type=int, help="与 --map 同用：只换输入超过这么多 token 的请求")
@click.option("--at-most", type=int, help="与 --map 同用：只换输入不超过这么多 token 的请求")
@click.option("--tokens", multiple=True, metavar="计量项=系数", help="B 的 token 数是 A 的几倍")
@click.option("--meter", "meters", multiple=True, metavar="计量项=计量项", help="B 没有的按哪项计")
@click.option("--route", "routes", multiple=True, metavar="模型=部署", help="换部署：只影响成本")
@click.option("--suppose", "file", type=_FILE, help="以上各项也可写在一个 TOML 文件里")
@click.option("--lines", default=_LINES, type=click.IntRange(0), help="显示几行变化")
@as_json
@frame
def whatif(
    house: Frame,
    /,
    month: BillingMonth,
    customer: str,
    *,
    price_file: Path | None,
    terms_file: Path | None,
    file: Path | None,
    lines: int,
    json: bool,
    **words: Any,  # noqa: ANN401 - the options that become words, read by name below
) -> None:
    """假如：把一个月按别的价目、条款、模型或部署重放，逐行比较；不写入任何数据。"""
    asked = _words(file, terms_file, words)
    given = NamedFile(price_file.name, price_file.read_bytes()) if price_file else None
    with house.database() as db, progress(f"重放 {month}") as tell:
        with db.read() as tx:
            who = find_customer(tx, customer)
        outcome = what_if(
            db,
            who,
            month,
            lambda tx, known: suppose(tx, known, asked, given),
            now=house.now(),
            tell=tell,
        )
    if json:
        give_json(_plain(outcome))
    else:
        _tell(outcome, lines)


def _words(file: Path | None, terms_file: Path | None, given: dict[str, Any]) -> SupposeWords:
    """Put what files and options say together; an option says it last."""
    words = read_suppose(text_of(file), file.name) if file else SupposeWords()
    facts: dict[str, Any] = {}
    if terms_file is not None:
        facts |= _terms(terms_file)
    if given["book"]:
        name, _, revision = given["book"].partition("@")
        if revision.isdigit():
            facts |= {"book": name, "revision": int(revision)}
        else:
            facts |= {"book": given["book"]}
    if given["draft"]:
        facts["draft"] = given["draft"]
    if given["maps"]:
        facts["map"] = [_map(each, given) for each in given["maps"]]
    elif any(given[name] for name in ("projects", "keys", "above", "at_most", "tokens")):
        raise click.UsageError("--project、--key、--above、--at-most、--tokens 须与 --map 同用")
    elif given["meters"]:
        facts["meters"] = _pairs(given["meters"], "--meter")
    if given["routes"]:
        facts["route"] = _pairs(given["routes"], "--route")
    return msgspec.structs.replace(words, **_read(facts))


def _read(facts: dict[str, Any]) -> dict[str, Any]:
    read = convert_suppose(facts)
    return {name: getattr(read, name) for name in facts}


def _terms(path: Path) -> dict[str, Any]:
    """Read a file of terms: they stand at the top, or under [terms] beside discounts and tax."""
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
    except UNREADABLE as error:
        raise Invalid(f"条款文件 {path.name} 写法不对：{said_of(error)}，请改正后重试") from None
    beside = {"terms", "without", "discount", "override", "tax_mode", "tax_ppm"}
    return facts if facts.keys() & beside else {"terms": facts}


def _map(pair: str, given: dict[str, Any]) -> dict[str, Any]:
    source, target = _pair(pair, "--map")
    words = MapWords(
        source=source,
        target=target,
        projects=list(given["projects"]),
        keys=list(given["keys"]),
        context_above=given["above"],
        context_at_most=given["at_most"],
        tokens=_pairs(given["tokens"], "--tokens"),
        meters=_pairs(given["meters"], "--meter"),
    )
    built: dict[str, Any] = msgspec.to_builtins(words)
    return built


def _pairs(given: Iterable[str], option: str) -> dict[str, str]:
    return dict(_pair(each, option) for each in given)


def _pair(text: str, option: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise click.UsageError(f"{option} 的“{text}”应写成 甲=乙")
    return left.strip(), right.strip()


def _tell(outcome: Outcome, lines: int) -> None:
    before, after = outcome.before, outcome.after
    real = "实时账单" if outcome.is_open else "账单"
    show_table(
        f"假如 {outcome.slug} {outcome.month}（{outcome.currency}）",
        ["", "不含税", "税额", "价税合计"],
        [(real, *before), ("假如", *after), ("相差", *_less(before, after))],
    )
    if outcome.steps:
        rows = [
            (CAUSE_NAMES[each.cause], *(Money(fen, outcome.currency) for fen in fens))
            for each in outcome.steps
            for fens in [(each.net_fen, each.tax_fen, each.gross_fen)]
        ]
        show_table("相差的原因（相加即全部相差）", ["原因", "不含税", "税额", "价税合计"], rows)
    changed = [each for each in outcome.lines if each.was != each.became]
    if changed and lines:
        columns = ["账期", "项目", "行", "计量项", "数量", "单价", "账单", "假如", "相差"]
        rows_of = [_row(each, outcome) for each in changed[:lines]]
        show_table(f"变化的行（{len(changed)} 行，金额计税前）", columns, rows_of)
    if not changed:
        say("逐行一致，一分不差")
    if outcome.costs is not None:
        _tell_costs(outcome.costs)
    if outcome.assumptions:
        say("前提：")
        for sentence in outcome.assumptions:
            say(f"  · {sentence}")


def _less(before: tuple[Money, ...], after: tuple[Money, ...]) -> list[Money]:
    return [then - now for now, then in zip(before, after, strict=True)]


def _row(each: LineChange, outcome: Outcome) -> tuple[object, ...]:
    was, became, currency = each.was, each.became, outcome.currency
    return (
        "" if each.name.service_month == str(outcome.month) else each.name.service_month,
        each.name.project,
        each.name.model or each.name.item,
        each.name.meter,
        _arrow(_quantity(was), _quantity(became)),
        _arrow(_rates(each.name.meter, was), _rates(each.name.meter, became)),
        Money(was.amount_fen, currency),
        Money(became.amount_fen, currency),
        Money(each.change_fen, currency),
    )


def _arrow(was: str, became: str) -> str:
    return was if was == became else f"{was or '无'} → {became or '无'}"


def _quantity(side: Side) -> str:
    return f"{side.quantity:,}" if side.quantity else ""


def _rates(meter: str, side: Side) -> str:
    per = PICO if meter in UNIT_METERS else PICO // MTOK
    said = "、".join(plain(rate, per) for rate in side.rates)
    return f"{said} {side.rate_currency}" if said else ""


def _tell_costs(costs: Costs) -> None:
    rows = [
        (was.currency, was.settle(), became.settle(), became.settle() - was.settle())
        for was, became in costs.charges()
    ]
    show_table("供应商成本（仅运营方）", ["币种", "实际", "假如", "相差"], rows)
    for gap in sorted(costs.gaps):
        say(f"  · {gap}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "customer": outcome.slug,
        "month": outcome.month,
        "is_open": outcome.is_open,
        "before": outcome.before._asdict(),
        "after": outcome.after._asdict(),
        "steps": outcome.steps,
        "lines": [
            {**each.name._asdict(), "was": each.was, "became": each.became}
            for each in outcome.lines
        ],
        "assumptions": outcome.assumptions,
        "bills": [_bill(bill) for bill in outcome.became],
    }
    if outcome.costs is not None:
        answer["costs"] = [
            {"was": str(was), "became": str(became), "currency": was.currency}
            for was, became in outcome.costs.charges()
        ]
        answer["cost_gaps"] = sorted(outcome.costs.gaps)
    return answer


def _bill(bill: Any) -> dict[str, Any]:  # noqa: ANN401 - a Bill, written without its made-up ids
    return {
        "part": bill.part,
        "part_name": bill.part_name,
        "net": bill.net,
        "tax": bill.tax,
        "gross": bill.gross,
        "tax_lines": bill.tax_lines,
    }
