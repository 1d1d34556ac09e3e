"""How a customer stands: normal, warned, suspended; and back. States as a table, and one step.

`review_standing` joins the transaction of whatever may have changed it (a receipt, a reversal, a
contract that is signed, the clerk's watch), so that a payment restores a customer in the same
breath in which it is booked: the gateways' snapshot follows within a second.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.bills.bill import BillState
from yuejie.bills.store import bills_of_customer
from yuejie.budgets.balance import hold_balances, open_balance
from yuejie.contracts.contract import Contract
from yuejie.contracts.life.limits import credit_limit_at
from yuejie.contracts.store import contract_at, fx_on
from yuejie.contracts.terms import PaymentMode
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import PPM, Charge, Money, divide
from yuejie.kernel.period import zone_of
from yuejie.notices.notice import Kind
from yuejie.payments.apportion import store as apportion_store
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.dunning import store
from yuejie.payments.dunning.capped import cap_by_balance
from yuejie.payments.telling import News, tell

CREDIT_STEPS: Final = (70, 80, 90, 100)
"""Percent of the credit at which somebody is told (china-finance §4.1)."""
_UNISSUED: Final = frozenset(
    {BillState.DRAFT, BillState.PROPOSED, BillState.CONFIRMED, BillState.DISPUTED}
)


class StandingState(StrEnum):
    """How a customer stands."""

    NORMAL = "normal"
    WARNED = "warned"
    """Something is overdue within its days of grace, or nine tenths of the credit are used."""
    SUSPENDED = "suspended"
    """Calls are refused, with the reason."""


class StandingEvent(StrEnum):
    """What can happen to a standing."""

    WARN = "warn"
    SUSPEND = "suspend"
    EASE = "ease"
    """Not suspended any more, but not quite well either."""
    RESTORE = "restore"


S = StandingState
E = StandingEvent

NEXT: Final[dict[tuple[StandingState, StandingEvent], StandingState]] = {
    (S.NORMAL, E.WARN): S.WARNED,
    (S.NORMAL, E.SUSPEND): S.SUSPENDED,
    (S.WARNED, E.SUSPEND): S.SUSPENDED,
    (S.WARNED, E.RESTORE): S.NORMAL,
    (S.SUSPENDED, E.EASE): S.WARNED,
    (S.SUSPENDED, E.RESTORE): S.NORMAL,
}
SAID: Final[dict[StandingState, str]] = {
    S.NORMAL: "正常",
    S.WARNED: "已提醒",
    S.SUSPENDED: "已停服",
}
_DEEDS: Final[dict[StandingEvent, str]] = {
    E.WARN: "提醒",
    E.SUSPEND: "停服",
    E.EASE: "转为提醒",
    E.RESTORE: "恢复",
}
_EVENTS: Final[dict[tuple[StandingState, StandingState], StandingEvent]] = {
    (was, became): event for (was, event), became in NEXT.items()
}


def advance(state: StandingState, event: StandingEvent) -> StandingState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Conflict(f"客户处于“{SAID[state]}”状态，不能{_DEEDS[event]}") from None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands, why it is suspended, and which step of its credit was told.

    `covered`: something is left of limit, prepayment and deposit, or a suspension is put off;
    without it the gateways serve nobody whose contract asks for money before use.
    """

    customer_id: CustomerId
    state: StandingState
    reason: str
    credit_step: int
    episode: int
    since: datetime
    covered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a customer has used of its credit, in fen of its currency. `limit_fen` None: unwatched.

    used = what is open of issued bills + what is drafted + usage that no bill has yet;
    cover = the limit + prepayment + deposit.
    `prepaid`: the contract in force asks for money before use, so that no cover is none from the
    first call on; others are stopped once something was used.
    """

    currency: str
    limit_fen: int | None
    prepayment_fen: int
    deposit_fen: int
    open_fen: int
    drafted_fen: int
    unbilled_fen: int
    prepaid: bool = False

    @property
    def used_fen(self) -> int:
        """What the customer would owe if its month ended now."""
        return self.open_fen + self.drafted_fen + self.unbilled_fen

    @property
    def cover_fen(self) -> int:
        """Up to where it may go."""
        return (self.limit_fen or 0) + self.prepayment_fen + self.deposit_fen

    @property
    def available_fen(self) -> int:
        """What is left; below zero: it is over."""
        return self.cover_fen - self.used_fen

    @property
    def percent(self) -> int:
        """How much is used, in whole percent, rounded down; over nothing at all: 100 once used."""
        if self.cover_fen <= 0:
            return 100 if self.used_fen > 0 else 0
        return max(self.used_fen, 0) * 100 // self.cover_fen

    @property
    def step(self) -> int:
        """The highest step that is reached; 0 below the first, or unwatched."""
        if self.limit_fen is None:
            return 0
        return max((step for step in CREDIT_STEPS if self.percent >= step), default=0)

    @property
    def exhausted(self) -> bool:
        """Whether nothing more may be used: all of the cover is, and something was to be used."""
        begun = self.prepaid or self.used_fen > 0
        return self.limit_fen is not None and begun and self.available_fen <= 0


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is open behind its due date, and since when; `graced` lies behind the days of grace.

    Fen are of whatever currency: they tell whether there is any. What it comes to, `sums` say.
    """

    fen: int
    oldest: date | None
    graced_fen: int
    suspend_on: date | None = None
    """From this day on the oldest of it suspends."""
    sums: tuple[Money, ...] = ()
    """What it comes to in each currency."""

    def said(self, currency: str) -> str:
        """Return it in figures; nothing is said as none of a currency."""
        found = self.sums or (Money(0, currency),)
        return " + ".join(f"{each} {each.currency}" for each in found)


def overdue(amounts: list[OpenAmount], today: date, grace_days: int) -> Overdue:
    """Add up what is overdue on a day."""
    late = [a for a in amounts if a.open_fen > 0 and a.due_on is not None and a.due_on < today]
    days = {a.bill_id: (today - a.due_on).days for a in late if a.due_on is not None}
    oldest = min((a.due_on for a in late if a.due_on is not None), default=None)
    sums: Counter[str] = Counter()
    for each in late:
        sums[each.currency] += each.open_fen
    return Overdue(
        fen=sum(a.open_fen for a in late),
        oldest=oldest,
        graced_fen=sum(a.open_fen for a in late if days[a.bill_id] > grace_days),
        suspend_on=oldest + timedelta(days=grace_days + 1) if oldest else None,
        sums=tuple(Money(fen, currency) for currency, fen in sorted(sums.items())),
    )


def wanted_state(late: Overdue, credit: Credit, *, reprieved: bool) -> tuple[StandingState, str]:
    """Return how a customer should stand, and why where it is suspended. Pure."""
    if not reprieved:
        if late.graced_fen > 0:
            return S.SUSPENDED, "overdue"
        if credit.exhausted:
            return S.SUSPENDED, "prepayment" if credit.prepaid else "credit_limit"
    near = credit.limit_fen is not None and credit.percent >= CREDIT_STEPS[-2]
    return (S.WARNED if late.fen > 0 or near else S.NORMAL), ""


def review_standing(
    tx: Tx,
    customer_id: CustomerId,
    *,
    by: str,
    now: datetime,
) -> Standing:
    """Look at what a customer owes and has used, and move its standing to what follows from it.

    Tells each step of the credit once while it lasts, and each suspension and restoration.
    """
    (became,) = review_standings(tx, [customer_id], by=by, now=now)
    return became


def review_standings(
    tx: Tx,
    customers: Iterable[CustomerId],
    *,
    by: str,
    now: datetime,
) -> list[Standing]:
    """Review several customers, whom one deed has moved; each is held before any is looked at.

    Usage of a parent and of its subsidiary comes in together: held one by one, each would wait for
    the other.
    """
    named = sorted(set(customers))
    for each in named:
        contract = contract_at(tx, each, now)
        if contract is not None and watched_limit(tx, each, now) is not None:
            open_balance(tx, each, contract.currency, now=now)
    for each in named:
        tx.lock_exclusive(f"standing {each}")
    hold_balances(tx, named)
    return [_review(tx, each, by=by, now=now) for each in named]


def _review(tx: Tx, customer_id: CustomerId, *, by: str, now: datetime) -> Standing:
    customer = find_customer(tx, customer_id)
    contract = contract_at(tx, customer_id, now)
    watched = watched_limit(tx, customer_id, now) is not None
    grace = contract.terms.grace_days if contract else 0
    today = now.astimezone(zone_of(customer.zone)).date()
    amounts = amounts_of(tx, customer_id)
    late = overdue(amounts, today, grace)
    credit = credit_of(tx, customer_id, contract, amounts, now)
    reprieved = store.reprieved_until(tx, customer_id, today)
    was = _standing(tx, customer_id, now)
    state, reason = wanted_state(late, credit, reprieved=reprieved)
    became = Standing(
        customer_id,
        state,
        reason,
        credit.step,
        was.episode + (was.credit_step == 0 and credit.step > 0) + (was.state != state),
        was.since if was.state == state else now,
        covered=credit.available_fen > 0 or reprieved,
    )
    cap_by_balance(
        tx,
        customer_id,
        contract,
        credit.available_fen,
        watched=watched,
        reprieved=reprieved,
        now=now,
    )
    if became != was:
        _write(tx, was, became, _why(late, credit), by=by, now=now)
    _tell(tx, was, became, late, credit, now=now)
    return became


def _standing(tx: Tx, customer_id: CustomerId, now: datetime) -> Standing:
    row = store.standing(tx, customer_id)
    if row is None:
        return Standing(customer_id, S.NORMAL, "", 0, 0, now)
    return Standing(
        customer_id,
        S(row.state),
        row.reason,
        row.credit_step,
        row.episode,
        row.since,
        row.covered,
    )


def standing_now(tx: Tx, customer_id: CustomerId, now: datetime) -> Standing:
    """Return how a customer stands, as last reviewed."""
    return _standing(tx, customer_id, now)


def credit_now(tx: Tx, customer_id: CustomerId, now: datetime) -> Credit:
    """Return what a customer has used of its credit at this moment."""
    contract = contract_at(tx, customer_id, now)
    return credit_of(tx, customer_id, contract, amounts_of(tx, customer_id), now)


def watched_limit(tx: Tx, customer_id: CustomerId, now: datetime) -> int | None:
    """Return the credit limit that holds at this moment; who pays before use has none, which is 0.

    None: no limit is watched.
    """
    limit = credit_limit_at(tx, customer_id, now)
    contract = contract_at(tx, customer_id, now)
    if limit is None and contract and contract.terms.payment_mode is PaymentMode.PREPAID:
        return 0
    return limit


def credit_of(
    tx: Tx,
    customer_id: CustomerId,
    contract: Contract | None,
    amounts: list[OpenAmount],
    now: datetime,
) -> Credit:
    """Return what a customer has used of its credit at this moment."""
    currency = contract.currency if contract else find_customer(tx, customer_id).currency
    limit = watched_limit(tx, customer_id, now)
    return Credit(
        currency=currency,
        limit_fen=limit,
        prepayment_fen=apportion_store.held(tx, customer_id, Use.PREPAYMENT, currency),
        deposit_fen=apportion_store.held(tx, customer_id, Use.DEPOSIT, currency),
        open_fen=sum(a.open_fen for a in amounts if a.currency == currency),
        drafted_fen=drafted(tx, customer_id, currency),
        unbilled_fen=_unbilled(tx, customer_id, contract, now.date()),
        prepaid=contract is not None and contract.terms.payment_mode is PaymentMode.PREPAID,
    )


def drafted(tx: Tx, customer_id: CustomerId, currency: str) -> int:
    """Return what stands on a customer's bills in a currency that are not issued yet."""
    bills = (bill for bill in bills_of_customer(tx, customer_id) if bill.state in _UNISSUED)
    return sum(bill.gross.fen for bill in bills if bill.currency == currency)


def _unbilled(tx: Tx, customer_id: CustomerId, contract: Contract | None, today: date) -> int:
    """Return what rated usage is worth that no bill has yet, in fen with tax; before discounts.

    Usage in another currency is converted at the newest published rate, and counts nothing while
    there is none: a credit limit is no bill.
    """
    if contract is None:
        return 0
    total = 0
    for row in store.unbilled(tx, customer_id):
        charge = Charge(int(row.pico), row.currency)
        if row.currency == contract.currency:
            total += charge.settle().fen
        else:
            fx = fx_on(tx, base=row.currency, quote=contract.currency, day=today)
            total += charge.settle(fx.rate).fen if fx else 0
    if contract.tax_mode == "exclusive":
        total += divide(total * contract.tax_ppm, PPM)
    return total


def _why(late: Overdue, credit: Credit) -> str:
    parts = []
    if late.fen:
        parts.append(f"逾期 {late.said(credit.currency)}（最早应付日 {late.oldest}）")
    if credit.prepaid:
        parts.append(f"预付余额 {Money(credit.available_fen, credit.currency)}")
    elif credit.limit_fen is not None:
        parts.append(f"授信已用 {credit.percent}%")
    return "；".join(parts) or "无欠款"


def _write(tx: Tx, was: Standing, became: Standing, why: str, *, by: str, now: datetime) -> None:
    store.save_standing(
        tx,
        store.StandingRow(
            customer_id=became.customer_id,
            state=str(became.state),
            reason=became.reason,
            credit_step=became.credit_step,
            episode=became.episode,
            since=became.since,
            covered=became.covered,
        ),
    )
    if was.state != became.state:
        event = _EVENTS[was.state, became.state]
        assert advance(was.state, event) is became.state
        store.note_standing(
            tx,
            became.customer_id,
            Transition(now, event, was.state, became.state, by, why),
        )


def _tell(
    tx: Tx,
    was: Standing,
    became: Standing,
    late: Overdue,
    credit: Credit,
    *,
    now: datetime,
) -> None:
    """Tell what has changed; the keys carry the episode, so a second round tells nothing.

    Nine tenths of a credit and all of it are told as steps of the credit, not as suspensions.
    """
    customer_id, episode = became.customer_id, became.episode
    facts = {
        "amount": late.said(credit.currency),
        "due_on": str(late.oldest or "—"),
        "suspend_on": str(late.suspend_on or "—"),
        "used": f"{Money(credit.used_fen, credit.currency)} {credit.currency}",
        "limit": f"{Money(_told_limit(credit), credit.currency)} {credit.currency}",
        "available": f"{Money(credit.available_fen, credit.currency)} {credit.currency}",
        "percent": str(credit.percent),
    }
    if was.state != became.state:
        kind = _news(was, became, late)
        if kind is not None:
            key = f"standing:{customer_id}:{episode}:{kind}"
            tell(tx, News(kind, customer_id, facts, key, now))
    if became.credit_step > was.credit_step:
        key = f"credit_used:{customer_id}:{episode}:{became.credit_step}"
        tell(tx, News(Kind.CREDIT_USED, customer_id, facts, key, now))


def _told_limit(credit: Credit) -> int:
    """Return of what a step is a part, as people read it: who pays before use has no limit."""
    return credit.cover_fen if credit.prepaid else credit.limit_fen or 0


_SUSPENDED: Final[dict[str, Kind | None]] = {
    "overdue": Kind.SUSPENDED,
    "prepayment": Kind.PREPAYMENT_EMPTY,
    "credit_limit": None,
}
"""What a suspension is told as; the last step of a credit says it already."""


def _news(was: Standing, became: Standing, late: Overdue) -> Kind | None:
    if became.state is S.SUSPENDED:
        return _SUSPENDED[became.reason]
    if was.state is S.SUSPENDED:
        return Kind.RESTORED
    return Kind.SUSPENSION_WARNING if became.state is S.WARNED and late.fen else None
