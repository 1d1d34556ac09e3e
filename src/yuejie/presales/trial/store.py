"""The only SQL about trials."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.presales.trial.trial import RequestState, Trial, TrialPolicy, TrialRequest
from yuejie.usage.meters import Meter, per

OPERATOR_READS: Final = {
    "requests": "sales sees everybody who asked",
    "request": "sales decides; whoever asked shows the claim that only it was given",
    "hold_request": "sales decides; whoever asked shows the claim that only it was given",
    "trials": "sales sees every trial, the clerk tends them",
    "trial_by_id": "sales and the clerk name a trial",
    "trials_allowed": "the clerk ends the allowances of trials that are over",
    "trial_of_request": "whoever asked shows the claim that only it was given",
    "crowd": "the throttle counts everybody",
}
"""Reads that serve the operator; all others take `customer_id` first."""

ASKING: Final = "trial requests"
"""Whoever adds a request holds this alone, so that its throttle counts right."""


# ── policy ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Policy:
    revision: int
    sale_book: BookId
    fx_policy: str
    models: list[str]
    days_most: int
    tokens_most: int
    by_rule: bool
    made_by: str
    made_at: datetime


POLICY: Final = """
    SELECT revision, sale_book, fx_policy, models, days_most, tokens_most, by_rule, made_by, made_at
    FROM trial_policy ORDER BY revision DESC LIMIT 1
"""


def policy(tx: Tx) -> TrialPolicy | None:
    """Return what trials are made of at present."""
    row = tx.maybe(_Policy, POLICY)
    if row is None:
        return None
    return TrialPolicy(
        revision=row.revision,
        sale_book=row.sale_book,
        fx_policy=row.fx_policy,
        models=tuple(row.models),
        days_most=row.days_most,
        tokens_most=row.tokens_most,
        by_rule=row.by_rule,
        made_by=row.made_by,
        made_at=row.made_at,
    )


INSERT_POLICY: Final = """
    INSERT INTO trial_policy (sale_book, fx_policy, models, days_most, tokens_most, by_rule,
                              made_by, made_at)
    VALUES (%(sale_book)s, %(fx_policy)s, %(models)s, %(days_most)s, %(tokens_most)s, %(by_rule)s,
            %(made_by)s, %(made_at)s)
    RETURNING revision
"""


def insert_policy(tx: Tx, each: TrialPolicy) -> int:
    """Write the next policy and return its number."""
    return int(
        tx.value(
            INSERT_POLICY,
            sale_book=each.sale_book,
            fx_policy=each.fx_policy,
            models=list(each.models),
            days_most=each.days_most,
            tokens_most=each.tokens_most,
            by_rule=each.by_rule,
            made_by=each.made_by,
            made_at=each.made_at,
        )
    )


# ── requests ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: str
    company: str
    contact: str
    email: str
    phone: str
    purpose: str
    models: list[str]
    days: int
    tokens: int
    from_hash: bytes
    claim_hash: bytes
    asked_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    why: str


def _request(row: _Request) -> TrialRequest:
    return TrialRequest(
        request_id=row.request_id,
        company=row.company,
        contact=row.contact,
        email=row.email,
        phone=row.phone,
        purpose=row.purpose,
        models=tuple(row.models),
        days=row.days,
        tokens=row.tokens,
        from_hash=row.from_hash,
        claim_hash=row.claim_hash,
        asked_at=row.asked_at,
        state=RequestState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        why=row.why,
    )


REQUESTS: Final = """
    SELECT request_id, company, contact, email, phone, purpose, models, days, tokens, from_hash,
           claim_hash, asked_at, state, decided_by, decided_at, why
    FROM trial_request
    WHERE (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(before)s::text IS NULL OR request_id < %(before)s)
    ORDER BY request_id DESC
    LIMIT %(limit)s
"""


def requests(
    tx: Tx, *, state: str | None = None, before: str | None = None, limit: int
) -> list[TrialRequest]:
    """Return requests, the newest first."""
    found = tx.rows(_Request, REQUESTS, state=state, before=before, limit=limit)
    return [_request(row) for row in found]


REQUEST: Final = """
    SELECT request_id, company, contact, email, phone, purpose, models, days, tokens, from_hash,
           claim_hash, asked_at, state, decided_by, decided_at, why
    FROM trial_request WHERE request_id = %(request_id)s
"""
HOLD_REQUEST: Final = """
    SELECT request_id, company, contact, email, phone, purpose, models, days, tokens, from_hash,
           claim_hash, asked_at, state, decided_by, decided_at, why
    FROM trial_request WHERE request_id = %(request_id)s FOR UPDATE
"""


def request(tx: Tx, request_id: str) -> TrialRequest | None:
    """Return one request."""
    row = tx.maybe(_Request, REQUEST, request_id=request_id)
    return _request(row) if row else None


def hold_request(tx: Tx, request_id: str) -> TrialRequest | None:
    """Return one request and keep others from deciding it meanwhile."""
    row = tx.maybe(_Request, HOLD_REQUEST, request_id=request_id)
    return _request(row) if row else None


INSERT_REQUEST: Final = """
    INSERT INTO trial_request (request_id, company, contact, email, phone, purpose, models, days,
                               tokens, from_hash, claim_hash, asked_at, state)
    VALUES (%(request_id)s, %(company)s, %(contact)s, %(email)s, %(phone)s, %(purpose)s,
            %(models)s, %(days)s, %(tokens)s, %(from_hash)s, %(claim_hash)s, %(asked_at)s,
            %(state)s)
"""


def insert_request(tx: Tx, each: TrialRequest) -> None:
    """Write a request down."""
    tx.run(
        INSERT_REQUEST,
        request_id=each.request_id,
        company=each.company,
        contact=each.contact,
        email=each.email,
        phone=each.phone,
        purpose=each.purpose,
        models=list(each.models),
        days=each.days,
        tokens=each.tokens,
        from_hash=each.from_hash,
        claim_hash=each.claim_hash,
        asked_at=each.asked_at,
        state=each.state,
    )


DECIDE: Final = """
    UPDATE trial_request
    SET state = %(state)s, decided_by = %(by)s, decided_at = %(at)s, why = %(why)s
    WHERE request_id = %(request_id)s AND state = 'asked'
"""


def decide(
    tx: Tx, request_id: str, state: RequestState, *, by: str, at: datetime, why: str
) -> bool:
    """Note a decision, once; say whether it was the first."""
    return tx.run(DECIDE, request_id=request_id, state=state, by=by, at=at, why=why) == 1


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many requests there are: waiting, within the hour, and alike within thirty days."""

    waiting: int
    lately: int
    from_here: int
    same_mail: int


CROWD: Final = """
    SELECT count(*) FILTER (WHERE state = 'asked')::integer AS waiting,
           count(*) FILTER (WHERE asked_at > %(hour_ago)s)::integer AS lately,
           count(*) FILTER (WHERE asked_at > %(day_ago)s AND from_hash = %(from_hash)s)::integer
               AS from_here,
           count(*) FILTER (WHERE email = %(email)s AND state <> 'declined')::integer AS same_mail
    FROM trial_request
    WHERE state = 'asked' OR asked_at > %(month_ago)s
"""


def crowd(
    tx: Tx,
    *,
    email: str,
    from_hash: bytes,
    hour_ago: datetime,
    day_ago: datetime,
    month_ago: datetime,
) -> Crowd:
    """Return what the throttle goes by."""
    return tx.row(
        Crowd,
        CROWD,
        email=email,
        from_hash=from_hash,
        hour_ago=hour_ago,
        day_ago=day_ago,
        month_ago=month_ago,
    )


# ── trials ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Trial:
    trial_id: str
    request_id: str | None
    customer_id: CustomerId
    contract_id: ContractId
    book_id: BookId
    project: str
    models: list[str]
    days: int
    tokens: int
    starts_at: datetime
    ends_at: datetime
    granted_by: str
    key_id: str | None


def _trial(row: _Trial) -> Trial:
    return Trial(
        trial_id=row.trial_id,
        request_id=row.request_id,
        customer_id=row.customer_id,
        contract_id=row.contract_id,
        book_id=row.book_id,
        project=row.project,
        models=tuple(row.models),
        days=row.days,
        tokens=row.tokens,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        granted_by=row.granted_by,
        key_id=row.key_id,
    )


TRIALS: Final = """
    SELECT trial_id, request_id, customer_id, contract_id, book_id, project, models, days, tokens,
           starts_at, ends_at, granted_by, key_id
    FROM trial
    WHERE (%(before)s::text IS NULL OR trial_id < %(before)s)
      AND (%(since)s::timestamptz IS NULL OR ends_at >= %(since)s)
    ORDER BY trial_id DESC
    LIMIT %(limit)s
"""


def trials(
    tx: Tx, *, before: str | None = None, since: datetime | None = None, limit: int
) -> list[Trial]:
    """Return trials, the newest first; with `since` those that ended no earlier."""
    found = tx.rows(_Trial, TRIALS, before=before, since=since, limit=limit)
    return [_trial(row) for row in found]


TRIAL: Final = """
    SELECT trial_id, request_id, customer_id, contract_id, book_id, project, models, days, tokens,
           starts_at, ends_at, granted_by, key_id
    FROM trial WHERE trial_id = %(trial_id)s
"""


def trial_by_id(tx: Tx, trial_id: str) -> Trial | None:
    """Return a trial by its number."""
    row = tx.maybe(_Trial, TRIAL, trial_id=trial_id)
    return _trial(row) if row else None


TRIAL_OF: Final = """
    SELECT trial_id, request_id, customer_id, contract_id, book_id, project, models, days, tokens,
           starts_at, ends_at, granted_by, key_id
    FROM trial WHERE customer_id = %(customer_id)s
"""


def trial_of(tx: Tx, customer_id: CustomerId) -> Trial | None:
    """Return a customer's trial; nobody gets two."""
    row = tx.maybe(_Trial, TRIAL_OF, customer_id=customer_id)
    return _trial(row) if row else None


TRIAL_OF_REQUEST: Final = """
    SELECT trial_id, request_id, customer_id, contract_id, book_id, project, models, days, tokens,
           starts_at, ends_at, granted_by, key_id
    FROM trial WHERE request_id = %(request_id)s
"""


def trial_of_request(tx: Tx, request_id: str) -> Trial | None:
    """Return what a request was granted."""
    row = tx.maybe(_Trial, TRIAL_OF_REQUEST, request_id=request_id)
    return _trial(row) if row else None


TRIALS_ALLOWED: Final = """
    SELECT t.trial_id, t.request_id, t.customer_id, t.contract_id, t.book_id, t.project, t.models,
           t.days, t.tokens, t.starts_at, t.ends_at, t.granted_by, t.key_id
    FROM trial t
    WHERE EXISTS (
        SELECT FROM allowance a
        WHERE a.customer_id = t.customer_id AND a.origin = 'trial' AND a.ended_at IS NULL)
    ORDER BY t.trial_id
"""


def trials_allowed(tx: Tx) -> list[Trial]:
    """Return the trials whose allowance has not been ended."""
    return [_trial(row) for row in tx.rows(_Trial, TRIALS_ALLOWED)]


INSERT_TRIAL: Final = """
    INSERT INTO trial (trial_id, request_id, customer_id, contract_id, book_id, project, models,
                       days, tokens, starts_at, ends_at, granted_by)
    VALUES (%(trial_id)s, %(request_id)s, %(customer_id)s, %(contract_id)s, %(book_id)s,
            %(project)s, %(models)s, %(days)s, %(tokens)s, %(starts_at)s, %(ends_at)s,
            %(granted_by)s)
"""


def insert_trial(tx: Tx, each: Trial) -> None:
    """Write a trial down."""
    tx.run(
        INSERT_TRIAL,
        trial_id=each.trial_id,
        request_id=each.request_id,
        customer_id=each.customer_id,
        contract_id=each.contract_id,
        book_id=each.book_id,
        project=each.project,
        models=list(each.models),
        days=each.days,
        tokens=each.tokens,
        starts_at=each.starts_at,
        ends_at=each.ends_at,
        granted_by=each.granted_by,
    )


CLAIM: Final = """
    UPDATE trial SET key_id = %(key_id)s WHERE trial_id = %(trial_id)s AND key_id IS NULL
"""


def claim(tx: Tx, trial_id: str, key_id: str) -> bool:
    """Note the key that whoever asked was given, once; say whether it was the first."""
    return tx.run(CLAIM, trial_id=trial_id, key_id=key_id) == 1


# ── what was used ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class UsedRow:
    """Quantities of one meter under one rate: what it costs, and what the list would ask."""

    month: str
    model: str
    meter: str
    sale_rate: int
    quantity: int
    list_pico: int
    currency: str


USED: Final = """
    SELECT r.month, r.model, r.meter, r.sale_rate, sum(r.quantity)::bigint AS quantity,
           listed.pico AS list_pico, listed.currency
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN rate own ON own.rate_id = r.sale_rate
    JOIN rate listed ON listed.rate_id = own.list_rate
    WHERE d.customer_id = %(customer_id)s
      AND own.book_id = %(book_id)s
      AND r.state IN ('measured', 'partial')
    GROUP BY r.month, r.model, r.meter, r.sale_rate, listed.pico, listed.currency
    HAVING sum(r.quantity) <> 0
    ORDER BY r.month, r.model, r.meter, r.sale_rate
"""


def used(tx: Tx, customer_id: CustomerId, book_id: str) -> list[UsedRow]:
    """Return a trial's usage: exactly what its own book priced, whenever it came in."""
    return tx.rows(UsedRow, USED, customer_id=customer_id, book_id=book_id)


@dataclass(frozen=True, slots=True)
class DayRow:
    """A local day of a trial: calls that were answered, tokens."""

    day: str
    requests: int
    tokens: int


DAYS: Final = """
    SELECT to_char(r.hour AT TIME ZONE %(zone)s::text, 'YYYY-MM-DD') AS day,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'requests'), 0)::bigint AS requests,
           coalesce(sum(r.quantity) FILTER (WHERE NOT r.meter = ANY(%(pieces)s)), 0)::bigint
               AS tokens
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    LEFT JOIN rate own ON own.rate_id = r.sale_rate
    WHERE d.customer_id = %(customer_id)s
      AND r.hour >= %(since)s AND r.hour < %(until)s
      AND r.state IN ('measured', 'partial')
      AND (own.book_id = %(book_id)s OR r.sale_rate = 0 AND r.meter = 'requests')
    GROUP BY 1
    ORDER BY 1
"""


def days(
    tx: Tx,
    customer_id: CustomerId,
    book_id: str,
    *,
    zone: str,
    since: datetime,
    until: datetime,
) -> list[DayRow]:
    """Return what was used day by day; what is counted in pieces is not counted as tokens."""
    return tx.rows(
        DayRow,
        DAYS,
        customer_id=customer_id,
        book_id=book_id,
        zone=zone,
        since=since,
        until=until,
        pieces=[meter.value for meter in Meter if per(meter) == 1],
    )


@dataclass(frozen=True, slots=True)
class CostRow:
    """What the provider charges for a month of a trial, picos of a currency."""

    month: str
    currency: str
    cost_pico: int


COST: Final = """
    SELECT r.month, cost.currency, sum(r.quantity * cost.pico)::numeric(38, 0) AS cost_pico
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN rate cost ON cost.rate_id = r.cost_rate
    LEFT JOIN rate own ON own.rate_id = r.sale_rate
    WHERE d.customer_id = %(customer_id)s
      AND r.hour >= %(since)s
      AND r.state IN ('measured', 'partial')
      AND (own.book_id = %(book_id)s OR r.sale_rate = 0 AND r.hour < %(until)s)
    GROUP BY r.month, cost.currency
    ORDER BY r.month, cost.currency
"""


def cost(
    tx: Tx, customer_id: CustomerId, book_id: str, *, since: datetime, until: datetime
) -> list[CostRow]:
    """Return what a trial costs us: every attempt, those that failed before another one as well.

    Such attempts have no sale rate; they count where their hour began before the trial was over.
    """
    return tx.rows(
        CostRow, COST, customer_id=customer_id, book_id=book_id, since=since, until=until
    )


@dataclass(frozen=True, slots=True)
class BookedRow:
    """What of a trial's cost has been booked to sales, and in how many entries."""

    month: str
    currency: str
    entries: int
    fen: int


BOOKED: Final = """
    SELECT c.month, c.currency, max(c.sequence) AS entries, sum(c.fen)::bigint AS fen
    FROM trial_cost c JOIN trial t USING (trial_id)
    WHERE t.customer_id = %(customer_id)s
    GROUP BY c.month, c.currency
    ORDER BY c.month, c.currency
"""


def booked(tx: Tx, customer_id: CustomerId) -> list[BookedRow]:
    """Return what of a customer's trial has been booked to sales."""
    return tx.rows(BookedRow, BOOKED, customer_id=customer_id)


INSERT_COST: Final = """
    INSERT INTO trial_cost (trial_id, month, currency, sequence, fen, booked_at)
    VALUES (%(trial_id)s, %(month)s, %(currency)s, %(sequence)s, %(fen)s, %(booked_at)s)
"""


def insert_cost(
    tx: Tx,
    trial_id: str,
    month: str,
    currency: str,
    *,
    sequence: int,
    fen: int,
    booked_at: datetime,
) -> None:
    """Note that a part of a trial's cost was booked."""
    tx.run(
        INSERT_COST,
        trial_id=trial_id,
        month=month,
        currency=currency,
        sequence=sequence,
        fen=fen,
        booked_at=booked_at,
    )
