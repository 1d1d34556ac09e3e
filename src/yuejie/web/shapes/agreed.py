"""Drafts of contracts, their review, papers and end, credit and grants on the wire."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec
from pydantic import Field

from yuejie.contracts.contract import TAX_PPM, Contract
from yuejie.contracts.documents.store import Paper
from yuejie.contracts.formats.agreed import (
    DraftWords,
    fen_of,
    pricing_words,
    words_of,
)
from yuejie.contracts.grants.grant import Grant, GrantDraft, GrantKind
from yuejie.contracts.life.credit import CreditRule, Depth, TemporaryLimit
from yuejie.contracts.life.draft import ContractDraft, DraftStep, Review
from yuejie.contracts.life.ending import Wish
from yuejie.contracts.life.limits import LimitWish
from yuejie.contracts.life.store import ContractEnd
from yuejie.contracts.terms import CreditClass, PaymentMode
from yuejie.kernel.errors import Invalid, said_of
from yuejie.kernel.ids import ContractId, CustomerId
from yuejie.kernel.money import FEN, PPM, Money, plain
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, Facts, In, Instant, Name, Out, TransitionOut

_TERMS = (
    "商务条款，只写与惯例不同的；金额写 200.00，比例写 10%，见 docs/reference/contract-terms.md"
)


class DiscountIn(In):
    """一族模型的折扣。"""

    models: Text = Field(description="模型名或族名", examples=["gpt-*"])
    discount: Text = Field(description="减多少", examples=["10%"])


class OverrideIn(In):
    """一项约定单价。"""

    model: Text = Field(description="模型名", examples=["gpt-4o"])
    meter: Text = Field(description="计量项", examples=["output"])
    rate: Text = Field(description="每百万 token，或每次、每张、每秒", examples=["60.00"])
    service_tier: Text = Field("default", description="服务档")
    context_above: int = Field(0, ge=0, description="长上下文档的起点，token")
    time_window: Text = Field("", description="时段")


class DraftIn(In):
    """起草合同，或合同的变更。"""

    customer: Name = Field(description="客户简称或编号", examples=["acme"])
    contract: Name | None = Field(
        None, description="变更哪份合同：contract_id 或合同编号；不写为新合同"
    )
    book: Text = Field(description="销售目录价目", examples=["list"])
    starts_at: Instant = Field(description="生效时间")
    currency: Literal["CNY", "USD"] = Field("CNY", description="结算币种")
    fx_policy: Literal["none", "card", "bill"] = Field("none", description="汇率方式")
    tax_mode: Literal["inclusive", "exclusive"] = Field("inclusive", description="计税方式")
    tax_ppm: int = Field(TAX_PPM, ge=0, lt=PPM, description="税率，百万分率：6% 写 60000")
    expected_monthly: Text = Field("0.00", description="预计月用量，押金按它计算")
    remark: Text = Field("", description="备注")
    terms: Facts = Field(default={}, description=_TERMS, examples=[{"type": "one_year"}])
    discount: list[DiscountIn] = Field(default=[], max_length=500, description="折扣")
    override: list[OverrideIn] = Field(default=[], max_length=5000, description="约定单价")

    def words(self) -> DraftWords:
        """Return what the draft says, as a file would say it."""
        facts = self.model_dump(exclude={"customer", "contract"})
        facts["starts_at"] = self.starts_at.isoformat()
        try:
            return msgspec.convert(facts, DraftWords)
        except msgspec.ValidationError as error:
            raise Invalid(f"合同草案写法不对：{said_of(error)}，请改正后重试") from None


class StepOut(TransitionOut):
    """草案经历的一步。"""

    digest: str = Field(description="这一步之后内容的 SHA-256")


class DraftOut(Out):
    """合同草案。"""

    draft_id: str = Field(description="编号")
    number: str = Field(description="合同编号，签署后即合同的；早先起草的没有，为空")
    customer_id: str = Field(description="客户")
    kind: str = Field(description="new 新签，amend 变更，renew 续约")
    contract_id: str | None = Field(description="合同；新签的在签署后才有")
    version: int | None = Field(description="签署后为所写的版次，之前为所依据的版次")
    state: str = Field(
        description="draft 起草，submitted 待审，reviewed 待签，rejected 退回，withdrawn 撤回，"
        "signed 已签"
    )
    digest: str = Field(description="内容的 SHA-256；签署时可带上，内容已变则拒绝")
    book: str = Field(description="销售目录价目")
    currency: str = Field(description="结算币种")
    starts_at: Instant = Field(description="生效时间")
    terms: dict[str, Any] = Field(description="商务条款")
    pricing: dict[str, Any] = Field(description="折扣与约定单价")
    grade: str | None = Field(description="财务的评级")
    drafted_by: str = Field(description="起草人")
    reviewed_by: str | None = Field(description="审核人")
    signed_by: str | None = Field(description="签署人")
    created_at: Instant = Field(description="起草时间")
    steps: list[StepOut] = Field(default=[], description="经手记录")

    @classmethod
    def of(
        cls,
        draft: ContractDraft,
        numbers: Mapping[str, str],
        steps: list[DraftStep] | None = None,
    ) -> "DraftOut":
        """Write a draft, with its steps where one asked for it alone."""
        body = draft.body
        return cls(
            draft_id=draft.draft_id,
            number=numbers.get(draft.contract_id or draft.draft_id, ""),
            customer_id=draft.customer_id,
            kind=draft.kind,
            contract_id=draft.contract_id,
            version=draft.version,
            state=draft.state,
            digest=body.digest,
            book=body.sale_book,
            currency=body.currency,
            starts_at=body.starts_at,
            terms=msgspec.to_builtins(words_of(body.commercial)),
            pricing=pricing_words(body.pricing),
            grade=body.review.grade if body.review else None,
            drafted_by=draft.drafted_by,
            reviewed_by=draft.reviewed_by,
            signed_by=draft.signed_by,
            created_at=draft.created_at,
            steps=[StepOut.model_validate(step) for step in steps or []],
        )


class ReviewIn(In):
    """财务的审核意见。"""

    grade: Text = Field(min_length=1, description="信用评级", examples=["A"])
    credit_limit: Text | None = Field(None, description="授信额度；不写为不设额度")
    deposit: Text = Field("0.00", description="押金", examples=["20000.00"])
    comment: Text = Field("", description="意见；押金低于分级规定时必填")

    def review(self) -> Review:
        """Return what the verb takes."""
        limit = self.credit_limit
        return Review(
            grade=self.grade,
            limit_fen=None if limit is None else fen_of(limit, "credit_limit"),
            deposit_fen=fen_of(self.deposit, "deposit"),
            comment=self.comment,
        )


class SignIn(In):
    """签署。"""

    digest: Text | None = Field(None, description="签署人所读内容的 SHA-256")


class TermsOut(Out):
    """一版合同与其商务条款。"""

    contract_id: str = Field(description="编号")
    number: str = Field(description="合同编号，印在合同与账单上；早先登记的合同没有，为空")
    version: int = Field(description="版次")
    customer_id: str = Field(description="客户")
    currency: str = Field(description="结算币种")
    zone: str = Field(description="时区")
    sale_book: str = Field(description="计价所用的价目")
    tax_mode: str = Field(description="inclusive 含税，exclusive 不含税")
    tax_ppm: int = Field(description="税率，百万分率")
    starts_at: Instant = Field(description="生效时间")
    ends_at: Instant | None = Field(description="不再有效的第一个时刻")
    signed_at: Instant = Field(description="登记时间")
    terms: dict[str, Any] = Field(description="商务条款")

    @classmethod
    def of(cls, contract: Contract, numbers: Mapping[str, str]) -> "TermsOut":
        """Write a version with its terms."""
        return cls(
            contract_id=contract.contract_id,
            number=numbers.get(contract.contract_id, ""),
            version=contract.version,
            customer_id=contract.customer_id,
            currency=contract.currency,
            zone=contract.zone,
            sale_book=contract.sale_book,
            tax_mode=contract.tax_mode,
            tax_ppm=contract.tax_ppm,
            starts_at=contract.starts_at,
            ends_at=contract.ends_at,
            signed_at=contract.signed_at,
            terms=msgspec.to_builtins(words_of(contract.terms)),
        )


class PaperOut(Out):
    """合同的文件。"""

    paper_id: str = Field(description="编号")
    kind: str = Field(description="generated 生成的文本，signed 签署件，attachment 附件")
    name: str = Field(description="文件名")
    media_type: str = Field(description="类型")
    sha256: str = Field(description="SHA-256")
    at: Instant = Field(description="保存时间")
    by: str = Field(description="谁")

    @classmethod
    def of(cls, paper: Paper) -> "PaperOut":
        """Write what is known of a paper, without its bytes."""
        facts = {name: getattr(paper, name) for name in cls.model_fields}
        return cls(**facts | {"sha256": paper.sha256.hex()})


class RenewIn(In):
    """续约。"""

    months: int | None = Field(None, ge=1, le=120, description="续约月数；不写按合同约定")


class EndIn(In):
    """提出终止合同。"""

    on: date = Field(description="自哪天起不再需要")
    why: Text = Field(min_length=1, description="原因")
    party: Literal["customer", "operator"] = Field("customer", description="由谁提出")
    waive: Text = Field("0.00", description="减免的解约费")

    def wish(self, contract: ContractId) -> Wish:
        """Return what the verb takes."""
        return Wish(
            contract_id=contract,
            wished_on=self.on,
            party=self.party,
            why=self.why,
            waived_fen=fen_of(self.waive, "waive"),
        )


class EndOut(Out):
    """终止合同：止日与解约费，逐句说明。"""

    end_id: str = Field(description="编号")
    contract_id: str = Field(description="合同")
    party: str = Field(description="由谁提出")
    asked_on: date = Field(description="提出日")
    ends_on: date = Field(description="不再有效的第一天")
    fee: Amount = Field(description="解约费")
    waived: Amount = Field(description="减免")
    owed: Amount = Field(description="应收")
    reasons: list[str] = Field(description="怎样算出来的")
    why: str = Field(description="原因")
    asked_by: str = Field(description="谁提出")
    approved_by: str | None = Field(description="谁批准；与 rejected_by 都空为待批")
    rejected_by: str | None = Field(description="谁驳回")
    rejected_why: str | None = Field(description="为何驳回")

    @classmethod
    def of(cls, end: ContractEnd) -> "EndOut":
        """Write a termination."""
        facts = {
            name: getattr(end, name)
            for name in cls.model_fields
            if name not in {"fee", "waived", "owed"}
        }
        return cls(
            **facts,
            fee=Amount.of(Money(end.fee_fen, end.currency)),
            waived=Amount.of(Money(end.waived_fen, end.currency)),
            owed=Amount.of(Money(end.owed_fen, end.currency)),
        )


class RuleIn(In):
    """一个信用分级的规定。"""

    deposit_months_least: int = Field(ge=0, le=36, description="押金至少几个月用量")
    deposit_months_most: int = Field(ge=0, le=36, description="押金至多几个月用量")
    depth: Depth = Field(description="审核深度")
    payment_days: int = Field(ge=0, le=365, description="账期，天")
    payment_mode: PaymentMode = Field(description="付款方式")
    three_people: Text = Field("500000.00", description="额度达到多少须三人经手")

    def rule(self, name: CreditClass) -> CreditRule:
        """Return what the verb takes."""
        facts = self.model_dump(exclude={"three_people"})
        limit = fen_of(self.three_people, "three_people")
        return CreditRule(credit_class=name, three_people_fen=limit, **facts)


class RuleOut(Out):
    """一个信用分级的规定。"""

    credit_class: str = Field(description="分级")
    deposit_months_least: int = Field(description="押金至少几个月用量")
    deposit_months_most: int = Field(description="押金至多几个月用量")
    depth: str = Field(description="审核深度")
    payment_days: int = Field(description="账期，天")
    payment_mode: str = Field(description="付款方式")
    three_people: str = Field(description="额度达到多少须三人经手")

    @classmethod
    def of(cls, rule: CreditRule) -> "RuleOut":
        """Write a rule."""
        facts = {name: getattr(rule, name) for name in cls.model_fields if name != "three_people"}
        return cls(**facts, three_people=plain(rule.three_people_fen, FEN))


class LimitIn(In):
    """提出临时额度。"""

    amount: Text = Field(description="额度", examples=["800000.00"])
    currency: Literal["CNY", "USD"] = Field("CNY", description="币种")
    starts_at: Instant = Field(description="起时")
    ends_at: Instant = Field(description="止时（不含）")
    why: Text = Field(min_length=1, description="原因")

    def wish(self) -> LimitWish:
        """Return what the verb takes."""
        return LimitWish(
            limit_fen=fen_of(self.amount, "amount"),
            currency=self.currency,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            why=self.why,
        )


class LimitOut(Out):
    """临时额度。"""

    limit_id: str = Field(description="编号")
    amount: Amount = Field(description="额度")
    starts_at: Instant = Field(description="起时")
    ends_at: Instant = Field(description="止时（不含）")
    why: str = Field(description="原因")
    asked_by: str = Field(description="谁提出")
    approved_by: str | None = Field(description="谁批准；空为待批")
    ended_at: Instant | None = Field(description="提前收回的时间；空为没有")

    @classmethod
    def of(cls, limit: TemporaryLimit) -> "LimitOut":
        """Write a temporary limit."""
        facts = {name: getattr(limit, name) for name in cls.model_fields if name != "amount"}
        return cls(**facts, amount=Amount.of(Money(limit.limit_fen, limit.currency)))


class GrantIn(In):
    """提出套餐或代金券。"""

    kind: GrantKind = Field(description="package 套餐，voucher 代金券")
    name: Text = Field(min_length=1, description="名称，印在账单上")
    amount: Text = Field(description="面额", examples=["1000.00"])
    paid: Text = Field("0.00", description="套餐售价；代金券没有")
    currency: Literal["CNY", "USD"] = Field("CNY", description="币种")
    models: list[Text] = Field(default=[], max_length=500, description="只抵扣这些模型；空为全部")
    starts_on: date = Field(description="起日")
    ends_on: date = Field(description="止日（不含）")
    why: Text = Field(min_length=1, description="原因，供审批的人判断")

    def draft(self, customer_id: CustomerId) -> GrantDraft:
        """Return what the verb takes."""
        return GrantDraft(
            customer_id=customer_id,
            kind=self.kind,
            name=self.name,
            amount_fen=fen_of(self.amount, "amount"),
            paid_fen=fen_of(self.paid, "paid"),
            currency=self.currency,
            models=tuple(self.models),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
        )


class GrantOut(Out):
    """套餐或代金券。"""

    grant_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    kind: str = Field(description="package 套餐，voucher 代金券")
    name: str = Field(description="名称")
    amount: Amount = Field(description="面额")
    paid: Amount = Field(description="售价")
    models: list[str] = Field(description="只抵扣这些模型；空为全部")
    starts_on: date = Field(description="起日")
    ends_on: date = Field(description="止日（不含）")
    why: str = Field(description="原因；早先提出的没有")
    asked_by: str = Field(description="谁提出")
    approved_by: str | None = Field(description="谁批准；空为待批")

    @classmethod
    def of(cls, grant: Grant) -> "GrantOut":
        """Write a package or voucher."""
        facts = {
            name: getattr(grant, name)
            for name in cls.model_fields
            if name not in {"amount", "paid", "models"}
        }
        return cls(
            **facts,
            models=list(grant.models),
            amount=Amount.of(Money(grant.amount_fen, grant.currency)),
            paid=Amount.of(Money(grant.paid_fen, grant.currency)),
        )
