"""Quantities to a bill under a book and terms, with no history: the small pure core.

For usage that is on no bill of ours: a customer's past elsewhere, an offer, a piece of advice.

    priced = price(units, month, Supposition(prices=by), {})
    bills = reckon(priced, Deal(contract, places), month, now=now)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from yuejie.bills.bill import Bill
from yuejie.bills.closing.agreed import Promise
from yuejie.bills.closing.compose import Facts, compose
from yuejie.bills.closing.lines import Place, Tariff, owed
from yuejie.bills.closing.parts import parting
from yuejie.bills.closing.promises import Agreements
from yuejie.contracts.contract import Contract
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.grants.grant import Grant
from yuejie.insights.whatif.price import Priced
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import ContractId, CustomerId
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True)
class Deal:
    """What is agreed, and what a bill needs besides: projects, packages, an exchange rate.

    The contract's `starts_at` is where a year's or term's minimum begins to count. `fx` joins the
    book's currency to the contract's; it is not needed where they are one.
    """

    contract: Contract
    places: Mapping[str, Place] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    fx: MonthFx | None = None
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The billing unit, id and name, of each project that has one."""


def reckon(priced: Priced, deal: Deal, month: BillingMonth, *, now: datetime) -> list[Bill]:
    """Return the bills of a month that stands alone: usage, terms, tax, split as agreed.

    What the month's service was is not asked: no SLA credit. Raises Invalid where something has no
    price, or an exchange rate is missing.
    """
    if priced.gaps:
        raise Invalid(f"无法计算：{'；'.join(sorted(priced.gaps))}")
    contract = deal.contract
    foreign = {rate.currency for rate in priced.rates.values()} - {contract.currency}
    if foreign and (deal.fx is None or deal.fx.rate.base not in foreign):
        raise Invalid(f"缺少 {min(foreign)}→{contract.currency} 的汇率，请给出后重试")
    named = {key.project_id for key in priced.quantities}
    places = {each: Place(each, each, "") for each in named} | dict(deal.places)
    fx = {month: deal.fx} if foreign and deal.fx else {}
    agreements = Agreements([contract], contract.zone)
    if agreements.at_end_of(month) is None:
        raise Invalid(f"合同自 {contract.starts_at.isoformat()} 起，{month} 尚未生效")

    def judged(each: BillingMonth) -> Promise:
        return agreements.promise(each, contract.currency)

    terms = contract.terms
    facts = Facts(
        customer_id=contract.customer_id,
        month=month,
        months=(month,),
        epoch=0,
        now=now,
        agreements=agreements,
        contract=contract,
        usage=owed(priced.quantities, {}),
        tariff=Tariff(contract.currency, priced.rates, fx, places),
        parting=parting(terms.split, terms.head_share, places, deal.units),
        judged=judged,
        grants=deal.grants,
    )
    return [bill for bill in compose(facts) if bill.lines]


NOBODY = CustomerId("cus_nobody")
NO_CONTRACT = ContractId("con_supposed")
"""Whose bill it is, where there is no customer and no contract yet."""
