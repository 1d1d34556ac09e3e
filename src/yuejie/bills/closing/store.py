"""The only SQL about what is to be billed: usage up to an epoch, what is billed, what is closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.bills.bill import LineKind
from yuejie.bills.closing.agreed import Extra
from yuejie.bills.closing.lines import LineKey, Place, PrintedRow, SaleRate
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "used_months": "closing looks at every customer at once",
    "targets_of_month": "closing reads a month once for many customers",
    "sale_rates": "rates belong to books, not to customers",
    "lagging_journals": "journals belong to gateway nodes",
    "epoch_offsets": "epochs belong to the house",
    "current_epoch": "epochs belong to the house",
    "waiting_customers": "closing looks at every customer at once",
}
"""Reads that serve the operator; all others take `customer_id` first."""

EPOCH_LOCK: Final = "epoch"
"""Whoever adds usage holds this shared, whoever closes holds it alone."""


@dataclass(frozen=True, slots=True)
class UsedMonth:
    """A customer's month with usage that closing must look at, and whether it was closed before."""

    customer_id: CustomerId
    month: str
    closed: bool


# Of a line on a voided bill: a closing of another month that looked at it a day or more behind the
# void, all of whose bills are issued, has billed it again.
_BILLED_AGAIN: Final = """
      EXISTS (
          SELECT FROM bill_transition t
          JOIN bill c ON c.customer_id = b.customer_id
          JOIN epoch_closing e ON e.epoch = c.epoch
          WHERE t.bill_id = b.bill_id AND t.became = 'voided'
            AND c.currency = b.currency AND NOT starts_with(c.part, 'currency:')
            AND e.closed_at > t.at + INTERVAL '1 day'
            AND c.month >= l.service_month AND c.month <> %(month)s
            AND NOT EXISTS (
                SELECT FROM bill d
                WHERE d.customer_id = c.customer_id AND d.month = c.month
                  AND d.state NOT IN ('issued', 'paid', 'written_off', 'voided')))
"""


USED_MONTHS: Final = (
    """
    SELECT u.customer_id, u.month, c.month IS NOT NULL AS closed
    FROM usage_month u
    LEFT JOIN month_close c ON c.customer_id = u.customer_id AND c.month = u.month
    WHERE (%(customer_id)s::text IS NULL OR u.customer_id = %(customer_id)s)
      AND (u.month = %(month)s
           OR u.month < %(month)s AND u.last_epoch > COALESCE(
                (SELECT max(s.epoch) FROM month_close s
                 WHERE s.customer_id = u.customer_id AND s.month < %(month)s), 0)
           OR u.month < %(month)s AND EXISTS (
                SELECT FROM response_miss m
                WHERE m.customer_id = u.customer_id AND m.month = u.month
                  AND m.epoch > COALESCE(
                    (SELECT max(s.epoch) FROM month_close s
                     WHERE s.customer_id = u.customer_id AND s.month < %(month)s), 0))
           OR u.month < %(month)s AND EXISTS (
                SELECT FROM bill_line l JOIN bill b USING (bill_id)
                WHERE b.customer_id = u.customer_id AND b.state = 'voided'
                  AND l.customer_id = u.customer_id AND l.service_month = u.month
                  AND NOT"""  # noqa: S608 - literals only
    + _BILLED_AGAIN
    + """    ))
    ORDER BY u.customer_id, u.month
"""
)


def used_months(tx: Tx, month: BillingMonth, customer_id: CustomerId | None) -> list[UsedMonth]:
    """Return who used something this month, and which earlier months are to be looked at again.

    Those are months with usage, or a missed response, that no closing has looked at, and months
    of which a bill was voided, perhaps behind a later closing. A closing of another month in that
    bill's currency, a day or more behind the void so that no clock is in doubt, has billed them
    again once its own bills are issued; whatever comes then, comes as late usage.
    """
    return tx.rows(UsedMonth, USED_MONTHS, month=str(month), customer_id=customer_id)


@dataclass(frozen=True, slots=True)
class _Quantity:
    month: str
    project_id: str
    model: str
    meter: str
    sale_rate: int
    quantity: int


TARGETS: Final = """
    SELECT r.month, d.project_id, r.model, r.meter, r.sale_rate, sum(r.quantity) AS quantity
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s
      AND r.month = ANY(%(months)s)
      AND r.epoch <= %(epoch)s
      AND r.sale_rate <> 0
      AND r.state IN ('measured', 'partial')
    GROUP BY r.month, d.project_id, r.model, r.meter, r.sale_rate
"""


def targets(
    tx: Tx, customer_id: CustomerId, months: Iterable[BillingMonth], epoch: int
) -> dict[LineKey, int]:
    """Return what should have been billed for those months, known up to the epoch."""
    found = tx.rows(
        _Quantity,
        TARGETS,
        customer_id=customer_id,
        months=[str(month) for month in months],
        epoch=epoch,
    )
    return _by_key(found)


@dataclass(frozen=True, slots=True)
class _Used(_Quantity):
    customer_id: CustomerId


# The planner reads a month's rows in the order in which they lie; asked customer by customer, it
# would read each of their hours from another page.
TARGETS_OF_MONTH: Final = """
    SELECT d.customer_id, r.month, d.project_id, r.model, r.meter, r.sale_rate,
           sum(r.quantity) AS quantity
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = ANY(%(customer_ids)s)
      AND r.month = %(month)s
      AND r.epoch <= %(epoch)s
      AND r.sale_rate <> 0
      AND r.state IN ('measured', 'partial')
    GROUP BY d.customer_id, r.month, d.project_id, r.model, r.meter, r.sale_rate
"""


def targets_of_month(
    tx: Tx, customer_ids: Iterable[CustomerId], month: BillingMonth, epoch: int
) -> dict[CustomerId, dict[LineKey, int]]:
    """Return what should have been billed to many customers for a month, in one reading.

    Of an epoch that has ended it is what each would be told alone: nothing is added to it.
    """
    asked = list(customer_ids)
    found: dict[CustomerId, list[_Quantity]] = {customer_id: [] for customer_id in asked}
    for row in tx.rows(_Used, TARGETS_OF_MONTH, customer_ids=asked, month=str(month), epoch=epoch):
        found[row.customer_id].append(row)
    return {customer_id: _by_key(rows) for customer_id, rows in found.items()}


BILLED: Final = """
    SELECT l.service_month AS month, l.project_id, l.model, l.meter, l.sale_rate,
           sum(l.quantity) AS quantity
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s
      AND l.service_month = ANY(%(months)s)
      AND l.kind IN ('usage', 'late')
      AND b.state <> 'voided'
      AND l.bill_id <> ALL(%(except_bills)s)
    GROUP BY l.service_month, l.project_id, l.model, l.meter, l.sale_rate
"""


def billed(
    tx: Tx,
    customer_id: CustomerId,
    months: Iterable[BillingMonth],
    *,
    except_bills: Iterable[BillId],
) -> dict[LineKey, int]:
    """Return what is on bills for those months, leaving out the drafts being recomputed.

    What was voided was not billed.
    """
    found = tx.rows(
        _Quantity,
        BILLED,
        customer_id=customer_id,
        months=[str(month) for month in months],
        except_bills=list(except_bills),
    )
    return _by_key(found)


def _by_key(rows: Iterable[_Quantity]) -> dict[LineKey, int]:
    return {
        LineKey(
            BillingMonth.parse(row.month), row.project_id, row.model, row.meter, row.sale_rate
        ): int(row.quantity)
        for row in rows
    }


PRINTED: Final = """
    SELECT l.service_month AS month, l.kind, l.refers_to,
           COALESCE(l.project_id, '') AS project_id, l.model, sum(l.amount_fen) AS amount_fen
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s
      AND b.currency = %(currency)s
      AND b.state <> 'voided'
      AND l.bill_id <> ALL(%(except_bills)s)
    GROUP BY l.service_month, l.kind, l.refers_to, l.project_id, l.model
"""


def printed(
    tx: Tx, customer_id: CustomerId, *, currency: str, except_bills: Iterable[BillId]
) -> list[PrintedRow]:
    """Return the amounts on a customer's bills in a currency, but for voided ones and those drafts.

    Amounts in another currency are no such fen.
    """
    return tx.rows(
        PrintedRow,
        PRINTED,
        customer_id=customer_id,
        currency=currency,
        except_bills=list(except_bills),
    )


@dataclass(frozen=True, slots=True)
class CarriedRow:
    """What a part of a customer's bills has carried forward and not yet been given back."""

    part: str
    amount_fen: int


CARRIED: Final = """
    SELECT CASE l.refers_to WHEN '' THEN b.part WHEN 'head' THEN '' ELSE l.refers_to END AS part,
           sum(l.amount_fen) AS amount_fen
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s
      AND l.kind = 'carried'
      AND b.currency = %(currency)s
      AND b.state <> 'voided'
      AND l.bill_id <> ALL(%(except_bills)s)
    GROUP BY 1
    HAVING sum(l.amount_fen) <> 0
"""


def carried(
    tx: Tx, customer_id: CustomerId, *, currency: str, except_bills: Iterable[BillId]
) -> dict[str, int]:
    """Return what was carried forward from months below zero, by part, still to be given.

    A line on another bill than its part's own names the part, so that nothing is given twice.
    What was carried in another currency waits for a bill in that.
    """
    rows = tx.rows(
        CarriedRow,
        CARRIED,
        customer_id=customer_id,
        currency=currency,
        except_bills=list(except_bills),
    )
    return {row.part: int(row.amount_fen) for row in rows}


@dataclass(frozen=True, slots=True)
class _ExtraRow:
    adjustment_id: str
    kind: str
    service_month: str
    part: str
    amount_fen: int
    item: str
    printed_fen: int


EXTRAS: Final = """
    SELECT a.adjustment_id, a.kind, a.service_month, a.part, a.amount_fen, a.item,
           p.printed_fen
    FROM adjustment a
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(l.amount_fen), 0)::bigint AS printed_fen
        FROM bill_line l
        JOIN bill b USING (bill_id)
        WHERE l.customer_id = a.customer_id AND l.refers_to = a.adjustment_id
          AND b.state <> 'voided' AND l.bill_id <> ALL(%(except_bills)s)) p
    WHERE a.customer_id = %(customer_id)s AND a.currency = %(currency)s
      AND a.state = 'approved' AND a.decided_at <= %(known)s
      AND a.service_month <= %(month)s AND p.printed_fen <> a.amount_fen
    ORDER BY a.adjustment_id
"""


def extras(
    tx: Tx,
    customer_id: CustomerId,
    month: BillingMonth,
    *,
    currency: str,
    known: datetime,
    except_bills: Iterable[BillId],
) -> list[Extra]:
    """Return what was approved by an instant, in the bill's currency, and is not wholly on bills.

    Of one that the parts of a month share, a part may have been voided, or be drawn anew.
    """
    rows = tx.rows(
        _ExtraRow,
        EXTRAS,
        customer_id=customer_id,
        month=str(month),
        currency=currency,
        known=known,
        except_bills=list(except_bills),
    )
    return [
        Extra(
            adjustment_id=row.adjustment_id,
            kind=LineKind(row.kind),
            service_month=BillingMonth.parse(row.service_month),
            part=row.part,
            amount_fen=int(row.amount_fen),
            item=row.item,
            shared=row.printed_fen != 0,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Waiting:
    customer_id: CustomerId


WAITING: Final = """
    SELECT DISTINCT a.customer_id
    FROM adjustment a
    WHERE a.state = 'approved' AND a.service_month <= %(month)s
      AND (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
      AND a.amount_fen <> COALESCE((
          SELECT sum(l.amount_fen) FROM bill_line l
          JOIN bill b USING (bill_id)
          WHERE l.customer_id = a.customer_id AND l.refers_to = a.adjustment_id
            AND b.state <> 'voided' AND NOT (b.state = 'draft' AND b.month = %(month)s)), 0)
    UNION
    SELECT customer_id FROM bill
    WHERE state = 'voided' AND month <= %(month)s
      AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
    UNION
    SELECT g.customer_id FROM customer_grant g
    WHERE g.approved_by IS NOT NULL AND g.kind = 'package' AND g.paid_fen > 0
      AND g.starts_on <= %(last_day)s
      AND (%(customer_id)s::text IS NULL OR g.customer_id = %(customer_id)s)
      AND NOT EXISTS (
          SELECT FROM bill_line l JOIN bill b USING (bill_id)
          WHERE l.customer_id = g.customer_id AND l.refers_to = g.grant_id
            AND l.kind = 'package_purchase' AND b.state <> 'voided'
            AND NOT (b.state = 'draft' AND b.month = %(month)s))
"""


def waiting_customers(
    tx: Tx, month: BillingMonth, customer_id: CustomerId | None = None
) -> set[CustomerId]:
    """Return for whom an amount, a sold package or a voided bill waits; a draft is no answer."""
    asked = {"month": str(month), "last_day": month.last_day, "customer_id": customer_id}
    rows = tx.rows(_Waiting, WAITING, **asked)
    return {row.customer_id for row in rows}


@dataclass(frozen=True, slots=True)
class _ClosedMonth:
    month: str


VOIDED_MONTHS: Final = (
    """
    SELECT DISTINCT l.service_month AS month
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND b.state = 'voided'
      AND NOT starts_with(b.part, 'currency:')
      AND l.customer_id = %(customer_id)s AND l.service_month <= %(month)s
      AND NOT"""  # noqa: S608 - literals only
    + _BILLED_AGAIN
)


def voided_months(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> list[BillingMonth]:
    """Return the service months up to one that stood on voided bills and may owe something yet.

    Not those that a later closing has billed again, as `used_months` says.
    """
    rows = tx.rows(_ClosedMonth, VOIDED_MONTHS, customer_id=customer_id, month=str(month))
    return [BillingMonth.parse(row.month) for row in rows]


CLOSED_MONTHS: Final = """
    SELECT month FROM month_close WHERE customer_id = %(customer_id)s
"""


def closed_months(tx: Tx, customer_id: CustomerId) -> set[str]:
    """Return the months of a customer that were closed."""
    return {row.month for row in tx.rows(_ClosedMonth, CLOSED_MONTHS, customer_id=customer_id)}


@dataclass(frozen=True, slots=True)
class _Epoch:
    epoch: int


CLOSED_EPOCH: Final = """
    SELECT epoch FROM month_close WHERE customer_id = %(customer_id)s AND month = %(month)s
"""


def closed_epoch(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> int | None:
    """Return the epoch up to which a month was closed, or None."""
    row = tx.maybe(_Epoch, CLOSED_EPOCH, customer_id=customer_id, month=str(month))
    return row.epoch if row else None


@dataclass(frozen=True, slots=True)
class _UnitRow:
    project_id: str
    unit_id: str
    name: str


UNITS: Final = """
    SELECT DISTINCT ON (p.project_id) p.project_id, p.unit_id, u.name
    FROM billing_unit_project p
    JOIN billing_unit u USING (unit_id)
    WHERE p.customer_id = %(customer_id)s AND p.since <= %(month)s
    ORDER BY p.project_id, p.since DESC, p.assigned_at DESC
"""


def units(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> dict[str, tuple[str, str]]:
    """Return the billing unit, id and name, that each assigned project belongs to in a month."""
    rows = tx.rows(_UnitRow, UNITS, customer_id=customer_id, month=str(month))
    return {row.project_id: (row.unit_id, row.name) for row in rows}


SALE_RATES: Final = """
    SELECT r.rate_id, r.pico, r.currency, l.pico AS list_pico, l.currency AS list_currency
    FROM rate r
    LEFT JOIN rate l ON l.rate_id = r.list_rate
    WHERE r.rate_id = ANY(%(rate_ids)s)
"""


def sale_rates(tx: Tx, rate_ids: Iterable[int]) -> dict[int, SaleRate]:
    """Return the rates of those ids, with the list rates they were converted from."""
    found = tx.rows(SaleRate, SALE_RATES, rate_ids=sorted(rate_ids))
    return {rate.rate_id: rate for rate in found}


PLACES: Final = """
    SELECT project_id, name, department, parent_id
    FROM project
    WHERE customer_id = %(customer_id)s
"""


def places(tx: Tx, customer_id: CustomerId) -> dict[str, Place]:
    """Return how a customer's projects are called on the bill."""
    found = tx.rows(Place, PLACES, customer_id=customer_id)
    return {place.project_id: place for place in found}


CURRENT_EPOCH: Final = "SELECT epoch FROM epoch"


def current_epoch(tx: Tx) -> int:
    """Return the epoch that usage is being added to."""
    return int(tx.value(CURRENT_EPOCH))


END_EPOCH: Final = """
    WITH ended AS (
        INSERT INTO epoch_closing (epoch, closed_at, why, offsets)
        SELECT epoch, %(at)s, %(why)s, COALESCE(
            (SELECT jsonb_object_agg(journal_id, jsonb_build_array(segment, position))
             FROM journal), '{}'::jsonb)
        FROM epoch
        RETURNING epoch)
    UPDATE epoch SET epoch = ended.epoch + 1 FROM ended RETURNING ended.epoch
"""


def end_epoch(tx: Tx, *, why: str, at: datetime) -> int:
    """End the epoch, keep the vector of journal offsets at that moment, and return its number."""
    return int(tx.value(END_EPOCH, why=why, at=at))


EPOCH_OFFSETS: Final = "SELECT offsets FROM epoch_closing WHERE epoch = %(epoch)s"


def epoch_offsets(tx: Tx, epoch: int) -> dict[str, list[int]]:
    """Return the vector of journal offsets at which an epoch ended."""
    offsets: dict[str, list[int]] = tx.value(EPOCH_OFFSETS, epoch=epoch)
    return offsets


LAGGING_JOURNALS: Final = """
    SELECT journal_id::text FROM journal WHERE state = 'live' AND seen_at < %(until)s
"""


@dataclass(frozen=True, slots=True)
class _Journal:
    journal_id: str


def lagging_journals(tx: Tx, until: datetime) -> list[str]:
    """Return the living journals that have not been read past an instant."""
    return [row.journal_id for row in tx.rows(_Journal, LAGGING_JOURNALS, until=until)]


NOTE_CLOSE: Final = """
    INSERT INTO month_close (customer_id, month, epoch, bill_id, closed_at)
    VALUES (%(customer_id)s, %(month)s, %(epoch)s, %(bill_id)s, %(at)s)
    ON CONFLICT (customer_id, month) DO UPDATE
    SET epoch = EXCLUDED.epoch, bill_id = EXCLUDED.bill_id, closed_at = EXCLUDED.closed_at
"""


def note_close(
    tx: Tx,
    customer_id: CustomerId,
    month: BillingMonth,
    *,
    epoch: int,
    bill_id: BillId | None,
    at: datetime,
) -> None:
    """Note that a month was closed up to an epoch, and with which bill."""
    tx.run(
        NOTE_CLOSE, customer_id=customer_id, month=str(month), epoch=epoch, bill_id=bill_id, at=at
    )


LATER_CLOSE: Final = """
    SELECT min(month) AS month FROM month_close
    WHERE customer_id = %(customer_id)s AND month > %(month)s
"""


def later_close(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> str | None:
    """Return the first later month that is closed already, if any."""
    found: str | None = tx.value(LATER_CLOSE, customer_id=customer_id, month=str(month))
    return found


NOTE_IDLE_CLOSES: Final = """
    INSERT INTO month_close (customer_id, month, epoch, bill_id, closed_at)
    SELECT c.customer_id, %(month)s, %(epoch)s, NULL, %(at)s
    FROM customer c
    WHERE (%(customer_id)s::text IS NULL OR c.customer_id = %(customer_id)s)
      AND c.customer_id <> ALL(%(busy)s)
    ON CONFLICT (customer_id, month) DO NOTHING
"""


def note_idle_closes(
    tx: Tx,
    customer_id: CustomerId | None,
    month: BillingMonth,
    *,
    epoch: int,
    busy: Iterable[CustomerId],
    at: datetime,
) -> None:
    """Note the month as closed for those who used nothing, so that late usage is late usage."""
    tx.run(
        NOTE_IDLE_CLOSES,
        customer_id=customer_id,
        month=str(month),
        epoch=epoch,
        busy=list(busy),
        at=at,
    )
