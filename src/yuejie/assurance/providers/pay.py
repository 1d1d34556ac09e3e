"""Enter providers' bills, and pay them: asked for by one, approved by another, then booked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from yuejie.assurance.providers import store
from yuejie.assurance.providers.owed import (
    WITH_BILL,
    PaymentFor,
    PaymentStep,
    ProviderBill,
    ProviderCredit,
    ProviderPayment,
    ProviderPaymentState,
    advance,
    party_of,
    refuse_future,
)
from yuejie.assurance.providers.store import Step
from yuejie.assurance.providers.watch import refuse_unknown
from yuejie.contracts.store import fx_on
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import CURRENCIES, FX_SCALE, Money, divide
from yuejie.kernel.period import BillingMonth
from yuejie.kernel.workdays import due_on
from yuejie.ledger.check import Check
from yuejie.ledger.post import post, reverse
from yuejie.ledger.posting import REVERSED, Account
from yuejie.ledger.store import balance, bodies, entry_of
from yuejie.notices.rejection import Asked, Rejection, tell_rejection
from yuejie.payments.apportion.place import find_receipt, left_of
from yuejie.payments.apportion.refunds import return_receipt
from yuejie.payments.banks.store import account_by_name, accounts
from yuejie.payments.receipts.receipt import OPEN
from yuejie.payments.statements.store import lines_called


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDraft:
    """A provider's bill as it is printed; without `due_on` the account's net days say when."""

    account_id: str
    number: str
    month: BillingMonth
    net: Money
    tax: Money
    billed_on: date
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSaid:
    """What the bank says of a payment: from which account, its reference, what left, its fee.

    Of a refund it is what came in, the fee not taken off. `receipt_id` names the receipt that the
    import of a statement made of it.
    """

    bank: str
    reference: str
    paid: Money
    charges_fen: int = 0
    receipt_id: str = ""


def enter_bill(db: Database, draft: BillDraft, *, by: str, now: datetime) -> ProviderBill:
    """Write a provider's bill down and put it into the ledger; the same bill again does nothing."""
    if draft.net.currency != draft.tax.currency:
        raise Invalid("供应商账单的金额和税额须为同一币种，请改正后重试")
    refuse_future("开票日", draft.billed_on, now)
    with db.begin() as tx:
        refuse_unknown(tx, draft.account_id)
        number = draft.number.strip()
        tx.lock_exclusive(f"provider bill {draft.account_id} {number}")
        terms = next(iter(store.terms(tx, draft.account_id)), None)
        if terms is not None and draft.due_on is None:
            terms.refuse_nonsense()  # they may have been agreed before there was a longest
        days = terms.net_days if terms else 30
        made = ProviderBill(
            provider_bill_id=mint("pbl", now),
            account_id=draft.account_id,
            number=number,
            month=str(draft.month),
            currency=draft.net.currency,
            net_fen=draft.net.fen,
            tax_fen=draft.tax.fen,
            billed_on=draft.billed_on,
            due_on=draft.due_on or due_on(draft.billed_on, days),
            by=by,
            at=now,
        )
        made.refuse_nonsense()
        known = _known(store.bills(tx, draft.account_id), made)
        if known is not None:
            return known
        store.insert_bill(tx, made)
        post(tx, made.entry())
        deed = Deed(by, now, "enter", "provider_bill", made.provider_bill_id)
        record_deed(tx, deed, became=made)
        return made


def void_bill(db: Database, provider_bill_id: str, *, why: str, by: str, now: datetime) -> None:
    """Take back a bill that was entered by mistake; one with payments under way is refused."""
    if not why.strip():
        raise Invalid("作废供应商账单必须写明原因")
    with db.begin() as tx:
        tx.lock_exclusive(f"provider bill payments {provider_bill_id}")
        bill = find_bill(tx, provider_bill_id)
        if bill.voided_why is not None:
            raise Conflict(f"供应商账单 {bill.number} 已作废，无需重复")
        if any(_counts(each) for each in store.payments(tx, provider_bill_id=provider_bill_id)):
            raise Conflict(f"供应商账单 {bill.number} 已有付款，请先驳回未付的；已付的不能作废")
        if any(each.voided_why is None for each in store.credits_of(tx, None, provider_bill_id)):
            raise Conflict(f"供应商账单 {bill.number} 已有贷项，请先作废贷项")
        store.insert_void(tx, provider_bill_id, why=why, by=by, at=now)
        reverse(tx, bill.key, at=now, by=by, why=why)
        deed = Deed(by, now, "void", "provider_bill", provider_bill_id, why)
        record_deed(tx, deed, was=bill, became=replace(bill, voided_why=why))


def request_payment(
    db: Database,
    account_id: str,
    amount: Money,
    purpose: PaymentFor,
    *,
    by: str,
    now: datetime,
    provider_bill_id: str | None = None,
    why: str = "",
) -> ProviderPayment:
    """Ask for a payment; of a bill no more can be asked for than is open.

    A top-up and a refund have no bill that says what they are for, so they say why. A refund is
    what the provider pays back of the balance: no more than is there.
    """
    if amount.fen <= 0 or amount.currency not in CURRENCIES:
        raise Invalid("付款金额必须大于零，币种为 CNY 或 USD")
    if (purpose in WITH_BILL) is not (provider_bill_id is not None):
        raise Invalid("充值和退回不对应账单，付账单须写明账单编号")
    if purpose not in WITH_BILL and not why.strip():
        raise Invalid("充值和退回没有账单为据，须写明原因，请补全后重试")
    with db.begin() as tx:
        refuse_unknown(tx, account_id)
        if provider_bill_id is not None:
            tx.lock_exclusive(f"provider bill payments {provider_bill_id}")
            _refuse_too_much(tx, account_id, provider_bill_id, amount)
        made = ProviderPayment(
            payment_id=mint("ppy", now),
            account_id=account_id,
            provider_bill_id=provider_bill_id,
            purpose=purpose,
            currency=amount.currency,
            fen=amount.fen,
            state=ProviderPaymentState.REQUESTED,
            why=why,
            requested_by=by,
            requested_at=now,
        )
        if purpose is PaymentFor.REFUND:
            refuse_overdraw(tx, account_id, amount)
        store.insert_payment(tx, made)
        deed = Deed(by, now, "request", "provider_payment", made.payment_id, why)
        record_deed(tx, deed, became=made)
        return made


def decide_payment(
    db: Database, payment_id: str, *, approve: bool, by: str, now: datetime, why: str = ""
) -> ProviderPayment:
    """Approve a payment, by another person than who asked; or reject it, by anybody, with why."""
    with db.begin() as tx:
        was = _payment(tx, payment_id)
        step = PaymentStep.APPROVE if approve else PaymentStep.REJECT
        became = advance(was.state, step)
        if approve:
            was.refuse_same_person(by)
            _refuse_overpaid(tx, was)
        elif not why.strip():
            raise Invalid("驳回付款必须写明原因")
        decided = replace(was, state=became, decided_by=by, decided_at=now)
        _move(tx, was, decided, Step(step, by, now, why))
        if not approve:
            rejection = Rejection(
                asked=Asked.PROVIDER_PAYMENT,
                name=payment_id,
                asked_by=was.requested_by,
                by=by,
                why=why,
                amount=Money(was.fen, was.currency),
            )
            tell_rejection(tx, rejection, at=now)
        return decided


def note_paid(
    db: Database, payment_id: str, said: BankSaid | None, *, by: str, now: datetime
) -> ProviderPayment:
    """Write down that an approved payment was made, or a refund came in, and book it.

    A draw needs no bank. A refund that stands among the receipts already is named by its receipt,
    which is taken back: it is no customer's money.

    A bill in another currency is paid at another rate than that of its day: the difference is
    booked as a gain or loss of exchange, where the house's books of rates know the day's.
    """
    with db.begin() as tx:
        was = _payment(tx, payment_id)
        became = advance(was.state, PaymentStep.PAY)
        made = replace(was, state=became, paid_at=now)
        if was.purpose in {PaymentFor.DRAW, PaymentFor.REFUND}:
            refuse_overdraw(tx, was.account_id, Money(was.fen, was.currency))
        if was.purpose is PaymentFor.DRAW:
            made = replace(made, paid_currency=was.currency, paid_fen=was.fen)
        else:
            if said is not None and said.receipt_id:
                said = _from_receipt(tx, was, said, by=by, now=now)
            made = _by_bank(tx, made, said)
        _move(tx, was, made, Step(PaymentStep.PAY, by, now))
        post(tx, made.entry(by, carried_fen=_carried(tx, made)))
        return made


def _carried(tx: Tx, payment: ProviderPayment) -> int | None:
    """Return what a debt that was paid in another currency was worth in that on its bill's day.

    None where nothing was owed before (a top-up), or no rate of that day is published.
    """
    if payment.provider_bill_id is None or payment.paid_currency in {None, payment.currency}:
        return None
    day = find_bill(tx, payment.provider_bill_id).billed_on
    fx = fx_on(tx, base=payment.currency, quote=str(payment.paid_currency), day=day)
    return divide(payment.fen * fx.e8, FX_SCALE) if fx else None


def _by_bank(tx: Tx, payment: ProviderPayment, said: BankSaid | None) -> ProviderPayment:
    if said is None or not said.bank.strip() or not said.reference.strip():
        raise Invalid("登记支付须写明付款银行账户和银行流水号")
    if said.charges_fen < 0 or said.paid.fen <= said.charges_fen:
        raise Invalid("实付金额须大于手续费，手续费不能为负，请核对银行回单")
    fee = _fee_beside(payment.purpose, said.charges_fen)
    wanted = Money(payment.fen + fee, payment.currency)
    if said.paid.currency == wanted.currency and said.paid != wanted:
        raise Invalid(f"实付 {said.paid} 与应付加手续费 {wanted} 不符，请核对银行回单")
    bank = _account_of(tx, said)
    if payment.purpose is PaymentFor.REFUND and not said.receipt_id:
        _refuse_imported(tx, bank, said.reference.strip())
    return replace(
        payment,
        bank=bank,
        bank_reference=said.reference,
        paid_currency=said.paid.currency,
        paid_fen=said.paid.fen,
        charges_fen=said.charges_fen,
    )


def _fee_beside(purpose: PaymentFor, charges_fen: int) -> int:
    """Return what the bank took beside what the provider got; of a refund it is within it."""
    return 0 if purpose is PaymentFor.REFUND else charges_fen


def _refuse_imported(tx: Tx, bank: str, reference: str) -> None:
    """Refuse to book what came in a second time: the import of a statement has booked its line."""
    if any(each.direction == "in" for each in lines_called(tx, bank, reference)):
        raise Conflict(
            f"流水 {reference} 已作为到账导入并入账，请改选该到账，不要再填写银行账户和金额"
        )


def _account_of(tx: Tx, said: BankSaid) -> str:
    """Return what the ledger calls our account that is named by its number or id.

    A house that has entered none of its accounts calls them as it likes.
    """
    name = said.bank.strip()
    account = account_by_name(tx, name)
    if account is None:
        if accounts(tx):
            raise NotFound(f"没有银行账户“{name}”，请填写我方账户的账号或编号")
        return name
    if account.currency != said.paid.currency:
        raise Invalid(
            f"银行账户 {account.number} 是 {account.currency} 账户，与实付币种 "
            f"{said.paid.currency} 不符，请核对银行回单"
        )
    return account.party


def _from_receipt(
    tx: Tx, payment: ProviderPayment, said: BankSaid, *, by: str, now: datetime
) -> BankSaid:
    """Take the receipt back that a statement made of a refund, and return what the bank said."""
    if payment.purpose is not PaymentFor.REFUND:
        raise Invalid("只有供应商退回的款项才对应到账，付款请写明银行账户和流水号")
    receipt = find_receipt(tx, said.receipt_id, hold=True)
    if receipt.state not in OPEN or left_of(tx, receipt) != receipt.amount_fen:
        raise Conflict(f"到账 {receipt.receipt_id} 已认款或已退回，不能再作为供应商退款；请核对")
    why = f"供应商 {payment.account_id} 退款 {payment.payment_id}，不是客户的款"
    return_receipt(tx, receipt.receipt_id, line=None, why=why, by=by, now=now)
    paid = Money(receipt.amount_fen + said.charges_fen, receipt.currency)
    reference = said.reference.strip() or receipt.receipt_id
    return replace(said, bank=receipt.account_id, reference=reference, paid=paid)


def refuse_overdraw(tx: Tx, account_id: str, amount: Money) -> None:
    """Refuse that more is taken out of a balance with the provider than it holds."""
    tx.lock_exclusive(f"provider prepaid {account_id}")
    left = balance(
        tx, Account.PROVIDER_PREPAID, party=party_of(account_id), currency=amount.currency
    )
    if amount.fen > left:
        raise Conflict(
            f"账号 {account_id} 的预付余额为 {Money(left, amount.currency)}，"
            f"不足 {amount}；请核对，充值须先登记支付"
        )


def _refuse_too_much(tx: Tx, account_id: str, provider_bill_id: str, amount: Money) -> None:
    bill = find_bill(tx, provider_bill_id)
    if bill.account_id != account_id or bill.voided_why is not None:
        raise Conflict(f"供应商账单 {provider_bill_id} 已作废或属于别的账号，请核对")
    if bill.currency != amount.currency:
        raise Invalid(f"账单 {bill.number} 以 {bill.currency} 计价，请按该币种申请付款")
    open_fen = left_of_bill(tx, bill)
    if amount.fen > open_fen:
        left = Money(open_fen, bill.currency)
        raise Conflict(f"账单 {bill.number} 只剩 {left} 未付或未申请，不能再付 {amount}")


def _refuse_overpaid(tx: Tx, payment: ProviderPayment) -> None:
    """Refuse to let more go for a bill than it is: who asked may not have known of its notes.

    A process that an upgrade has not reached yet takes none off.
    """
    if payment.provider_bill_id is None:
        return
    tx.lock_exclusive(f"provider bill payments {payment.provider_bill_id}")
    bill = find_bill(tx, payment.provider_bill_id)
    if bill.voided_why is not None:
        raise Conflict(f"账单 {bill.number} 已作废，请驳回这笔付款")
    over = -left_of_bill(tx, bill)
    if over > 0:
        raise Conflict(
            f"账单 {bill.number} 的付款和贷项合计超出 {Money(over, bill.currency)}，"
            "请驳回这笔后按未付金额重新申请"
        )


def left_of_bill(tx: Tx, bill: ProviderBill) -> int:
    """Return what of one bill is neither paid nor asked for nor given back, in fen."""
    name = bill.provider_bill_id
    payments = store.payments(tx, provider_bill_id=name)
    return open_of(bill, payments, store.credits_of(tx, None, name))


def open_of(
    bill: ProviderBill,
    payments: Iterable[ProviderPayment],
    credits_: Iterable[ProviderCredit],
) -> int:
    """Return what of a bill is neither paid nor asked for nor given back, in fen.

    Payments and credit notes of other bills may be among them.
    """
    if bill.voided_why is not None:
        return 0
    mine = bill.provider_bill_id
    paid = sum(p.fen for p in payments if p.provider_bill_id == mine and _counts(p))
    back = sum(c.bill_fen for c in credits_ if c.provider_bill_id == mine and not c.voided_why)
    return bill.gross_fen - paid - back


def _counts(payment: ProviderPayment) -> bool:
    return payment.state is not ProviderPaymentState.REJECTED


def _move(tx: Tx, was: ProviderPayment, became: ProviderPayment, step: Step) -> None:
    if not store.move_payment(tx, was, became, step):
        raise Conflict(f"付款 {was.payment_id} 刚被另一人改动，本次未生效；请刷新后重试")
    deed = Deed(step.by, step.at, str(step.step), "provider_payment", was.payment_id, step.why)
    record_deed(tx, deed, was=was, became=became)


def _known(bills: Iterable[ProviderBill], made: ProviderBill) -> ProviderBill | None:
    """Return the bill if its number is known; with other contents it is refused."""
    same = [b for b in bills if b.number == made.number and b.voided_why is None]
    if not same:
        return None
    known = same[0]
    told = ("month", "currency", "net_fen", "tax_fen", "billed_on")
    if any(getattr(known, name) != getattr(made, name) for name in told):
        raise Conflict(
            f"账号 {made.account_id} 的账单 {made.number} 已录入且内容不同；"
            "请核对，录错的先作废再重录"
        )
    return known


def find_bill(tx: Tx, provider_bill_id: str) -> ProviderBill:
    """Return a provider's bill; raises NotFound."""
    found = store.bill(tx, provider_bill_id)
    if found is None:
        raise NotFound(f"没有编号为 {provider_bill_id} 的供应商账单，请核对编号")
    return found


def _payment(tx: Tx, payment_id: str) -> ProviderPayment:
    found = store.payment(tx, payment_id)
    if found is None:
        raise NotFound(f"没有编号为 {payment_id} 的付款，请核对编号")
    return found


def _bills_beside_the_books(tx: Tx) -> Iterator[str]:
    found = {each.provider_bill_id: each for each in store.bills(tx)}
    yield from _beside(tx, "供应商账单", found)


def _credits_beside_the_books(tx: Tx) -> Iterator[str]:
    found = {each.provider_credit_id: each for each in store.credits_of(tx)}
    yield from _beside(tx, "供应商贷项", found)


def _beside(
    tx: Tx, what: str, papers: Mapping[str, ProviderBill | ProviderCredit]
) -> Iterator[str]:
    """Yield which papers the books tell otherwise: their amounts, or that they are void."""
    keys = {name: (each.key, f"{REVERSED}{each.key}") for name, each in papers.items()}
    booked = bodies(tx, [key for pair in keys.values() for key in pair])
    for name, each in sorted(papers.items()):
        key, mirror = keys[name]
        if key not in booked:
            yield f"{what} {name} 没有分录"
        elif booked[key] != each.entry().body_hash:
            yield f"{what} {name} 与它的分录不符"
        elif (mirror in booked) is (each.voided_why is None):
            yield f"{what} {name} 的作废与冲销分录不符"


def _payments_beside_the_books(tx: Tx) -> Iterator[str]:
    found = store.payments(tx)
    booked = bodies(tx, [each.key for each in found])
    for each in found:
        if (each.state is ProviderPaymentState.PAID) is not (each.key in booked):
            yield f"付款 {each.payment_id} 的状态与分录不符"
        elif each.key in booked and booked[each.key] != _body_of(tx, each):
            yield f"付款 {each.payment_id} 与它的分录不符"


def _body_of(tx: Tx, payment: ProviderPayment) -> bytes | None:
    """Return what the books should say of a payment; None where what it says could not be booked.

    What a debt was worth when it arose is taken from the entry: another rate of that day may be
    published since.
    """
    if None in {payment.paid_at, payment.paid_currency, payment.paid_fen}:
        return None
    alike = payment.paid_currency == payment.currency
    fee = _fee_beside(payment.purpose, payment.charges_fen)
    if alike and payment.paid_fen != payment.fen + fee:
        return None
    written = None if alike else entry_of(tx, payment.key)
    carried = None
    if written is not None:
        carried = sum(
            each.fen
            for each in written.postings
            if (each.account, each.currency) == (Account.FX_CLEARING, payment.paid_currency)
        )
    return payment.entry(payment.requested_by, carried_fen=carried).body_hash


def _entries_without_paper(tx: Tx) -> Iterator[str]:
    for key in store.entries_without_paper(tx):
        yield f"分录 {key} 没有单据，它的供应商账单、贷项或付款已不在"


LEDGER_CHECKS: Final = (
    Check("每张供应商账单都有分录，金额和作废与之相符", _bills_beside_the_books),
    Check("每张供应商贷项都有分录，金额和作废与之相符", _credits_beside_the_books),
    Check("每笔已支付的供应商付款都有分录，金额与之相符", _payments_beside_the_books),
    Check("每笔供应商分录都有单据", _entries_without_paper),
)
"""What provider accounts promise about the books."""
