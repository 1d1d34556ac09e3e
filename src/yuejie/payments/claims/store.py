"""The only SQL about claims."""

from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.payments.claims.claim import Claim, ClaimState

OPERATOR_READS: Final = {
    "claim_by_id": "the operator names a claim",
    "claims": "the operator lists claims",
}
"""Reads that serve the operator; all others take `customer_id` first."""

INSERT_CLAIM: Final = """
    INSERT INTO receipt_claim (claim_id, customer_id, payer_name, payer_number, amount_fen,
        paid_on, bill_numbers, document, receipt_id, state, claimed_by, claimed_at)
    VALUES (%(claim_id)s, %(customer_id)s, %(payer_name)s, %(payer_number)s, %(amount_fen)s,
        %(paid_on)s, %(bill_numbers)s, %(document)s, %(receipt_id)s, %(state)s, %(claimed_by)s,
        %(claimed_at)s)
"""


def insert_claim(tx: Tx, claim: Claim) -> None:
    """Write a claim down."""
    tx.run(
        INSERT_CLAIM,
        claim_id=claim.claim_id,
        customer_id=claim.customer_id,
        payer_name=claim.payer_name,
        payer_number=claim.payer_number,
        amount_fen=claim.amount_fen,
        paid_on=claim.paid_on,
        bill_numbers=list(claim.bill_numbers),
        document=claim.document,
        receipt_id=claim.receipt_id,
        state=str(claim.state),
        claimed_by=claim.claimed_by,
        claimed_at=claim.claimed_at,
    )


CLAIM_BY_ID: Final = """
    SELECT claim_id, customer_id, payer_name, payer_number, amount_fen, paid_on, bill_numbers,
           document, receipt_id, state, claimed_by, claimed_at, decided_by, decided_at, answer
    FROM receipt_claim
    WHERE claim_id = %(claim_id)s
    FOR UPDATE
"""


def claim_by_id(tx: Tx, claim_id: str) -> Claim | None:
    """Return a claim and hold its row until the transaction ends."""
    found = tx.maybe(Claim, CLAIM_BY_ID, claim_id=claim_id)
    return found.typed() if found else None


CLAIMS: Final = """
    SELECT claim_id, customer_id, payer_name, payer_number, amount_fen, paid_on, bill_numbers,
           document, receipt_id, state, claimed_by, claimed_at, decided_by, decided_at, answer
    FROM receipt_claim
    WHERE (%(state)s::text IS NULL OR state = %(state)s)
    ORDER BY claimed_at
    LIMIT %(limit)s
"""


def claims(tx: Tx, *, state: ClaimState | None = None, limit: int = 1000) -> list[Claim]:
    """Return claims of a state (or all), the oldest first."""
    named = str(state) if state else None
    return [each.typed() for each in tx.rows(Claim, CLAIMS, state=named, limit=limit)]


CLAIMS_OF: Final = """
    SELECT claim_id, customer_id, payer_name, payer_number, amount_fen, paid_on, bill_numbers,
           document, receipt_id, state, claimed_by, claimed_at, decided_by, decided_at, answer
    FROM receipt_claim
    WHERE customer_id = %(customer_id)s
    ORDER BY claimed_at DESC
"""


def claims_of(tx: Tx, customer_id: CustomerId) -> list[Claim]:
    """Return a customer's claims, the newest first."""
    return [each.typed() for each in tx.rows(Claim, CLAIMS_OF, customer_id=customer_id)]


DECIDE_CLAIM: Final = """
    UPDATE receipt_claim
    SET state = %(state)s, receipt_id = %(receipt_id)s, decided_by = %(decided_by)s,
        decided_at = %(decided_at)s, answer = %(answer)s
    WHERE claim_id = %(claim_id)s AND state = 'open'
"""


def decide_claim(tx: Tx, claim: Claim) -> bool:
    """Turn an open claim into what it has become; False if it was decided already."""
    done = tx.run(
        DECIDE_CLAIM,
        claim_id=claim.claim_id,
        state=str(claim.state),
        receipt_id=claim.receipt_id,
        decided_by=claim.decided_by,
        decided_at=claim.decided_at,
        answer=claim.answer,
    )
    return done == 1
