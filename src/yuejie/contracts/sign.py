"""Sign a contract, or its next version."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from yuejie.contracts import store
from yuejie.contracts.agreed.schedule import Hold
from yuejie.contracts.agreed.write import Agreement, book_for
from yuejie.contracts.contract import (
    Contract,
    FxPolicy,
    Terms,
    at,
    by_term,
    midnight,
    refuse_idle,
)
from yuejie.contracts.numbers.number import called, number_contract
from yuejie.contracts.publish import card_of
from yuejie.contracts.store import BookRow
from yuejie.contracts.terms import CommercialTerms
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId, ContractId, mint
from yuejie.kernel.period import zone_of

_INSTANT = timedelta(microseconds=1)


def sign_contract(
    db: Database, terms: Terms, *, by: str, now: datetime, contract_id: ContractId | None = None
) -> Contract:
    """Write the first version of a contract, or the next of the one named.

    The same terms again change nothing. Under CARD the contract's book is the card of the list
    book in the contract's currency, written if this is the first contract that needs it. Where
    prices were agreed, locked or must be announced, it is a book of its own below that one.
    """
    with db.begin() as tx:
        return write_version(tx, terms, contract_id, by=by, now=now)


def write_version(
    tx: Tx,
    terms: Terms,
    contract_id: ContractId | None,
    *,
    by: str,
    now: datetime,
    draft_id: str | None = None,
    alone: bool = False,
) -> Contract:
    """Do what `sign_contract` promises, in the transaction of a deed that ends in a signature.

    A first version is called by the number of the draft that it came of, if any. Where one person
    signs `alone`, a contract that is there says the same already, or Conflict is raised.

    A change that begins before a renewal that was signed ahead under the same terms holds for that
    as well: the renewal is written again, with the same days. Returned is the version that begins
    first. A renewal for which something else was agreed is not written over: it is refused.
    """
    tx.lock_exclusive(f"contract {contract_id or terms.customer_id}")
    versions = store.contract_versions(tx, contract_id) if contract_id else []
    renewal = _renewed_ahead(versions, terms, now)
    if renewal is None or contract_id is None or alone:
        became = _write(tx, terms, contract_id, versions, by=by, now=now, alone=alone)
        if not versions:
            first, party = became.contract_id, terms.customer_id
            number_contract(tx, first, party, terms.zone, now, draft_id=draft_id)
        return became
    ends_on = _end_before(tx, renewal, terms)
    until = replace(terms, commercial=replace(terms.commercial, ends_on=ends_on))
    became = _write(tx, until, contract_id, versions, by=by, now=now, ahead=True)
    renewed = replace(terms.commercial, ends_on=renewal.terms.ends_on)
    again = replace(terms, starts_at=renewal.starts_at, commercial=renewed)
    _write(tx, again, contract_id, [*versions, became], by=by, now=now, ahead=True)
    return became


def _renewed_ahead(versions: Sequence[Contract], terms: Terms, now: datetime) -> Contract | None:
    """Return the renewal that is yet to begin, behind the start of these terms, if any.

    There is none where something else than one renewal begins behind that start, or where that was
    agreed under other terms than those that it renews.
    """
    behind = [each for each in versions if each.starts_at > terms.starts_at]
    begins = {each.starts_at for each in behind}
    heads = {term[0].starts_at for term in by_term(versions)[1:]}
    if len(begins) != 1 or not begins <= heads or min(begins) <= now:
        return None
    renewed, before = behind[-1], at(versions, min(begins) - _INSTANT)
    return renewed if before is not None and _goes_on(before, renewed) else None


def _goes_on(before: Contract, renewed: Contract) -> bool:
    """Tell whether a renewal has the prices and terms of what it renews, but for its days."""
    days = replace(before.terms, ends_on=renewed.terms.ends_on)
    return _same(replace(before, starts_at=renewed.starts_at, terms=days), renewed)


def _end_before(tx: Tx, renewal: Contract, terms: Terms) -> date:
    """Return the last day's end of the term that runs until a renewal.

    Raises Conflict where the terms end on another day than this term or the renewed one.
    """
    ends_on = renewal.starts_at.astimezone(zone_of(renewal.zone)).date()
    if terms.commercial.ends_on not in {ends_on, renewal.terms.ends_on}:
        number = called(tx, renewal.customer_id, renewal.contract_id)
        raise Conflict(
            f"合同 {number} 已续约：本期到 {ends_on}，续约到 {renewal.terms.ends_on}，"
            "变更的止日请写其中之一"
        )
    return ends_on


def _write(
    tx: Tx,
    terms: Terms,
    contract_id: ContractId | None,
    versions: Sequence[Contract],
    *,
    by: str,
    now: datetime,
    ahead: bool = False,
    alone: bool = False,
) -> Contract:
    was = max(versions, key=lambda each: each.version, default=None)
    name = contract_id or ContractId(mint("con", now))
    version = was.version + 1 if was else 1
    parent = priced_by(tx, terms, now, was.terms if was else None)
    if was is None:
        refuse_idle(terms.commercial, terms.starts_at, terms.zone)
    agreed = Agreement(
        contract_id=name,
        version=version,
        customer_id=terms.customer_id,
        pricing=terms.pricing,
        hold=hold_of(terms, now),
    )
    became = Contract(
        contract_id=name,
        version=version,
        customer_id=terms.customer_id,
        sale_book=book_for(tx, parent, agreed, was.sale_book if was else None, now),
        currency=terms.currency,
        zone=terms.zone,
        fx_policy=terms.fx_policy,
        tax_mode=terms.tax_mode,
        tax_ppm=terms.tax_ppm,
        starts_at=terms.starts_at,
        signed_at=now,
        terms=terms.commercial,
    )
    if was is not None:
        held = at(versions, terms.starts_at) if ahead else was
        if held is not None and _same(became, held):
            return held
        if alone:
            raise Conflict(
                f"客户已有合同 {name}，一人不能变更、接续或另立合同；请起草合同草案"
                "（“合同草案”页面，或 yuejie contracts amend、yuejie contracts draft），"
                "由另一人签署"
            )
        _refuse_others(was, became)
        if not ahead:
            _refuse_backwards(was, became)
            _refuse_over(was, became, now)
    store.insert_contract(tx, became)
    record_deed(tx, Deed(by, now, "sign", "contract", str(name)), was=was, became=became)
    return became


def _same(became: Contract, was: Contract) -> bool:
    return replace(became, version=was.version, signed_at=was.signed_at) == was


def hold_of(terms: Terms, now: datetime) -> Hold:
    """Return what the terms say about rises; the prices agreed are those of the signature."""
    lock = terms.commercial.price_lock_until
    return Hold(
        priced_at=min(now, terms.starts_at),
        lock_until=midnight(lock, terms.zone) if lock else None,
        notice=timedelta(days=terms.commercial.price_notice_days),
    )


def priced_by(tx: Tx, terms: Terms, now: datetime, was: CommercialTerms | None = None) -> BookRow:
    """Return the book that prices terms, as far as the contract itself agrees nothing.

    Under CARD that is the card of their list, written here if it is the first that is needed.
    """
    book = list_of(tx, terms, was)
    return card_of(tx, book, terms.currency, now) if terms.fx_policy == FxPolicy.CARD else book


def list_of(tx: Tx, terms: Terms, was: CommercialTerms | None = None) -> BookRow:
    """Return the list that terms name; terms that no bill could be drawn from are refused."""
    book = store.book(tx, terms.sale_book)
    if book is None:
        raise NotFound(f"价目 {terms.sale_book} 不存在，请先建立再签合同", book=terms.sale_book)
    if book.kind != "sale":
        raise Invalid(f"价目 {terms.sale_book} 不是销售价目，合同请引用 sale 类价目")
    terms.refuse_nonsense(book.currency, was)
    return book


def list_book_of(tx: Tx, contract: Contract) -> BookId:
    """Return the list book at the root of the book that prices a contract."""
    row = store.book(tx, contract.sale_book)
    while row is not None and row.parent_book is not None:
        row = store.book(tx, row.parent_book)
    assert row is not None, f"合同 {contract.contract_id} 的价目 {contract.sale_book} 不存在"
    return BookId(row.book_id)


def _refuse_others(was: Contract, became: Contract) -> None:
    if became.customer_id != was.customer_id:
        raise Conflict(f"合同 {was.contract_id} 属于另一个客户，请核对合同编号")
    if (became.currency, became.zone) != (was.currency, was.zone):
        raise Conflict(
            f"合同 {was.contract_id} 以 {was.currency} 计价、按 {was.zone} 分月，"
            "币种和时区不能变更，请终止后经合同草案另签"
        )


def _refuse_backwards(was: Contract, became: Contract) -> None:
    if became.starts_at < was.starts_at:
        raise Conflict(
            f"合同 {was.contract_id} 第 {was.version} 版自 {was.starts_at.isoformat()} 生效，"
            "新版不能早于它，请推后生效时间"
        )


def _refuse_over(was: Contract, became: Contract, now: datetime) -> None:
    """Refuse to end in the past what held until now: its calls would have had no contract."""
    over = became.ends_at
    if over is not None and over <= now and (was.ends_at is None or over < was.ends_at):
        raise Conflict(
            f"合同 {was.contract_id} 变更后的止日 {became.terms.ends_on} 已过，"
            "其后的用量将没有合同；请写今天之后的止日，或办理终止"
        )
