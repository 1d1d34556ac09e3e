"""The only SQL about the papers of contracts."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import ContractId, CustomerId

OPERATOR_READS: Final = {
    "paper_by_id": "a signing errand sends the paper it names",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper of a draft or contract, without its bytes; `sha256` names them."""

    paper_id: str
    customer_id: CustomerId
    draft_id: str | None
    contract_id: ContractId | None
    kind: str
    name: str
    media_type: str
    sha256: bytes
    at: datetime
    by: str


PAPERS_OF: Final = """
    SELECT paper_id, customer_id, draft_id, contract_id, kind, name, media_type, sha256, at, by
    FROM contract_paper
    WHERE customer_id = %(customer_id)s
    ORDER BY paper_id
"""


def papers_of(tx: Tx, customer_id: CustomerId) -> list[Paper]:
    """Return every paper of a customer's drafts and contracts, the oldest first."""
    return tx.rows(Paper, PAPERS_OF, customer_id=customer_id)


PAPER_BY_ID: Final = """
    SELECT paper_id, customer_id, draft_id, contract_id, kind, name, media_type, sha256, at, by
    FROM contract_paper
    WHERE paper_id = %(paper_id)s
"""


def paper_by_id(tx: Tx, paper_id: str) -> Paper | None:
    """Return a paper by its id."""
    return tx.maybe(Paper, PAPER_BY_ID, paper_id=paper_id)


BODY: Final = "SELECT body FROM contract_paper WHERE paper_id = %(paper_id)s"


def paper_body(tx: Tx, customer_id: CustomerId, paper: Paper) -> bytes:
    """Return the bytes of a customer's paper; bytes that are not what was kept are a bug."""
    assert paper.customer_id == customer_id, f"{paper.paper_id} is another customer's"
    body = bytes(tx.value(BODY, paper_id=paper.paper_id))
    assert sha256(body).digest() == paper.sha256, f"{paper.paper_id} is not what was kept"
    return body


# A review changes a draft where it grants another limit or deposit than was written.
SIGNED: Final = """
    SELECT paper_id, customer_id, draft_id, contract_id, kind, name, media_type, sha256, at, by
    FROM contract_paper
    WHERE customer_id = %(customer_id)s AND draft_id = %(draft_id)s AND kind = 'signed'
      AND at >= (SELECT coalesce(max(s.at), '-infinity') FROM contract_draft_step s
                 WHERE s.draft_id = %(draft_id)s
                   AND (s.event IN ('reject', 'rework', 'revise')
                        OR s.event = 'accept' AND s.body -> 'commercial' <> (
                            SELECT p.body -> 'commercial' FROM contract_draft_step p
                            WHERE p.draft_id = s.draft_id AND p.step_id < s.step_id
                            ORDER BY p.step_id DESC LIMIT 1)))
    ORDER BY paper_id
"""


def signed_copies(tx: Tx, customer_id: CustomerId, draft_id: str) -> list[Paper]:
    """Return the signed copies of what a draft says since it was last changed."""
    return tx.rows(Paper, SIGNED, customer_id=customer_id, draft_id=draft_id)


def has_signed_copy(tx: Tx, customer_id: CustomerId, draft_id: str) -> bool:
    """Tell whether a signed copy is at hand of what a draft says since it was last changed."""
    return bool(signed_copies(tx, customer_id, draft_id))


INSERT: Final = """
    INSERT INTO contract_paper (paper_id, customer_id, draft_id, contract_id, kind, name,
                                media_type, sha256, body, at, by)
    VALUES (%(paper_id)s, %(customer_id)s, %(draft_id)s, %(contract_id)s, %(kind)s, %(name)s,
            %(media_type)s, %(sha256)s, %(body)s, %(at)s, %(by)s)
    ON CONFLICT DO NOTHING
"""


def insert_paper(tx: Tx, paper: Paper, body: bytes) -> bool:
    """Keep a paper; False where the same bytes are kept in the same place already."""
    added = tx.run(
        INSERT,
        paper_id=paper.paper_id,
        customer_id=paper.customer_id,
        draft_id=paper.draft_id,
        contract_id=paper.contract_id,
        kind=paper.kind,
        name=paper.name,
        media_type=paper.media_type,
        sha256=paper.sha256,
        body=body,
        at=paper.at,
        by=paper.by,
    )
    return added == 1
