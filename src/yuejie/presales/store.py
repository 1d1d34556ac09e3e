"""The only SQL about prospects, their forms, grades, the floor margin and quotes.

A prospect is no customer, so nothing here belongs to one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from yuejie.contracts.store import BookRow
from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.presales.quote import Quote, QuoteState, decode_quote, encode_quote
from yuejie.presales.requirement import (
    Form,
    Grade,
    Prospect,
    Quality,
    Requirement,
    TaskType,
)

OPERATOR_READS: Final = {
    "list_books": "it leaves the books of customers' contracts out, and names none of them",
}
"""Reads of tables that hold customers' rows, with the reason why no customer is named."""

LIST_BOOKS: Final = """
    SELECT book_id, kind, currency, parent_book, created_at
    FROM book
    WHERE book_id NOT IN (SELECT book_id FROM contract_book)
    ORDER BY book_id
"""


def list_books(tx: Tx) -> list[BookRow]:
    """Return the books that belong to no contract: what is quoted, and what it costs."""
    return tx.rows(BookRow, LIST_BOOKS)


# ── prospects and their forms ───────────────────────────────────────────────────────────────────

INSERT_PROSPECT: Final = """
    INSERT INTO prospect (prospect_id, slug, name, made_by, made_at)
    VALUES (%(prospect_id)s, %(slug)s, %(name)s, %(made_by)s, %(made_at)s)
    ON CONFLICT DO NOTHING
"""


def insert_prospect(tx: Tx, prospect: Prospect) -> bool:
    """Write a prospect; False where the short name is taken."""
    done = tx.run(
        INSERT_PROSPECT,
        prospect_id=prospect.prospect_id,
        slug=prospect.slug,
        name=prospect.name,
        made_by=prospect.made_by,
        made_at=prospect.made_at,
    )
    return done == 1


PROSPECT: Final = """
    SELECT prospect_id, slug, name, made_by, made_at
    FROM prospect
    WHERE slug = %(named)s OR prospect_id = %(named)s
"""


def prospect_named(tx: Tx, named: str) -> Prospect | None:
    """Return the prospect of that short name or id."""
    return tx.maybe(Prospect, PROSPECT, named=named)


PROSPECTS: Final = """
    SELECT prospect_id, slug, name, made_by, made_at
    FROM prospect
    WHERE slug > %(after)s
    ORDER BY slug
    LIMIT %(limit)s
"""


def prospects(tx: Tx, *, after: str = "", limit: int | None = None) -> list[Prospect]:
    """Return the prospects by short name, from behind `after` on."""
    return tx.rows(Prospect, PROSPECTS, after=after, limit=limit)


INSERT_FORM: Final = """
    INSERT INTO prospect_form (prospect_id, version, body, digest, made_by, made_at)
    VALUES (%(prospect_id)s, %(version)s, %(body)s, %(digest)s, %(made_by)s, %(made_at)s)
"""


def encode_form(requirement: Requirement) -> str:
    """Write a requirement as it is kept: JSON, sorted, every field named."""
    return msgspec.json.encode(requirement, order="sorted").decode()


def insert_form(tx: Tx, form: Form) -> None:
    """Write the next version of a prospect's form."""
    tx.run(
        INSERT_FORM,
        prospect_id=form.prospect_id,
        version=form.version,
        body=encode_form(form.requirement),
        digest=form.digest,
        made_by=form.made_by,
        made_at=form.made_at,
    )


@dataclass(frozen=True, slots=True)
class _FormRow:
    prospect_id: str
    version: int
    body: str
    digest: str
    made_by: str
    made_at: datetime


def _form(row: _FormRow) -> Form:
    return Form(
        prospect_id=row.prospect_id,
        version=row.version,
        requirement=msgspec.json.decode(row.body, type=Requirement),
        digest=row.digest,
        made_by=row.made_by,
        made_at=row.made_at,
    )


FORMS: Final = """
    SELECT prospect_id, version, body, digest, made_by, made_at
    FROM prospect_form
    WHERE prospect_id = %(prospect_id)s
    ORDER BY version
"""


def forms_of(tx: Tx, prospect_id: str) -> list[Form]:
    """Return every version of a prospect's form, the first first."""
    return [_form(row) for row in tx.rows(_FormRow, FORMS, prospect_id=prospect_id)]


NEWEST_FORM: Final = """
    SELECT prospect_id, version, body, digest, made_by, made_at
    FROM prospect_form
    WHERE prospect_id = %(prospect_id)s
    ORDER BY version DESC
    LIMIT 1
"""


def newest_form(tx: Tx, prospect_id: str) -> Form | None:
    """Return the last version of a prospect's form, or None before there is one."""
    row = tx.maybe(_FormRow, NEWEST_FORM, prospect_id=prospect_id)
    return _form(row) if row else None


# ── grades and the floor ────────────────────────────────────────────────────────────────────────

INSERT_GRADE: Final = """
    INSERT INTO model_grade (model_id, quality, tasks, source, made_by, made_at)
    VALUES (%(model_id)s, %(quality)s, %(tasks)s, %(source)s, %(made_by)s, %(made_at)s)
"""


def insert_grade(tx: Tx, grade: Grade) -> None:
    """Write down what is thought of a model; the last word counts."""
    tx.run(
        INSERT_GRADE,
        model_id=grade.model_id,
        quality=str(grade.quality),
        tasks=[str(each) for each in grade.tasks],
        source=grade.source,
        made_by=grade.made_by,
        made_at=grade.made_at,
    )


@dataclass(frozen=True, slots=True)
class _GradeRow:
    model_id: str
    quality: str
    tasks: list[str]
    source: str
    made_by: str
    made_at: datetime


GRADES: Final = """
    SELECT DISTINCT ON (model_id) model_id, quality, tasks, source, made_by, made_at
    FROM model_grade
    ORDER BY model_id, grade_id DESC
"""


def grades(tx: Tx) -> dict[str, Grade]:
    """Return what is thought of each model that was graded."""
    return {
        row.model_id: Grade(
            model_id=row.model_id,
            quality=Quality(row.quality),
            tasks=tuple(TaskType(each) for each in row.tasks),
            source=row.source,
            made_by=row.made_by,
            made_at=row.made_at,
        )
        for row in tx.rows(_GradeRow, GRADES)
    }


@dataclass(frozen=True, slots=True)
class Floor:
    """The least margin that is offered without approval, ppm; who set it, when."""

    ppm: int
    made_by: str
    made_at: datetime


INSERT_FLOOR: Final = """
    INSERT INTO margin_floor (ppm, made_by, made_at) VALUES (%(ppm)s, %(made_by)s, %(made_at)s)
"""


def insert_floor(tx: Tx, floor: Floor) -> None:
    """Set the floor margin from now on."""
    tx.run(INSERT_FLOOR, ppm=floor.ppm, made_by=floor.made_by, made_at=floor.made_at)


FLOOR: Final = """
    SELECT ppm, made_by, made_at FROM margin_floor ORDER BY floor_id DESC LIMIT 1
"""


def floor(tx: Tx) -> Floor | None:
    """Return the floor margin that was set last, or None where nobody has set one."""
    return tx.maybe(Floor, FLOOR)


# ── quotes ──────────────────────────────────────────────────────────────────────────────────────

INSERT_QUOTE: Final = """
    INSERT INTO quote (quote_id, prospect_id, version, form_version, import_id, state, body, digest,
                       valid_until, made_by, made_at)
    VALUES (%(quote_id)s, %(prospect_id)s, %(version)s, %(form_version)s, %(import_id)s, %(state)s,
            %(body)s, %(digest)s, %(valid_until)s, %(made_by)s, %(made_at)s)
"""


def insert_quote(tx: Tx, quote: Quote) -> None:
    """Write the next version of a prospect's quotes."""
    tx.run(
        INSERT_QUOTE,
        quote_id=quote.quote_id,
        prospect_id=quote.prospect_id,
        version=quote.version,
        form_version=quote.form_version,
        import_id=quote.import_id,
        state=str(quote.state),
        body=encode_quote(quote.body),
        digest=quote.digest,
        valid_until=quote.valid_until,
        made_by=quote.made_by,
        made_at=quote.made_at,
    )


@dataclass(frozen=True, slots=True)
class _QuoteRow:
    quote_id: str
    prospect_id: str
    version: int
    form_version: int
    import_id: str | None
    state: str
    body: str
    digest: str
    valid_until: date
    made_by: str
    made_at: datetime


def _quote(row: _QuoteRow) -> Quote:
    return Quote(
        quote_id=row.quote_id,
        prospect_id=row.prospect_id,
        version=row.version,
        form_version=row.form_version,
        import_id=row.import_id,
        state=QuoteState(row.state),
        body=decode_quote(row.body),
        digest=row.digest,
        valid_until=row.valid_until,
        made_by=row.made_by,
        made_at=row.made_at,
    )


QUOTE: Final = """
    SELECT quote_id, prospect_id, version, form_version, import_id, state, body, digest,
           valid_until, made_by, made_at
    FROM quote
    WHERE quote_id = %(quote_id)s
"""


def quote(tx: Tx, quote_id: str) -> Quote | None:
    """Return a quote, whole."""
    row = tx.maybe(_QuoteRow, QUOTE, quote_id=quote_id)
    return _quote(row) if row else None


@dataclass(frozen=True, slots=True)
class QuoteNote:
    """A quote in a list, without its body."""

    quote_id: str
    prospect_id: str
    version: int
    form_version: int
    import_id: str | None
    state: str
    digest: str
    valid_until: date
    made_by: str
    made_at: datetime


QUOTES_OF: Final = """
    SELECT quote_id, prospect_id, version, form_version, import_id, state, digest, valid_until,
           made_by, made_at
    FROM quote
    WHERE prospect_id = %(prospect_id)s
    ORDER BY version DESC
"""


def quotes_of(tx: Tx, prospect_id: str) -> list[QuoteNote]:
    """Return a prospect's quotes, the newest first."""
    return tx.rows(QuoteNote, QUOTES_OF, prospect_id=prospect_id)


WAITING: Final = """
    SELECT quote_id, prospect_id, version, form_version, import_id, state, digest, valid_until,
           made_by, made_at
    FROM quote
    WHERE state = 'waiting'
    ORDER BY quote_id
"""


def waiting_quotes(tx: Tx) -> list[QuoteNote]:
    """Return the quotes below the floor margin that wait for a decision."""
    return tx.rows(QuoteNote, WAITING)


NEXT_VERSION: Final = """
    SELECT coalesce(max(version), 0) + 1 FROM quote WHERE prospect_id = %(prospect_id)s
"""


def next_version(tx: Tx, prospect_id: str) -> int:
    """Return the number of a prospect's next quote."""
    return int(tx.value(NEXT_VERSION, prospect_id=prospect_id))


MOVE_QUOTE: Final = """
    UPDATE quote SET state = %(became)s WHERE quote_id = %(quote_id)s AND state = %(was)s
"""
INSERT_TRANSITION: Final = """
    INSERT INTO quote_transition (quote_id, at, event, was, became, by, why)
    VALUES (%(quote_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def note_quote(tx: Tx, quote_id: str, moved: Transition) -> None:
    """Write a step of a quote's life, also among all other deeds."""
    tx.run(INSERT_TRANSITION, quote_id=quote_id, **moved.row())
    record_step(tx, moved, "quote", quote_id)


def move_quote(tx: Tx, quote_id: str, moved: Transition) -> bool:
    """Move a quote and write the step; False where somebody was faster."""
    done = tx.run(MOVE_QUOTE, quote_id=quote_id, was=moved.was, became=moved.became)
    if done == 1:
        note_quote(tx, quote_id, moved)
    return done == 1


TRANSITIONS: Final = """
    SELECT at, event, was, became, by, why
    FROM quote_transition
    WHERE quote_id = %(quote_id)s
    ORDER BY transition_id
"""


def transitions_of(tx: Tx, quote_id: str) -> list[Transition]:
    """Return every step of a quote's life."""
    return tx.rows(Transition, TRANSITIONS, quote_id=quote_id)
