"""What a contract's terms make of a saving, and what of them is not used.

A saving on calls is not always money: below a promised minimum it only raises the true-up, and a
discount on the month takes its share. So every saving is told after both, by the terms' own rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from yuejie.bills.closing import store as closing
from yuejie.bills.closing.agreed import Promise, discount_of, held_days, spend_of
from yuejie.bills.closing.promises import Agreements
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.grants.store import grants_of
from yuejie.contracts.store import contracts_of, fx_on
from yuejie.contracts.terms import CommercialTerms, CommitmentPeriod
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge, FxRate, Money, divide
from yuejie.kernel.period import BillingMonth

MONTHS = 3
"""So many months of spend are looked at before a promise is called too large."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A grant as it stands: what bills drew of it, in all and in the month."""

    grant: Grant
    drawn_fen: int
    drawn_in_month_fen: int

    @property
    def left_fen(self) -> int:
        """What it is still good for."""
        return max(0, self.grant.amount_fen - self.drawn_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsNow:
    """A month under its contract. Amounts are fen of the contract's currency.

    `spends` holds what counts towards a commitment, month by month, the newest last; months
    before the contract are not there.
    """

    month: BillingMonth
    whole: bool
    contract: Contract
    promise: Promise
    usage_fen: int
    spends: Mapping[BillingMonth, int]
    grants: Sequence[Standing]
    fx: FxRate | None

    def net(self, saving_pico: int, currency: str) -> Money:
        """Return what a saving on calls takes off the bill, after discount and minimum."""
        off = self._fen(saving_pico, currency)
        before = payable(self.usage_fen, self.promise, self.month)
        after = payable(self.usage_fen - off, self.promise, self.month)
        return Money(before - after, self.contract.currency)

    def gone(self, saved_pico: int, currency: str) -> Money:
        """Return what a saving that the month's usage has made already took off the bill."""
        off = self._fen(saved_pico, currency)
        before = payable(self.usage_fen + off, self.promise, self.month)
        after = payable(self.usage_fen, self.promise, self.month)
        return Money(before - after, self.contract.currency)

    def _fen(self, pico: int, currency: str) -> int:
        """Settle a charge once; nothing without the rate that it needs."""
        foreign = currency != self.contract.currency
        if foreign and self.fx is None:
            return 0
        return Charge(pico, currency).settle(self.fx if foreign else None).fen

    @property
    def said(self) -> tuple[str, ...]:
        """Say what of the terms a reader has to know."""
        found = []
        promise = self.promise
        if promise.tier_discount is not None:
            found.append("已计入阶梯折扣：用量少了，折扣也少")
        if promise.commitment is not None:
            if promise.commitment.period is CommitmentPeriod.MONTH:
                found.append("已计入每月承诺消费：低于承诺的部分会补足，省不下来")
            else:
                found.append("合同有按年或合同期的承诺消费；若期末不足须补足，会抵去一部分节省")
        if any(each.left_fen and each.grant.kind is GrantKind.PACKAGE for each in self.grants):
            found.append("有未用完的套餐：省下的先是套餐余额，其次才是现金")
        return tuple(found)


def payable(usage_fen: int, promise: Promise, month: BillingMonth) -> int:
    """Return usage less discount plus a monthly minimum's true-up plus fee, in fen."""
    off = discount_of(usage_fen, promise.tier_discount) if promise.tier_discount else 0
    spend = usage_fen - off
    return spend + true_up(spend, promise, month) + promise.management_fee_fen


def true_up(spend_fen: int, promise: Promise, month: BillingMonth) -> int:
    """Return what a month's spend lacks of a monthly minimum, in fen."""
    commitment = promise.commitment
    if commitment is None or commitment.period is not CommitmentPeriod.MONTH:
        return 0
    held, days = held_days(promise, month)
    return max(0, divide(commitment.amount_fen * held, days) - spend_fen)


def promised(terms: CommercialTerms, now: Promise) -> Promise:
    """Return what other terms would promise for the same month, wholly in force."""
    return replace(
        now,
        tier_discount=terms.tier_discount,
        commitment=terms.commitment,
        management_fee_fen=terms.management_fee_fen,
        since=date(1970, 1, 1),
        until=None,
    )


def terms_now(
    tx: Tx, customer: Customer, month: BillingMonth, *, whole: bool, today: date
) -> TermsNow | None:
    """Read a month's terms, its usage and what stands on bills; None without a contract."""
    versions = contracts_of(tx, customer.customer_id)
    agreements = Agreements(versions, customer.zone)
    contract = agreements.at_end_of(month)
    if contract is None:
        return None
    months = [month]
    while len(months) < MONTHS and agreements.at_end_of(months[0].previous) is not None:
        months.insert(0, months[0].previous)
    usage = _usage(tx, customer.customer_id, months, contract.currency, today)
    spends = {
        each: spend_of({"": usage.get(each, 0)}, agreements.promise(each, contract.currency))
        for each in months
    }
    return TermsNow(
        month=month,
        whole=whole,
        contract=contract,
        promise=agreements.promise(month, contract.currency),
        usage_fen=usage.get(month, 0),
        spends=spends,
        grants=_standings(tx, customer.customer_id, month, contract.currency),
        fx=fx_of(tx, contract.currency, month, today),
    )


def fx_of(tx: Tx, currency: str, month: BillingMonth, today: date) -> FxRate | None:
    """Return the rate from the other currency into the contract's, as the month's bill takes it."""
    base = "CNY" if currency == "USD" else "USD"
    found = fx_on(tx, base=base, quote=currency, day=min(month.last_day, today))
    return found.rate if found else None


def _usage(
    tx: Tx, customer_id: CustomerId, months: Sequence[BillingMonth], currency: str, today: date
) -> dict[BillingMonth, int]:
    """Return each month's usage as its bill prints it: every line settled, then added."""
    lines = closing.targets(tx, customer_id, months, closing.current_epoch(tx))
    rates = closing.sale_rates(tx, {key.sale_rate for key in lines})
    usage: dict[BillingMonth, int] = {}
    fx = {each: fx_of(tx, currency, each, today) for each in months}
    for key, quantity in lines.items():
        rate = rates[key.sale_rate]
        foreign = rate.currency != currency
        if foreign and fx[key.month] is None:
            continue
        charge = Charge(quantity * rate.pico, rate.currency)
        fen = charge.settle(fx[key.month] if foreign else None).fen
        usage[key.month] = usage.get(key.month, 0) + fen
    return usage


def _standings(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, currency: str
) -> list[Standing]:
    drawn: dict[str, int] = {}
    in_month: dict[str, int] = {}
    for row in closing.printed(tx, customer_id, currency=currency, except_bills=()):
        if row.kind in {"package", "voucher"}:
            drawn[row.refers_to] = drawn.get(row.refers_to, 0) - int(row.amount_fen)
            if row.month == str(month):
                was = in_month.get(row.refers_to, 0)
                in_month[row.refers_to] = was - int(row.amount_fen)
    return [
        Standing(grant, drawn.get(grant.grant_id, 0), in_month.get(grant.grant_id, 0))
        for grant in grants_of(tx, customer_id)
        if grant.currency == currency
    ]
