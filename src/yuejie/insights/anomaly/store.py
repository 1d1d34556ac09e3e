"""The only SQL about anomalies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from yuejie.db.session import Json, Tx
from yuejie.db.transition import Transition
from yuejie.insights.anomaly.explain import Explanation
from yuejie.insights.anomaly.finding import (
    Finding,
    FindingId,
    FindingState,
    Grain,
    Measure,
    Rule,
    Scope,
    Series,
)
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "behind": "the clerk watches every customer",
}
"""Reads that serve the operator; all others take `customer_id` first."""

# What was used -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UsedRow:
    """What one key used on one model in one hour; only what is billed has a worth."""

    hour: datetime
    project_id: str
    key_id: str
    model: str
    tokens: int
    requests: int
    errors: int
    currency: str | None
    pico: int


USED: Final = """
    SELECT r.hour, d.project_id, d.key_id, r.model,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter <> ALL (%(pieces)s)), 0) AS tokens,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'requests'), 0) AS requests,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'failed_requests'), 0) AS errors,
           sale.currency,
           coalesce(sum(r.quantity * sale.pico)
                    FILTER (WHERE r.state IN ('measured', 'partial')), 0) AS pico
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
    WHERE d.customer_id = %(customer_id)s
      AND r.month = ANY (%(months)s) AND r.hour >= %(since)s AND r.hour < %(until)s
    GROUP BY r.hour, d.project_id, d.key_id, r.model, sale.currency
    ORDER BY r.hour, d.project_id, d.key_id, r.model, sale.currency
"""


def used(
    tx: Tx,
    customer_id: CustomerId,
    since: datetime,
    until: datetime,
    *,
    months: Sequence[str],
    pieces: Iterable[str],
) -> list[UsedRow]:
    """Return what a customer used between two hours; `months` are the labels that they may have.

    `pieces` are the meters that count something else than tokens.
    """
    return tx.rows(
        UsedRow,
        USED,
        customer_id=customer_id,
        since=since,
        until=until,
        months=list(months),
        pieces=[str(each) for each in pieces],
    )


FIRST_USE: Final = """
    SELECT min(r.hour)
    FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s AND r.month >= %(first)s AND r.hour >= %(since)s
"""


def first_use(
    tx: Tx, customer_id: CustomerId, since: datetime, *, first_month: str
) -> datetime | None:
    """Return the first hour in which a customer used something, from an hour on."""
    found: datetime | None = tx.value(
        FIRST_USE, customer_id=customer_id, since=since, first=first_month
    )
    return found


# How far -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hours and days before these are taken."""

    hours_through: datetime
    days_through: date


@dataclass(frozen=True, slots=True)
class _Behind:
    customer_id: CustomerId


BEHIND: Final = """
    SELECT c.customer_id
    FROM customer c LEFT JOIN anomaly_cursor s USING (customer_id)
    WHERE EXISTS (SELECT FROM usage_month m
                  WHERE m.customer_id = c.customer_id AND m.month >= %(month)s)
      AND (s.hours_through IS NULL OR s.hours_through <= %(hour)s)
    ORDER BY s.hours_through NULLS FIRST, c.customer_id
    LIMIT %(limit)s
"""


def behind(tx: Tx, *, month: str, hour: datetime, limit: int) -> list[CustomerId]:
    """Return customers with usage since a month whose hour that began at `hour` is not taken."""
    rows = tx.rows(_Behind, BEHIND, month=month, hour=hour, limit=limit)
    return [row.customer_id for row in rows]


CURSOR: Final = """
    SELECT hours_through, days_through FROM anomaly_cursor WHERE customer_id = %(customer_id)s
"""


def cursor(tx: Tx, customer_id: CustomerId) -> Cursor | None:
    """Return how far a customer's usage is taken."""
    return tx.maybe(Cursor, CURSOR, customer_id=customer_id)


MOVE_CURSOR: Final = """
    INSERT INTO anomaly_cursor (customer_id, hours_through, days_through)
    VALUES (%(customer_id)s, %(hours_through)s, %(days_through)s)
    ON CONFLICT (customer_id) DO UPDATE
    SET hours_through = EXCLUDED.hours_through, days_through = EXCLUDED.days_through
"""


def move_cursor(tx: Tx, customer_id: CustomerId, to: Cursor) -> None:
    """Write down how far a customer's usage is taken."""
    tx.run(
        MOVE_CURSOR,
        customer_id=customer_id,
        hours_through=to.hours_through,
        days_through=to.days_through,
    )


# What is normal ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as it is kept, with people's word on its scope."""

    scope: str
    name: str
    measure: str
    used_at: datetime
    state: bytes

    @property
    def series(self) -> Series:
        """Which series it is."""
        return Series(Scope(self.scope), self.name, Measure(self.measure))


SERIES: Final = """
    SELECT scope, name, measure, used_at, state
    FROM anomaly_series
    WHERE customer_id = %(customer_id)s AND grain = %(grain)s
    ORDER BY series_id
"""


def series(tx: Tx, customer_id: CustomerId, grain: Grain) -> list[SeriesRow]:
    """Return a customer's series of a grain, the oldest first."""
    return tx.rows(SeriesRow, SERIES, customer_id=customer_id, grain=grain)


SAVE_SERIES: Final = """
    INSERT INTO anomaly_series (customer_id, grain, scope, name, measure, used_at, state)
    SELECT %(customer_id)s, %(grain)s, kept.*
    FROM unnest(%(scopes)s::text[], %(names)s::text[], %(measures)s::text[],
                %(used_ats)s::timestamptz[], %(states)s::bytea[]) AS kept
    ON CONFLICT (customer_id, grain, scope, name, measure) DO UPDATE
    SET used_at = EXCLUDED.used_at, state = EXCLUDED.state
"""


def save_series(tx: Tx, customer_id: CustomerId, grain: Grain, rows: Sequence[SeriesRow]) -> None:
    """Write what was learnt of a customer's series."""
    tx.run(
        SAVE_SERIES,
        customer_id=customer_id,
        grain=grain,
        scopes=[row.scope for row in rows],
        names=[row.name for row in rows],
        measures=[row.measure for row in rows],
        used_ats=[row.used_at for row in rows],
        states=[row.state for row in rows],
    )


FORGET_SERIES: Final = """
    DELETE FROM anomaly_series WHERE customer_id = %(customer_id)s AND used_at < %(before)s
"""


def forget_series(tx: Tx, customer_id: CustomerId, before: datetime) -> int:
    """Drop series that nothing was used of since an instant."""
    return tx.run(FORGET_SERIES, customer_id=customer_id, before=before)


@dataclass(frozen=True, slots=True)
class Word:
    """People's word on a scope: how often it alarmed falsely, and until when it is muted."""

    scope: str
    name: str
    false_alarms: int
    muted_until: datetime | None


WORDS: Final = """
    SELECT scope, name, false_alarms, muted_until
    FROM anomaly_word WHERE customer_id = %(customer_id)s
"""


def words(tx: Tx, customer_id: CustomerId) -> list[Word]:
    """Return people's word on a customer's scopes."""
    return tx.rows(Word, WORDS, customer_id=customer_id)


MUTE: Final = """
    INSERT INTO anomaly_word (customer_id, scope, name, muted_until)
    VALUES (%(customer_id)s, %(scope)s, %(name)s, %(until)s)
    ON CONFLICT (customer_id, scope, name) DO UPDATE SET muted_until = EXCLUDED.muted_until
"""


def mute(tx: Tx, customer_id: CustomerId, scope: Scope, name: str, until: datetime) -> None:
    """Write down that a scope is to find nothing until an instant."""
    tx.run(MUTE, customer_id=customer_id, scope=scope, name=name, until=until)


COUNT_FALSE: Final = """
    INSERT INTO anomaly_word AS known (customer_id, scope, name, false_alarms)
    VALUES (%(customer_id)s, %(scope)s, %(name)s, greatest(%(more)s, 0))
    ON CONFLICT (customer_id, scope, name) DO UPDATE
    SET false_alarms = least(greatest(known.false_alarms + %(more)s, 0), %(most)s)
"""


def count_false(
    tx: Tx, customer_id: CustomerId, scope: Scope, name: str, *, more: int, most: int
) -> None:
    """Count false alarms of a scope: one more, or one less where people think better of it."""
    tx.run(COUNT_FALSE, customer_id=customer_id, scope=scope, name=name, more=more, most=most)


# Findings ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding as it is kept."""

    finding_id: FindingId
    customer_id: CustomerId
    grain: str
    scope: str
    name: str
    measure: str
    rule: str
    since: datetime
    last_at: datetime
    found_at: datetime
    expected: int
    observed: int
    score_milli: int
    key_id: str
    model: str
    shares: dict[str, Any]
    extra_pico: int
    currency: str
    state: str
    quiet: int
    feedback: str

    def finding(self) -> Finding:
        """Return what it says."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        typed = {
            "shares": Explanation.read(self.shares),
            "grain": Grain(self.grain),
            "scope": Scope(self.scope),
            "measure": Measure(self.measure),
            "rule": Rule(self.rule),
            "state": FindingState(self.state),
        }
        return Finding(**facts | typed)


GOING_ON: Final = """
    SELECT finding_id, customer_id, grain, scope, name, measure, rule, since, last_at, found_at,
           expected, observed, score_milli, key_id, model, shares, extra_pico, currency, state,
           quiet, feedback
    FROM anomaly_finding
    WHERE customer_id = %(customer_id)s AND state <> 'closed'
    ORDER BY finding_id
"""


def going_on(tx: Tx, customer_id: CustomerId) -> list[Finding]:
    """Return a customer's findings that have not ended, the oldest first."""
    return [row.finding() for row in tx.rows(FindingRow, GOING_ON, customer_id=customer_id)]


ENDED: Final = """
    SELECT finding_id, customer_id, grain, scope, name, measure, rule, since, last_at, found_at,
           expected, observed, score_milli, key_id, model, shares, extra_pico, currency, state,
           quiet, feedback
    FROM anomaly_finding
    WHERE customer_id = %(customer_id)s AND state = 'closed' AND last_at > %(since)s
    ORDER BY finding_id
"""


def ended(tx: Tx, customer_id: CustomerId, since: datetime) -> list[Finding]:
    """Return a customer's findings that ended after an instant, the oldest first."""
    rows = tx.rows(FindingRow, ENDED, customer_id=customer_id, since=since)
    return [row.finding() for row in rows]


FINDINGS: Final = """
    SELECT finding_id, customer_id, grain, scope, name, measure, rule, since, last_at, found_at,
           expected, observed, score_milli, key_id, model, shares, extra_pico, currency, state,
           quiet, feedback
    FROM anomaly_finding
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(before)s::text IS NULL OR finding_id < %(before)s)
    ORDER BY finding_id DESC
    LIMIT %(limit)s
"""


def findings(
    tx: Tx, customer_id: CustomerId | None, *, state: str | None, before: str | None, limit: int
) -> list[Finding]:
    """Return findings, the newest first; None for the customer is the operator's question."""
    rows = tx.rows(
        FindingRow, FINDINGS, customer_id=customer_id, state=state, before=before, limit=limit
    )
    return [row.finding() for row in rows]


FINDING: Final = """
    SELECT finding_id, customer_id, grain, scope, name, measure, rule, since, last_at, found_at,
           expected, observed, score_milli, key_id, model, shares, extra_pico, currency, state,
           quiet, feedback
    FROM anomaly_finding
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND finding_id = %(finding_id)s
"""


def finding(tx: Tx, customer_id: CustomerId | None, finding_id: str) -> Finding | None:
    """Return one finding; None for the customer is the operator's question."""
    row = tx.maybe(FindingRow, FINDING, customer_id=customer_id, finding_id=finding_id)
    return row.finding() if row else None


INSERT_FINDING: Final = """
    INSERT INTO anomaly_finding (finding_id, customer_id, key, grain, scope, name, measure, rule,
                                 since, last_at, found_at, expected, observed, score_milli, key_id,
                                 model, shares, extra_pico, currency, state)
    VALUES (%(finding_id)s, %(customer_id)s, %(key)s, %(grain)s, %(scope)s, %(name)s, %(measure)s,
            %(rule)s, %(since)s, %(last_at)s, %(found_at)s, %(expected)s, %(observed)s,
            %(score_milli)s, %(key_id)s, %(model)s, %(shares)s, %(extra_pico)s, %(currency)s,
            %(state)s)
    ON CONFLICT (key) DO NOTHING
"""


def insert_finding(tx: Tx, found: Finding, *, key: str) -> bool:
    """Write a finding down, once per key, ever; False if it was there."""
    facts = {name: getattr(found, name) for name in Finding.__slots__}
    facts["shares"] = Json(found.shares.rows())
    return tx.run(INSERT_FINDING, key=key, **facts) == 1


FOLLOW: Final = """
    UPDATE anomaly_finding
    SET last_at = %(last_at)s, expected = %(expected)s, observed = %(observed)s,
        score_milli = %(score_milli)s, extra_pico = %(extra_pico)s, quiet = %(quiet)s
    WHERE customer_id = %(customer_id)s AND finding_id = %(finding_id)s
"""


def follow(tx: Tx, customer_id: CustomerId, found: Finding) -> None:
    """Write how far a finding has come."""
    tx.run(
        FOLLOW,
        customer_id=customer_id,
        finding_id=found.finding_id,
        last_at=found.last_at,
        expected=found.expected,
        observed=found.observed,
        score_milli=found.score_milli,
        extra_pico=found.extra_pico,
        quiet=found.quiet,
    )


MOVE: Final = """
    UPDATE anomaly_finding SET state = %(became)s
    WHERE customer_id = %(customer_id)s AND finding_id = %(finding_id)s AND state = %(was)s
"""
NOTE: Final = """
    INSERT INTO anomaly_transition (finding_id, at, event, was, became, by, why)
    VALUES (%(finding_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(tx: Tx, customer_id: CustomerId, finding_id: FindingId, step: Transition) -> bool:
    """Take a finding's step and write it down; False if it stood elsewhere by now."""
    facts = step.row() | {"finding_id": finding_id}
    was, became = facts["was"], facts["became"]
    if not tx.run(MOVE, customer_id=customer_id, finding_id=finding_id, was=was, became=became):
        return False
    tx.run(NOTE, **facts)
    return True


STEPS: Final = """
    SELECT t.at, t.event, t.was, t.became, t.by, t.why
    FROM anomaly_transition t JOIN anomaly_finding f USING (finding_id)
    WHERE f.customer_id = %(customer_id)s AND t.finding_id = %(finding_id)s
    ORDER BY t.transition_id
"""


def steps(tx: Tx, customer_id: CustomerId, finding_id: str) -> list[Transition]:
    """Return how a finding went, the oldest step first."""
    return tx.rows(Transition, STEPS, customer_id=customer_id, finding_id=finding_id)


SAY: Final = """
    UPDATE anomaly_finding SET feedback = %(feedback)s
    WHERE customer_id = %(customer_id)s AND finding_id = %(finding_id)s
"""


def say(tx: Tx, customer_id: CustomerId, finding_id: FindingId, feedback: str) -> None:
    """Write down whether people say that a finding was one."""
    tx.run(SAY, customer_id=customer_id, finding_id=finding_id, feedback=feedback)


def note(tx: Tx, finding_id: FindingId, step: Transition) -> None:
    """Write down a word that changes no state."""
    tx.run(NOTE, finding_id=finding_id, **step.row())
