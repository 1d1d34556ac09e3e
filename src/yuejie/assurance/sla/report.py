"""What a customer's month was like: how its calls ended, when it was worst, what is given back.

The same reading as closing's, at the epoch of the closing that last looked at the month; a month
that is still open is told as it stands now. Nothing is written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.sla import store
from yuejie.assurance.sla.memory import Remembering, count_calls
from yuejie.bills.bill import METERED, LineKind
from yuejie.bills.closing.agreed import credit_of, spend_of
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.store import current_epoch, printed
from yuejie.bills.sla.ending import FAILED, Ending, counted, ending_of
from yuejie.bills.sla.measure import endings_by, windows_of
from yuejie.bills.sla.store import (
    EndedRow,
    OutageRow,
    ResponseRow,
    minutes,
    missed,
    outages,
    responses,
)
from yuejie.bills.sla.verdict import FirstByte, Measured, Minutes, Verdict, availability, judge
from yuejie.contracts.contract import Contract
from yuejie.contracts.numbers.number import called
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import Sla
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, local_hour, zone_of

SHOWN: Final = 10
"""Hours, causes and outages that are listed: the worst."""


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the customer's day, and how many of its calls failed, by party."""

    since: datetime
    calls: int
    failed: int
    by_party: Mapping[Ending, int]


@dataclass(frozen=True, slots=True)
class Cause:
    """A way in which calls failed, as events have it, and how many did."""

    ending: Ending
    outcome: str
    http_status: int
    reason: str
    calls: int


@dataclass(frozen=True, slots=True)
class Given:
    """What the month's usage came to on bills, what is to be given back of it, and what was."""

    spend_fen: int
    credit_fen: int
    billed_fen: int
    currency: str


@dataclass(frozen=True, slots=True)
class SlaReport:
    """A customer's month; `verdict` and `given` are None where nothing is promised or closed."""

    customer: Customer
    month: BillingMonth
    contract_id: str
    contract_version: int
    contract: str
    """What the contract is called."""
    sla: Sla | None
    epoch: int
    is_closed: bool
    calls: Mapping[Ending, int]
    minutes: Minutes
    first_byte: FirstByte
    hours: Sequence[Hour]
    causes: Sequence[Cause]
    outages: Sequence[OutageRow]
    responses: Sequence[ResponseRow] = ()
    verdict: Verdict | None = None
    given: Given | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the month is counted in."""
        return zone_of(self.customer.zone)

    @property
    def counted(self) -> tuple[int, int]:
        """How many calls count under the contract, and how many of them failed."""
        return counted(self.calls, self.sla.exclusions if self.sla else ())

    @property
    def missed(self) -> int:
        """How many first responses to tickets were missed."""
        return sum(row.missed for row in self.responses if row.is_first)

    @property
    def answered_ppm(self) -> int | None:
        """The share of counted calls that did not fail, whatever was promised; None of no calls."""
        if not self.counted[0]:
            return None
        return availability(self.calls, self.sla.exclusions if self.sla else ())


def report_month(db: Database, month: BillingMonth, customer: str | None = None) -> list[SlaReport]:
    """Report a month of one customer, or of everybody who called or was promised something."""
    with db.read() as tx:
        asked = [find_customer(tx, customer)] if customer else customers(tx)
    found = []
    for who in asked:
        with db.read(consistent=True) as tx:
            report = report_customer(tx, who.customer_id, month)
        if customer or report.sla or report.calls or report.responses:
            found.append(report)
    return found


def report_customer(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, memory: Remembering | None = None
) -> SlaReport:
    """Report a customer's month; the calls of a judged one are counted once where one remembers."""
    who = find_customer(tx, customer_id)
    label = str(month)
    agreements = Agreements(contracts_of(tx, customer_id), who.zone)
    held = agreements.held(month)
    contract = agreements.at_end_of(month)
    sla = agreements.promise(month, contract.currency).sla if contract else None
    judged = store.judged_epoch(tx, customer_id, label)
    epoch = current_epoch(tx) if judged is None else judged
    counting = memory.judged if memory and judged is not None else count_calls
    calls = counting(tx, customer_id, label, held, epoch)
    windows = endings_by(calls.ended)
    measured = Measured(
        calls=sum(windows.values(), Counter()),
        minutes=minutes(tx, held),
        first_byte=calls.first_byte,
        windows=tuple(windows.values()),
        windows_whole=windows_of(held),
        missed=missed(tx, customer_id, held=held, epoch=epoch),
    )
    verdict = judge(sla, measured) if sla else None
    return SlaReport(
        customer=who,
        month=month,
        contract_id=contract.contract_id if contract else "",
        contract_version=contract.version if contract else 0,
        contract=called(tx, customer_id, contract.contract_id) if contract else "",
        sla=sla,
        epoch=epoch,
        is_closed=judged is not None,
        calls=measured.calls,
        minutes=measured.minutes,
        first_byte=measured.first_byte,
        hours=_worst(windows, zone_of(who.zone)),
        causes=_causes(calls.ended),
        outages=outages(tx, held, limit=SHOWN),
        responses=responses(tx, customer_id, held=held, epoch=epoch),
        verdict=verdict,
        given=_given(tx, agreements, contract, month, verdict)
        if contract and verdict and judged is not None
        else None,
    )


def _worst(windows: Mapping[datetime | None, Counter[Ending]], zone: ZoneInfo) -> list[Hour]:
    """Return the hours with most failures, the worst first."""
    hours: dict[datetime, Counter[Ending]] = {}
    for since, calls in windows.items():
        if since is not None:
            hours.setdefault(local_hour(since, zone), Counter()).update(calls)
    found = [
        Hour(since, *counted(calls), {each: calls[each] for each in FAILED if calls[each]})
        for since, calls in hours.items()
    ]
    worst = sorted(found, key=lambda hour: (-hour.failed, hour.since))
    return [hour for hour in worst[:SHOWN] if hour.failed]


def _causes(rows: Sequence[EndedRow]) -> list[Cause]:
    """Return the commonest ways in which calls failed."""
    sums: Counter[tuple[str, int, str]] = Counter()
    for row in rows:
        sums[row.outcome, row.http_status, row.reason] += row.calls
    found = [Cause(ending_of(*how), *how, calls) for how, calls in sorted(sums.items())]
    failed = [cause for cause in found if cause.ending in FAILED]
    return sorted(failed, key=lambda cause: -cause.calls)[:SHOWN]


def _given(
    tx: Tx, agreements: Agreements, contract: Contract, month: BillingMonth, verdict: Verdict
) -> Given:
    usage: Counter[str] = Counter()
    billed = 0
    for row in printed(tx, contract.customer_id, currency=contract.currency, except_bills=[]):
        if row.month != str(month):
            continue
        if row.kind in METERED:
            usage[row.model] += int(row.amount_fen)
        elif row.kind == LineKind.SLA_CREDIT and not row.refers_to:
            billed += int(row.amount_fen)
    spend = spend_of(usage, agreements.promise(month, contract.currency))
    return Given(spend, credit_of(spend, verdict), -billed, contract.currency)
