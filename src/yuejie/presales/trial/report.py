"""What a trial came to: used, worth at the list, and what it costs us. Reads only.

Lines are made as a bill makes them, project × model × meter × rate, each settled once, at the rate
of the list in whose place the trial's rate of nothing stands.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.numbers.number import called
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import PPM, Charge, Money, divide
from yuejie.kernel.period import local_hour, zone_of
from yuejie.presales.trial import store
from yuejie.presales.trial.convert import standing_of
from yuejie.presales.trial.store import DayRow
from yuejie.presales.trial.trial import ZONE, Standing, Trial
from yuejie.usage.meters import per

DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class SpecimenLine:
    """A line as a bill would have it: so much of a meter, at the list's rate."""

    month: str
    model: str
    meter: str
    quantity: int
    list_pico: int
    amount: Money


@dataclass(frozen=True, slots=True)
class TrialCost:
    """What a month of a trial costs us, and what of it stands on the books of sales."""

    month: str
    currency: str
    fen: int
    booked_fen: int


@dataclass(frozen=True, slots=True)
class TrialReport:
    """A trial and what came of it. `costs` are the house's own business."""

    trial: Trial
    customer: Customer
    standing: Standing
    days: tuple[DayRow, ...]
    lines: tuple[SpecimenLine, ...]
    costs: tuple[TrialCost, ...]
    currency: str
    tax_ppm: int
    made_at: datetime
    follows: str
    """What the contract that follows is called; empty where none does."""

    @property
    def tokens(self) -> int:
        """Tokens of the trial's own calls."""
        return sum(line.quantity for line in self.lines if per(line.meter) > 1)

    @property
    def gross(self) -> Money:
        """What the usage would cost at the list, tax included: the sum of the lines."""
        return Money(sum(line.amount.fen for line in self.lines), self.currency)

    @property
    def net(self) -> Money:
        """The same without tax, as a tax line would split it."""
        return Money(divide(self.gross.fen * PPM, PPM + self.tax_ppm), self.currency)

    @property
    def tax(self) -> Money:
        """The tax in it."""
        return self.gross - self.net


def report_of(db: Database, name: str, *, now: datetime) -> TrialReport:
    """Return the report of a trial, named by its number or its customer."""
    with db.read(consistent=True) as tx:
        return read_report(tx, find_trial(tx, name), now=now)


def find_trial(tx: Tx, name: str) -> Trial:
    """Return the trial of that number, or of that customer."""
    trial = store.trial_by_id(tx, name)
    if trial is None:
        trial = store.trial_of(tx, find_customer(tx, name).customer_id)
    if trial is None:
        raise NotFound(f"{name} 没有试用，请用 yuejie trial list 查看")
    return trial


def read_report(tx: Tx, trial: Trial, *, now: datetime) -> TrialReport:
    """Read what a report is made of in one transaction."""
    customer = find_customer(tx, trial.customer_id)
    state = standing_of(tx, trial, now)
    own = [
        each
        for each in contracts.contracts_of(tx, trial.customer_id)
        if each.contract_id == trial.contract_id
    ]
    since = local_hour(trial.starts_at, zone_of(ZONE))
    used = store.used(tx, trial.customer_id, trial.book_id)
    booked = {(row.month, row.currency): row.fen for row in store.booked(tx, trial.customer_id)}
    costs = store.cost(tx, trial.customer_id, trial.book_id, since=since, until=state.over_at)
    return TrialReport(
        trial=trial,
        customer=customer,
        standing=state,
        days=tuple(
            store.days(
                tx,
                trial.customer_id,
                trial.book_id,
                zone=ZONE,
                since=since,
                until=state.over_at,
            )
        ),
        lines=tuple(
            SpecimenLine(
                month=row.month,
                model=row.model,
                meter=row.meter,
                quantity=row.quantity,
                list_pico=row.list_pico,
                amount=Charge(row.list_pico * row.quantity, row.currency).settle(),
            )
            for row in used
        ),
        costs=tuple(
            TrialCost(
                month=row.month,
                currency=row.currency,
                fen=Charge(int(row.cost_pico), row.currency).settle().fen,
                booked_fen=booked.get((row.month, row.currency), 0),
            )
            for row in costs
        ),
        currency=own[0].currency,
        tax_ppm=own[0].tax_ppm,
        made_at=now,
        follows=called(tx, trial.customer_id, state.contract_id) if state.contract_id else "",
    )
