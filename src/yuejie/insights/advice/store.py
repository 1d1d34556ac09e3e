"""The only SQL about advice: a month's calls by what prices them, and the lives of advice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from yuejie.db.session import Json, Tx
from yuejie.db.transition import Transition
from yuejie.insights.advice.advice import (
    Advice,
    AdviceId,
    AdviceState,
    Figure,
    Kind,
    Measure,
    Proposal,
)
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

OPERATOR_READS: Final = {
    "due": "the clerk advises every customer",
}
"""Reads that serve the operator; all others take `customer_id` first."""


# Lives -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    advice_id: AdviceId
    customer_id: CustomerId
    kind: str
    slice: str
    found_at: datetime
    state: str
    month: str
    at: datetime
    saving_pico: int
    currency: str
    saving_fen: int
    bill_currency: str
    body: dict[str, Any]

    def advice(self) -> Advice:
        """Return the noun."""
        return Advice(
            advice_id=self.advice_id,
            customer_id=self.customer_id,
            kind=Kind(self.kind),
            slice=self.slice,
            found_at=self.found_at,
            state=AdviceState(self.state),
            month=self.month,
            at=self.at,
            saving_pico=int(self.saving_pico),
            currency=self.currency,
            saving=Money(self.saving_fen, self.bill_currency),
            figure=msgspec.convert(self.body, Figure),
        )


ADVICE_OF: Final = """
    SELECT a.advice_id, a.customer_id, a.kind, a.slice, a.found_at, a.state,
           f.month, f.at, f.saving_pico, f.currency, f.saving_fen, f.bill_currency, f.body
    FROM advice a
    CROSS JOIN LATERAL (SELECT * FROM advice_figure f WHERE f.advice_id = a.advice_id
                        ORDER BY f.figure_id DESC LIMIT 1) f
    WHERE (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
      AND (%(states)s::text[] IS NULL OR a.state = ANY (%(states)s))
      AND (%(before)s::text IS NULL OR a.advice_id < %(before)s)
    ORDER BY a.advice_id DESC
    LIMIT %(limit)s
"""


def advice_of(
    tx: Tx,
    customer_id: CustomerId | None,
    *,
    states: Iterable[str] | None,
    before: str | None,
    limit: int,
) -> list[Advice]:
    """Return advice with its newest figure, the newest first; None is the operator's question."""
    rows = tx.rows(
        _Row,
        ADVICE_OF,
        customer_id=customer_id,
        states=None if states is None else [str(each) for each in states],
        before=before,
        limit=limit,
    )
    return [row.advice() for row in rows]


ONE: Final = """
    SELECT a.advice_id, a.customer_id, a.kind, a.slice, a.found_at, a.state,
           f.month, f.at, f.saving_pico, f.currency, f.saving_fen, f.bill_currency, f.body
    FROM advice a
    CROSS JOIN LATERAL (SELECT * FROM advice_figure f WHERE f.advice_id = a.advice_id
                        ORDER BY f.figure_id DESC LIMIT 1) f
    WHERE (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
      AND a.advice_id = %(advice_id)s
"""


def one(tx: Tx, customer_id: CustomerId | None, advice_id: str) -> Advice | None:
    """Return one advice; None for the customer is the operator's question."""
    row = tx.maybe(_Row, ONE, customer_id=customer_id, advice_id=advice_id)
    return row.advice() if row else None


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A slice that somebody wants to hear nothing of, and since when."""

    kind: str
    slice: str
    at: datetime


DISMISSED: Final = """
    SELECT a.kind, a.slice, max(t.at) AS at
    FROM advice a JOIN advice_transition t USING (advice_id)
    WHERE a.customer_id = %(customer_id)s AND t.became = 'dismissed' AND t.at > %(since)s
    GROUP BY a.kind, a.slice
"""


def dismissed(tx: Tx, customer_id: CustomerId, since: datetime) -> list[Dismissed]:
    """Return what was dismissed after an instant."""
    return tx.rows(Dismissed, DISMISSED, customer_id=customer_id, since=since)


INSERT: Final = """
    INSERT INTO advice (advice_id, customer_id, kind, slice, found_at, state)
    VALUES (%(advice_id)s, %(customer_id)s, %(kind)s, %(slice)s, %(at)s, 'proposed')
"""


def insert(
    tx: Tx, customer_id: CustomerId, advice_id: AdviceId, found: Proposal, at: datetime
) -> None:
    """Write a new advice down; its figure follows."""
    tx.run(
        INSERT,
        advice_id=advice_id,
        customer_id=customer_id,
        kind=str(found.kind),
        slice=found.slice,
        at=at,
    )


INSERT_FIGURE: Final = """
    INSERT INTO advice_figure (advice_id, month, at, saving_pico, currency, saving_fen,
                               bill_currency, body)
    VALUES (%(advice_id)s, %(month)s, %(at)s, %(saving_pico)s, %(currency)s, %(saving_fen)s,
            %(bill_currency)s, %(body)s)
"""


def insert_figure(
    tx: Tx, advice_id: AdviceId, found: Proposal, *, month: str, at: datetime
) -> None:
    """Append what a month says of an advice."""
    tx.run(
        INSERT_FIGURE,
        advice_id=advice_id,
        month=month,
        at=at,
        saving_pico=found.saving_pico,
        currency=found.currency,
        saving_fen=found.saving.fen,
        bill_currency=found.saving.currency,
        body=Json(msgspec.to_builtins(found.figure)),
    )


MOVE: Final = """
    UPDATE advice SET state = %(became)s
    WHERE customer_id = %(customer_id)s AND advice_id = %(advice_id)s AND state = %(was)s
"""
NOTE: Final = """
    INSERT INTO advice_transition (advice_id, at, event, was, became, by, why)
    VALUES (%(advice_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(tx: Tx, customer_id: CustomerId, advice_id: AdviceId, step: Transition) -> bool:
    """Take an advice's step and write it down; False if it stood elsewhere by now."""
    facts = step.row() | {"advice_id": advice_id}
    was, became = facts["was"], facts["became"]
    if not tx.run(MOVE, customer_id=customer_id, advice_id=advice_id, was=was, became=became):
        return False
    tx.run(NOTE, **facts)
    return True


def note(tx: Tx, advice_id: AdviceId, step: Transition) -> None:
    """Write a step down that changes no state."""
    tx.run(NOTE, advice_id=advice_id, **step.row())


STEPS: Final = """
    SELECT t.at, t.event, t.was, t.became, t.by, t.why
    FROM advice_transition t JOIN advice a USING (advice_id)
    WHERE a.customer_id = %(customer_id)s AND t.advice_id = %(advice_id)s
    ORDER BY t.transition_id
"""


def steps(tx: Tx, customer_id: CustomerId, advice_id: str) -> list[Transition]:
    """Return how an advice went, the oldest step first."""
    return tx.rows(Transition, STEPS, customer_id=customer_id, advice_id=advice_id)


# Measures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _MeasureRow:
    month: str
    at: datetime
    whole: bool
    calls: int
    actual_pico: int
    before_pico: int
    low_pico: int
    currency: str
    low_fen: int
    high_fen: int
    bill_currency: str
    said: str


MEASURES: Final = """
    SELECT DISTINCT ON (m.month) m.month, m.at, m.whole, m.calls, m.actual_pico, m.before_pico,
           m.low_pico, m.currency, m.low_fen, m.high_fen, m.bill_currency, m.said
    FROM advice_measure m JOIN advice a USING (advice_id)
    WHERE a.customer_id = %(customer_id)s AND m.advice_id = %(advice_id)s
    ORDER BY m.month, m.measure_id DESC
"""


def measures(tx: Tx, customer_id: CustomerId, advice_id: str) -> list[Measure]:
    """Return what each month saved, as last measured, the oldest month first."""
    return [
        Measure(
            month=row.month,
            at=row.at,
            whole=row.whole,
            calls=row.calls,
            actual_pico=int(row.actual_pico),
            before_pico=int(row.before_pico),
            low_pico=int(row.low_pico),
            currency=row.currency,
            low=Money(row.low_fen, row.bill_currency),
            high=Money(row.high_fen, row.bill_currency),
            said=row.said,
        )
        for row in tx.rows(_MeasureRow, MEASURES, customer_id=customer_id, advice_id=advice_id)
    ]


INSERT_MEASURE: Final = """
    INSERT INTO advice_measure (advice_id, month, at, whole, calls, actual_pico, before_pico,
                                low_pico, currency, low_fen, high_fen, bill_currency, said)
    VALUES (%(advice_id)s, %(month)s, %(at)s, %(whole)s, %(calls)s, %(actual_pico)s,
            %(before_pico)s, %(low_pico)s, %(currency)s, %(low_fen)s, %(high_fen)s,
            %(bill_currency)s, %(said)s)
"""


def insert_measure(tx: Tx, advice_id: AdviceId, measured: Measure) -> None:
    """Append what a month saved."""
    tx.run(
        INSERT_MEASURE,
        advice_id=advice_id,
        month=measured.month,
        at=measured.at,
        whole=measured.whole,
        calls=measured.calls,
        actual_pico=measured.actual_pico,
        before_pico=measured.before_pico,
        low_pico=measured.low_pico,
        currency=measured.currency,
        low_fen=measured.low.fen,
        high_fen=measured.high.fen,
        bill_currency=measured.low.currency,
        said=measured.said,
    )


# Rounds ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoundRow:
    """What a round came to; `body` holds its parts and what nothing can be said of."""

    month: str
    at: datetime
    mark: str
    joint_fen: int
    currency: str
    body: dict[str, Any]


LAST_ROUND: Final = """
    SELECT month, at, mark, joint_fen, currency, body FROM advice_round
    WHERE customer_id = %(customer_id)s
    ORDER BY round_id DESC LIMIT 1
"""


def last_round(tx: Tx, customer_id: CustomerId) -> RoundRow | None:
    """Return the newest round over a customer's calls."""
    return tx.maybe(RoundRow, LAST_ROUND, customer_id=customer_id)


INSERT_ROUND: Final = """
    INSERT INTO advice_round (customer_id, month, at, mark, joint_fen, currency, body)
    VALUES (%(customer_id)s, %(month)s, %(at)s, %(mark)s, %(joint_fen)s, %(currency)s, %(body)s)
"""


def insert_round(tx: Tx, customer_id: CustomerId, row: RoundRow) -> None:
    """Append a round."""
    tx.run(
        INSERT_ROUND,
        customer_id=customer_id,
        month=row.month,
        at=row.at,
        mark=row.mark,
        joint_fen=row.joint_fen,
        currency=row.currency,
        body=Json(row.body),
    )


@dataclass(frozen=True, slots=True)
class _Due:
    customer_id: CustomerId


DUE: Final = """
    SELECT c.customer_id
    FROM customer c
    LEFT JOIN LATERAL (SELECT r.at FROM advice_round r WHERE r.customer_id = c.customer_id
                       ORDER BY r.round_id DESC LIMIT 1) r ON true
    WHERE c.state = 'active'
      AND EXISTS (SELECT FROM usage_month m
                  WHERE m.customer_id = c.customer_id AND m.month >= %(month)s)
      AND (r.at IS NULL OR r.at < %(since)s)
    ORDER BY r.at NULLS FIRST, c.customer_id
    LIMIT %(limit)s
"""


def due(tx: Tx, *, month: str, since: datetime, limit: int) -> list[CustomerId]:
    """Return the customers with usage whose last round is oldest, none newer than `since`."""
    return [row.customer_id for row in tx.rows(_Due, DUE, month=month, since=since, limit=limit)]


# Words -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What a customer said that advice may assume, or look at; `name` is a task type or project."""

    word_id: str
    what: str
    name: str
    since: datetime
    by: str


WORDS: Final = """
    SELECT word_id, what, name, since, by FROM advice_word
    WHERE customer_id = %(customer_id)s AND ended_at IS NULL
    ORDER BY what, name
"""


def words(tx: Tx, customer_id: CustomerId) -> list[Word]:
    """Return what a customer says now."""
    return tx.rows(Word, WORDS, customer_id=customer_id)


EVER_SAID: Final = """
    SELECT EXISTS (SELECT FROM advice_word
                   WHERE customer_id = %(customer_id)s AND what = %(what)s)
"""


def ever_said(tx: Tx, customer_id: CustomerId, what: str) -> bool:
    """Say whether a customer said a word of this kind at any time."""
    return tx.value(EVER_SAID, customer_id=customer_id, what=what) is True


INSERT_WORD: Final = """
    INSERT INTO advice_word (word_id, customer_id, what, name, salt, since, by)
    VALUES (%(word_id)s, %(customer_id)s, %(what)s, %(name)s, %(salt)s, %(since)s, %(by)s)
    ON CONFLICT (customer_id, what, name) WHERE ended_at IS NULL DO NOTHING
"""


def insert_word(tx: Tx, customer_id: CustomerId, word: Word, *, salt: bytes) -> bool:
    """Write a word down; False if it is said already."""
    return (
        tx.run(
            INSERT_WORD,
            word_id=word.word_id,
            customer_id=customer_id,
            what=word.what,
            name=word.name,
            salt=salt,
            since=word.since,
            by=word.by,
        )
        == 1
    )


END_WORD: Final = """
    UPDATE advice_word SET ended_at = %(at)s
    WHERE customer_id = %(customer_id)s AND what = %(what)s AND name = %(name)s
      AND ended_at IS NULL
"""


def end_word(tx: Tx, customer_id: CustomerId, what: str, name: str, *, at: datetime) -> bool:
    """Take a word back; False if it was not said."""
    return tx.run(END_WORD, customer_id=customer_id, what=what, name=name, at=at) == 1
