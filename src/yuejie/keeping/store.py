"""The only SQL of keeping: terms, preservations, deletions, what is past its term, whole tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from yuejie.db.errors import brief
from yuejie.db.session import Tx
from yuejie.keeping.scope import OWN, Path
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import REFUSED_DAYS

OPERATOR_READS: Final = {
    "terms": "the house says how long everybody's records are kept",
    "deletions": "the operator answers for what was deleted",
    "archives": "archives are appraised for the whole house",
    "log_counts": "logs are deleted for the whole house",
    "owners": "a partition holds everybody's events",
    "unpurged": "the same",
}

# Terms ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """How long a kind is kept, by whose word; None for the customer is the house's."""

    kind: str
    customer_id: str | None
    months: int
    why: str
    set_by: str
    set_at: datetime


TERMS: Final = """
    SELECT DISTINCT ON (kind, customer_id) kind, customer_id, months, why, set_by, set_at
    FROM retention_term
    ORDER BY kind, customer_id, term_id DESC
"""
INSERT_TERM: Final = """
    INSERT INTO retention_term (kind, customer_id, months, why, set_by, set_at)
    VALUES (%(kind)s, %(customer_id)s, %(months)s, %(why)s, %(by)s, %(at)s)
"""


def terms(tx: Tx) -> list[Term]:
    """Return the newest word on each kind, the house's and customers'."""
    return tx.rows(Term, TERMS)


def insert_term(tx: Tx, term: Term) -> None:
    """Write a word on a kind down."""
    tx.run(
        INSERT_TERM,
        kind=term.kind,
        customer_id=term.customer_id,
        months=term.months,
        why=term.why,
        by=term.set_by,
        at=term.set_at,
    )


# Preservations ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preservation:
    """A customer's months of which nothing may be deleted; standing until it is lifted."""

    preservation_id: str
    customer_id: str
    first_month: str
    last_month: str | None
    why: str
    made_by: str
    made_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    lifted_why: str


PRESERVATIONS: Final = """
    SELECT preservation_id, customer_id, first_month::text, last_month::text, why, made_by, made_at,
           lifted_by, lifted_at, lifted_why
    FROM preservation
    WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
    ORDER BY made_at, preservation_id
"""
PRESERVE: Final = """
    INSERT INTO preservation (preservation_id, customer_id, first_month, last_month, why, made_by,
                              made_at)
    VALUES (%(preservation_id)s, %(customer_id)s, %(first)s, %(last)s, %(why)s, %(by)s, %(at)s)
"""
LIFT: Final = """
    UPDATE preservation SET lifted_by = %(by)s, lifted_at = %(at)s, lifted_why = %(why)s
    WHERE preservation_id = %(preservation_id)s AND lifted_at IS NULL
"""


def preservations(tx: Tx, customer_id: str | None) -> list[Preservation]:
    """Return preservations, lifted ones too, oldest first."""
    return tx.rows(Preservation, PRESERVATIONS, customer_id=customer_id)


def insert_preservation(tx: Tx, made: Preservation) -> None:
    """Write a preservation down."""
    tx.run(
        PRESERVE,
        preservation_id=made.preservation_id,
        customer_id=made.customer_id,
        first=made.first_month,
        last=made.last_month,
        why=made.why,
        by=made.made_by,
        at=made.made_at,
    )


def lift(tx: Tx, preservation_id: str, *, by: str, at: datetime, why: str) -> bool:
    """End a standing preservation; False where none stands under this id."""
    return tx.run(LIFT, preservation_id=preservation_id, by=by, at=at, why=why) == 1


# Deletions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted, never what it said."""

    kind: str
    customer_id: str | None
    what: str
    rows: int
    at: datetime
    by: str
    why: str


INSERT_DELETION: Final = """
    INSERT INTO deletion (kind, customer_id, what, rows, at, by, why)
    VALUES (%(kind)s, %(customer_id)s, %(what)s, %(rows)s, %(at)s, %(by)s, %(why)s)
"""
DELETIONS: Final = """
    SELECT kind, customer_id, what, rows, at, by, why
    FROM deletion
    ORDER BY deletion_id DESC
    LIMIT %(limit)s
"""


def note_deletion(tx: Tx, done: Deletion) -> None:
    """Write down what was deleted, in the transaction that does it."""
    tx.run(
        INSERT_DELETION,
        kind=done.kind,
        customer_id=done.customer_id,
        what=done.what,
        rows=done.rows,
        at=done.at,
        by=done.by,
        why=done.why,
    )


def deletions(tx: Tx, *, limit: int) -> list[Deletion]:
    """Return the last deletions, newest first."""
    return tx.rows(Deletion, DELETIONS, limit=limit)


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of a table that are past their term."""

    what: str
    gone: int


LOG_COUNTS: Final = """
    WITH spared AS (SELECT customer_id FROM preservation WHERE lifted_at IS NULL)
    SELECT 'login_failure' AS what, count(*) AS gone FROM login_failure WHERE at < %(before)s
    UNION ALL
    SELECT 'session', count(*) FROM session s JOIN member m USING (member_id)
    WHERE s.seen_at < %(before)s AND coalesce(s.ended_at, %(before)s) <= %(before)s
      AND NOT coalesce(m.customer_id IN (SELECT customer_id FROM spared), FALSE)
    UNION ALL
    SELECT 'invitation', count(*) FROM invitation i JOIN member m USING (member_id)
    WHERE i.expires_at < %(before)s
      AND NOT coalesce(m.customer_id IN (SELECT customer_id FROM spared), FALSE)
    UNION ALL
    SELECT 'notice_outcome', count(*) FROM notice_outcome JOIN notice_message m USING (message_id)
    WHERE m.state <> 'waiting' AND m.ended_at < %(before)s
      AND NOT coalesce(m.customer_id IN (SELECT customer_id FROM spared), FALSE)
    UNION ALL
    SELECT 'notice_attempt', count(*) FROM notice_attempt JOIN notice_message m USING (message_id)
    WHERE m.state <> 'waiting' AND m.ended_at < %(before)s
      AND NOT coalesce(m.customer_id IN (SELECT customer_id FROM spared), FALSE)
    UNION ALL
    SELECT 'job', count(*) FROM job
    WHERE ended_at < %(before)s
      AND NOT coalesce(customer_id IN (SELECT customer_id FROM spared), FALSE)
    UNION ALL
    SELECT 'gateway_refusal', count(*) FROM gateway_refusal
    WHERE minute < %(before)s AND NOT is_ours
      AND customer_id NOT IN (SELECT customer_id FROM spared)
    UNION ALL
    SELECT 'gateway_refused_call', count(*) FROM gateway_refused_call
    WHERE at < %(at)s - make_interval(days => %(refused_days)s)
      AND customer_id NOT IN (SELECT customer_id FROM spared)
"""
DELETE_LOGS: Final = "SELECT what, gone FROM delete_old_logs(%(before)s, %(at)s)"


def log_counts(tx: Tx, before: datetime, at: datetime) -> list[Count]:
    """Count the logs older than an instant, but for what is preserved.

    Single refused calls go sooner than their counts, which stay with the other logs.
    """
    return tx.rows(Count, LOG_COUNTS, before=before, at=at, refused_days=REFUSED_DAYS)


def delete_logs(tx: Tx, before: datetime, at: datetime) -> list[Count]:
    """Delete them; the database refuses what is younger than six months."""
    return tx.rows(Count, DELETE_LOGS, before=before, at=at)


ARCHIVES: Final = """
    SELECT 'fapiao' AS what, count(*) AS gone FROM fapiao
    WHERE %(kind)s = 'fapiao' AND issued_at < %(before)s
    UNION ALL
    SELECT 'fapiao_red', count(*) FROM fapiao_red
    WHERE %(kind)s = 'fapiao' AND issued_at < %(before)s
    UNION ALL
    SELECT 'ledger_entry', count(*) FROM ledger_entry
    WHERE %(kind)s = 'voucher' AND at < %(before)s
    UNION ALL
    SELECT 'receipt', count(*) FROM receipt
    WHERE %(kind)s = 'voucher' AND created_at < %(before)s
    UNION ALL
    SELECT 'bill', count(*) FROM bill WHERE %(kind)s = 'bill' AND issued_at < %(before)s
    UNION ALL
    SELECT 'credit_note', count(*) FROM credit_note
    WHERE %(kind)s = 'bill' AND decided_at < %(before)s
    UNION ALL
    SELECT 'deed', count(*) FROM deed WHERE %(kind)s = 'audit' AND at < %(before)s
"""


def archives(tx: Tx, kind: str, before: datetime) -> list[Count]:
    """Count the records of a kind that people may appraise, table by table."""
    return [row for row in tx.rows(Count, ARCHIVES, kind=kind, before=before) if row.gone]


# Events -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer with moved events in a partition, and whether they are preserved."""

    first_day: date
    customer_id: str
    rows: int
    preserved: bool


OWNERS: Final = """
    SELECT b.first_day, b.customer_id, sum(b.rows)::bigint AS rows,
           bool_or(is_preserved(b.customer_id, b.first_month, b.last_month)) AS preserved
    FROM usage_batch b
    JOIN usage_partition p ON p.first_day = b.first_day AND p.state = 'moved'
    WHERE b.deleted_at IS NULL
    GROUP BY b.first_day, b.customer_id
    ORDER BY b.first_day, b.customer_id
"""


def owners(tx: Tx) -> list[Owner]:
    """Return whose events lie in ClickHouse, partition by partition."""
    return tx.rows(Owner, OWNERS)


DELETE_MOVED: Final = """
    UPDATE usage_batch b SET deleted_at = %(at)s
    WHERE b.first_day = %(first_day)s AND b.customer_id = %(customer_id)s AND b.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM usage_batch x
                      WHERE x.first_day = b.first_day AND x.customer_id = b.customer_id
                        AND is_preserved(x.customer_id, x.first_month, x.last_month))
"""
EMPTY_PARTITION: Final = """
    UPDATE usage_partition SET state = 'deleted', rows = 0, changed_at = %(at)s
    WHERE first_day = %(first_day)s AND state = 'moved'
      AND NOT EXISTS (SELECT FROM usage_batch b
                      WHERE b.first_day = %(first_day)s AND b.deleted_at IS NULL)
"""


def delete_moved(tx: Tx, customer_id: str, first_day: date, at: datetime) -> int:
    """Let nobody read a customer's moved events of a partition any more; 0 where preserved."""
    gone = tx.run(DELETE_MOVED, first_day=first_day, customer_id=customer_id, at=at)
    tx.run(EMPTY_PARTITION, first_day=first_day, at=at)
    return gone


@dataclass(frozen=True, slots=True)
class Unpurged:
    """A partition with batches that are deleted and still on ClickHouse's disk."""

    first_day: date
    all_gone: bool


UNPURGED: Final = """
    SELECT first_day, bool_and(deleted_at IS NOT NULL) AS all_gone
    FROM usage_batch
    GROUP BY first_day
    HAVING bool_or(deleted_at IS NOT NULL AND purged_at IS NULL)
    ORDER BY first_day
"""
PURGED: Final = """
    UPDATE usage_batch SET purged_at = %(at)s
    WHERE batch_id = %(batch_id)s AND deleted_at IS NOT NULL AND purged_at IS NULL
"""


def unpurged(tx: Tx) -> list[Unpurged]:
    """Return where deleted batches wait to be taken off the disk."""
    return tx.rows(Unpurged, UNPURGED)


def mark_purged(tx: Tx, batch_id: int, at: datetime) -> None:
    """Write down that a batch is gone from the disk."""
    tx.run(PURGED, batch_id=batch_id, at=at)


DELETE_PARTITION: Final = "SELECT delete_usage_partition(%(first_day)s, %(at)s)"


def delete_partition(tx: Tx, first_day: date, at: datetime) -> int:
    """Drop a partition that never left PostgreSQL and is past everybody's term."""
    try:
        return int(tx.value(DELETE_PARTITION, first_day=first_day, at=at))
    except psycopg.errors.RaiseException as error:
        raise Conflict(f"{first_day:%Y-%m} 的原始用量未删除：{brief(error)}") from error


# People -----------------------------------------------------------------------------------------

UNSETTLED: Final = """
    SELECT count(*) FROM bill
    WHERE customer_id = %(customer_id)s AND state NOT IN ('paid', 'written_off', 'voided')
      AND gross_fen <> 0
"""
FORGET: Final = "SELECT what, gone FROM forget_people(%(customer_id)s, %(member_id)s, %(at)s)"


def unsettled(tx: Tx, customer_id: CustomerId) -> int:
    """Count the bills of a customer that somebody may still have to talk about."""
    return int(tx.value(UNSETTLED, customer_id=customer_id))


def forget_people(
    tx: Tx, customer_id: CustomerId, member_id: str | None, at: datetime
) -> list[Count]:
    """Replace what identifies people of a customer, or one member; raises where preserved."""
    try:
        rows = tx.rows(Count, FORGET, customer_id=customer_id, member_id=member_id, at=at)
    except psycopg.errors.RaiseException as error:
        raise Conflict(
            f"客户 {customer_id} 的记录处于保全中，未删除个人信息；"
            "请先解除保全（yuejie retention preservations）"
        ) from error
    return [row for row in rows if row.gone]


# Whole tables -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as the database has it."""

    table_name: str
    column_name: str
    data_type: str


COLUMNS: Final = """
    SELECT c.table_name::text, c.column_name::text, c.data_type::text
    FROM information_schema.columns c
    JOIN pg_class k ON k.relname = c.table_name AND k.relnamespace = 'public'::regnamespace
    WHERE c.table_schema = 'public' AND k.relkind IN ('r', 'p') AND NOT k.relispartition
      AND c.table_name <> 'usage_event_returning'
    ORDER BY c.table_name, c.ordinal_position
"""


def columns(tx: Tx) -> list[Column]:
    """Return every column of every table; a partition is part of its table."""
    return tx.rows(Column, COLUMNS)


def rows_as_json(
    tx: Tx, customer_id: CustomerId, table: str, names: Sequence[str], path: Path
) -> Iterator[str]:
    """Stream a customer's rows of a table as JSON, a few at a time, by a path."""
    query = sql.SQL("SELECT row_to_json(t)::text FROM (SELECT {} FROM {} WHERE {}) t").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table), _where(path)
    )
    return tx.texts(query, batch=500, customer_id=customer_id)


def _where(path: Path) -> sql.Composable:
    """Say which rows of a table are the customer's: by its own column, or by its parent's rows."""
    here = sql.Identifier(path.column)
    if path.parent is None:
        return sql.SQL("{} = %(customer_id)s").format(here)
    return sql.SQL("{} IN (SELECT {} FROM {} WHERE {})").format(
        here,
        sql.Identifier(path.parent_column),
        sql.Identifier(path.parent),
        _where(path.beyond or OWN),
    )


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that is kept in a table."""

    folder: str
    key: str
    name: str
    size: int


PAPERS: Final = """
    SELECT 'contracts' AS folder, paper_id AS key,
           paper_id || '_' || name AS name, length(body) AS size
    FROM contract_paper WHERE customer_id = %(customer_id)s
    UNION ALL
    SELECT 'fapiao', subject_id || '/' || format, subject_id || '.' || format, length(body)
    FROM fapiao_file WHERE customer_id = %(customer_id)s
    UNION ALL
    SELECT 'reports', run_id, run_id || '.json', length(content)
    FROM report_run WHERE customer_id = %(customer_id)s
    UNION ALL
    SELECT 'tickets', f.file_id, f.file_id || '_' || f.name, length(f.body)
    FROM ticket_file f JOIN ticket_message m USING (message_id) JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s
    ORDER BY 1, 2
"""
PAPER: Final = """
    SELECT body FROM contract_paper
    WHERE customer_id = %(customer_id)s AND %(folder)s = 'contracts' AND paper_id = %(key)s
    UNION ALL
    SELECT body FROM fapiao_file
    WHERE customer_id = %(customer_id)s AND %(folder)s = 'fapiao'
      AND subject_id || '/' || format = %(key)s
    UNION ALL
    SELECT content FROM report_run
    WHERE customer_id = %(customer_id)s AND %(folder)s = 'reports' AND run_id = %(key)s
    UNION ALL
    SELECT f.body
    FROM ticket_file f JOIN ticket_message m USING (message_id) JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND %(folder)s = 'tickets' AND f.file_id = %(key)s
"""


def papers(tx: Tx, customer_id: CustomerId) -> list[Paper]:
    """Return the files that are kept of a customer, without their bytes."""
    return tx.rows(Paper, PAPERS, customer_id=customer_id)


def paper(tx: Tx, customer_id: CustomerId, wanted: Paper) -> bytes:
    """Return the bytes of one."""
    found: Any = tx.value(PAPER, customer_id=customer_id, folder=wanted.folder, key=wanted.key)
    return bytes(found)


HAS_MEMBER: Final = """
    SELECT count(*) FROM member
    WHERE customer_id = %(customer_id)s AND member_id = %(member_id)s
"""


def has_member(tx: Tx, customer_id: CustomerId, member_id: str) -> bool:
    """Say whether a customer has a member of this id."""
    return bool(tx.value(HAS_MEMBER, customer_id=customer_id, member_id=member_id))
