"""The only SQL about proposals and certificates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.contracts.prices import RateRow
from yuejie.db.session import Tx
from yuejie.presales.proposal.proposal import Certificate, ProposalFile, ProposalNote
from yuejie.presales.proposal.traced.sources import PriceRow

# ── certificates ────────────────────────────────────────────────────────────────────────────────

CERTIFICATES: Final = """
    SELECT certificate_id, name, number, issuer, holder, issued_on, expires_on, made_by, made_at,
           withdrawn_at
    FROM certificate
    ORDER BY name, number
"""


def certificates(tx: Tx) -> list[Certificate]:
    """Return every certificate that was registered."""
    return tx.rows(Certificate, CERTIFICATES)


INSERT_CERTIFICATE: Final = """
    INSERT INTO certificate (certificate_id, name, number, issuer, holder, issued_on, expires_on,
                             made_by, made_at)
    VALUES (%(certificate_id)s, %(name)s, %(number)s, %(issuer)s, %(holder)s, %(issued_on)s,
            %(expires_on)s, %(made_by)s, %(made_at)s)
    ON CONFLICT DO NOTHING
"""


def insert_certificate(tx: Tx, each: Certificate) -> bool:
    """Register a certificate; False where its name and number are registered already."""
    done = tx.run(
        INSERT_CERTIFICATE,
        certificate_id=each.certificate_id,
        name=each.name,
        number=each.number,
        issuer=each.issuer,
        holder=each.holder,
        issued_on=each.issued_on,
        expires_on=each.expires_on,
        made_by=each.made_by,
        made_at=each.made_at,
    )
    return done == 1


WITHDRAW: Final = """
    UPDATE certificate SET withdrawn_at = %(at)s
    WHERE certificate_id = %(certificate_id)s AND withdrawn_at IS NULL
"""


def withdraw_certificate(tx: Tx, certificate_id: str, *, at: datetime) -> bool:
    """Note that a certificate holds no more; False where it did not hold."""
    return tx.run(WITHDRAW, certificate_id=certificate_id, at=at) == 1


# ── proposals ───────────────────────────────────────────────────────────────────────────────────

PROPOSALS: Final = """
    SELECT proposal_id, prospect_id, version, quote_id, quote_digest, template, language,
           valid_until, docx_sha256, pdf_sha256, made_by, made_at
    FROM proposal
    WHERE prospect_id = %(prospect_id)s
    ORDER BY version
"""


def proposals_of(tx: Tx, prospect_id: str) -> list[ProposalNote]:
    """Return every version of a prospect's proposals, the first first."""
    return tx.rows(ProposalNote, PROPOSALS, prospect_id=prospect_id)


PROPOSAL: Final = """
    SELECT proposal_id, prospect_id, version, quote_id, quote_digest, template, language,
           valid_until, docx_sha256, pdf_sha256, made_by, made_at
    FROM proposal WHERE proposal_id = %(proposal_id)s
"""


def proposal(tx: Tx, proposal_id: str) -> ProposalNote | None:
    """Return one version."""
    return tx.maybe(ProposalNote, PROPOSAL, proposal_id=proposal_id)


INSERT: Final = """
    INSERT INTO proposal (proposal_id, prospect_id, version, quote_id, quote_digest, template,
                          language, valid_until, docx, docx_sha256, pdf, pdf_sha256, printed,
                          made_by, made_at)
    VALUES (%(proposal_id)s, %(prospect_id)s, %(version)s, %(quote_id)s, %(quote_digest)s,
            %(template)s, %(language)s, %(valid_until)s, %(docx)s, %(docx_sha256)s, %(pdf)s,
            %(pdf_sha256)s, %(printed)s, %(made_by)s, %(made_at)s)
"""


def insert_proposal(tx: Tx, note: ProposalNote, printed: str, *, docx: bytes, pdf: bytes) -> None:
    """Keep a version with its files, and what they print."""
    tx.run(
        INSERT,
        proposal_id=note.proposal_id,
        prospect_id=note.prospect_id,
        version=note.version,
        quote_id=note.quote_id,
        quote_digest=note.quote_digest,
        template=note.template,
        language=note.language,
        valid_until=note.valid_until,
        docx=docx,
        docx_sha256=note.docx_sha256,
        pdf=pdf,
        pdf_sha256=note.pdf_sha256,
        printed=printed,
        made_by=note.made_by,
        made_at=note.made_at,
    )


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes


PDF: Final = "SELECT pdf AS body FROM proposal WHERE proposal_id = %(proposal_id)s"
DOCX: Final = "SELECT docx AS body FROM proposal WHERE proposal_id = %(proposal_id)s"


def file_of(tx: Tx, proposal_id: str, kind: ProposalFile) -> bytes:
    """Return a file of a version, to the byte as it was made."""
    if kind is ProposalFile.PDF:
        return tx.row(_File, PDF, proposal_id=proposal_id).body
    return tx.row(_File, DOCX, proposal_id=proposal_id).body


@dataclass(frozen=True, slots=True)
class _Printed:
    body: str | None


PRINTED: Final = "SELECT printed AS body FROM proposal WHERE proposal_id = %(proposal_id)s"


def printed_of(tx: Tx, proposal_id: str) -> str | None:
    """Return what a version prints, as it was kept; None where it was made before we kept it."""
    return tx.row(_Printed, PRINTED, proposal_id=proposal_id).body


@dataclass(frozen=True, slots=True)
class _PriceRow:
    book_id: str
    starts_at: datetime
    rate_id: int
    revision: int
    model: str
    meter: str
    pico: int
    currency: str
    service_tier: str
    context_above: int
    time_window: str
    list_rate: int
    origin: str


PRICE_ROWS: Final = """
    SELECT b.book_id, b.starts_at, r.rate_id, r.revision, r.model, r.meter, r.pico, r.currency,
           r.service_tier, r.context_above, r.time_window, coalesce(r.list_rate, 0) AS list_rate,
           r.origin
    FROM rate r
    JOIN book_revision b USING (book_id, revision)
    WHERE r.rate_id = ANY(%(rate_ids)s)
"""


def price_rows(tx: Tx, rate_ids: Iterable[int]) -> dict[int, PriceRow]:
    """Return price rows by their numbers, each with its book and its revision's beginning."""
    found = {}
    for each in tx.rows(_PriceRow, PRICE_ROWS, rate_ids=sorted(set(rate_ids))):
        row = RateRow(
            each.rate_id,
            each.revision,
            each.model,
            each.meter,
            each.pico,
            each.currency,
            each.service_tier,
            each.context_above,
            each.time_window,
            each.list_rate,
            each.origin,
        )
        found[each.rate_id] = PriceRow(book_id=each.book_id, starts_at=each.starts_at, row=row)
    return found
