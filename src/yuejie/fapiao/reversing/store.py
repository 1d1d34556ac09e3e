"""The only SQL about red fapiao and their forms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.fapiao.amounts import Amounts
from yuejie.fapiao.fapiao import RedFapiao, RedLine
from yuejie.fapiao.life import RedEvent, RedState
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

OPERATOR_READS: Final = {
    "red_by_name": "the operator names a red fapiao by id, key, number or form number",
    "reds_of_fapiao": "reached through a fapiao, whose reader was checked",
    "reds_waiting": "the clerk reminds whoever a form waits for",
    "red_of_form": "a form is one of all customers'",
    "told_time": "a second look at who said since when a form waits",
    "reds_lapsed": "the clerk tells finance of forms past their 72 hours",
    "pending_reds": "the operator sees every form under way with its clock",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _RedRow:
    red_id: str
    customer_id: CustomerId
    fapiao_id: str
    blue_number: str
    key: str
    reason: str
    state: str
    form_code: str
    form_number: str
    form_uuid: str
    whole: bool
    net_fen: int
    tax_fen: int
    gross_fen: int
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    applied_at: datetime | None
    expires_at: datetime | None
    reminded: int
    number: str | None
    issued_at: datetime | None
    why: str
    started_by: str
    answer: str
    answered_by: str | None
    answered_at: datetime | None


RED_BY_NAME: Final = """
    SELECT red_id, customer_id, fapiao_id, blue_number, key, reason, state, form_code, form_number,
           form_uuid, whole, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, applied_at, expires_at, reminded, number, issued_at, why,
           started_by, answer, answered_by, answered_at
    FROM fapiao_red
    WHERE red_id = %(name)s OR key = %(name)s OR number = %(name)s
       OR (form_number = %(name)s AND form_number <> '')
    ORDER BY (red_id = %(name)s OR key = %(name)s OR number IS NOT DISTINCT FROM %(name)s) DESC,
             red_id DESC
    LIMIT 1
"""


def red_by_name(tx: Tx, name: str) -> RedFapiao | None:
    """Return a red fapiao by its id, key or number, else by its form's number, whole.

    What a person mistyped for a form's number stands in the way of nobody's own name.
    """
    row = tx.maybe(_RedRow, RED_BY_NAME, name=name)
    return _whole(tx, row) if row else None


LOCK_RED: Final = "SELECT red_id FROM fapiao_red WHERE red_id = %(red_id)s FOR UPDATE"


def lock_red(tx: Tx, customer_id: CustomerId, red_id: str) -> RedFapiao:
    """Return a red fapiao that nobody else changes until the transaction ends."""
    tx.value(LOCK_RED, red_id=red_id)
    found = red_by_name(tx, red_id)
    assert found is not None
    assert found.customer_id == customer_id
    return found


REDS_OF_FAPIAO: Final = """
    SELECT red_id, customer_id, fapiao_id, blue_number, key, reason, state, form_code, form_number,
           form_uuid, whole, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, applied_at, expires_at, reminded, number, issued_at, why,
           started_by, answer, answered_by, answered_at
    FROM fapiao_red
    WHERE fapiao_id = %(fapiao_id)s
    ORDER BY red_id
"""


def reds_of_fapiao(tx: Tx, fapiao_id: str) -> list[RedFapiao]:
    """Return every red fapiao of a blue one, the first first."""
    return [_whole(tx, row) for row in tx.rows(_RedRow, REDS_OF_FAPIAO, fapiao_id=fapiao_id)]


REDS_OF_CUSTOMER: Final = """
    SELECT red_id, customer_id, fapiao_id, blue_number, key, reason, state, form_code, form_number,
           form_uuid, whole, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, applied_at, expires_at, reminded, number, issued_at, why,
           started_by, answer, answered_by, answered_at
    FROM fapiao_red
    WHERE customer_id = %(customer_id)s
    ORDER BY red_id
"""


def reds_of_customer(tx: Tx, customer_id: CustomerId) -> list[RedFapiao]:
    """Return every red fapiao of a customer."""
    return [_whole(tx, row) for row in tx.rows(_RedRow, REDS_OF_CUSTOMER, customer_id=customer_id)]


PENDING_REDS: Final = """
    SELECT red_id, customer_id, fapiao_id, blue_number, key, reason, state, form_code, form_number,
           form_uuid, whole, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, applied_at, expires_at, reminded, number, issued_at, why,
           started_by, answer, answered_by, answered_at
    FROM fapiao_red
    WHERE state IN ('requested', 'approved', 'waiting', 'confirmed')
    ORDER BY red_id
"""


def pending_reds(tx: Tx) -> list[RedFapiao]:
    """Return every red fapiao that is neither issued nor void."""
    return [_whole(tx, row) for row in tx.rows(_RedRow, PENDING_REDS)]


REDS_WAITING: Final = """
    SELECT red_id, customer_id, fapiao_id, blue_number, key, reason, state, form_code, form_number,
           form_uuid, whole, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, applied_at, expires_at, reminded, number, issued_at, why,
           started_by, answer, answered_by, answered_at
    FROM fapiao_red
    WHERE state = 'waiting' AND reminded < %(most)s
    ORDER BY red_id
    FOR UPDATE SKIP LOCKED
"""


def reds_waiting(tx: Tx, most: int) -> list[RedFapiao]:
    """Return the forms that wait for the other side and may need another reminder."""
    return [_whole(tx, row) for row in tx.rows(_RedRow, REDS_WAITING, most=most)]


INSERT_RED: Final = """
    INSERT INTO fapiao_red (red_id, customer_id, fapiao_id, blue_number, key, reason, state, whole,
                            form_code, form_number, form_uuid, net_fen, tax_fen, gross_fen,
                            requested_by, requested_at, applied_at, expires_at, why, started_by)
    VALUES (%(red_id)s, %(customer_id)s, %(fapiao_id)s, %(blue_number)s, %(key)s, %(reason)s,
            %(state)s, %(whole)s, %(form_code)s, %(form_number)s, %(form_uuid)s, %(net_fen)s,
            %(tax_fen)s, %(gross_fen)s, %(requested_by)s, %(requested_at)s, %(applied_at)s,
            %(expires_at)s, %(why)s, %(started_by)s)
"""
INSERT_RED_LINE: Final = """
    INSERT INTO fapiao_red_line (red_id, position, fapiao_id, blue_position, net_fen, tax_fen,
                                 gross_fen)
    VALUES (%(red_id)s, %(position)s, %(fapiao_id)s, %(blue_position)s, %(net_fen)s, %(tax_fen)s,
            %(gross_fen)s)
"""


def insert_red(tx: Tx, red: RedFapiao, *, by: str) -> None:
    """Write a red fapiao with its lines: requested here, or found waiting at the tax office."""
    tx.run(
        INSERT_RED,
        red_id=red.red_id,
        customer_id=red.customer_id,
        fapiao_id=red.fapiao_id,
        blue_number=red.blue_number,
        key=red.key,
        reason=red.reason,
        state=str(red.state),
        whole=red.whole,
        form_code=red.form_code,
        form_number=red.form_number,
        form_uuid=red.form_uuid,
        net_fen=red.amounts.net_fen,
        tax_fen=red.amounts.tax_fen,
        gross_fen=red.amounts.gross_fen,
        requested_by=red.requested_by,
        requested_at=red.requested_at,
        applied_at=red.applied_at,
        expires_at=red.expires_at,
        why=red.why,
        started_by=red.started_by,
    )
    for line in red.lines:
        tx.run(
            INSERT_RED_LINE,
            red_id=red.red_id,
            position=line.position,
            fapiao_id=red.fapiao_id,
            blue_position=line.blue_position,
            net_fen=line.net_fen,
            tax_fen=line.tax_fen,
            gross_fen=line.gross_fen,
        )
    verb = "find" if red.is_buyers else "request"
    deed = Deed(by, red.requested_at, verb, "red_fapiao", red.key, red.why)
    record_deed(tx, deed, became=_told(red))


def _told(red: RedFapiao) -> dict[str, object]:
    """Return what the record of deeds says of a red fapiao; its lines stand with itself."""
    return {
        "state": str(red.state),
        "blue_number": red.blue_number,
        "gross": str(Money(red.amounts.gross_fen, "CNY")),
        "reason": red.reason,
        "form_code": red.form_code,
        "form_number": red.form_number,
        "filed_at": red.applied_at.isoformat() if red.applied_at else None,
        "number": red.number,
    }


TOLD_TIME: Final = """
    SELECT max(at) FROM deed
    WHERE noun = 'red_fapiao' AND name = %(key)s AND by = %(by)s
      AND verb IN ('find', 'wait', 'correct')
"""


def told_time(tx: Tx, key: str, by: str) -> datetime | None:
    """Return when somebody last said since when a form waits, None for whoever never did."""
    told: datetime | None = tx.value(TOLD_TIME, key=key, by=by)
    return told


MOVE_RED: Final = """
    UPDATE fapiao_red
    SET state = %(became)s, form_code = %(form_code)s, form_number = %(form_number)s,
        form_uuid = %(form_uuid)s, approved_by = %(approved_by)s, approved_at = %(approved_at)s,
        applied_at = %(applied_at)s, expires_at = %(expires_at)s, number = %(number)s,
        issued_at = %(issued_at)s, why = %(why)s
    WHERE red_id = %(red_id)s AND state = %(was)s
"""
NOTE_RED_TRANSITION: Final = """
    INSERT INTO fapiao_red_transition (red_id, at, event, was, became, by, why)
    VALUES (%(red_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move_red(
    tx: Tx, was: RedFapiao, became: RedFapiao, event: RedEvent, *, by: str, at: datetime
) -> bool:
    """Move a red fapiao on if it is still in the state it was read in, and note it."""
    moved = tx.run(
        MOVE_RED,
        red_id=was.red_id,
        was=str(was.state),
        became=str(became.state),
        form_code=became.form_code,
        form_number=became.form_number,
        form_uuid=became.form_uuid,
        approved_by=became.approved_by,
        approved_at=became.approved_at,
        applied_at=became.applied_at,
        expires_at=became.expires_at,
        number=became.number,
        issued_at=became.issued_at,
        why=became.why,
    )
    if moved:
        step = Transition(at, event, was.state, became.state, by, became.why)
        tx.run(NOTE_RED_TRANSITION, red_id=was.red_id, **step.row())
        deed = Deed(by, at, str(event), "red_fapiao", was.key, became.why)
        record_deed(tx, deed, was=_told(was), became=_told(became))
    return bool(moved)


NOTE_FORM: Final = """
    UPDATE fapiao_red
    SET form_code = %(form_code)s, form_number = %(form_number)s, form_uuid = %(form_uuid)s
    WHERE red_id = %(red_id)s AND state = %(state)s
"""


def note_form(tx: Tx, red: RedFapiao) -> None:
    """Keep what the tax office calls a form, where its state has not moved."""
    tx.run(
        NOTE_FORM,
        red_id=red.red_id,
        state=str(red.state),
        form_code=red.form_code,
        form_number=red.form_number,
        form_uuid=red.form_uuid,
    )


NOTE_APPLIED: Final = """
    UPDATE fapiao_red SET applied_at = %(applied_at)s, expires_at = %(expires_at)s
    WHERE red_id = %(red_id)s AND applied_at IS NULL
"""


def note_applied(tx: Tx, red_id: str, *, applied_at: datetime, expires_at: datetime) -> None:
    """Note when a form was applied for, from which its 72 hours count; the first time stays."""
    tx.run(NOTE_APPLIED, red_id=red_id, applied_at=applied_at, expires_at=expires_at)


CORRECT_FILED: Final = """
    UPDATE fapiao_red
    SET form_number = %(form_number)s, applied_at = %(applied_at)s, expires_at = %(expires_at)s,
        reminded = CASE WHEN expires_at = %(expires_at)s THEN reminded ELSE 0 END
    WHERE red_id = %(red_id)s AND state = 'waiting'
"""


def correct_filed(tx: Tx, red: RedFapiao) -> None:
    """Note another number or time of a form that was filed by hand, where a person mistyped it.

    Another time is another clock: what was told by the wrong one is told anew.
    """
    tx.run(
        CORRECT_FILED,
        red_id=red.red_id,
        form_number=red.form_number,
        applied_at=red.applied_at,
        expires_at=red.expires_at,
    )


PROPOSE_ANSWER: Final = """
    UPDATE fapiao_red
    SET answer = %(answer)s, answered_by = %(by)s, answered_at = %(at)s, why = %(why)s
    WHERE red_id = %(red_id)s AND state = 'waiting' AND started_by = 'buyer'
      AND approved_by IS NULL
"""
APPROVE_ANSWER: Final = """
    UPDATE fapiao_red SET approved_by = %(by)s, approved_at = %(at)s
    WHERE red_id = %(red_id)s AND state = 'waiting' AND answer <> '' AND approved_by IS NULL
"""
FORGET_ANSWER: Final = """
    UPDATE fapiao_red
    SET answer = '', answered_by = NULL, answered_at = NULL, approved_by = NULL,
        approved_at = NULL, why = %(why)s
    WHERE red_id = %(red_id)s AND state = 'waiting'
"""


def propose_answer(tx: Tx, red_id: str, answer: str, *, by: str, at: datetime, why: str) -> bool:
    """Note what one person would answer the buyer; another proposal takes its place."""
    return bool(tx.run(PROPOSE_ANSWER, red_id=red_id, answer=answer, by=by, at=at, why=why))


def approve_answer(tx: Tx, red_id: str, *, by: str, at: datetime) -> bool:
    """Note that a second person agrees to the answer."""
    return bool(tx.run(APPROVE_ANSWER, red_id=red_id, by=by, at=at))


def forget_answer(tx: Tx, red_id: str, *, why: str) -> None:
    """Take back an answer that the tax office would not take; it may be given again."""
    tx.run(FORGET_ANSWER, red_id=red_id, why=why)


RED_OF_FORM: Final = """
    SELECT red_id FROM fapiao_red
    WHERE (form_uuid = %(uuid)s AND form_uuid <> '')
       OR (form_number = %(number)s AND form_number <> '')
    ORDER BY red_id
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Named:
    red_id: str


def red_of_form(tx: Tx, *, uuid: str = "", number: str = "") -> str:
    """Return the id of the red fapiao that has a form, by what the tax office calls it."""
    found = tx.maybe(_Named, RED_OF_FORM, uuid=uuid, number=number)
    return found.red_id if found else ""


REDS_LAPSED: Final = """
    SELECT red_id FROM fapiao_red r
    WHERE r.state = 'waiting' AND r.expires_at <= %(now)s AND r.reminded < %(told)s
      AND NOT EXISTS (SELECT FROM fapiao_errand e
                      WHERE e.subject_id = r.red_id AND e.what = 'red'
                        AND e.state IN ('waiting', 'sent'))
    ORDER BY red_id
    FOR UPDATE SKIP LOCKED
"""


def reds_lapsed(tx: Tx, *, told: int, now: datetime) -> list[RedFapiao]:
    """Return the forms past their 72 hours of which no platform will tell what became of them."""
    rows = tx.rows(_Named, REDS_LAPSED, told=told, now=now)
    return [red for row in rows if (red := red_by_name(tx, row.red_id))]


LOOKED: Final = """
    SELECT max(at) FILTER (WHERE answered) AS answered_at, max(at) AS at
    FROM fapiao_form_look WHERE provider = %(provider)s
"""
NOTE_LOOK: Final = """
    INSERT INTO fapiao_form_look (provider, at) VALUES (%(provider)s, %(at)s)
    ON CONFLICT DO NOTHING
"""
LOOK_ANSWERED: Final = """
    UPDATE fapiao_form_look SET answered = TRUE WHERE provider = %(provider)s AND at = %(at)s
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """When a platform last said which forms buyers started, and when it was last asked."""

    answered_at: datetime | None
    at: datetime | None


def looked(tx: Tx, provider: str) -> Looked:
    """Return when forms of buyers were looked for."""
    return tx.row(Looked, LOOKED, provider=provider)


def note_look(tx: Tx, provider: str, *, at: datetime) -> None:
    """Note that forms of buyers are looked for now."""
    tx.run(NOTE_LOOK, provider=provider, at=at)


def look_answered(tx: Tx, provider: str, *, at: datetime) -> None:
    """Note that a look was answered."""
    tx.run(LOOK_ANSWERED, provider=provider, at=at)


MARK_REMINDED: Final = """
    UPDATE fapiao_red SET reminded = %(reminded)s WHERE red_id = %(red_id)s
"""


def mark_reminded(tx: Tx, red_id: str, reminded: int) -> None:
    """Note how many reminders of a form were due."""
    tx.run(MARK_REMINDED, red_id=red_id, reminded=reminded)


RED_LINES: Final = """
    SELECT position, blue_position, net_fen, tax_fen, gross_fen
    FROM fapiao_red_line WHERE red_id = %(red_id)s ORDER BY position
"""


def _whole(tx: Tx, row: _RedRow) -> RedFapiao:
    facts: dict[str, Any] = {
        name: getattr(row, name)
        for name in row.__dataclass_fields__
        if name not in {"net_fen", "tax_fen", "gross_fen", "state"}
    }
    return RedFapiao(
        **facts,
        state=RedState(row.state),
        amounts=Amounts(row.net_fen, row.tax_fen, row.gross_fen),
        lines=tuple(tx.rows(RedLine, RED_LINES, red_id=row.red_id)),
    )
