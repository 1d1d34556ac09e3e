"""The only SQL about what is to be billed: usage up to an epoch, what is billed, what is closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.bills.closing.lines import LineKey, Place, SaleRate
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "used_months": "closing looks at every customer at once",
    "sale_rates": "rates belong to books, not to customers",
    "lagging_journals": "journals belong to gateway nodes",
    "epoch_offsets": "epochs belong to the house",
    "current_epoch": "epochs belong to the house",
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


USED_MONTHS: Final = """
    SELECT u.customer_id, u.month, c.month IS NOT NULL AS closed
    FROM usage_month u
    LEFT JOIN month_close c ON c.customer_id = u.customer_id AND c.month = u.month
    WHERE (%(customer_id)s::text IS NULL OR u.customer_id = %(customer_id)s)
      AND (u.month = %(month)s
           OR u.month < %(month)s AND u.last_epoch > COALESCE(
                (SELECT max(s.epoch) FROM month_close s
                 WHERE s.customer_id = u.customer_id AND s.month < %(month)s), 0))
    ORDER BY u.customer_id, u.month
"""


def used_months(tx: Tx, month: BillingMonth, customer_id: CustomerId | None) -> list[UsedMonth]:
    """Return who used something this month, and which earlier months have usage unlooked at."""
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


BILLED: Final = """
    SELECT service_month AS month, project_id, model, meter, sale_rate, sum(quantity) AS quantity
    FROM bill_line
    WHERE customer_id = %(customer_id)s
      AND service_month = ANY(%(months)s)
      AND bill_id IS DISTINCT FROM %(except_bill)s
    GROUP BY service_month, project_id, model, meter, sale_rate
"""


def billed(
    tx: Tx,
    customer_id: CustomerId,
    months: Iterable[BillingMonth],
    *,
    except_bill: BillId | None,
) -> dict[LineKey, int]:
    """Return what is on bills for those months, leaving out the draft being recomputed."""
    found = tx.rows(
        _Quantity,
        BILLED,
        customer_id=customer_id,
        months=[str(month) for month in months],
        except_bill=except_bill,
    )
    return _by_key(found)


def _by_key(rows: Iterable[_Quantity]) -> dict[LineKey, int]:
    return {
        LineKey(
            BillingMonth.parse(row.month), row.project_id, row.model, row.meter, row.sale_rate
        ): int(row.quantity)
        for row in rows
    }


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
    SELECT project_id, name, department FROM project WHERE customer_id = %(customer_id)s
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


@dataclass(frozen=True, slots=True)
class DailyRow:
    """What a bill's month used in a day, per project, model, meter and rate."""

    day: date
    project_id: str
    model: str
    meter: str
    sale_rate: int
    quantity: int


DAILY_USAGE: Final = """
    SELECT (r.hour AT TIME ZONE %(zone)s)::date AS day, d.project_id, r.model, r.meter,
           r.sale_rate, sum(r.quantity) AS quantity
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s AND r.month = %(month)s AND r.epoch <= %(epoch)s
      AND r.state IN ('measured', 'partial')
      AND (r.sale_rate <> 0 OR r.meter = 'requests')
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(r.quantity) <> 0
    ORDER BY 1, 2, 3, 4, 5
"""


def daily_usage(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, *, epoch: int, zone: str
) -> list[DailyRow]:
    """Return the daily usage behind a bill, as it was known at the bill's epoch."""
    return tx.rows(
        DailyRow,
        DAILY_USAGE,
        customer_id=customer_id,
        month=str(month),
        epoch=epoch,
        zone=zone,
    )
