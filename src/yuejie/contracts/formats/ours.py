"""Our own price file, in TOML, JSON or CSV.

TOML (JSON has the same names):

    currency = "USD"
    source = "https://…/pricing, 2026-10-01"

    [models.gpt-4o]
    mode = "chat"
    input = "5"                          # per million tokens; per piece for images, seconds …
    output = "15"

    [models.gpt-4o.tiers.batch]          # a service tier, as the provider answers it
    input = "2.5"

    [[models.gpt-4o.above]]              # when the whole request's input exceeds this
    tokens = 200_000
    input = "10"

    [[models.gpt-4o.windows]]            # by time; weekdays, hours, holiday calendar
    window = "Asia/Shanghai 1-5 22:00-24:00 cn-workdays"
    input = "2.5"

    [models.gpt-4o.multipliers]          # facts of the answer that multiply every token price
    geo_us = "1.1"

`above` and `windows` may stand inside a tier, `windows` inside an `above`.

CSV, one rate a line, all columns but the first four may be missing or empty:

    model,mode,meter,price,currency,service_tier,context_above,time_window
"""

import json
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from yuejie.contracts.formats.pricelist import Multiplier, PriceList, Remark, Severity
from yuejie.contracts.formats.read import Gathering, PriceFile
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.errors import UNREADABLE, DomainError, Invalid, said_of
from yuejie.kernel.money import CURRENCIES, PPM, exact, whole
from yuejie.paper.table import table_of

Table = Mapping[str, Any]

_NESTED: Final = frozenset({"mode", "tiers", "above", "windows", "multipliers", "tokens", "window"})
_COLUMNS: Final = ("model", "mode", "meter", "price")
_NUMBERS: Final = (str, int)


def parse_toml(body: bytes) -> Table:
    """Read TOML with its fractions as text."""
    try:
        return tomllib.loads(_text(body), parse_float=str)
    except UNREADABLE as error:
        raise Invalid(f"价目文件不是正确的 TOML（{said_of(error)}），请改正后重新导入") from None


def parse_json(body: bytes) -> Table:
    """Read a JSON object with its numbers as text."""
    try:
        found = json.loads(_text(body), parse_float=str, parse_int=str)
    except json.JSONDecodeError as error:
        raise Invalid(
            f"价目文件第 {error.lineno} 行不是正确的 JSON（{error.msg}），请改正后重新导入"
        ) from None
    except RecursionError:
        raise Invalid("价目文件的括号层数太多，不像价目，请核对") from None
    if not isinstance(found, dict):
        raise Invalid("价目文件应是一个 JSON 对象，含 currency 和 models")
    return found


def read_table(document: Table, *, currency: str) -> PriceFile:
    """Read the TOML or JSON form; `currency` is the book's, which the file may repeat."""
    named = str(document.get("currency", currency))
    read = PriceFile(source=str(document.get("source", "")))
    _same_currency(read, "currency", named, currency)
    models = document.get("models")
    if not isinstance(models, Mapping) or not models:
        raise Invalid("价目文件没有 [models.…]，请写明各模型的单价")
    for model, table in models.items():
        where = f"models.{model}"
        if not isinstance(table, Mapping):
            read.remarks.append(Remark(where, Severity.ERROR, f"{where} 应是一组单价，请改正"))
            continue
        gathering = Gathering(str(model), where, currency, read.remarks)
        _block(gathering, table, DEFAULT, 0, "")
        mode = str(table.get("mode", "chat"))
        multipliers = _multipliers(gathering, table.get("multipliers", {}))
        if not gathering.failed:
            rates = tuple(gathering.rates)
            read.lists.append(PriceList(str(model), mode, rates, multipliers, where))
    return read


def read_csv(body: bytes, *, currency: str) -> PriceFile:
    """Read the CSV form; each line stands on its own in the report."""
    heads, rows = table_of(body, "价目文件")
    missing = [name for name in _COLUMNS if name not in heads]
    if missing:
        raise Invalid(f"价目文件缺少列 {'、'.join(missing)}，首行应写明列名")
    read = PriceFile()
    gathered: dict[str, tuple[str, Gathering]] = {}
    for number, cell in rows:
        where = f"第 {number} 行"
        model = cell["model"]
        _same_currency(read, where, cell.get("currency") or currency, currency)
        mode, gathering = gathered.setdefault(
            model, (cell["mode"] or "chat", Gathering(model, where, currency, read.remarks))
        )
        gathering.where = where
        if cell["mode"] and cell["mode"] != mode:
            gathering.error(f"{model} 的 mode 前后不一致（{mode}、{cell['mode']}），请统一")
        gathering.add(
            cell["meter"],
            cell["price"],
            service_tier=cell.get("service_tier") or DEFAULT,
            context_above=_whole(gathering, cell.get("context_above") or "0"),
            time_window=cell.get("time_window") or "",
        )
    for model, (mode, gathering) in gathered.items():
        if not gathering.failed:
            where = f"模型 {model}"
            read.lists.append(PriceList(model, mode, tuple(gathering.rates), (), where))
    return read


def _block(gathering: Gathering, table: Table, tier: str, above: int, window: str) -> None:
    """Read one group of prices and the groups inside it."""
    for name, value in table.items():
        if name in _NESTED:
            continue
        if isinstance(value, bool) or not isinstance(value, _NUMBERS):
            gathering.error(f"{gathering.model} 的 {name} 应是一个数字，请改正")
            continue
        gathering.add(name, str(value), service_tier=tier, context_above=above, time_window=window)
    for named, inner in _tables(gathering, table, "tiers").items():
        _block(gathering, inner, str(named), above, window)
    for inner in _list(gathering, table, "above"):
        _block(gathering, inner, tier, _whole(gathering, str(inner.get("tokens", ""))), window)
    for inner in _list(gathering, table, "windows"):
        _block(gathering, inner, tier, above, str(inner.get("window", "")))


def _tables(gathering: Gathering, table: Table, name: str) -> Mapping[str, Table]:
    found = table.get(name, {})
    if isinstance(found, Mapping) and all(isinstance(each, Mapping) for each in found.values()):
        return found
    gathering.error(f"{gathering.model} 的 {name} 应写成 [models.….{name}.名称]，请改正")
    return {}


def _list(gathering: Gathering, table: Table, name: str) -> list[Table]:
    found = table.get(name, [])
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return found
    gathering.error(f"{gathering.model} 的 {name} 应写成 [[models.….{name}]]，请改正")
    return []


def _multipliers(gathering: Gathering, table: object) -> tuple[Multiplier, ...]:
    """Read the multipliers; marks with the same first word exclude each other."""
    if not isinstance(table, Mapping):
        gathering.error(f"{gathering.model} 的 multipliers 应写成 [models.….multipliers]，请改正")
        return ()
    found = []
    for mark, factor in table.items():
        group = mark.split("_")[0] if "_" in mark else "speed"
        try:
            found.append(Multiplier(group, str(mark), exact(str(factor), PPM, "加价倍数")))
        except DomainError as error:
            gathering.error(f"{gathering.model} 的 {mark}：{error.sentence}")
    return tuple(found)


def _whole(gathering: Gathering, text: str) -> int:
    number = whole(text)
    if number is not None:
        return number
    gathering.error(f"{gathering.model} 的长上下文门槛“{text}”应是不小于零的整数，请改正")
    return 0


def _same_currency(read: PriceFile, where: str, named: str, currency: str) -> None:
    if named not in CURRENCIES:
        read.remarks.append(
            Remark(where, Severity.ERROR, f"币种“{named}”不支持，只支持 CNY 和 USD")
        )
    elif named != currency:
        read.remarks.append(
            Remark(
                where, Severity.ERROR, f"文件的币种 {named} 与价目的币种 {currency} 不同，请核对"
            )
        )


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("价目文件不是 UTF-8 编码，请另存为 UTF-8 后重新导入") from None
