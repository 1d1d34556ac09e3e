"""Make a proposal from a quote, and keep it; register and withdraw certificates.

Read in one moment, composed and set outside any transaction (it takes seconds), written in another.
Whoever makes another at the same time gets the next version: the number is taken first under a
lock, and it stands on the paper, so the slower one is refused and made again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import zone_of
from yuejie.presales.life.decide import find_quote
from yuejie.presales.proposal import store
from yuejie.presales.proposal.compose import compose
from yuejie.presales.proposal.notes import Notes
from yuejie.presales.proposal.proposal import (
    Certificate,
    Language,
    ProposalFile,
    ProposalNote,
    Template,
    refuse_unfit,
)
from yuejie.presales.proposal.setting.pdf import to_pdf
from yuejie.presales.proposal.subject import Subject
from yuejie.presales.proposal.traced.printed import account_of, encode_account, names_of
from yuejie.presales.proposal.traced.sources import Sources, rate_id
from yuejie.presales.proposal.words import Words
from yuejie.presales.quote import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which quote is to be written up, in which template (None: the form's industry)."""

    quote_id: str
    template: Template | None = None
    language: Language = Language.ZH


def make_proposal(db: Database, wish: Wish, *, seller: str, by: str, now: datetime) -> ProposalNote:
    """Write a quote up as PDF and DOCX and keep both under the prospect's next version.

    Raises Conflict for a quote that nobody may be handed: below the floor margin and not approved,
    rejected, taken back, or over.
    """
    # It reads what cuts fonts, which takes longer than most commands.
    from yuejie.presales.proposal.setting.word import to_docx  # noqa: PLC0415 - see above

    with db.read(consistent=True) as tx:
        subject = _subject(tx, wish, seller, now)
    paper = compose(subject)
    account = account_of(paper, names_of(subject.body))
    docx, pdf = to_docx(paper, subject.dated), to_pdf(paper, subject.dated)
    note = ProposalNote(
        proposal_id=subject.number,
        prospect_id=subject.quote.prospect_id,
        version=subject.version,
        quote_id=subject.quote.quote_id,
        quote_digest=subject.quote.digest,
        template=subject.template,
        language=wish.language,
        valid_until=subject.quote.valid_until,
        docx_sha256=sha256(docx).hexdigest(),
        pdf_sha256=sha256(pdf).hexdigest(),
        made_by=by,
        made_at=now,
    )
    with db.begin() as tx:
        tx.lock_exclusive(f"prospect {note.prospect_id}")
        if len(store.proposals_of(tx, note.prospect_id)) != note.version - 1:
            raise Conflict("这位客户的方案书刚有了新版，请重试")
        refuse_unfit(find_quote(tx, wish.quote_id), subject.dated)
        store.insert_proposal(tx, note, encode_account(account), docx=docx, pdf=pdf)
        record_deed(tx, Deed(by, now, "make", "proposal", note.proposal_id), became=note)
    return note


def _subject(tx: Tx, wish: Wish, seller: str, now: datetime) -> Subject:
    quote = find_quote(tx, wish.quote_id)
    dated = now.astimezone(zone_of(quote.body.requirement.zone)).date()
    refuse_unfit(quote, dated)
    history = store.proposals_of(tx, quote.prospect_id)
    industry = Template(quote.body.requirement.company.industry)
    words = Words(wish.language)
    sources = sources_of(tx, quote, words)
    return Subject(
        quote=quote,
        template=wish.template or industry,
        words=words,
        notes=Notes(quote.body.trace, words, sources),
        seller=seller,
        number=mint("prp", now),
        version=len(history) + 1,
        dated=dated,
        certificates=tuple(store.certificates(tx)),
        history=tuple(history),
        rates={number: each.row for number, each in sources.rows.items()},
    )


def sources_of(tx: Tx, quote: Quote, words: Words) -> Sources:
    """Return what says where a quote's inputs stand: the price rows that its figures rest on."""
    named = {rate_id(figure.source) for figure in quote.body.trace} - {0}
    return Sources(words, store.price_rows(tx, named))


def find_proposal(tx: Tx, proposal_id: str) -> ProposalNote:
    """Return a kept version, or say that there is none."""
    found = store.proposal(tx, proposal_id)
    if found is None:
        raise NotFound(f"方案书 {proposal_id} 不存在，请核对编号")
    return found


def read_file(db: Database, proposal_id: str, kind: ProposalFile) -> tuple[ProposalNote, bytes]:
    """Return a kept file, its bytes checked against the hash they were kept under."""
    with db.read() as tx:
        note = find_proposal(tx, proposal_id)
        body = store.file_of(tx, proposal_id, kind)
    kept = note.pdf_sha256 if kind is ProposalFile.PDF else note.docx_sha256
    assert sha256(body).hexdigest() == kept, f"{proposal_id} differs from what was kept"
    return note, body


def file_name(note: ProposalNote, kind: ProposalFile) -> str:
    """Return what the file is called."""
    said = "方案书" if note.language == Language.ZH else "proposal"
    return f"{said}_{note.proposal_id[-8:]}_v{note.version}.{kind}"


def register_certificate(
    db: Database, certificate: Certificate, *, by: str, now: datetime
) -> Certificate:
    """Register a certificate as its paper says. Raises Conflict where it is registered already."""
    certificate.refuse_nonsense()
    became = replace(certificate, certificate_id=mint("cert", now), made_by=by, made_at=now)
    with db.begin() as tx:
        if not store.insert_certificate(tx, became):
            raise Conflict(f"证书 {became.name} {became.number} 已登记，无需再次登记")
        deed = Deed(by, now, "register", "certificate", became.certificate_id)
        record_deed(tx, deed, became=became)
    return became


def withdraw_certificate(
    db: Database, certificate_id: str, *, why: str, by: str, now: datetime
) -> None:
    """Print a certificate no more; the proposals that have it stay as they are.

    Raises Invalid without a reason, NotFound for one that is not in use.
    """
    if not why.strip():
        raise Invalid("撤下证书须写明原因，请补全后重试")
    with db.begin() as tx:
        if not store.withdraw_certificate(tx, certificate_id, at=now):
            raise NotFound(f"没有在用的证书 {certificate_id}，请用 certificates 查看编号")
        record_deed(tx, Deed(by, now, "withdraw", "certificate", certificate_id, why))
