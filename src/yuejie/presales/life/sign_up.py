"""An accepted quote becomes the draft of a contract: who, by which book, at what, on which terms.

The draft says what the quote said, no more: finance reviews it and another person signs it as any
other. A list that rose since is no longer what was quoted, so such a quote is refused by name.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import midnight
from yuejie.contracts.life.draft import CALLED, ContractDraft, DraftBody, DraftState
from yuejie.contracts.life.drafting import draft_in
from yuejie.contracts.life.drafting import found as found_draft
from yuejie.contracts.numbers.number import called
from yuejie.contracts.prices import Book
from yuejie.contracts.terms import CommercialTerms
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, enrol_in, find_customer
from yuejie.customers.store import customer_by_slug
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId
from yuejie.kernel.period import months_after, zone_of
from yuejie.presales import store
from yuejie.presales.life.decide import find_quote
from yuejie.presales.prospects import find_prospect
from yuejie.presales.quote import Plan, Quote, QuoteEvent, advance
from yuejie.presales.reckon.tariff import frozen
from yuejie.usage.record import unix_us


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """Which quote, for whom and from when.

    `customer` is by default the prospect's short name, taken up as a customer where there is none;
    `plan` the proposed one; `starts_on` the first day of the form's first month.
    """

    quote_id: str
    customer: str = ""
    plan: str = ""
    starts_on: date | None = None


def draft_from_quote(db: Database, wish: SignUp, *, by: str, now: datetime) -> ContractDraft:
    """Draft the contract that an accepted quote offers, once.

    Raises Conflict for a quote that was not accepted, that has a draft already, or whose list
    prices changed since; NotFound for a plan or customer that is not there; Invalid for a first
    day behind us.
    """
    with db.begin() as tx:
        quote = find_quote(tx, wish.quote_id)
        tx.lock_exclusive(f"prospect {quote.prospect_id}")
        state = advance(quote.state, QuoteEvent.DRAFT)
        _refuse_second(tx, quote)
        plan = _plan(quote, wish.plan)
        starts_on = _starts_on(quote, wish.starts_on, now)
        _refuse_moved(tx, quote, midnight(starts_on, quote.body.basis.zone))
        customer = _customer(tx, quote, wish.customer, by, now)
        body = _body(quote, plan, starts_on)
        draft = draft_in(tx, customer.customer_id, body, by=by, now=now)
        moved = Transition(now, QuoteEvent.DRAFT, quote.state, state, by, draft.draft_id)
        if not store.move_quote(tx, quote.quote_id, moved):
            raise Conflict(f"报价 {quote.quote_id} 刚被他人处理过，请刷新后再试")
        return draft


def _refuse_second(tx: Tx, quote: Quote) -> None:
    """Refuse a quote that has a draft, unless that was withdrawn."""
    for step in store.transitions_of(tx, quote.quote_id):
        if step.event == QuoteEvent.DRAFT:
            draft = found_draft(tx, step.why)
            if draft.state is not DraftState.WITHDRAWN:
                name = called(tx, draft.customer_id, draft.draft_id)
                raise Conflict(
                    f"报价 {quote.quote_id} 已有合同草案 {name}"
                    f"（{CALLED[draft.state]}），"
                    "请在其上修改，或先撤回它"
                )


def _plan(quote: Quote, name: str) -> Plan:
    wanted = name or quote.body.proposal.plan
    for each in quote.body.plans:
        if each.name == wanted:
            return each
    known = "、".join(each.name for each in quote.body.plans)
    raise NotFound(f"报价 {quote.quote_id} 没有方案“{wanted}”，可选：{known}")


def _starts_on(quote: Quote, wanted: date | None, now: datetime) -> date:
    today = now.astimezone(zone_of(quote.body.basis.zone)).date()
    day = quote.body.requirement.first_month.first_day if wanted is None else wanted
    if day < today:
        raise Invalid(f"合同起日 {day} 已过，请写明今天（{today}）或以后的起日")
    return day


def _refuse_moved(tx: Tx, quote: Quote, starts_at: datetime) -> None:
    """Refuse a quote whose models have other list prices on the first day than when it was made."""
    basis = quote.body.basis
    row = contracts.book(tx, basis.sale_book)
    assert row is not None, "a quoted book is never deleted"
    book = Book(contracts.book_rows(tx, row))
    revision = book.revision_at(unix_us(starts_at))
    assert revision is not None, "a book that priced a quote has started"
    was = _rates(frozen(book, basis.sale_revision, unix_us(basis.priced_at)))
    became = _rates(frozen(book, revision, unix_us(starts_at)))
    models = dict.fromkeys(each.model for each in quote.body.options)
    moved = [model for model in models if was.get(model) != became.get(model)]
    if moved:
        raise Conflict(
            f"价目 {basis.sale_book} 中 {'、'.join(moved)} 的单价自报价后已变"
            f"（报价时第 {basis.sale_revision} 版，起日第 {revision} 版），请重新报价，"
            "或用 yuejie contracts draft 起草并写明约定单价"
        )


def _rates(book: Book) -> dict[str, frozenset[tuple[str, str, int, str, int]]]:
    found: dict[str, set[tuple[str, str, int, str, int]]] = {}
    for row in book.rows.rates:
        place = (row.meter, row.service_tier, row.context_above, row.time_window, row.pico)
        found.setdefault(row.model, set()).add(place)
    return {model: frozenset(places) for model, places in found.items()}


def _customer(tx: Tx, quote: Quote, name: str, by: str, now: datetime) -> Customer:
    """Return who signs: the one named, or the prospect's own, taken up where it is new."""
    basis, need = quote.body.basis, quote.body.requirement
    slug = name or find_prospect(tx, quote.prospect_id).slug
    if not name and customer_by_slug(tx, slug) is None:
        fresh = Particulars(
            slug=slug,
            legal_name=need.company.name,
            uscc=need.company.uscc or None,
            zone=basis.zone,
            currency=need.currency,
        )
        return enrol_in(tx, fresh, by=by, now=now)
    known = find_customer(tx, slug)
    if not name and known.legal_name != need.company.name:
        raise Conflict(
            f"客户 {slug} 是“{known.legal_name}”，需求表写的是“{need.company.name}”，"
            "请写明为哪个客户起草"
        )
    if (known.zone, known.currency) != (basis.zone, need.currency):
        raise Conflict(
            f"客户 {slug} 的时区和结算币种为 {known.zone}、{known.currency}，报价按 {basis.zone}、"
            f"{need.currency} 计算，请核对，或按客户的币种重新报价"
        )
    return known


def _body(quote: Quote, plan: Plan, starts_on: date) -> DraftBody:
    body = quote.body
    basis, option = body.basis, body.option(body.proposal.model, plan.name)
    return DraftBody(
        sale_book=BookId(basis.sale_book),
        currency=body.requirement.currency,
        zone=basis.zone,
        starts_at=midnight(starts_on, basis.zone),
        fx_policy=basis.fx_policy,
        tax_mode=basis.tax_mode,
        tax_ppm=basis.tax_ppm,
        commercial=replace(
            _moved_to(plan.terms, body.requirement.first_month.first_day, starts_on),
            deposit_fen=option.deposit_fen,
        ),
        pricing=plan.pricing,
        expected_monthly_fen=option.expected.gross_fen,
        remark=f"据报价 {quote.quote_id}（第 {quote.version} 版，{plan.name}，"
        f"内容摘要 {quote.digest[:12]}）",
    )


def _moved_to(terms: CommercialTerms, quoted_from: date, starts_on: date) -> CommercialTerms:
    """Return the terms with whole years counted from the first day; a day by name stays."""
    ends_on = terms.ends_on
    if ends_on is None or _day(ends_on) != _day(quoted_from):
        return terms
    return replace(terms, ends_on=months_after(starts_on, 12 * (ends_on.year - quoted_from.year)))


def _day(day: date) -> tuple[int, int]:
    return day.month, day.day
