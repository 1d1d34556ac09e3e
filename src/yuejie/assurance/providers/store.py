"""The only SQL of provider accounts as money sees them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.assurance.providers.owed import (
    PaymentFor,
    PaymentStep,
    ProviderBill,
    ProviderCredit,
    ProviderPayment,
    ProviderPaymentState,
)
from yuejie.assurance.providers.standing import Observation, ProviderTerms
from yuejie.db.session import Tx

OPERATOR_READS: Final = {"spend": "an account serves many customers; the operator pays for it"}
"""Reads that serve the operator; all others take `customer_id` first."""

INSERT_TERMS: Final = """
    INSERT INTO provider_terms (account_id, currency, prepaid, low_fen, low_days,
                                monthly_ceiling_fen, credential_expires_on, net_days, at, by)
    VALUES (%(account_id)s, %(currency)s, %(prepaid)s, %(low_fen)s, %(low_days)s,
            %(monthly_ceiling_fen)s, %(credential_expires_on)s, %(net_days)s, %(at)s, %(by)s)
"""


def insert_terms(tx: Tx, terms: ProviderTerms, *, at: datetime, by: str) -> None:
    """Write the next version of an account's terms."""
    tx.run(INSERT_TERMS, at=at, by=by, **{n: getattr(terms, n) for n in ProviderTerms.__slots__})


TERMS: Final = """
    SELECT DISTINCT ON (account_id) account_id, currency, prepaid, low_fen, low_days,
           monthly_ceiling_fen, credential_expires_on, net_days
    FROM provider_terms
    WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
    ORDER BY account_id, terms_id DESC
"""


def terms(tx: Tx, account_id: str | None = None) -> list[ProviderTerms]:
    """Return the newest terms of every account, or of the one named."""
    return tx.rows(ProviderTerms, TERMS, account_id=account_id)


INSERT_BALANCE: Final = """
    INSERT INTO provider_balance (account_id, at, balance_fen, currency, by)
    VALUES (%(account_id)s, %(at)s, %(balance_fen)s, %(currency)s, %(by)s)
    ON CONFLICT (account_id, at) DO NOTHING
"""


def insert_balance(tx: Tx, seen: Observation) -> bool:
    """Write down a balance that was seen; False if one of that instant is there."""
    return bool(tx.run(INSERT_BALANCE, **{n: getattr(seen, n) for n in Observation.__slots__}))


BALANCE: Final = """
    SELECT account_id, at, balance_fen, currency, by
    FROM provider_balance
    WHERE account_id = %(account_id)s AND at <= %(now)s
    ORDER BY at DESC LIMIT 1
"""


def balance_seen(tx: Tx, account_id: str, now: datetime) -> Observation | None:
    """Return the newest balance that was seen."""
    return tx.maybe(Observation, BALANCE, account_id=account_id, now=now)


# The hour in which a balance was seen counts whole: rather warned early than late.
SPEND: Final = """
    SELECT coalesce(sum(r.quantity * cost.pico), 0)::numeric(38,0)
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN deployment dep ON dep.deployment_id = d.deployment_id
    JOIN rate cost ON cost.rate_id = r.cost_rate
    WHERE dep.account_id = %(account_id)s AND r.month >= %(first_month)s
      AND r.hour >= date_trunc('hour', %(since)s::timestamptz) AND r.hour < %(until)s
      AND cost.currency = %(currency)s AND r.state IN ('measured', 'partial')
"""


def spend(tx: Tx, account_id: str, currency: str, since: datetime, until: datetime) -> int:
    """Return what an account's usage between two instants costs, in picos at our cost rates."""
    # A month label is local: one of the day before is the earliest that may hold the hour.
    first_month = f"{since.year:04d}-{since.month:02d}"
    if since.day == 1:
        first_month = f"{since.year - (since.month == 1):04d}-{(since.month - 2) % 12 + 1:02d}"
    found = tx.value(
        SPEND,
        account_id=account_id,
        currency=currency,
        since=since,
        until=until,
        first_month=first_month,
    )
    return int(found)


INSERT_BILL: Final = """
    INSERT INTO provider_bill (provider_bill_id, account_id, number, month, currency, net_fen,
                               tax_fen, billed_on, due_on, by, at)
    VALUES (%(provider_bill_id)s, %(account_id)s, %(number)s, %(month)s, %(currency)s, %(net_fen)s,
            %(tax_fen)s, %(billed_on)s, %(due_on)s, %(by)s, %(at)s)
"""


def insert_bill(tx: Tx, bill: ProviderBill) -> None:
    """Write a provider's bill down."""
    names = [name for name in ProviderBill.__slots__ if name != "voided_why"]
    tx.run(INSERT_BILL, **{name: getattr(bill, name) for name in names})


BILLS: Final = """
    SELECT b.provider_bill_id, b.account_id, b.number, b.month, b.currency, b.net_fen, b.tax_fen,
           b.billed_on, b.due_on, b.by, b.at, v.why AS voided_why
    FROM provider_bill b
    LEFT JOIN provider_bill_void v USING (provider_bill_id)
    WHERE (%(account_id)s::text IS NULL OR b.account_id = %(account_id)s)
      AND (%(provider_bill_id)s::text IS NULL OR b.provider_bill_id = %(provider_bill_id)s)
    ORDER BY b.account_id, b.billed_on, b.provider_bill_id
"""


def bills(tx: Tx, account_id: str | None = None) -> list[ProviderBill]:
    """Return providers' bills, voided ones too."""
    return tx.rows(ProviderBill, BILLS, account_id=account_id, provider_bill_id=None)


def bill(tx: Tx, provider_bill_id: str) -> ProviderBill | None:
    """Return a provider's bill."""
    return tx.maybe(ProviderBill, BILLS, account_id=None, provider_bill_id=provider_bill_id)


INSERT_VOID: Final = """
    INSERT INTO provider_bill_void (provider_bill_id, why, by, at)
    VALUES (%(provider_bill_id)s, %(why)s, %(by)s, %(at)s)
"""


def insert_void(tx: Tx, provider_bill_id: str, *, why: str, by: str, at: datetime) -> None:
    """Write down that a bill was entered by mistake."""
    tx.run(INSERT_VOID, provider_bill_id=provider_bill_id, why=why, by=by, at=at)


INSERT_CREDIT: Final = """
    INSERT INTO provider_credit (provider_credit_id, provider_bill_id, account_id, number, currency,
                                 net_fen, tax_fen, bill_fen, credited_on, why, by, at)
    VALUES (%(provider_credit_id)s, %(provider_bill_id)s, %(account_id)s, %(number)s, %(currency)s,
            %(net_fen)s, %(tax_fen)s, %(bill_fen)s, %(credited_on)s, %(why)s, %(by)s, %(at)s)
"""


def insert_credit(tx: Tx, credit: ProviderCredit) -> None:
    """Write a provider's credit note down."""
    names = [name for name in ProviderCredit.__slots__ if name != "voided_why"]
    tx.run(INSERT_CREDIT, **{name: getattr(credit, name) for name in names})


CREDITS: Final = """
    SELECT c.provider_credit_id, c.provider_bill_id, c.account_id, c.number, c.currency, c.net_fen,
           c.tax_fen, c.bill_fen, c.credited_on, c.why, c.by, c.at, v.why AS voided_why
    FROM provider_credit c
    LEFT JOIN provider_credit_void v USING (provider_credit_id)
    WHERE (%(account_id)s::text IS NULL OR c.account_id = %(account_id)s)
      AND (%(provider_bill_id)s::text IS NULL OR c.provider_bill_id = %(provider_bill_id)s)
      AND (%(provider_credit_id)s::text IS NULL OR c.provider_credit_id = %(provider_credit_id)s)
    ORDER BY c.account_id, c.credited_on, c.provider_credit_id
"""


def credits_of(
    tx: Tx, account_id: str | None = None, provider_bill_id: str | None = None
) -> list[ProviderCredit]:
    """Return providers' credit notes, voided ones too, of an account or a bill where named."""
    return tx.rows(
        ProviderCredit,
        CREDITS,
        account_id=account_id,
        provider_bill_id=provider_bill_id,
        provider_credit_id=None,
    )


def credit_note(tx: Tx, provider_credit_id: str) -> ProviderCredit | None:
    """Return a provider's credit note."""
    return tx.maybe(
        ProviderCredit,
        CREDITS,
        account_id=None,
        provider_bill_id=None,
        provider_credit_id=provider_credit_id,
    )


INSERT_CREDIT_VOID: Final = """
    INSERT INTO provider_credit_void (provider_credit_id, why, by, at)
    VALUES (%(provider_credit_id)s, %(why)s, %(by)s, %(at)s)
"""


def insert_credit_void(tx: Tx, provider_credit_id: str, *, why: str, by: str, at: datetime) -> None:
    """Write down that a credit note was entered by mistake."""
    tx.run(INSERT_CREDIT_VOID, provider_credit_id=provider_credit_id, why=why, by=by, at=at)


INSERT_PAYMENT: Final = """
    INSERT INTO provider_payment (payment_id, account_id, provider_bill_id, purpose, currency, fen,
                                  state, why, requested_by, requested_at)
    VALUES (%(payment_id)s, %(account_id)s, %(provider_bill_id)s, %(purpose)s, %(currency)s,
            %(fen)s, %(state)s, %(why)s, %(requested_by)s, %(requested_at)s)
"""


def insert_payment(tx: Tx, payment: ProviderPayment) -> None:
    """Write down that a payment is asked for."""
    names = (
        *("payment_id", "account_id", "provider_bill_id", "purpose", "currency", "fen"),
        *("state", "why", "requested_by", "requested_at"),
    )
    tx.run(INSERT_PAYMENT, **{name: getattr(payment, name) for name in names})


@dataclass(frozen=True, slots=True)
class _PaymentRow:
    payment_id: str
    account_id: str
    provider_bill_id: str | None
    purpose: str
    currency: str
    fen: int
    state: str
    why: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    bank: str
    bank_reference: str
    paid_currency: str | None
    paid_fen: int | None
    charges_fen: int
    paid_at: datetime | None


PAYMENTS: Final = """
    SELECT payment_id, account_id, provider_bill_id, purpose, currency, fen, state, why,
           requested_by, requested_at, decided_by, decided_at, bank, bank_reference, paid_currency,
           paid_fen, charges_fen, paid_at
    FROM provider_payment
    WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
      AND (%(provider_bill_id)s::text IS NULL OR provider_bill_id = %(provider_bill_id)s)
      AND (%(payment_id)s::text IS NULL OR payment_id = %(payment_id)s)
    ORDER BY requested_at, payment_id
"""


def payments(
    tx: Tx, account_id: str | None = None, provider_bill_id: str | None = None
) -> list[ProviderPayment]:
    """Return payments to providers, of an account or for a bill where named."""
    rows = tx.rows(
        _PaymentRow,
        PAYMENTS,
        account_id=account_id,
        provider_bill_id=provider_bill_id,
        payment_id=None,
    )
    return [_payment(row) for row in rows]


def payment(tx: Tx, payment_id: str) -> ProviderPayment | None:
    """Return a payment to a provider."""
    row = tx.maybe(
        _PaymentRow, PAYMENTS, account_id=None, provider_bill_id=None, payment_id=payment_id
    )
    return _payment(row) if row else None


def _payment(row: _PaymentRow) -> ProviderPayment:
    facts = {name: getattr(row, name) for name in _PaymentRow.__slots__}
    kept = {"purpose": PaymentFor(row.purpose), "state": ProviderPaymentState(row.state)}
    return ProviderPayment(**facts | kept)


MOVE_PAYMENT: Final = """
    UPDATE provider_payment
    SET state = %(state)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s,
        bank = %(bank)s, bank_reference = %(bank_reference)s, paid_currency = %(paid_currency)s,
        paid_fen = %(paid_fen)s, charges_fen = %(charges_fen)s, paid_at = %(paid_at)s
    WHERE payment_id = %(payment_id)s AND state = %(was)s
"""
NOTE_STEP: Final = """
    INSERT INTO provider_payment_transition (payment_id, at, step, was, became, by, why)
    VALUES (%(payment_id)s, %(at)s, %(step)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the life of a payment: which, by whom, when, why."""

    step: PaymentStep
    by: str
    at: datetime
    why: str = ""


def move_payment(tx: Tx, was: ProviderPayment, became: ProviderPayment, step: Step) -> bool:
    """Take a payment a step further if nobody was faster, and write the step down."""
    moved = tx.run(
        MOVE_PAYMENT,
        was=was.state,
        **{
            name: getattr(became, name)
            for name in (
                *("payment_id", "state", "decided_by", "decided_at", "bank", "bank_reference"),
                *("paid_currency", "paid_fen", "charges_fen", "paid_at"),
            )
        },
    )
    if moved:
        tx.run(
            NOTE_STEP,
            payment_id=was.payment_id,
            at=step.at,
            step=step.step,
            was=was.state,
            became=became.state,
            by=step.by,
            why=step.why,
        )
    return bool(moved)


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


ENTRIES_WITHOUT_PAPER: Final = """
    SELECT e.key AS name
    FROM ledger_entry e
    WHERE e.kind IN ('provider.bill', 'provider.credit', 'provider.payment', 'provider.refund')
      AND NOT EXISTS (SELECT FROM provider_bill b
                      WHERE e.key = 'provider_bill:' || b.provider_bill_id)
      AND NOT EXISTS (SELECT FROM provider_credit c
                      WHERE e.key = 'provider_credit:' || c.provider_credit_id)
      AND NOT EXISTS (SELECT FROM provider_payment p
                      WHERE e.key = 'provider_payment:' || p.payment_id)
    ORDER BY 1
"""


def entries_without_paper(tx: Tx) -> list[str]:
    """Return the keys of entries whose bill, credit note or payment is not there."""
    return [row.name for row in tx.rows(_Name, ENTRIES_WITHOUT_PAPER)]
