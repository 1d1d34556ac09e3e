"""Sign a contract, and review in the same transaction how its customer stands.

A contract may ask for money before use, or grant credit: the gateways hear of both at once.
"""

from datetime import datetime

from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.approve import write_signature
from yuejie.contracts.sign import write_version
from yuejie.db.session import Database
from yuejie.kernel.ids import ContractId
from yuejie.payments.dunning.standing import review_standing


def sign_contract(
    db: Database, terms: Terms, *, by: str, now: datetime, contract_id: ContractId | None = None
) -> Contract:
    """Write the first version of a contract, or the next, as `contracts.sign` does, and review."""
    with db.begin() as tx:
        signed = write_version(tx, terms, contract_id, by=by, now=now)
        review_standing(tx, signed.customer_id, by=by, now=now)
        return signed


def sign_draft(
    db: Database, draft_id: str, *, digest: str | None = None, by: str, now: datetime
) -> Contract:
    """Sign what finance reviewed, as `contracts.life.approve` does, and review."""
    with db.begin() as tx:
        signed = write_signature(tx, draft_id, digest=digest, by=by, now=now)
        review_standing(tx, signed.customer_id, by=by, now=now)
        return signed
