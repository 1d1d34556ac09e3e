"""Write a draft or a signed version up as a contract: its terms, and the price list of the day."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts import store as books
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.agreed.store import contract_book
from yuejie.contracts.contract import Contract, FxPolicy, Terms
from yuejie.contracts.documents.framework import (
    Agreed,
    AnnexRate,
    ContractText,
    Signatory,
    framework,
)
from yuejie.contracts.documents.pdf import to_pdf
from yuejie.contracts.documents.text import to_text
from yuejie.contracts.documents.word import to_docx
from yuejie.contracts.life.draft import ContractDraft, DraftState
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.numbers.number import called
from yuejie.contracts.prices import RateRow
from yuejie.contracts.store import BookRow
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of


class PaperKind(StrEnum):
    """As which file a contract can be had."""

    PDF = "pdf"
    DOCX = "docx"
    TXT = "txt"


WRITERS: Final[Mapping[PaperKind, Callable[[ContractText], bytes]]] = {
    PaperKind.PDF: to_pdf,
    PaperKind.DOCX: to_docx,
    PaperKind.TXT: lambda text: to_text(text).encode(),
}
MEDIA_TYPES: Final[Mapping[PaperKind, str]] = {
    PaperKind.PDF: "application/pdf",
    PaperKind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    PaperKind.TXT: "text/plain; charset=utf-8",
}


def draft_text(
    tx: Tx, draft: ContractDraft, *, seller: Signatory, customer: Signatory
) -> ContractText:
    """Return a draft in words, with the list as it stands when the contract begins."""
    terms = draft.body.terms(draft.customer_id)
    version = draft.version or 0
    agreed = Agreed(
        number=called(tx, draft.customer_id, draft.contract_id or draft.draft_id),
        version=version if draft.state is DraftState.SIGNED else version + 1,
        dated=draft.created_at.astimezone(zone_of(terms.zone)).date(),
        seller=seller,
        customer=customer,
        terms=terms,
        rates=_annex(tx, _priced_by(tx, terms), terms.pricing, terms.starts_at),
        is_draft=draft.state not in {DraftState.SIGNED, DraftState.REVIEWED},
    )
    return framework(agreed)


def contract_text(
    tx: Tx, contract: Contract, *, seller: Signatory, customer: Signatory
) -> ContractText:
    """Return a signed version in words, with the prices that it began with."""
    book = contract_book(tx, contract.sale_book)
    terms = terms_of(tx, contract)
    parent = _book(tx, book.parent_book if book else contract.sale_book)
    agreed = Agreed(
        number=called(tx, contract.customer_id, contract.contract_id),
        version=contract.version,
        dated=contract.signed_at.astimezone(zone_of(contract.zone)).date(),
        seller=seller,
        customer=customer,
        terms=terms,
        rates=_annex(tx, parent, terms.pricing, max(contract.starts_at, contract.signed_at)),
        is_draft=False,
    )
    return framework(agreed)


def _priced_by(tx: Tx, terms: Terms) -> BookRow:
    """Return the book that a draft's prices are derived from, a card where there is one."""
    book = _book(tx, terms.sale_book)
    if terms.fx_policy != FxPolicy.CARD:
        return book
    cards = books.cards_of(tx, book.book_id)
    return next((card for card in cards if card.currency == terms.currency), book)


def _book(tx: Tx, book_id: str) -> BookRow:
    row = books.book(tx, book_id)
    if row is None:
        raise NotFound(f"价目 {book_id} 不存在，请先建立", book=book_id)
    return row


def _annex(tx: Tx, book: BookRow, pricing: Pricing, at: datetime) -> list[AnnexRate]:
    """Return the list in force at an instant, each rate with what the contract makes of it.

    What the contract does not offer is not listed: it has no rate.
    """
    starts = {note.revision: note.starts_at for note in books.revisions(tx, book.book_id)}
    newest: dict[str, int] = {}
    rows = [
        row
        for row in books.rates(tx, book.book_id)
        if starts[row.revision] <= at and pricing.offers(row.model)
    ]
    for row in rows:
        newest[row.model] = max(newest.get(row.model, 0), row.revision)
    listed = [row for row in rows if row.revision == newest[row.model] and _is_shown(row)]
    return [
        AnnexRate(pricing.derive(row), row.pico)
        for row in sorted(listed, key=lambda row: (row.model, row.rate_id))
    ]


def _is_shown(row: RateRow) -> bool:
    """Rates that only follow another meter are implied by it and would fill pages."""
    return not row.origin.startswith("fallback:")
