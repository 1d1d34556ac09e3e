"""The only SQL about reminders, late fees, standings and reprieves."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.payments.dunning.late_fee import Paid
from yuejie.payments.dunning.reprieve import Reprieve

OPERATOR_READS: Final = {
    "standings": "the operator lists how its customers stand",
    "watched": "the clerk watches every customer",
}
"""Reads that serve the operator; all others take `customer_id` first."""

REMIND: Final = """
    INSERT INTO bill_reminder (bill_id, due_on, step, customer_id, told_at)
    VALUES (%(bill_id)s, %(due_on)s, %(step)s, %(customer_id)s, %(told_at)s)
    ON CONFLICT (bill_id, due_on, step) DO NOTHING
"""


def remind(
    tx: Tx, customer_id: CustomerId, bill_id: BillId, *, due_on: date, step: int, at: datetime
) -> bool:
    """Write down that a bill was reminded of; False if it was before."""
    done = tx.run(
        REMIND, bill_id=bill_id, due_on=due_on, step=step, customer_id=customer_id, told_at=at
    )
    return done == 1


@dataclass(frozen=True, slots=True)
class LateFeeRow:
    """A late fee that was charged: until which day, and what it added to those before."""

    bill_id: BillId
    position: int
    until_on: date
    days: int
    fen: int
    charged_at: datetime


LATE_FEES: Final = """
    SELECT bill_id, position, until_on, days, fen, charged_at
    FROM late_fee
    WHERE customer_id = %(customer_id)s AND (%(bill_id)s::text IS NULL OR bill_id = %(bill_id)s)
    ORDER BY bill_id, position
"""


def late_fees(tx: Tx, customer_id: CustomerId, bill_id: BillId | None = None) -> list[LateFeeRow]:
    """Return the late fees charged for a bill, or for all of a customer's."""
    return tx.rows(LateFeeRow, LATE_FEES, customer_id=customer_id, bill_id=bill_id)


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """Under which contract a bill was drawn, and what of it is late fees of earlier bills."""

    bill_id: BillId
    contract_id: str
    contract_version: int
    fees_fen: int


DRAWN: Final = """
    SELECT b.bill_id, b.contract_id, b.contract_version, COALESCE(l.fen, 0)::bigint AS fees_fen
    FROM bill b
    LEFT JOIN (SELECT bill_id, sum(net_fen + tax_fen) AS fen FROM bill_line
               WHERE customer_id = %(customer_id)s AND refers_to <> '' AND kind = 'late_fee'
               GROUP BY bill_id) l USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND b.state IN ('issued', 'paid')
"""


def drawn(tx: Tx, customer_id: CustomerId) -> dict[BillId, DrawnRow]:
    """Return how each bill that may be late was drawn; a late fee names the bill that was late."""
    return {row.bill_id: row for row in tx.rows(DrawnRow, DRAWN, customer_id=customer_id)}


@dataclass(frozen=True, slots=True)
class _PaidRow:
    bill_id: BillId
    on: date
    fen: int


PAID: Final = """
    SELECT bill_id, effective_on AS on, amount_fen AS fen
    FROM apportionment
    WHERE customer_id = %(customer_id)s AND bill_id IS NOT NULL AND source <> 'bad_debt'
"""


def paid(tx: Tx, customer_id: CustomerId) -> dict[BillId, list[Paid]]:
    """Return what closed each bill of a customer, and from when on that counts.

    A debt that is given up stays late, a fee that we bear does not.
    """
    found: dict[BillId, list[Paid]] = {}
    for row in tx.rows(_PaidRow, PAID, customer_id=customer_id):
        found.setdefault(row.bill_id, []).append(Paid(row.on, row.fen))
    return found


INSERT_LATE_FEE: Final = """
    INSERT INTO late_fee (bill_id, position, customer_id, until_on, days, fen, charged_at)
    VALUES (%(bill_id)s, %(position)s, %(customer_id)s, %(until_on)s, %(days)s, %(fen)s,
            %(charged_at)s)
"""


def insert_late_fee(tx: Tx, customer_id: CustomerId, row: LateFeeRow) -> None:
    """Write a charged late fee down."""
    tx.run(
        INSERT_LATE_FEE,
        bill_id=row.bill_id,
        position=row.position,
        customer_id=customer_id,
        until_on=row.until_on,
        days=row.days,
        fen=row.fen,
        charged_at=row.charged_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """How a customer stands, as it is kept."""

    customer_id: CustomerId
    state: str
    reason: str
    credit_step: int
    episode: int
    since: datetime
    covered: bool = False
    """Whether something is left of what the customer may use."""


STANDING: Final = """
    SELECT customer_id, state, reason, credit_step, episode, since, covered
    FROM customer_standing
    WHERE customer_id = %(customer_id)s
"""


def standing(tx: Tx, customer_id: CustomerId) -> StandingRow | None:
    """Return how a customer stands; None: nothing was ever the matter."""
    return tx.maybe(StandingRow, STANDING, customer_id=customer_id)


STANDINGS: Final = """
    SELECT customer_id, state, reason, credit_step, episode, since, covered
    FROM customer_standing
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND customer_id > %(after)s
    ORDER BY customer_id
    LIMIT %(limit)s
"""


def standings(
    tx: Tx, *, state: str | None = None, after: str = "", limit: int = 100
) -> list[StandingRow]:
    """Return how customers stand, those of a state or all that were ever looked at."""
    return tx.rows(StandingRow, STANDINGS, state=state, after=after, limit=limit)


SAVE_STANDING: Final = """
    INSERT INTO customer_standing (customer_id, state, reason, credit_step, episode, since, covered)
    VALUES (%(customer_id)s, %(state)s, %(reason)s, %(credit_step)s, %(episode)s, %(since)s,
            %(covered)s)
    ON CONFLICT (customer_id) DO UPDATE
    SET state = EXCLUDED.state, reason = EXCLUDED.reason, credit_step = EXCLUDED.credit_step,
        episode = EXCLUDED.episode, since = EXCLUDED.since, covered = EXCLUDED.covered
"""


def save_standing(tx: Tx, row: StandingRow) -> None:
    """Write how a customer stands; the gateways hear of it."""
    tx.run(
        SAVE_STANDING,
        customer_id=row.customer_id,
        state=row.state,
        reason=row.reason,
        credit_step=row.credit_step,
        episode=row.episode,
        since=row.since,
        covered=row.covered,
    )


NOTE_STANDING: Final = """
    INSERT INTO standing_transition (customer_id, at, event, was, became, by, why)
    VALUES (%(customer_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def note_standing(tx: Tx, customer_id: CustomerId, step: Transition) -> None:
    """Write a step down, also among all other deeds: it lets calls in, or refuses them."""
    tx.run(NOTE_STANDING, customer_id=customer_id, **step.row())
    record_step(tx, step, "standing", customer_id)


STEPS: Final = """
    SELECT at, event, was, became, by, why
    FROM standing_transition
    WHERE customer_id = %(customer_id)s
    ORDER BY at
"""


def steps(tx: Tx, customer_id: CustomerId) -> list[Transition]:
    """Return how a customer's standing went, the oldest step first."""
    return tx.rows(Transition, STEPS, customer_id=customer_id)


INSERT_REPRIEVE: Final = """
    INSERT INTO reprieve (customer_id, until_on, why, by, at)
    VALUES (%(customer_id)s, %(until_on)s, %(why)s, %(by)s, %(at)s)
"""


def insert_reprieve(
    tx: Tx, customer_id: CustomerId, *, until_on: date, why: str, by: str, at: datetime
) -> None:
    """Write down that a customer is not suspended before a day."""
    tx.run(INSERT_REPRIEVE, customer_id=customer_id, until_on=until_on, why=why, by=by, at=at)


LAST_REPRIEVE: Final = """
    SELECT max(until_on) FROM reprieve WHERE customer_id = %(customer_id)s
"""


def last_reprieve(tx: Tx, customer_id: CustomerId) -> date | None:
    """Return the last day until which a suspension was ever put off."""
    found: date | None = tx.value(LAST_REPRIEVE, customer_id=customer_id)
    return found


REPRIEVES: Final = """
    SELECT until_on, by, at FROM reprieve WHERE customer_id = %(customer_id)s ORDER BY at
"""


def reprieves(tx: Tx, customer_id: CustomerId) -> list[Reprieve]:
    """Return who ever put a customer's suspension off, and until when, in order."""
    return tx.rows(Reprieve, REPRIEVES, customer_id=customer_id)


REPRIEVED: Final = """
    SELECT EXISTS (SELECT FROM reprieve
                   WHERE customer_id = %(customer_id)s AND until_on >= %(today)s)
"""


def reprieved_until(tx: Tx, customer_id: CustomerId, today: date) -> bool:
    """Say whether somebody has put a suspension off beyond a day."""
    return bool(tx.value(REPRIEVED, customer_id=customer_id, today=today))


@dataclass(frozen=True, slots=True)
class Unbilled:
    """What usage without a bill is worth, exactly, in one currency."""

    currency: str
    pico: Decimal


# What a closing has seen of a month is on bills; a closing of a later month sees earlier ones, too.
# But what a voided bill printed is on none until a closing bills it again: one that began a day or
# more behind the void, so that no clock is in doubt, has done so. Until then it is reckoned.
UNBILLED: Final = """
    WITH seen AS (
        SELECT m.month, m.last_epoch,
               (SELECT max(c.epoch) FROM month_close c
                WHERE c.customer_id = m.customer_id AND c.month >= m.month) AS epoch
        FROM usage_month m
        WHERE m.customer_id = %(customer_id)s
    ), reopened AS (
        SELECT DISTINCT l.service_month AS month
        FROM bill b
        JOIN bill_transition t ON t.bill_id = b.bill_id AND t.became = 'voided'
        JOIN bill_line l ON l.customer_id = b.customer_id AND l.bill_id = b.bill_id
        WHERE b.customer_id = %(customer_id)s AND b.state = 'voided' AND l.kind IN ('usage', 'late')
          AND NOT EXISTS (
              SELECT FROM bill n JOIN epoch_closing e ON e.epoch = n.epoch
              WHERE n.customer_id = b.customer_id AND n.state <> 'voided'
                AND n.month >= l.service_month AND e.closed_at > t.at + INTERVAL '1 day')
    ), owed AS (
        SELECT u.sale_rate, u.quantity
        FROM seen s
        JOIN usage_dimension d ON d.customer_id = %(customer_id)s
        JOIN usage_rollup u ON u.month = s.month AND u.dimension_id = d.dimension_id
        WHERE (s.epoch IS NULL OR s.last_epoch > s.epoch)
          AND (s.epoch IS NULL OR u.epoch > s.epoch)
          AND u.state IN ('measured', 'partial', 'estimated')
        UNION ALL
        SELECT u.sale_rate, u.quantity
        FROM reopened v
        JOIN seen s ON s.month = v.month
        JOIN usage_dimension d ON d.customer_id = %(customer_id)s
        JOIN usage_rollup u ON u.month = s.month AND u.dimension_id = d.dimension_id
        WHERE u.epoch <= s.epoch AND u.state IN ('measured', 'partial')
        UNION ALL
        SELECT l.sale_rate, -l.quantity
        FROM reopened v
        JOIN bill_line l ON l.customer_id = %(customer_id)s AND l.service_month = v.month
        JOIN bill b ON b.bill_id = l.bill_id
        WHERE b.state <> 'voided' AND l.kind IN ('usage', 'late')
    )
    SELECT r.currency, sum(o.quantity * r.pico) AS pico
    FROM owed o
    JOIN rate r ON r.rate_id = o.sale_rate
    GROUP BY r.currency
    ORDER BY r.currency
"""


def unbilled(tx: Tx, customer_id: CustomerId) -> list[Unbilled]:
    """Return what usage is worth that stands on no bill, in picos, by currency."""
    return tx.rows(Unbilled, UNBILLED, customer_id=customer_id)


@dataclass(frozen=True, slots=True)
class _Watched:
    customer_id: CustomerId


WATCHED: Final = """
    SELECT customer_id FROM customer
    WHERE customer_id > %(after)s
    ORDER BY customer_id
    LIMIT %(limit)s
"""


def watched(tx: Tx, *, after: str = "", limit: int = 1000) -> list[CustomerId]:
    """Return the customers from behind `after` on."""
    return [row.customer_id for row in tx.rows(_Watched, WATCHED, after=after, limit=limit)]
