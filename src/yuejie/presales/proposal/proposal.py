"""What a proposal is: a template, a language, a quote; its versions; the certificates it may print.

Pure. A proposal holds until its quote's last day, and is never changed: another one is its next
version.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict, Invalid
from yuejie.presales.quote import CALLED, Quote, QuoteState

_TEXT_MOST: Final = 200
PRINTABLE: Final = frozenset({QuoteState.READY, QuoteState.OFFERED, QuoteState.ACCEPTED})
"""A quote below the floor margin is in none of these before another person approved it."""


class Template(StrEnum):
    """Which industry's words a proposal speaks."""

    GENERAL = "general"
    FINTECH = "fintech"
    ECOMMERCE = "ecommerce"


class Language(StrEnum):
    """Which language a proposal is in."""

    ZH = "zh"
    EN = "en"


class ProposalFile(StrEnum):
    """The files of a proposal."""

    PDF = "pdf"
    DOCX = "docx"


MEDIA_TYPES: Final = {
    ProposalFile.PDF: "application/pdf",
    ProposalFile.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of ours, as the paper says; only what is registered is ever printed."""

    certificate_id: str
    name: str
    number: str
    issuer: str
    holder: str
    issued_on: date
    expires_on: date
    """The last day it holds, included."""
    made_by: str
    made_at: datetime
    withdrawn_at: datetime | None = None

    def refuse_nonsense(self) -> None:
        """Refuse a certificate without what makes it one."""
        for what, text in (
            ("名称", self.name),
            ("编号", self.number),
            ("发证机构", self.issuer),
            ("持证单位", self.holder),
        ):
            if not 0 < len(text.strip()) <= _TEXT_MOST:
                raise Invalid(f"资质证书的{what}须为 1 到 {_TEXT_MOST} 个字符，请按证书填写")
        if self.expires_on <= self.issued_on:
            raise Invalid(f"资质证书 {self.name} 的有效期止 {self.expires_on} 须晚于发证日")

    def holds(self, first: date, last: date) -> bool:
        """Tell whether it holds throughout some days."""
        return self.withdrawn_at is None and self.issued_on <= first and last <= self.expires_on


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalNote:
    """A kept version of a prospect's proposals, without its files."""

    proposal_id: str
    prospect_id: str
    version: int
    quote_id: str
    quote_digest: str
    template: str
    language: str
    valid_until: date
    docx_sha256: str
    pdf_sha256: str
    made_by: str
    made_at: datetime


def refuse_unfit(quote: Quote, today: date) -> None:
    """Refuse a quote that may not be handed to anybody: waiting, refused, taken back, or over."""
    if quote.state not in PRINTABLE:
        hint = (
            "低于毛利底线，须另一人先批准"
            if quote.state is QuoteState.WAITING
            else "不能出具方案书"
        )
        raise Conflict(f"报价 {quote.quote_id} {CALLED[quote.state]}：{hint}")
    if today > quote.valid_until:
        raise Conflict(f"报价 {quote.quote_id} 已于 {quote.valid_until} 到期，请重新报价再出方案书")
