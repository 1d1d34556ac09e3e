"""What somebody supposes, as people write it: file, command line and REST read the same words.

book = "list-2027"                  another published book; `revision = 3` pins it
draft = "draft_019a…"               a contract draft of the customer
without = ["commitment"]            terms that fall away
tax_mode = "exclusive"
[terms]                             in the units of the house file; what is left out stays
management_fee = "200.00"
[[discount]]
models = "gpt-*"
discount = "10%"
[[map]]
from = "gpt-4o"
to = "deepseek-v3"
projects = ["客服"]
context_at_most = 8000
tokens = { input = "1.08", output = "1.05" }
meters = { cache_read = "input" }
[route]                             the operator's cost alone
deepseek-v3 = "ds-bailian"
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from yuejie.contracts import store
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.agreed.store import contract_book
from yuejie.contracts.contract import TAX_MODES, Contract, FxPolicy
from yuejie.contracts.formats.agreed import (
    DiscountWords,
    OverrideWords,
    pricing_of,
    read_terms,
    words_of,
)
from yuejie.contracts.formats.pricelist import Severity, complete
from yuejie.contracts.import_prices import read_price_file
from yuejie.contracts.life.store import draft_by_id
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.customers.customer import Customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Tx
from yuejie.insights.whatif.replay import Replay
from yuejie.insights.whatif.suppose import PricedBy, Supposition, Swap, factor_of, timeless
from yuejie.kernel.errors import UNREADABLE, Invalid, NotFound, said_of
from yuejie.kernel.money import PPM
from yuejie.usage.meters import Meter

_ERRORS_SHOWN: Final = 3
_FACTOR_MAX: Final = 1_000
"""No tokenizer makes a thousand tokens of one; more is a slip of the finger."""


class MapWords(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Calls of one model made with another."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    projects: list[str] = []
    keys: list[str] = []
    context_above: int | None = None
    context_at_most: int | None = None
    tokens: dict[str, str] = {}
    meters: dict[str, str] = {}


class SupposeWords(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Everything that may be supposed; what is left out is as it was."""

    book: str = ""
    revision: int | None = None
    draft: str = ""
    terms: dict[str, Any] = {}
    without: list[str] = []
    tax_mode: str = ""
    tax_ppm: int | None = None
    discount: list[DiscountWords] = []
    override: list[OverrideWords] = []
    map: list[MapWords] = []
    route: dict[str, str] = {}
    meters: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that somebody gave."""

    name: str
    body: bytes


def read_suppose(text: str, name: str) -> SupposeWords:
    """Read a file of suppositions; the first thing that does not fit is named with its place."""
    try:
        return msgspec.toml.decode(text, type=SupposeWords)
    except UNREADABLE as error:
        raise Invalid(f"假设文件 {name} 写法不对：{said_of(error)}，请改正后重试") from None


def convert_suppose(facts: Mapping[str, Any]) -> SupposeWords:
    """Read suppositions that came as a table, e.g. of a request."""
    try:
        return msgspec.convert(facts, SupposeWords)
    except msgspec.ValidationError as error:
        raise Invalid(f"假设的写法不对：{said_of(error)}，请改正后重试") from None


def suppose(
    tx: Tx, known: Replay, words: SupposeWords, price_file: NamedFile | None = None
) -> Supposition:
    """Return what is supposed of a month. Raises NotFound and Invalid for what does not fit it."""
    _refuse_two(words, price_file)
    contract, prices = _agreed(tx, known, words)
    if price_file is not None:
        prices = _of_file(price_file, _currency_of_book(tx, known.facts.contract))
    elif words.book:
        prices = _published(tx, words.book, words.revision)
    return Supposition(
        prices=prices,
        contract=contract,
        swaps=tuple(_swap(tx, known.who, each) for each in words.map),
        routes=dict(words.route),
        meters=_meters(words.meters),
    )


def _refuse_two(words: SupposeWords, price_file: NamedFile | None) -> None:
    """Refuse two answers to one question: which prices hold, which contract."""
    priced = [bool(words.book), price_file is not None, bool(words.discount or words.override)]
    priced.append(bool(words.draft))
    if sum(priced) > 1:
        raise Invalid("价目文件、已发布价目、合同折扣与合同草案都决定单价，请只给其中一种")
    if words.draft and (words.terms or words.without or words.tax_mode or words.tax_ppm):
        raise Invalid("合同草案已写明全部条款，请不要再给条款；或先改草案")
    if words.revision is not None and not words.book:
        raise Invalid("写了 revision 而没有写 book，请补上价目名")


# ── prices ──────────────────────────────────────────────────────────────────────────────────────


def _published(tx: Tx, name: str, revision: int | None) -> PricedBy:
    row = store.book(tx, name)
    if row is None:
        raise NotFound(f"价目 {name} 不存在，请用 yuejie price books 查看", book=name)
    if row.kind == "cost":
        raise Invalid(f"价目 {name} 是成本价目，不能用来给客户计价；请写销售价目")
    rows = store.book_rows(tx, row)
    if revision is None:
        return PricedBy(Book(rows), f"价目 {name}（各次调用时已生效的一版）")
    if revision not in {each.revision for each in rows.revisions}:
        raise NotFound(f"价目 {name} 没有第 {revision} 版", book=name, revision=revision)
    return PricedBy(timeless(rows, revision), f"价目 {name} 第 {revision} 版", revision)


def _of_file(given: NamedFile, currency: str) -> PricedBy:
    """Return a price file as a book that holds throughout; models it leaves out stay."""
    read = read_price_file(given.name, given.body, currency=currency)
    wrong = [each for each in read.remarks if each.severity is Severity.ERROR]
    if wrong or not read.lists:
        said = "；".join(f"{each.where}：{each.sentence}" for each in wrong[:_ERRORS_SHOWN])
        raise Invalid(f"价目文件 {given.name} 不能用：{said or '没有任何模型'}")
    rows = [
        RateRow(
            0,
            1,
            prices.model,
            str(rate.meter),
            rate.pico,
            currency,
            rate.service_tier,
            rate.context_above,
            rate.time_window,
            0,
            rate.origin,
        )
        for listed in read.lists
        for prices in [complete(listed)[0]]
        for rate in prices.rates
    ]
    book = BookRows(given.name, "sale", currency, [RevisionRow(1, 0)], _numbered(rows))
    return PricedBy(Book(book), f"价目文件 {given.name}", 1, is_partial=True)


def _derived(tx: Tx, parent: str, pricing: Pricing, said: str) -> PricedBy:
    """Return a list as a contract would derive its own prices from it, without lock or notice."""
    row = store.book(tx, parent)
    if row is None:
        raise NotFound(f"价目 {parent} 不存在，请先建立或改正", book=parent)
    rows = store.book_rows(tx, row)
    rates = _numbered([pricing.derive(rate) for rate in rows.rates])
    book = BookRows(parent, "contract", rows.currency, rows.revisions, rates)
    return PricedBy(Book(book), said)


def _numbered(rows: Iterable[RateRow]) -> list[RateRow]:
    """Number supposed rates below zero, where no published rate is."""
    return [msgspec.structs.replace(row, rate_id=-at) for at, row in enumerate(rows, 1)]


def _currency_of_book(tx: Tx, contract: Contract) -> str:
    row = store.book(tx, contract.sale_book)
    return row.currency if row else contract.currency


# ── terms ───────────────────────────────────────────────────────────────────────────────────────


def _agreed(tx: Tx, known: Replay, words: SupposeWords) -> tuple[Contract | None, PricedBy | None]:
    was = known.facts.contract
    if words.draft:
        return _draft(tx, known.who, was, words.draft)
    prices = None
    if words.discount or words.override:
        own = contract_book(tx, was.sale_book)
        parent = own.parent_book if own else str(was.sale_book)
        pricing = pricing_of(words.discount, words.override, _currency_of_book(tx, was))
        said = f"价目 {parent} 与假设的折扣、约定单价（不计锁价与涨价通知）"
        prices = _derived(tx, parent, pricing, said)
    if not (words.terms or words.without or words.tax_mode or words.tax_ppm is not None):
        return None, prices
    kept = {name: value for name, value in words_of(was.terms).items() if name not in words.without}
    strange = set(words.without) - words_of(was.terms).keys()
    if strange:
        raise Invalid(f"without 里的“{min(strange)}”不是合同条款，请对照合同条款一览")
    terms = read_terms(kept | words.terms)
    return _taxed(replace(was, terms=terms), words), prices


def _taxed(contract: Contract, words: SupposeWords) -> Contract:
    mode = words.tax_mode or contract.tax_mode
    ppm = contract.tax_ppm if words.tax_ppm is None else words.tax_ppm
    if mode not in TAX_MODES or not 0 <= ppm <= PPM:
        raise Invalid("tax_mode 须为 inclusive 或 exclusive，tax_ppm 须在 0 到 1000000 之间")
    return replace(contract, tax_mode=mode, tax_ppm=ppm)


def _draft(tx: Tx, who: Customer, was: Contract, draft_id: str) -> tuple[Contract, PricedBy]:
    draft = draft_by_id(tx, draft_id)
    if draft is None or draft.customer_id != who.customer_id:
        raise NotFound(f"客户 {who.slug} 没有合同草案 {draft_id}，请核对编号", draft=draft_id)
    body = draft.body
    if body.currency != was.currency:
        raise Invalid(
            f"草案以 {body.currency} 结算，账单以 {was.currency} 出账；币种不同的不能逐行比较"
        )
    parent = str(body.sale_book)
    if body.fx_policy == FxPolicy.CARD:
        parent = f"{parent}@{body.currency}"
    contract = replace(
        was,
        terms=body.commercial,
        tax_mode=body.tax_mode,
        tax_ppm=body.tax_ppm,
        fx_policy=body.fx_policy,
    )
    said = f"合同草案 {draft_id} 的价目 {parent} 与约定单价（不计锁价与涨价通知）"
    return contract, _derived(tx, parent, body.pricing, said)


# ── models ──────────────────────────────────────────────────────────────────────────────────────


def _swap(tx: Tx, who: Customer, words: MapWords) -> Swap:
    if words.source == words.target:
        raise Invalid(f"模型 {words.source} 换成它自己没有意义，请改正")
    factors = {
        "" if meter in {"", "all"} else _meter(meter): factor_of(text)
        for meter, text in words.tokens.items()
    }
    if any(not 0 < factor <= _FACTOR_MAX * PPM for factor in factors.values()):
        raise Invalid(f"token 折算系数须大于零、不超过 {_FACTOR_MAX:,}，请改正后重试")
    return Swap(
        source=words.source,
        target=words.target,
        keys=_keys(tx, who, words.keys),
        projects=_projects(tx, who, words.projects),
        context_above=words.context_above,
        context_at_most=words.context_at_most,
        tokens=factors,
        meters=_meters(words.meters),
    )


def _keys(tx: Tx, who: Customer, named: Iterable[str]) -> frozenset[str]:
    found = keys(tx, who.customer_id)
    known = {str(name): str(each.key_id) for each in found for name in (each.name, each.key_id)}
    return frozenset(_known(known, name, f"客户 {who.slug} 没有密钥") for name in named)


def _projects(tx: Tx, who: Customer, named: Iterable[str]) -> frozenset[str]:
    found = projects(tx, who.customer_id)
    known = {str(n): str(each.project_id) for each in found for n in (each.name, each.project_id)}
    return frozenset(_known(known, name, f"客户 {who.slug} 没有项目") for name in named)


def _known(known: Mapping[str, str], name: str, said: str) -> str:
    if name not in known:
        raise NotFound(f"{said} {name}，请核对名称")
    return known[name]


def _meters(named: Mapping[str, str]) -> dict[str, str]:
    return {_meter(meter): _meter(like) for meter, like in named.items()}


def _meter(name: str) -> str:
    if name not in set(Meter):
        raise Invalid(f"计量项“{name}”不认识，可用：{'、'.join(Meter)}")
    return name
