"""Sign a contract, or its next version."""

from dataclasses import replace
from datetime import datetime

from yuejie.contracts import store
from yuejie.contracts.contract import Contract, FxPolicy, Terms
from yuejie.contracts.publish import card_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId, ContractId, mint


def sign_contract(
    db: Database, terms: Terms, *, by: str, now: datetime, contract_id: ContractId | None = None
) -> Contract:
    """Write the first version of a contract, or the next of the one named.

    The same terms again change nothing. Under CARD the contract's book is the card of the list
    book in the contract's currency, written if this is the first contract that needs it.
    """
    with db.begin() as tx:
        tx.lock_exclusive(f"contract {contract_id or terms.customer_id}")
        versions = store.contract_versions(tx, contract_id) if contract_id else []
        was = versions[-1] if versions else None
        became = Contract(
            contract_id=contract_id or ContractId(mint("con", now)),
            version=was.version + 1 if was else 1,
            customer_id=terms.customer_id,
            sale_book=_priced_by(tx, terms, now),
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
            if replace(became, version=was.version, signed_at=was.signed_at) == was:
                return was
            _refuse_backwards(was, became)
        store.insert_contract(tx, became)
        name = str(became.contract_id)
        record_deed(tx, Deed(by, now, "sign", "contract", name), was=was, became=became)
        return became


def _priced_by(tx: Tx, terms: Terms, now: datetime) -> BookId:
    book = store.book(tx, terms.sale_book)
    if book is None:
        raise NotFound(f"价目 {terms.sale_book} 不存在，请先建立再签合同", book=terms.sale_book)
    if book.kind != "sale":
        raise Invalid(f"价目 {terms.sale_book} 不是销售价目，合同请引用 sale 类价目")
    terms.refuse_nonsense(book.currency)
    if terms.fx_policy != FxPolicy.CARD:
        return terms.sale_book
    return BookId(card_of(tx, book, terms.currency, now).book_id)


def _refuse_backwards(was: Contract, became: Contract) -> None:
    if became.customer_id != was.customer_id:
        raise Conflict(f"合同 {was.contract_id} 属于另一个客户，请核对合同编号")
    if became.starts_at < was.starts_at:
        raise Conflict(
            f"合同 {was.contract_id} 第 {was.version} 版自 {was.starts_at.isoformat()} 生效，"
            "新版不能早于它，请推后生效时间"
        )
