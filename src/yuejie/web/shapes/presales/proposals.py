"""Proposals and certificates on the wire."""

from datetime import UTC, date, datetime

from pydantic import Field

from yuejie.presales.proposal.make import Wish
from yuejie.presales.proposal.proposal import Certificate, Language, Template
from yuejie.web.shapes.wire import In, Instant, Out

_NEVER = datetime.min.replace(tzinfo=UTC)


class ProposalIn(In):
    """把一份报价写成方案书。"""

    template: Template | None = Field(
        None, description="general、fintech、ecommerce；不写则按需求表的行业"
    )
    language: Language = Field(Language.ZH, description="zh 中文，en 英文")

    def wish(self, quote_id: str) -> Wish:
        """Return what the verb takes."""
        return Wish(quote_id=quote_id, template=self.template, language=self.language)


class ProposalOut(Out):
    """方案书的一版；出具后永不更改。"""

    proposal_id: str = Field(description="编号")
    prospect_id: str = Field(description="潜在客户编号")
    version: int = Field(description="第几版")
    quote_id: str = Field(description="依据的报价")
    quote_digest: str = Field(description="报价全文的 SHA-256")
    template: str = Field(description="行业模板")
    language: str = Field(description="语言")
    valid_until: date = Field(description="有效期至，含当日")
    docx_sha256: str = Field(description="DOCX 的 SHA-256")
    pdf_sha256: str = Field(description="PDF 的 SHA-256")
    made_by: str = Field(description="出具人")
    made_at: Instant = Field(description="出具时间")


class CertificateIn(In):
    """登记一张资质证书。"""

    name: str = Field(min_length=1, max_length=200, description="名称")
    number: str = Field(min_length=1, max_length=200, description="编号")
    issuer: str = Field(min_length=1, max_length=200, description="发证机构")
    holder: str = Field(min_length=1, max_length=200, description="持证单位")
    issued_on: date = Field(description="发证日")
    expires_on: date = Field(description="有效期至，含当日")

    def certificate(self) -> Certificate:
        """Return what the verb takes."""
        return Certificate(
            certificate_id="",
            name=self.name,
            number=self.number,
            issuer=self.issuer,
            holder=self.holder,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
            made_by="",
            made_at=_NEVER,
        )


class CertificateOut(Out):
    """登记的资质证书；过期或撤下的不会印在方案书上。"""

    certificate_id: str = Field(description="登记编号")
    name: str = Field(description="名称")
    number: str = Field(description="编号")
    issuer: str = Field(description="发证机构")
    holder: str = Field(description="持证单位")
    issued_on: date = Field(description="发证日")
    expires_on: date = Field(description="有效期至，含当日")
    made_by: str = Field(description="登记人")
    made_at: Instant = Field(description="登记时间")
    withdrawn_at: Instant | None = Field(description="撤下时间")


class WithdrawIn(In):
    """撤下一张证书。"""

    why: str = Field(min_length=1, max_length=500, description="原因")


class Withdrawn(Out):
    """已撤下。"""

    withdrawn: str = Field(description="登记编号")
