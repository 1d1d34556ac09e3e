"""Enter providers' credit notes behind their bills: taken off the bill, else a balance there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from yuejie.assurance.providers import store
from yuejie.assurance.providers.owed import ProviderCredit, refuse_future
from yuejie.assurance.providers.pay import find_bill, left_of_bill, refuse_overdraw
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import Money
from yuejie.ledger.post import post, reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditDraft:
    """A provider's credit note as it is printed, amounts above zero, and what it is given for."""

    provider_bill_id: str
    number: str
    net: Money
    tax: Money
    credited_on: date
    why: str


def enter_credit(db: Database, draft: CreditDraft, *, by: str, now: datetime) -> ProviderCredit:
    """Write a credit note down and put it into the ledger; the same note again does nothing.

    It takes off its bill what is neither paid nor asked for; the rest is a balance with the
    provider, which a draw uses for another bill, or which the provider pays back. Either takes two.
    """
    if draft.net.currency != draft.tax.currency:
        raise Invalid("供应商贷项的金额和税额须为同一币种，请改正后重试")
    refuse_future("贷项日期", draft.credited_on, now)
    with db.begin() as tx:
        bill = find_bill(tx, draft.provider_bill_id)
        number = draft.number.strip()
        tx.lock_exclusive(f"provider credit {bill.account_id} {number}")
        tx.lock_exclusive(f"provider bill payments {bill.provider_bill_id}")
        bill = find_bill(tx, draft.provider_bill_id)
        if bill.voided_why is not None:
            raise Conflict(f"供应商账单 {bill.number} 已作废，不能再录入贷项；请核对账单编号")
        made = ProviderCredit(
            provider_credit_id=mint("pcr", now),
            provider_bill_id=bill.provider_bill_id,
            account_id=bill.account_id,
            number=number,
            currency=draft.net.currency,
            net_fen=draft.net.fen,
            tax_fen=draft.tax.fen,
            bill_fen=0,
            credited_on=draft.credited_on,
            why=draft.why,
            by=by,
            at=now,
        )
        known = _known(store.credits_of(tx, bill.account_id), made)
        if known is not None:
            return known
        earlier = store.credits_of(tx, None, bill.provider_bill_id)
        made.refuse_nonsense(bill, earlier)
        made = replace(made, bill_fen=min(made.gross_fen, max(left_of_bill(tx, bill), 0)))
        store.insert_credit(tx, made)
        post(tx, made.entry())
        deed = Deed(by, now, "enter", "provider_credit", made.provider_credit_id, draft.why)
        record_deed(tx, deed, became=made)
        return made


def void_credit(db: Database, provider_credit_id: str, *, why: str, by: str, now: datetime) -> None:
    """Take back a note that was entered by mistake, unless its balance is used already."""
    if not why.strip():
        raise Invalid("作废供应商贷项必须写明原因")
    with db.begin() as tx:
        noted = find_credit(tx, provider_credit_id)
        tx.lock_exclusive(f"provider bill payments {noted.provider_bill_id}")
        noted = find_credit(tx, provider_credit_id)
        if noted.voided_why is not None:
            raise Conflict(f"供应商贷项 {noted.number} 已作废，无需重复")
        if noted.balance_fen:
            refuse_overdraw(tx, noted.account_id, Money(noted.balance_fen, noted.currency))
        store.insert_credit_void(tx, provider_credit_id, why=why, by=by, at=now)
        reverse(tx, noted.key, at=now, by=by, why=why)
        deed = Deed(by, now, "void", "provider_credit", provider_credit_id, why)
        record_deed(tx, deed, was=noted, became=replace(noted, voided_why=why))


def find_credit(tx: Tx, provider_credit_id: str) -> ProviderCredit:
    """Return a provider's credit note; raises NotFound."""
    found = store.credit_note(tx, provider_credit_id)
    if found is None:
        raise NotFound(f"没有编号为 {provider_credit_id} 的供应商贷项，请核对编号")
    return found


def _known(notes: Iterable[ProviderCredit], made: ProviderCredit) -> ProviderCredit | None:
    """Return the note if its number is known; with other contents it is refused."""
    same = [n for n in notes if n.number == made.number and n.voided_why is None]
    if not same:
        return None
    known = same[0]
    told = ("provider_bill_id", "currency", "net_fen", "tax_fen", "credited_on")
    if any(getattr(known, name) != getattr(made, name) for name in told):
        raise Conflict(
            f"账号 {made.account_id} 的贷项 {made.number} 已录入且内容不同；"
            "请核对，录错的先作废再重录"
        )
    return known
