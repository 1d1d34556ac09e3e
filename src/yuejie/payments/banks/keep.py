"""Open an account of ours, give a number to one payer, file a 代付协议, say who pays for whom."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import CURRENCIES
from yuejie.payments.banks import store
from yuejie.payments.banks.account import (
    Authorisation,
    BankAccount,
    VirtualAccount,
    checked_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A 代付协议 as it is handed in: who pays, from and until when, and the scan."""

    payer_name: str
    payer_number: str = ""
    document_name: str
    document: bytes
    starts_on: date
    ends_on: date | None = None


def open_account(
    db: Database,
    *,
    holder: str,
    bank: str,
    number: str,
    currency: str,
    by: str,
    now: datetime,
) -> BankAccount:
    """Write down an account of ours, or the new name of its bank; its currency never changes."""
    if not holder.strip() or not bank.strip():
        raise Invalid("银行账户缺少户名或开户行，请补全后重试")
    if currency not in CURRENCIES:
        raise Invalid(f"账户币种“{currency}”不支持，请写 CNY 或 USD")
    account = BankAccount(
        account_id=mint("bank", now),
        holder=holder.strip(),
        bank=bank.strip(),
        number=checked_number(number, "银行账号"),
        currency=currency,
        opened_at=now,
    )
    with db.begin() as tx:
        if store.insert_account(tx, account):
            deed = Deed(by, now, "open", "bank_account", account.number)
            record_deed(tx, deed, became=account)
            return account
        was = find_account(tx, account.number)
        if was.currency != currency:
            raise Conflict(f"账户 {was.number} 的币种是 {was.currency}，不能改为 {currency}")
        became = replace(was, holder=account.holder, bank=account.bank)
        if became != was:
            store.rename_account(tx, became)
            deed = Deed(by, now, "change", "bank_account", was.number)
            record_deed(tx, deed, was=was, became=became)
        return became


def find_account(tx: Tx, name: str) -> BankAccount:
    """Return the account of that number or id, or say that there is none."""
    account = store.account_by_name(tx, name)
    if account is None:
        raise NotFound(f"银行账户 {name} 不存在，请用 yuejie bank accounts 查看")
    return account


def give_number(
    db: Database, customer: str, *, account: str, number: str, by: str, now: datetime
) -> VirtualAccount:
    """Give a customer a number of its own to pay into; a number is never given to another."""
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        given = VirtualAccount(
            number=checked_number(number, "专属账号"),
            account_id=find_account(tx, account).account_id,
            customer_id=owner.customer_id,
            given_by=by,
            given_at=now,
        )
        if store.insert_virtual(tx, given):
            deed = Deed(by, now, "give", "virtual_account", given.number)
            record_deed(tx, deed, became=given)
            return given
        was = store.virtual_by_number(tx, given.number)
        assert was is not None, "it conflicted just now"
        if (was.customer_id, was.account_id) != (given.customer_id, given.account_id):
            raise Conflict(f"专属账号 {given.number} 已分配给另一客户或账户，请换一个号码")
        return was


def file_authorisation(
    db: Database, customer: str, paper: Paper, *, by: str, now: datetime
) -> Authorisation:
    """File a paper by which somebody else pays for a customer; its scan is kept by its hash."""
    if not paper.payer_name.strip():
        raise Invalid("代付协议缺少付款人户名，请按协议填写")
    if not paper.document:
        raise Invalid("代付协议缺少扫描件，请上传")
    if paper.ends_on is not None and paper.ends_on <= paper.starts_on:
        raise Invalid("代付协议的终止日须晚于起始日，请改正后重试")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        filed = Authorisation(
            authorisation_id=mint("pay", now),
            customer_id=owner.customer_id,
            payer_name=paper.payer_name.strip(),
            payer_number=checked_number(paper.payer_number, "付款账号")
            if paper.payer_number
            else "",
            document_name=paper.document_name,
            document_sha256=hashlib.sha256(paper.document).digest(),
            starts_on=paper.starts_on,
            ends_on=paper.ends_on,
            filed_by=by,
            filed_at=now,
        )
        store.insert_authorisation(tx, filed)
        deed = Deed(by, now, "file", "payer_authorisation", filed.authorisation_id)
        record_deed(tx, deed, became=filed)
        return filed


def set_parent(db: Database, customer: str, parent: str | None, *, by: str, now: datetime) -> None:
    """Say who pays for a customer from now on; None: it pays for itself again.

    A parent has no parent of its own: who pays is one step away, never a chain.
    """
    with db.begin() as tx:
        child = find_customer(tx, customer)
        above = find_customer(tx, parent) if parent else None
        tx.lock_exclusive("customer parents")
        if above is not None:
            if above.customer_id == child.customer_id:
                raise Invalid(f"客户 {child.slug} 不能是自己的上级，请另选")
            if store.parent_of(tx, above.customer_id):
                raise Conflict(f"客户 {above.slug} 自己有上级，不能再作上级；请改选其上级")
            if store.subsidiaries(tx, child.customer_id):
                raise Conflict(f"客户 {child.slug} 已有下级，不能再有上级")
        said = store.newest_parent(tx, child.customer_id)
        was = said.parent_id if said else None
        became = above.customer_id if above else None
        if was == became:
            return
        # What is said last holds, also by the clock of a machine that runs behind another's.
        since = max(now, said.since + timedelta(microseconds=1)) if said else now
        store.insert_parent(tx, child.customer_id, became, since=since, by=by)
        deed = Deed(by, now, "set_parent", "customer", child.slug)
        record_deed(tx, deed, was={"parent": was}, became={"parent": became})
