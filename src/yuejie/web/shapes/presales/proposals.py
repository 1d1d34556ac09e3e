"""Proposals and certificates on the wire."""

from datetime import UTC, date, datetime

from pydantic import Field

from yuejie.presales.proposal.make import Wish
from yuejie.presales.proposal.proposal import Certificate, Language, Template
from yuejie.presales.proposal.traced.show import ProposalTrace
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


class RestOut(Out):
    """一个数最终依据的一项输入。"""

    name: str = Field(description="名称，即推算表中的名称")
    label: str = Field(description="是什么")
    value: str = Field(description="值")
    source: str = Field(description="出处，如 form:tokens.input、rate:12、fx:7、file:sha256")
    stands: str = Field(
        description="出处的说法：需求表的哪一项、哪份价目第几版的哪一行、哪个文件的哪几行"
    )


class TracedOut(Out):
    """方案书里的一个数字。"""

    name: str = Field(description="名称；是推算表中的数时，可用它在报价的推算表里逐步追到底")
    label: str = Field(description="是什么")
    printed: list[str] = Field(description="怎样印的，逐字")
    places: list[str] = Field(description="印在哪几节")
    note: int = Field(description="正文中的上标编号，没有为 0")
    figure: bool = Field(description="是推算表中的数；否则直接引自一项输入")
    value: str = Field(description="准确的值")
    how: str = Field(description="算法，代入了数值")
    rests: list[RestOut] = Field(description="最终依据的输入")


class ProposalTraceOut(Out):
    """一版方案书里每个数字的来历。"""

    proposal_id: str = Field(description="方案书编号")
    kept: bool = Field(description="这一版是否留存了来历；之前出具的没有")
    rows: list[TracedOut] = Field(description="每个数字，按印出的先后")
    loose: list[str] = Field(description="没有来历的数字，连同所在的文字；应为空")

    @classmethod
    def of(cls, found: ProposalTrace) -> "ProposalTraceOut":
        """Write a trace."""
        return cls(
            proposal_id=found.note.proposal_id,
            kept=found.kept,
            rows=[TracedOut.model_validate(each) for each in found.rows],
            loose=list(found.loose),
        )


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
