"""Sign a contract, and review in the same transaction how its customer stands.

A contract may ask for money before use, or grant credit: the gateways hear of both at once.
"""

from datetime import datetime

from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.approve import write_signature
from yuejie.contracts.sign import write_version
from yuejie.contracts.store import contracts_of
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import ContractId
from yuejie.payments.dunning.standing import review_standing
from yuejie.usage.store import has_usage


def sign_contract(
    db: Database, terms: Terms, *, by: str, now: datetime, contract_id: ContractId | None = None
) -> Contract:
    """Write the first version of a contract, or the next, as `contracts.sign` does, and review."""
    with db.begin() as tx:
        signed = write_version(tx, terms, contract_id, by=by, now=now)
        review_standing(tx, signed.customer_id, by=by, now=now)
        return signed


def sign_first(db: Database, terms: Terms, *, by: str, now: datetime) -> Contract:
    """Write a customer's first contract by one person; the same terms again change nothing.

    What there is or was is changed, followed or joined by a draft, which another person signs.
    Raises Conflict for that, and for a start in the past where usage waits: it would be billed
    under terms that nobody else has seen.
    """
    with db.begin() as tx:
        tx.lock_exclusive(f"contract {terms.customer_id}")
        known = contracts_of(tx, terms.customer_id)
        if not known and terms.starts_at < now and has_usage(tx, terms.customer_id):
            raise Conflict(
                "客户在签合同之前已有用量，一人签的合同不能自过去的 "
                f"{terms.starts_at.isoformat()} 生效；请写现在之后的时间，或起草合同草案"
                "（“合同草案”页面，或 yuejie contracts draft），由另一人签署"
            )
        name = known[-1].contract_id if known else None
        signed = write_version(tx, terms, name, by=by, now=now, alone=True)
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
