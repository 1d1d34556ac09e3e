"""The only SQL of assurance: raw events as a bill could know them, books, contracts, the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from heapq import merge
from itertools import chain
from typing import Any, Final
from uuid import UUID

from yuejie.assurance.history import Allowed, Assigned, Held, History, Spot, Version
from yuejie.assurance.oracle import BookRow, RawEvent
from yuejie.assurance.sla.oracle import Attempt, Month
from yuejie.bills.bill import Bill, LineKind
from yuejie.bills.drafts.store import earlier_drafts
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.warehouse import read
from yuejie.usage.warehouse.clickhouse import store as far

OPERATOR_READS: Final = {
    "book_rows": "books belong to the house",
    "worth": "margins are the operator's alone",
    "unissued": "finance accrues everybody's month at once",
}
"""Reads that serve the operator; all others take `customer_id` first."""

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = "9999-99"

BOOK_ROWS: Final = """
    SELECT r.rate_id, r.book_id, r.revision,
           (extract(epoch FROM v.starts_at) * 1000000)::bigint AS starts_us,
           r.model, r.meter, r.pico, r.currency, r.service_tier, r.context_above, r.time_window
    FROM rate r
    JOIN book_revision v USING (book_id, revision)
"""


def book_rows(tx: Tx) -> list[BookRow]:
    """Return every rate of every book."""
    return tx.rows(BookRow, BOOK_ROWS)


@dataclass(frozen=True, slots=True)
class _Event:
    event_id: UUID
    month: str
    project_id: str
    model: str
    billable: bool
    state: str
    started_us: int
    sale_book: str
    sale_revision: int
    service_tier: str
    context_tokens: int
    items: list[list[str | int]]


RAW_EVENTS: Final = """
    SELECT DISTINCT ON (e.event_id)
           e.event_id, e.month, d.project_id, e.model, e.billable, e.state,
           (extract(epoch FROM e.started_at) * 1000000)::bigint AS started_us,
           e.sale_book, e.sale_revision, e.service_tier, e.context_tokens, e.items
    FROM usage_event e
    JOIN usage_dimension d USING (dimension_id)
    WHERE e.customer_id = %(customer_id)s AND e.month = ANY(%(months)s) AND e.epoch <= %(epoch)s
    ORDER BY e.event_id, e.version DESC
"""


def raw_events(
    tx: Tx, customer_id: CustomerId, months: Iterable[str], epoch: int
) -> Iterator[RawEvent]:
    """Stream the newest version of each event known at an epoch, wherever it lies.

    Raises EventsElsewhere where some are past their term: a month is proved whole or not at all.
    """
    wanted = list(months)
    if not wanted:
        return
    there = read.away(tx, customer_id, min(wanted), max(wanted))
    rows = tx.stream(_Event, RAW_EVENTS, customer_id=customer_id, months=wanted, epoch=epoch)
    moved = (
        far.newest_events(tx, customer_id, there.partitions, wanted, upto=epoch) if there else ()
    )
    for row in chain(rows, map(_event, moved)):
        yield RawEvent(
            event_id=str(row.event_id),
            month=row.month,
            project_id=row.project_id,
            model=row.model,
            billable=row.billable,
            state=row.state,
            started_us=row.started_us,
            sale_book=row.sale_book,
            sale_revision=row.sale_revision,
            service_tier=row.service_tier,
            context_tokens=row.context_tokens,
            items=[(str(i[0]), str(i[1]), int(i[2]), int(i[3]), int(i[4])) for i in row.items],
        )


def _event(fields: far.Fields) -> _Event:
    since = fields["started_at"] - _UNIX
    started_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    names = ("event_id", "month", "project_id", "model", "billable", "state", "sale_book")
    more = ("sale_revision", "service_tier", "context_tokens", "items")
    return _Event(started_us=started_us, **{name: fields[name] for name in (*names, *more)})


@dataclass(frozen=True, slots=True)
class _VersionRow:
    contract_id: str
    version: int
    starts_at: datetime
    signed_at: datetime
    currency: str
    tax_mode: str
    tax_ppm: int
    terms: dict[str, Any]


VERSIONS: Final = """
    SELECT contract_id, version, starts_at, signed_at, currency, tax_mode, tax_ppm, terms
    FROM contract
    WHERE customer_id = %(customer_id)s
"""

HELD: Final = """
    SELECT g.grant_id, g.kind, g.amount_fen, g.paid_fen, g.currency, g.models, g.starts_on,
           g.ends_on, COALESCE(
               (SELECT min(d.at) FROM deed d
                WHERE d.noun = 'grant' AND d.verb = 'approve' AND d.name = g.grant_id),
               g.created_at) AS approved_at
    FROM customer_grant g
    WHERE g.customer_id = %(customer_id)s AND g.approved_by IS NOT NULL
"""

ALLOWED: Final = """
    SELECT adjustment_id, kind, service_month, part, currency, amount_fen, decided_at
    FROM adjustment
    WHERE customer_id = %(customer_id)s AND state = 'approved'
    ORDER BY adjustment_id
"""

SPOTS: Final = """
    SELECT project_id, parent_id, department FROM project WHERE customer_id = %(customer_id)s
"""

ASSIGNED: Final = """
    SELECT project_id, unit_id, since, assigned_at
    FROM billing_unit_project
    WHERE customer_id = %(customer_id)s
"""


@dataclass(frozen=True, slots=True)
class _Voided:
    bill_id: str
    at: datetime


VOIDED: Final = """
    SELECT t.bill_id, t.at
    FROM bill_transition t
    JOIN bill b USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND t.event = 'void'
"""


@dataclass(frozen=True, slots=True)
class _EpochEnd:
    epoch: int
    at: datetime


EPOCH_ENDS: Final = """
    SELECT c.epoch, c.closed_at AS at
    FROM epoch_closing c
    WHERE c.epoch IN (
        SELECT epoch FROM bill WHERE customer_id = %(customer_id)s
        UNION SELECT epoch FROM bill_earlier_draft WHERE customer_id = %(customer_id)s)
"""


@dataclass(frozen=True, slots=True)
class _Close:
    month: str
    epoch: int


CLOSES: Final = "SELECT month, epoch FROM month_close WHERE customer_id = %(customer_id)s"


@dataclass(frozen=True, slots=True)
class _Attempt:
    version: int
    operation_id: UUID
    attempt: int
    started_us: int
    outcome: str
    http_status: int
    reason: str
    stream: bool
    first_byte_ms: int | None


# An operation that was tried again in the next month belongs there: it is read whole.
ATTEMPTS: Final = """
    SELECT e.version, e.operation_id, e.attempt,
           (extract(epoch FROM e.started_at) * 1000000)::bigint AS started_us,
           e.outcome, e.http_status, e.reason, e.stream, e.first_byte_ms
    FROM usage_event e
    WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s
      AND e.source = 'gateway' AND e.epoch <= %(epoch)s
      AND NOT EXISTS (
          SELECT FROM usage_event l
          WHERE l.operation_id = e.operation_id AND l.operation_id <> l.event_id
            AND l.customer_id = e.customer_id AND l.month > e.month AND l.epoch <= %(epoch)s)
    ORDER BY e.operation_id
"""


def attempts(tx: Tx, customer_id: CustomerId, month: str, epoch: int) -> Iterator[Attempt]:
    """Stream every version of the attempts of a month's operations, one operation after another."""
    there = read.away(tx, customer_id, month, _LAST)
    rows = tx.stream(_Attempt, ATTEMPTS, customer_id=customer_id, month=month, epoch=epoch)
    for row in _with_moved(tx, customer_id, there, rows, (month, epoch)) if there else rows:
        yield Attempt(
            row.version,
            str(row.operation_id),
            row.attempt,
            row.started_us,
            row.outcome,
            row.http_status,
            row.reason,
            row.stream,
            row.first_byte_ms,
        )


@dataclass(frozen=True, slots=True)
class _Operation:
    operation_id: UUID


CARRIED: Final = """
    SELECT DISTINCT e.operation_id
    FROM usage_event e
    WHERE e.customer_id = %(customer_id)s AND e.operation_id <> e.event_id
      AND e.month > %(month)s AND e.epoch <= %(epoch)s
"""


def _with_moved(
    tx: Tx,
    customer_id: CustomerId,
    there: read.Away,
    rows: Iterator[_Attempt],
    asked: tuple[str, int],
) -> Iterator[_Attempt]:
    """Put moved attempts among those that are here, without operations of a later month.

    Each place has left out what it knows to go on in a later month; the other may know more.
    """
    month, epoch = asked
    here = tx.rows(_Operation, CARRIED, customer_id=customer_id, month=month, epoch=epoch)
    later = {row.operation_id for row in here}
    later |= far.carried_over(tx, customer_id, there.partitions, month, upto=epoch)
    moved = far.attempts(tx, customer_id, there.partitions, month, upto=epoch)
    found = (
        _Attempt(version, operation, attempt, us, outcome, status, reason, bool(stream), first)
        for version, operation, attempt, us, outcome, status, reason, stream, first in moved
    )
    for row in merge(rows, found, key=lambda row: row.operation_id.int):
        if row.operation_id not in later:
            yield row


@dataclass(frozen=True, slots=True)
class _Probe:
    minute_us: int
    is_ready: bool


PROBES: Final = """
    SELECT (extract(epoch FROM minute) * 1000000)::bigint AS minute_us, is_ready
    FROM gateway_probe
    WHERE minute >= %(start)s AND minute < %(until)s
"""


@dataclass(frozen=True, slots=True)
class _Response:
    due_us: int
    answered_us: int | None


# By what was said, not by the clock that was stopped: the first word of ours behind its start.
RESPONSES: Final = """
    SELECT (extract(epoch FROM c.due_at) * 1000000)::bigint AS due_us,
           (SELECT (extract(epoch FROM min(m.at)) * 1000000)::bigint FROM ticket_message m
            WHERE m.ticket_id = c.ticket_id AND m.side = 'operator' AND m.at > c.started_at)
               AS answered_us
    FROM response_clock c
    JOIN response_miss known USING (clock_id)
    WHERE c.customer_id = %(customer_id)s AND c.is_first AND known.epoch <= %(epoch)s
      AND c.due_at >= %(start)s AND c.due_at < %(until)s
"""


@dataclass(frozen=True, slots=True)
class _Turned:
    minute_us: int
    calls: int


# What is ours is written out again here: the oracle does not take the ingest's word for it.
TURNED: Final = """
    SELECT (extract(epoch FROM minute) * 1000000)::bigint AS minute_us, calls
    FROM gateway_refusal
    WHERE customer_id = %(customer_id)s AND epoch <= %(epoch)s
      AND minute >= %(start)s AND minute < %(until)s
      AND reason IN ('limits_away', 'model_drained', 'snapshot_stale', 'clock_skewed', 'stopping',
                     'idempotency_down', 'internal')
"""


def _service(
    tx: Tx,
    customer_id: CustomerId,
    zone: str,
    month: BillingMonth,
    since: date,
    until: date | None,
    epoch: int,
) -> Month:
    """Return a month's calls, minutes and late responses from a day on, and before another."""
    span, clock = month.span(zone_of(zone)), zone_of(zone)
    start = max(span.start, datetime.combine(since, time.min, clock))
    end = min(span.end, datetime.combine(until, time.min, clock)) if until else span.end
    rows = tx.rows(_Probe, PROBES, start=start, until=end)
    answers = tx.rows(
        _Response, RESPONSES, customer_id=customer_id, start=start, until=end, epoch=epoch
    )
    turned = tx.rows(_Turned, TURNED, customer_id=customer_id, start=start, until=end, epoch=epoch)
    return Month(
        int(start.timestamp()) * 1_000_000,
        int(end.timestamp()) * 1_000_000,
        attempts(tx, customer_id, str(month), epoch),
        [(row.minute_us, row.is_ready) for row in rows],
        [(row.due_us, row.answered_us) for row in answers],
        [(row.minute_us, row.calls) for row in turned],
    )


def history_of(tx: Tx, customer_id: CustomerId, *, zone: str, bills: Sequence[Bill]) -> History:
    """Return everything that a customer's bills depend on, each with its time."""
    who = {"customer_id": customer_id}
    return History(
        zone=zone,
        versions=[
            Version(
                contract_id=row.contract_id,
                version=row.version,
                starts_at=row.starts_at,
                signed_at=row.signed_at,
                currency=row.currency,
                tax_mode=row.tax_mode,
                tax_ppm=row.tax_ppm,
                terms=row.terms,
            )
            for row in tx.rows(_VersionRow, VERSIONS, **who)
        ],
        grants=tx.rows(Held, HELD, **who),
        allowed=tx.rows(Allowed, ALLOWED, **who),
        spots=tx.rows(Spot, SPOTS, **who),
        assigned=tx.rows(Assigned, ASSIGNED, **who),
        bills=bills,
        voided_at={row.bill_id: row.at for row in tx.rows(_Voided, VOIDED, **who)},
        ended_at={row.epoch: row.at for row in tx.rows(_EpochEnd, EPOCH_ENDS, **who)},
        closes={row.month: row.epoch for row in tx.rows(_Close, CLOSES, **who)},
        service=partial(_service, tx, customer_id, zone),
        earlier=earlier_drafts(tx, customer_id, bills),
    )


@dataclass(frozen=True, slots=True)
class WorthRow:
    """What a customer's usage of a model in a month is worth at both rates, exactly.

    `included_tax_ppm` is the tax that the contract's prices contain; zero where it comes on top.
    """

    customer_id: str
    customer: str
    contract_id: str
    contract_currency: str | None
    model: str
    calls: int
    included_tax_ppm: int
    sale_currency: str | None
    sale_pico: int
    cost_currency: str | None
    cost_pico: int


# A month of everybody is millions of hours: its sums say it, with what came late and the hours that
# are not summed yet. The contract is looked for once these are few.
CONTRACT_HELD: Final = """
    LEFT JOIN LATERAL (
        SELECT contract_id, currency, tax_mode, tax_ppm, terms FROM contract o
        WHERE customer_id = c.customer_id AND starts_at
            < ((%(month)s || '-01')::date + INTERVAL '1 month') AT TIME ZONE zone
          AND NOT EXISTS (
              SELECT FROM contract later
              WHERE later.contract_id = o.contract_id AND later.starts_at = o.starts_at
                AND later.version >= o.version AND (later.terms ->> 'ends_on')::date
                    <= (later.starts_at AT TIME ZONE later.zone)::date)
        ORDER BY starts_at DESC, signed_at DESC, version DESC, contract_id COLLATE "C" DESC LIMIT 1
    ) k ON TRUE
"""
# The contract `k` of the customer `c` that holds in its month's last instant, as its bill has it
# (decision 0036): what was left before it would have begun is none.

WORTH: Final = (
    """
    WITH bounds AS (SELECT through FROM usage_summed
    ), used AS (
        SELECT s.customer_id, s.model, s.meter, s.sale_rate, s.cost_rate, s.quantity::numeric
        FROM customer c CROSS JOIN LATERAL (
            SELECT * FROM usage_sum_model m
            WHERE m.customer_id = c.customer_id AND m.grain = 'month' AND m.month = %(month)s
              AND m.state IN ('measured', 'partial')
            OFFSET 0) s
        UNION ALL
        SELECT d.customer_id, l.model, l.meter, l.sale_rate, l.cost_rate, l.quantity
        FROM bounds, usage_late l JOIN usage_dimension d USING (dimension_id)
        WHERE l.month = %(month)s AND l.hour < bounds.through
          AND l.state IN ('measured', 'partial')
        UNION ALL
        SELECT d.customer_id, h.model, h.meter, h.sale_rate, h.cost_rate, h.quantity
        FROM bounds, usage_month m
        JOIN usage_dimension d USING (customer_id)
        CROSS JOIN LATERAL (
            SELECT * FROM usage_rollup u
            WHERE u.month = m.month AND u.dimension_id = d.dimension_id
              AND u.hour >= bounds.through AND u.state IN ('measured', 'partial')
            OFFSET 0) h
        WHERE m.month = %(month)s
          AND m.month >= to_char(bounds.through - INTERVAL '1 day', 'YYYY-MM')
    ), summed AS (
        SELECT customer_id, model, sale_rate, cost_rate, sum(quantity) AS quantity,
               coalesce(sum(quantity) FILTER (WHERE meter = 'requests'), 0) AS calls
        FROM used GROUP BY 1, 2, 3, 4
    )
    SELECT c.customer_id, c.slug AS customer, coalesce(k.contract_id, '') AS contract_id,
           k.currency AS contract_currency, r.model, sum(r.calls)::bigint AS calls,
           CASE WHEN k.tax_mode = 'inclusive' THEN k.tax_ppm ELSE 0 END AS included_tax_ppm,
           sale.currency AS sale_currency,
           coalesce(sum(r.quantity * sale.pico), 0)::numeric(38,0) AS sale_pico,
           cost.currency AS cost_currency,
           coalesce(sum(r.quantity * cost.pico), 0)::numeric(38,0) AS cost_pico
    FROM summed r
    JOIN customer c USING (customer_id)
"""  # noqa: S608 (literals only)
    + CONTRACT_HELD
    + """    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
    LEFT JOIN rate cost ON cost.rate_id = r.cost_rate
    GROUP BY 1, 2, 3, 4, 5, 7, 8, 10
    HAVING sum(r.quantity) <> 0
    ORDER BY 2, 3, 4, 5, 7, 8, 10
"""
)


def worth(tx: Tx, month: str) -> list[WorthRow]:
    """Return what everybody's usage of a month is worth, under the contract at its end."""
    return tx.rows(WorthRow, WORTH, month=month)


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """Whether a customer has a bill of the month, and what was drawn and not issued by its end."""

    customer_id: str
    currency: str
    is_drawn: bool
    net_fen: int


# What a voided bill said is earned as it was, and stands on no bill until it is drawn anew: by a
# closing of its month, or late on a later one, which names the month it belongs to.
UNISSUED: Final = """
    WITH counted AS (
        SELECT b.bill_id, b.customer_id, b.currency, b.month,
               b.issued_at IS NULL OR b.issued_at >= %(until)s AS waited
        FROM bill b
        WHERE (b.month = %(month)s AND b.state <> 'voided')
           OR (b.month < %(month)s AND (b.issued_at IS NULL OR b.issued_at >= %(until)s)
               AND EXISTS (SELECT FROM bill_transition t
                           WHERE t.bill_id = b.bill_id AND t.event = 'draft'
                             AND t.at < %(until)s))
        UNION ALL
        SELECT v.bill_id, v.customer_id, v.currency, v.month,
               v.issued_at >= %(until)s OR t.at < %(until)s
        FROM bill v
        JOIN bill_transition t ON t.bill_id = v.bill_id AND t.became = 'voided'
        WHERE v.state = 'voided'
          AND (v.month = %(month)s
               OR v.month < %(month)s AND greatest(v.issued_at, t.at) < %(until)s)
          AND NOT EXISTS (
              SELECT FROM bill n JOIN bill_transition d ON d.bill_id = n.bill_id
              WHERE n.customer_id = v.customer_id AND n.bill_id <> v.bill_id
                AND n.month <= %(month)s AND d.at >= t.at
                AND (n.month = %(month)s OR d.at < %(until)s)
                AND (n.month = v.month AND d.event = 'draft'
                     OR n.month > v.month AND d.event IN ('draft', 'recompute')
                        AND EXISTS (SELECT FROM bill_line l
                                    WHERE l.bill_id = n.bill_id AND l.service_month = v.month)))
    )
    SELECT c.customer_id, c.currency, bool_or(c.month = %(month)s) AS is_drawn,
           coalesce(sum(l.net_fen) FILTER (
               WHERE c.waited AND l.kind <> ALL(%(elsewhere)s)), 0)::bigint AS net_fen
    FROM counted c
    LEFT JOIN bill_line l USING (bill_id)
    GROUP BY c.customer_id, c.currency
    ORDER BY c.customer_id, c.currency
"""


def unissued(
    tx: Tx, month: str, until: datetime, *, elsewhere: Sequence[LineKind]
) -> list[DrawnRow]:
    """Return what bills up to a month say that were not issued when it ended.

    Earlier months count as far as their bills were there by then: one that was drawn in the place
    of a voided one later on was billed at that time, and one that was issued and voided since was
    not. One that was voided by then, and not drawn anew, counts as it was. Lines of the kinds
    `elsewhere` do not count.
    """
    kinds = [str(kind) for kind in elsewhere]
    return tx.rows(DrawnRow, UNISSUED, month=month, until=until, elsewhere=kinds)


@dataclass(frozen=True, slots=True)
class _Month:
    month: str


TOUCHED_MONTHS: Final = """
    SELECT month FROM usage_event
    WHERE customer_id = %(customer_id)s AND month <= %(month)s
      AND epoch > %(after)s AND epoch <= %(upto)s
    UNION
    SELECT month FROM response_miss
    WHERE customer_id = %(customer_id)s AND month <= %(month)s
      AND epoch > %(after)s AND epoch <= %(upto)s
"""


def touched_months(
    tx: Tx, customer_id: CustomerId, month: str, *, after: int, upto: int
) -> set[str]:
    """Return the months up to one that got events, their versions, or misses in those epochs."""
    found = tx.rows(
        _Month, TOUCHED_MONTHS, customer_id=customer_id, month=month, after=after, upto=upto
    )
    there = read.still_away(tx, customer_id, month)
    moved = (
        far.touched_months(tx, customer_id, there.partitions, month, after=after, upto=upto)
        if there
        else set[str]()
    )
    return {row.month for row in found} | moved


@dataclass(frozen=True, slots=True)
class _Booked:
    account: str
    fen: int


BOOKED: Final = """
    SELECT p.account, sum(p.fen)::bigint AS fen
    FROM ledger_entry e
    JOIN ledger_posting p USING (entry_id)
    WHERE e.key = %(key)s AND p.party = %(customer_id)s AND p.currency = %(currency)s
    GROUP BY p.account
"""


def booked(tx: Tx, customer_id: CustomerId, key: str, currency: str) -> dict[str, int]:
    """Return what an entry has posted for a customer, by account; debits are positive."""
    rows = tx.rows(_Booked, BOOKED, customer_id=customer_id, key=key, currency=currency)
    return {row.account: row.fen for row in rows}
