"""What was earned by the end of a month and stood on no issued bill: what finance accrues."""

from collections import defaultdict
from typing import Final

from yuejie.assurance import store
from yuejie.assurance.clouds.worth import cloud_worth
from yuejie.bills.bill import LineKind
from yuejie.bills.issue import account_of
from yuejie.contracts.fx import LOOK_BACK, month_rate
from yuejie.contracts.store import fx_rows
from yuejie.db.session import Tx
from yuejie.kernel.money import PPM, Charge, FxRate, divide
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.ledger.handover.accrue import Unbilled
from yuejie.ledger.posting import Account

_ZONE: Final = "Asia/Shanghai"


def unbilled(tx: Tx, month: BillingMonth) -> list[Unbilled]:
    """Return each customer's revenue that its bills had not booked when a month ended.

    A bill says it best, terms and credits included: one that is drawn up, or was issued since;
    also that of an earlier month, whose accrual was taken back when this month began. What issuing
    books elsewhere (packages, late fees) is no revenue. Without a bill of the month, it is the
    usage at its sale rates and the clouds' costs marked up, without tax, in the contract's currency
    at the month's exchange rate. Asked again later, it says the same.
    """
    ends = month.span(zone_of(_ZONE)).end
    billed: set[str] = set()
    sums: dict[tuple[str, str], int] = defaultdict(int)
    elsewhere = [kind for kind in LineKind if account_of(kind) is not Account.REVENUE]
    for row in store.unissued(tx, str(month), ends, elsewhere=elsewhere):
        sums[row.customer_id, row.currency] += row.net_fen
        if row.is_drawn:
            billed.add(row.customer_id)
    exact: dict[tuple[str, str, str, int], int] = defaultdict(int)
    for each in store.worth(tx, str(month)):
        if each.customer_id not in billed and each.sale_currency and each.contract_currency:
            cell = (
                *(each.customer_id, each.contract_currency),
                *(each.sale_currency, each.included_tax_ppm),
            )
            exact[cell] += int(each.sale_pico)
    for (customer, currency, sold, tax_ppm), pico in exact.items():
        fx = None if sold == currency else _rate(tx, sold, currency, month)
        gross = Charge(pico, sold).settle(fx).fen
        sums[customer, currency] += divide(gross * PPM, PPM + tax_ppm)
    for cloud in cloud_worth(tx, str(month)):
        known = cloud.contract_currency
        if cloud.customer_id in billed or known is None:
            continue
        fx = None if cloud.currency == known else _rate(tx, cloud.currency, known, month)
        cost = Charge(cloud.cost_pico, cloud.currency).settle(fx).fen
        gross = divide(cost * cloud.sale_ppm, PPM)
        sums[cloud.customer_id, known] += divide(gross * PPM, PPM + cloud.included_tax_ppm)
    return [
        Unbilled(party, currency, fen) for (party, currency), fen in sorted(sums.items()) if fen
    ]


def _rate(tx: Tx, base: str, quote: str, month: BillingMonth) -> FxRate:
    first = month.first_day - LOOK_BACK
    rows = fx_rows(tx, base=base, quote=quote, first=first, last=month.last_day)
    return month_rate(rows, base=base, quote=quote, month=month).rate
