"""The only SQL about drafts, credit rules, temporary limits and the ends of contracts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.contracts.life.credit import DEFAULTS, CreditRule, Depth, TemporaryLimit
from yuejie.contracts.life.draft import (
    ContractDraft,
    DraftKind,
    DraftState,
    DraftStep,
    decode_body,
    encode_body,
)
from yuejie.contracts.terms import CreditClass, PaymentMode
from yuejie.db.session import Tx
from yuejie.kernel.ids import ContractId, CustomerId

OPERATOR_READS: Final = {
    "draft_by_id": "the operator works on one it names",
    "open_drafts": "each desk works off what waits for it",
    "drafts": "the operator looks through all of them, or those of a customer it names",
    "writers_of": "the operator reviews or signs one it names",
    "end_by_id": "the operator approves one it names",
    "approved_ends": "the clerk charges what leaving costs, for every customer",
    "limit_by_id": "the operator approves one it names",
    "open_limits": "each desk works off what waits for it",
    "limits_turned": "the clerk reviews whoever's credit changes with the hour",
    "open_ends": "the same",
}
"""Reads that serve the operator; all others take `customer_id` first."""


# ── credit rules ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _RuleRow:
    credit_class: str
    deposit_months_least: int
    deposit_months_most: int
    depth: str
    payment_days: int
    payment_mode: str
    three_people_fen: int


RULES: Final = """
    SELECT DISTINCT ON (credit_class) credit_class, deposit_months_least, deposit_months_most,
           depth, payment_days, payment_mode, three_people_fen
    FROM credit_rule
    ORDER BY credit_class, rule_id DESC
"""


def credit_rules(tx: Tx) -> dict[CreditClass, CreditRule]:
    """Return what holds for each class: what the operator set last, or the default."""
    found = {
        CreditClass(row.credit_class): CreditRule(
            credit_class=CreditClass(row.credit_class),
            deposit_months_least=row.deposit_months_least,
            deposit_months_most=row.deposit_months_most,
            depth=Depth(row.depth),
            payment_days=row.payment_days,
            payment_mode=PaymentMode(row.payment_mode),
            three_people_fen=row.three_people_fen,
        )
        for row in tx.rows(_RuleRow, RULES)
    }
    return DEFAULTS | found


INSERT_RULE: Final = """
    INSERT INTO credit_rule (credit_class, deposit_months_least, deposit_months_most, depth,
                             payment_days, payment_mode, three_people_fen, set_at, set_by)
    VALUES (%(credit_class)s, %(deposit_months_least)s, %(deposit_months_most)s, %(depth)s,
            %(payment_days)s, %(payment_mode)s, %(three_people_fen)s, %(at)s, %(by)s)
"""


def insert_rule(tx: Tx, rule: CreditRule, *, by: str, at: datetime) -> None:
    """Write down what holds for a class from now on."""
    tx.run(
        INSERT_RULE,
        credit_class=str(rule.credit_class),
        deposit_months_least=rule.deposit_months_least,
        deposit_months_most=rule.deposit_months_most,
        depth=str(rule.depth),
        payment_days=rule.payment_days,
        payment_mode=str(rule.payment_mode),
        three_people_fen=rule.three_people_fen,
        by=by,
        at=at,
    )


# ── drafts ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _DraftRow:
    draft_id: str
    customer_id: CustomerId
    kind: str
    contract_id: ContractId | None
    version: int | None
    state: str
    body: str
    drafted_by: str
    created_at: datetime
    reviewed_by: str | None
    signed_by: str | None


def _draft(row: _DraftRow) -> ContractDraft:
    return ContractDraft(
        draft_id=row.draft_id,
        customer_id=row.customer_id,
        kind=DraftKind(row.kind),
        contract_id=row.contract_id,
        version=row.version,
        state=DraftState(row.state),
        body=decode_body(row.body),
        drafted_by=row.drafted_by,
        created_at=row.created_at,
        reviewed_by=row.reviewed_by,
        signed_by=row.signed_by,
    )


DRAFT_BY_ID: Final = """
    SELECT draft_id, customer_id, kind, contract_id, version, state, body::text AS body,
           drafted_by, created_at, reviewed_by, signed_by
    FROM contract_draft
    WHERE draft_id = %(draft_id)s
"""


def draft_by_id(tx: Tx, draft_id: str) -> ContractDraft | None:
    """Return a draft by its id."""
    row = tx.maybe(_DraftRow, DRAFT_BY_ID, draft_id=draft_id)
    return _draft(row) if row else None


DRAFTS_OF: Final = """
    SELECT draft_id, customer_id, kind, contract_id, version, state, body::text AS body,
           drafted_by, created_at, reviewed_by, signed_by
    FROM contract_draft
    WHERE customer_id = %(customer_id)s
    ORDER BY draft_id
"""


def drafts_of(tx: Tx, customer_id: CustomerId) -> list[ContractDraft]:
    """Return every draft for a customer, the oldest first."""
    return [_draft(row) for row in tx.rows(_DraftRow, DRAFTS_OF, customer_id=customer_id)]


OPEN_DRAFTS: Final = """
    SELECT draft_id, customer_id, kind, contract_id, version, state, body::text AS body,
           drafted_by, created_at, reviewed_by, signed_by
    FROM contract_draft
    WHERE state IN ('draft', 'submitted', 'reviewed')
    ORDER BY state, draft_id
"""


def open_drafts(tx: Tx) -> list[ContractDraft]:
    """Return the drafts that wait for somebody."""
    return [_draft(row) for row in tx.rows(_DraftRow, OPEN_DRAFTS)]


DRAFTS: Final = """
    SELECT draft_id, customer_id, kind, contract_id, version, state, body::text AS body,
           drafted_by, created_at, reviewed_by, signed_by
    FROM contract_draft
    WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
      AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (%(before)s::text IS NULL OR draft_id < %(before)s)
    ORDER BY draft_id DESC
    LIMIT %(limit)s
"""


def drafts(
    tx: Tx,
    *,
    states: list[str] | None,
    customer_id: CustomerId | None,
    before: str | None,
    limit: int,
) -> list[ContractDraft]:
    """Return drafts in some states (None: any), the newest first, from before an id on."""
    rows = tx.rows(
        _DraftRow, DRAFTS, states=states, customer_id=customer_id, before=before, limit=limit
    )
    return [_draft(row) for row in rows]


INSERT_DRAFT: Final = """
    INSERT INTO contract_draft (draft_id, customer_id, kind, contract_id, version, state, body,
                                drafted_by, created_at)
    VALUES (%(draft_id)s, %(customer_id)s, %(kind)s, %(contract_id)s, %(version)s, %(state)s,
            %(body)s::jsonb, %(drafted_by)s, %(created_at)s)
"""


def insert_draft(tx: Tx, draft: ContractDraft) -> None:
    """Write a new draft."""
    tx.run(
        INSERT_DRAFT,
        draft_id=draft.draft_id,
        customer_id=draft.customer_id,
        kind=str(draft.kind),
        contract_id=draft.contract_id,
        version=draft.version,
        state=str(draft.state),
        body=encode_body(draft.body),
        drafted_by=draft.drafted_by,
        created_at=draft.created_at,
    )


MOVE_DRAFT: Final = """
    UPDATE contract_draft
    SET state = %(state)s, body = %(body)s::jsonb, reviewed_by = %(reviewed_by)s,
        signed_by = %(signed_by)s, contract_id = %(contract_id)s, version = %(version)s
    WHERE draft_id = %(draft_id)s AND state = %(was)s AND body = %(was_body)s::jsonb
"""


def move_draft(tx: Tx, was: ContractDraft, became: ContractDraft) -> bool:
    """Write a draft's next state if it still is what it was; False if another was first."""
    moved = tx.run(
        MOVE_DRAFT,
        draft_id=was.draft_id,
        was=str(was.state),
        was_body=encode_body(was.body),
        state=str(became.state),
        body=encode_body(became.body),
        reviewed_by=became.reviewed_by,
        signed_by=became.signed_by,
        contract_id=became.contract_id,
        version=became.version,
    )
    return moved == 1


INSERT_STEP: Final = """
    INSERT INTO contract_draft_step (draft_id, at, by, event, was, became, why, body)
    VALUES (%(draft_id)s, %(at)s, %(by)s, %(event)s, %(was)s, %(became)s, %(why)s, %(body)s::jsonb)
"""


def insert_step(tx: Tx, draft: ContractDraft, step: DraftStep) -> None:
    """Write down who took which step, and what the draft says after it."""
    tx.run(
        INSERT_STEP,
        draft_id=draft.draft_id,
        at=step.at,
        by=step.by,
        event=step.event,
        was=step.was,
        became=step.became,
        why=step.why,
        body=encode_body(draft.body),
    )


@dataclass(frozen=True, slots=True)
class _StepRow:
    at: datetime
    by: str
    event: str
    was: str
    became: str
    why: str
    body: str


STEPS: Final = """
    SELECT at, by, event, was, became, why, body::text AS body
    FROM contract_draft_step
    WHERE draft_id = %(draft_id)s
    ORDER BY step_id
"""


def steps_of(tx: Tx, draft_id: str) -> list[DraftStep]:
    """Return every step of a draft, the oldest first, each with the digest of what it said."""
    return [
        DraftStep(
            row.at, row.by, row.event, row.was, row.became, row.why, decode_body(row.body).digest
        )
        for row in tx.rows(_StepRow, STEPS, draft_id=draft_id)
    ]


@dataclass(frozen=True, slots=True)
class _Writer:
    by: str


WRITERS: Final = """
    SELECT DISTINCT by FROM contract_draft_step
    WHERE draft_id = %(draft_id)s AND event IN ('draft', 'revise')
"""


def writers_of(tx: Tx, draft_id: str) -> set[str]:
    """Return everybody whose words a draft has had: who drafted it, and who changed it since."""
    return {row.by for row in tx.rows(_Writer, WRITERS, draft_id=draft_id)}


# ── temporary limits ────────────────────────────────────────────────────────────────────────────

LIMITS_OF: Final = """
    SELECT limit_id, limit_fen, currency, starts_at, ends_at, why, asked_by, created_at,
           approved_by, ended_at
    FROM temporary_limit
    WHERE customer_id = %(customer_id)s AND rejected_by IS NULL
    ORDER BY limit_id
"""


def temporary_limits(tx: Tx, customer_id: CustomerId) -> list[TemporaryLimit]:
    """Return every temporary limit of a customer, approved or waiting."""
    return tx.rows(TemporaryLimit, LIMITS_OF, customer_id=customer_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersLimit(TemporaryLimit):
    """A temporary limit, and whose it is or would be."""

    customer_id: CustomerId


LIMIT_BY_ID: Final = """
    SELECT limit_id, limit_fen, currency, starts_at, ends_at, why, asked_by, created_at,
           approved_by, ended_at, customer_id
    FROM temporary_limit
    WHERE limit_id = %(limit_id)s
"""


def limit_by_id(tx: Tx, limit_id: str) -> CustomersLimit | None:
    """Return a temporary limit by its id."""
    return tx.maybe(CustomersLimit, LIMIT_BY_ID, limit_id=limit_id)


OPEN_LIMITS: Final = """
    SELECT limit_id, limit_fen, currency, starts_at, ends_at, why, asked_by, created_at,
           approved_by, ended_at, customer_id
    FROM temporary_limit
    WHERE approved_by IS NULL AND rejected_by IS NULL AND ends_at > %(now)s
    ORDER BY limit_id
"""


def open_limits(tx: Tx, now: datetime) -> list[CustomersLimit]:
    """Return what waits for a second person and could still hold, the oldest first."""
    return tx.rows(CustomersLimit, OPEN_LIMITS, now=now)


@dataclass(frozen=True, slots=True)
class _Turned:
    customer_id: CustomerId


TURNED: Final = """
    SELECT DISTINCT customer_id FROM temporary_limit
    WHERE approved_by IS NOT NULL AND ended_by IS NULL
      AND (starts_at > %(since)s AND starts_at <= %(until)s
           OR ends_at > %(since)s AND ends_at <= %(until)s)
    ORDER BY customer_id
"""


def limits_turned(tx: Tx, since: datetime, until: datetime) -> list[CustomerId]:
    """Return whose approved limits began or were over behind one instant and by another."""
    return [row.customer_id for row in tx.rows(_Turned, TURNED, since=since, until=until)]


INSERT_LIMIT: Final = """
    INSERT INTO temporary_limit (limit_id, customer_id, limit_fen, currency, starts_at, ends_at,
                                 why, asked_by, created_at)
    VALUES (%(limit_id)s, %(customer_id)s, %(limit_fen)s, %(currency)s, %(starts_at)s, %(ends_at)s,
            %(why)s, %(asked_by)s, %(created_at)s)
"""


def insert_limit(tx: Tx, customer_id: CustomerId, limit: TemporaryLimit) -> None:
    """Write a temporary limit that waits for approval."""
    tx.run(
        INSERT_LIMIT,
        limit_id=limit.limit_id,
        customer_id=customer_id,
        limit_fen=limit.limit_fen,
        currency=limit.currency,
        starts_at=limit.starts_at,
        ends_at=limit.ends_at,
        why=limit.why,
        asked_by=limit.asked_by,
        created_at=limit.created_at,
    )


APPROVE_LIMIT: Final = """
    UPDATE temporary_limit SET approved_by = %(by)s
    WHERE limit_id = %(limit_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def approve_limit(tx: Tx, limit_id: str, *, by: str) -> bool:
    """Write who approved; False if it is decided already."""
    return tx.run(APPROVE_LIMIT, limit_id=limit_id, by=by) == 1


REJECT_LIMIT: Final = """
    UPDATE temporary_limit
    SET rejected_by = %(by)s, rejected_at = %(at)s, rejected_why = %(why)s
    WHERE limit_id = %(limit_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def reject_limit(tx: Tx, limit_id: str, *, by: str, at: datetime, why: str) -> bool:
    """Write who turned it down, and why; False if it is decided already."""
    return tx.run(REJECT_LIMIT, limit_id=limit_id, by=by, at=at, why=why) == 1


END_LIMIT: Final = """
    UPDATE temporary_limit SET ended_by = %(by)s, ended_at = %(at)s, ended_why = %(why)s
    WHERE limit_id = %(limit_id)s AND approved_by IS NOT NULL AND ended_by IS NULL
      AND ends_at > %(at)s
"""


def end_limit(tx: Tx, limit_id: str, *, by: str, at: datetime, why: str) -> bool:
    """Write who took it back, and why; False where it waits, or is over already."""
    return tx.run(END_LIMIT, limit_id=limit_id, by=by, at=at, why=why) == 1


# ── ends ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEnd:
    """A contract that somebody leaves: from when, what it costs in fen, and why.

    `version` is the contract version that ends, None until a second person approved.
    """

    end_id: str
    contract_id: ContractId
    customer_id: CustomerId
    party: str
    asked_on: date
    ends_on: date
    currency: str
    fee_fen: int
    waived_fen: int
    reasons: list[str]
    why: str
    asked_by: str
    created_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    version: int | None = None
    rejected_by: str | None = None
    rejected_at: datetime | None = None
    rejected_why: str | None = None

    @property
    def owed_fen(self) -> int:
        """What is billed for leaving, fen."""
        return self.fee_fen - self.waived_fen


ENDS_OF: Final = """
    SELECT end_id, contract_id, customer_id, party, asked_on, ends_on, currency, fee_fen,
           waived_fen, reasons, why, asked_by, created_at, approved_by, approved_at, version,
           rejected_by, rejected_at, rejected_why
    FROM contract_end
    WHERE customer_id = %(customer_id)s AND (%(rejected)s OR rejected_by IS NULL)
    ORDER BY end_id
"""


def ends_of(tx: Tx, customer_id: CustomerId, *, rejected: bool = False) -> list[ContractEnd]:
    """Return every termination of a customer's contracts, approved or waiting.

    With `rejected` also those that were turned down, which end nothing.
    """
    return tx.rows(ContractEnd, ENDS_OF, customer_id=customer_id, rejected=rejected)


END_BY_ID: Final = """
    SELECT end_id, contract_id, customer_id, party, asked_on, ends_on, currency, fee_fen,
           waived_fen, reasons, why, asked_by, created_at, approved_by, approved_at, version,
           rejected_by, rejected_at, rejected_why
    FROM contract_end
    WHERE end_id = %(end_id)s
"""


def end_by_id(tx: Tx, end_id: str) -> ContractEnd | None:
    """Return a termination by its id."""
    return tx.maybe(ContractEnd, END_BY_ID, end_id=end_id)


APPROVED_ENDS: Final = """
    SELECT end_id, contract_id, customer_id, party, asked_on, ends_on, currency, fee_fen,
           waived_fen, reasons, why, asked_by, created_at, approved_by, approved_at, version,
           rejected_by, rejected_at, rejected_why
    FROM contract_end
    WHERE approved_by IS NOT NULL
    ORDER BY end_id
"""


def approved_ends(tx: Tx) -> list[ContractEnd]:
    """Return every approved termination, the oldest first."""
    return tx.rows(ContractEnd, APPROVED_ENDS)


OPEN_ENDS: Final = """
    SELECT end_id, contract_id, customer_id, party, asked_on, ends_on, currency, fee_fen,
           waived_fen, reasons, why, asked_by, created_at, approved_by, approved_at, version,
           rejected_by, rejected_at, rejected_why
    FROM contract_end
    WHERE approved_by IS NULL AND rejected_by IS NULL
      AND (%(end_id)s::text IS NULL OR end_id = %(end_id)s)
    ORDER BY end_id
"""


def open_ends(tx: Tx, *, end_id: str | None = None) -> list[ContractEnd]:
    """Return every termination that waits for a second person, the oldest first; or one of them."""
    return tx.rows(ContractEnd, OPEN_ENDS, end_id=end_id)


INSERT_END: Final = """
    INSERT INTO contract_end (end_id, contract_id, customer_id, party, asked_on, ends_on, currency,
                              fee_fen, waived_fen, reasons, why, asked_by, created_at)
    VALUES (%(end_id)s, %(contract_id)s, %(customer_id)s, %(party)s, %(asked_on)s, %(ends_on)s,
            %(currency)s, %(fee_fen)s, %(waived_fen)s, %(reasons)s, %(why)s, %(asked_by)s,
            %(created_at)s)
"""


def insert_end(tx: Tx, end: ContractEnd) -> None:
    """Write a termination that waits for approval."""
    tx.run(
        INSERT_END,
        end_id=end.end_id,
        contract_id=end.contract_id,
        customer_id=end.customer_id,
        party=end.party,
        asked_on=end.asked_on,
        ends_on=end.ends_on,
        currency=end.currency,
        fee_fen=end.fee_fen,
        waived_fen=end.waived_fen,
        reasons=end.reasons,
        why=end.why,
        asked_by=end.asked_by,
        created_at=end.created_at,
    )


APPROVE_END: Final = """
    UPDATE contract_end
    SET approved_by = %(by)s, approved_at = %(at)s, version = %(version)s
    WHERE end_id = %(end_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def approve_end(tx: Tx, end_id: str, *, by: str, at: datetime, version: int) -> bool:
    """Write who approved and which version ends; False if it is decided already."""
    return tx.run(APPROVE_END, end_id=end_id, by=by, at=at, version=version) == 1


REJECT_END: Final = """
    UPDATE contract_end
    SET rejected_by = %(by)s, rejected_at = %(at)s, rejected_why = %(why)s
    WHERE end_id = %(end_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def reject_end(tx: Tx, end_id: str, *, by: str, at: datetime, why: str) -> bool:
    """Write who turned it down, and why; False if it is decided already."""
    return tx.run(REJECT_END, end_id=end_id, by=by, at=at, why=why) == 1
