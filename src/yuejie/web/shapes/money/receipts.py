"""Bank accounts, receipts, claims and refunds on the wire."""

import base64
import binascii
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from yuejie.db.transition import Transition
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money, whole_fen
from yuejie.payments.apportion.move import Apportionment, Source, Use
from yuejie.payments.apportion.place import Placed, Placing
from yuejie.payments.apportion.refund import Refund
from yuejie.payments.apportion.refunds import Wanted
from yuejie.payments.banks.account import Authorisation, BankAccount, VirtualAccount
from yuejie.payments.claims.claim import Claim, Claimed
from yuejie.payments.receipts.load import Imported
from yuejie.payments.receipts.match import Matched
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.receipts.show import ReceiptWhole
from yuejie.payments.receipts.store import CandidateRow
from yuejie.payments.statements.store import KeptLine
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, In, Instant, Name, Out

Yuan = Annotated[Text, Field(description="金额，至多两位小数", examples=["1122.25"])]


def fen_of(text: str) -> int:
    """Read an amount as it comes in."""
    return whole_fen(text, "金额")


def bytes_of(text: str, what: str) -> bytes:
    """Read base64 as it comes in."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{what} 不是 base64，请改正后重试") from None


def amount(fen: int, currency: str) -> Amount:
    """Write whole fen."""
    return Amount.of(Money(fen, currency))


class BankAccountIn(In):
    """我方银行账户。"""

    number: Name = Field(description="账号")
    holder: Text = Field(description="户名")
    bank: Text = Field(description="开户行")
    currency: Name = Field("CNY", description="币种：CNY 或 USD；登记后不能改")


class BankAccountOut(Out):
    """我方银行账户。"""

    account_id: str = Field(description="编号")
    number: str = Field(description="账号")
    holder: str = Field(description="户名")
    bank: str = Field(description="开户行")
    currency: str = Field(description="币种")

    @classmethod
    def of(cls, account: BankAccount) -> "BankAccountOut":
        """Write an account."""
        return cls.model_validate(account)


class VirtualIn(In):
    """分配给客户的专属账号。"""

    number: Name = Field(description="专属账号（虚拟子账户、记账子单元）")
    account: Name = Field(description="我方账号")


class PayInto(Out):
    """客户应付款至哪里。"""

    holder: str = Field(description="户名")
    bank: str = Field(description="开户行")
    number: str = Field(description="账号；有专属账号时即专属账号")
    own: bool = Field(description="是否为该客户专属")
    currency: str = Field(description="币种")

    @classmethod
    def of(cls, account: BankAccount, virtual: VirtualAccount | None = None) -> "PayInto":
        """Write where to pay."""
        return cls(
            holder=account.holder,
            bank=account.bank,
            number=virtual.number if virtual else account.number,
            own=virtual is not None,
            currency=account.currency,
        )


class ParentIn(In):
    """由谁付款。"""

    parent: Name | None = Field(None, description="上级客户；空为自行付款")


class AuthorisationIn(In):
    """代付协议。"""

    payer_name: Text = Field(description="付款人户名")
    payer_number: Text = Field("", description="付款账号；不写为该户名的任何账号")
    document_name: Text = Field(description="扫描件文件名")
    document: str = Field(description="扫描件，base64", max_length=16 * 1024 * 1024)
    starts_on: date = Field(description="从哪天起有效")
    ends_on: date | None = Field(None, description="到哪天失效，不含；空为长期")


class MatchedOut(Out):
    """一轮匹配的结果。"""

    apportioned: int = Field(description="自动认款")
    proposed: int = Field(description="待确认")
    held: int = Field(description="代付待核")
    suspended: int = Field(description="待认领")
    failed: int = Field(description="失败，见日志")

    @classmethod
    def of(cls, matched: Matched) -> "MatchedOut":
        """Write a round of judging."""
        return cls.model_validate(matched)


class StatementIn(In):
    """银行流水文件。"""

    name: Name = Field(description="文件名")
    content: str = Field(description="文件内容，base64", max_length=48 * 1024 * 1024)


class ParentOut(Out):
    """由谁付款。"""

    customer: str = Field(description="客户")
    parent: str | None = Field(description="上级客户；空为自行付款")


class AuthorisationOut(Out):
    """代付协议。"""

    authorisation_id: str = Field(description="编号")
    payer_name: str = Field(description="付款人户名")
    payer_number: str = Field(description="付款账号；空为任何账号")
    document_name: str = Field(description="扫描件文件名")
    starts_on: date = Field(description="从哪天起有效")
    ends_on: date | None = Field(description="到哪天失效，不含")

    @classmethod
    def of(cls, paper: Authorisation) -> "AuthorisationOut":
        """Write a paper."""
        return cls.model_validate(paper)


class ImportedOut(Out):
    """导入流水的结果。"""

    file_id: str = Field(description="编号")
    format: str = Field(description="识别出的格式")
    lines: int = Field(description="新流水笔数")
    repeated: int = Field(description="重复而跳过的笔数")
    receipts: int = Field(description="到账笔数")
    again: bool = Field(description="同一文件以前导入过")
    gap: str = Field(description="与上一份流水不衔接时的提醒")
    matched: MatchedOut = Field(description="随后的自动匹配")

    @classmethod
    def of(cls, done: Imported, matched: Matched) -> "ImportedOut":
        """Write an import."""
        return cls(
            file_id=done.file_id,
            format=done.format,
            lines=done.lines,
            repeated=done.repeated,
            receipts=done.receipts,
            again=done.again,
            gap=done.gap,
            matched=MatchedOut.of(matched),
        )


class ReceiptOut(Out):
    """一笔到账。"""

    receipt_id: str = Field(description="编号")
    received_on: date = Field(description="银行记账日")
    amount: Amount = Field(description="金额")
    payer_name: str = Field(description="付款户名")
    payer_number: str = Field(description="付款账号")
    memo: str = Field(description="附言")
    customer_id: str | None = Field(description="归属客户")
    state: str = Field(
        description="received 已到账，proposed 待确认，suspended 待认领，held 代付待核，"
        "apportioned 已认款，returned 已退回"
    )

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptOut":
        """Write a receipt."""
        return cls(
            receipt_id=receipt.receipt_id,
            received_on=receipt.received_on,
            amount=amount(receipt.amount_fen, receipt.currency),
            payer_name=receipt.payer_name,
            payer_number=receipt.payer_number,
            memo=receipt.memo,
            customer_id=receipt.customer_id,
            state=str(receipt.state),
        )


class CandidateOut(Out):
    """可能的付款客户。"""

    customer_id: str = Field(description="客户")
    slug: str = Field(description="简称")
    legal_name: str = Field(description="单位全称")
    score: int = Field(description="得分；90 分且唯一才自动认款")
    reasons: list[str] = Field(description="每条理由与分值")

    @classmethod
    def of(cls, row: CandidateRow) -> "CandidateOut":
        """Write a candidate."""
        return cls.model_validate(row)


class ApportionmentOut(Out):
    """一行认款；负数为撤销或退回。"""

    batch_id: str = Field(description="认款编号")
    source: str = Field(description="来源：receipt、prepayment、deposit、bank_charges、bad_debt")
    use: str = Field(description="用途：bill、prepayment、deposit")
    customer_id: str = Field(description="客户")
    bill_id: str | None = Field(description="账单")
    amount: Amount = Field(description="金额")
    effective_on: date = Field(description="从哪天起算；违约金到此为止")
    at: Instant = Field(description="何时入账")
    by: str = Field(description="谁")
    why: str = Field(description="依据")

    @classmethod
    def of(cls, row: Apportionment) -> "ApportionmentOut":
        """Write a row."""
        return cls(
            batch_id=row.batch_id,
            source=str(row.source),
            use=str(row.use),
            customer_id=row.customer_id,
            bill_id=row.bill_id,
            amount=amount(row.amount_fen, row.currency),
            effective_on=row.effective_on,
            at=row.at,
            by=row.by,
            why=row.why,
        )


class LifeOut(Out):
    """经历的一步。"""

    at: Instant = Field(description="时间")
    event: str = Field(description="发生了什么")
    became: str = Field(description="之后的状态")
    by: str = Field(description="谁")
    why: str = Field(description="原因")

    @classmethod
    def of(cls, step: Transition) -> "LifeOut":
        """Write a step."""
        return cls.model_validate(step)


class LineOut(Out):
    """银行流水中的一笔。"""

    line_id: str = Field(description="编号")
    booked_on: date = Field(description="银行记账日")
    name: str = Field(description="对方户名")
    number: str = Field(description="对方账号")
    serial: str = Field(description="银行流水号")
    memo: str = Field(description="附言")

    @classmethod
    def of(cls, line: KeptLine) -> "LineOut":
        """Write a line of a statement."""
        return cls(
            line_id=line.line_id,
            booked_on=line.booked_on,
            name=line.payer_name,
            number=line.payer_number,
            serial=line.serial,
            memo=line.memo,
        )


class ReceiptWholeOut(Out):
    """一笔到账的全部。"""

    receipt: ReceiptOut = Field(description="到账")
    left: Amount = Field(description="尚未认款")
    candidates: list[CandidateOut] = Field(description="可能的付款客户，得分高的在前")
    apportionments: list[ApportionmentOut] = Field(description="认款")
    life: list[LifeOut] = Field(description="经过")
    outgoing: list[LineOut] = Field(
        description="可能把它整笔退回的付出流水，新的在前；退票时写其编号或流水号"
    )

    @classmethod
    def of(cls, whole: ReceiptWhole) -> "ReceiptWholeOut":
        """Write a receipt with everything about it."""
        return cls(
            receipt=ReceiptOut.of(whole.receipt),
            left=amount(whole.left_fen, whole.receipt.currency),
            candidates=[CandidateOut.of(row) for row in whole.candidates],
            apportionments=[ApportionmentOut.of(row) for row in whole.apportionments],
            life=[LifeOut.of(step) for step in whole.life],
            outgoing=[LineOut.of(line) for line in whole.outgoing],
        )


class PlacingIn(In):
    """怎样认款。"""

    customer: Name = Field(description="客户简称或编号")
    bills: dict[Name, Yuan] | None = Field(
        None, description="账单号与金额；不写按规则：附言写明的、金额相符的、最早的"
    )
    deposit: Yuan = Field("0", description="其中多少转为押金")
    rest: Literal["prepayment", "keep"] = Field(
        "prepayment", description="多余部分：prepayment 转预收款，keep 留作未认款"
    )
    why: Text = Field("", description="依据")

    def placing(self) -> Placing:
        """Return what the room is asked for."""
        return Placing(
            customer=self.customer,
            bills=None
            if self.bills is None
            else {number: fen_of(text) for number, text in self.bills.items()},
            deposit_fen=fen_of(self.deposit),
            rest=Use.PREPAYMENT if self.rest == "prepayment" else None,
            why=self.why,
        )


class ShareOut(Out):
    """认到一张账单的金额。"""

    bill: str = Field(description="账单号")
    amount: Amount = Field(description="金额")


class PlacedOut(Out):
    """认款的结果。"""

    batch_id: str = Field(description="认款编号，撤销时用")
    receipt: ReceiptOut = Field(description="到账")
    bills: list[ShareOut] = Field(description="认到各账单")
    rest: Amount = Field(description="转预收款")
    left: Amount = Field(description="尚未认款")

    @classmethod
    def of(cls, placed: Placed) -> "PlacedOut":
        """Write what became of a receipt."""
        currency = placed.receipt.currency
        return cls(
            batch_id=placed.batch_id,
            receipt=ReceiptOut.of(placed.receipt),
            bills=[
                ShareOut(bill=share.number, amount=amount(share.fen, currency))
                for share in placed.shares
            ],
            rest=amount(placed.rest_fen, currency),
            left=amount(placed.left_fen, currency),
        )


class UndoneOut(Out):
    """撤销的结果。"""

    batch_id: str = Field(description="撤销本身的编号")


class DrawIn(In):
    """用预收款或押金支付账单。"""

    source: Literal["prepayment", "deposit"] = Field("prepayment", description="用哪一种")
    bills: dict[Name, Yuan] | None = Field(None, description="账单号与金额；押金必写")
    currency: Literal["CNY", "USD"] | None = Field(
        None, description="用哪种币种的钱；不写为客户的结算币种"
    )
    why: Text = Field("", description="依据；动用押金必写")


class SetAsideIn(In):
    """把预收款的一部分转为押金。"""

    amount: Yuan
    currency: Literal["CNY", "USD"] | None = Field(
        None, description="哪种币种的钱；不写为客户的结算币种"
    )
    why: Text = Field(description="依据")


class SetAsideOut(Out):
    """转押金的结果。"""

    batch_id: str = Field(description="认款编号，可据此撤销")


class ClaimIn(In):
    """认领：客户说这笔钱是自己付的。"""

    payer_name: Text = Field(description="付款人户名，按银行回单")
    payer_number: Text = Field("", description="付款账号")
    amount: Yuan
    paid_on: date = Field(description="付款日")
    bills: list[Name] = Field(default_factory=list, description="付哪些账单", max_length=100)
    document: Text = Field("", description="银行回单的说明或编号")

    def claimed(self) -> Claimed:
        """Return what the room is asked for."""
        return Claimed(
            payer_name=self.payer_name,
            payer_number=self.payer_number,
            amount_fen=fen_of(self.amount),
            paid_on=self.paid_on,
            bill_numbers=tuple(self.bills),
            document=self.document,
        )


class ClaimOut(Out):
    """认领。"""

    claim_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    payer_name: str = Field(description="付款人户名")
    amount: str = Field(description="金额")
    paid_on: date = Field(description="付款日")
    found: bool = Field(description="是否已找到对应的到账")
    state: str = Field(description="open 待审核，accepted 已认款，rejected 已驳回")
    answer: str = Field(description="答复")

    @classmethod
    def of(cls, claim: Claim) -> "ClaimOut":
        """Write a claim."""
        return cls(
            claim_id=claim.claim_id,
            customer_id=claim.customer_id,
            payer_name=claim.payer_name,
            amount=Money(claim.amount_fen, "CNY").amount,
            paid_on=claim.paid_on,
            found=claim.receipt_id is not None,
            state=str(claim.state),
            answer=claim.answer,
        )


class AcceptIn(In):
    """同意认领。"""

    receipt: Name | None = Field(None, description="到账编号；系统已找到时不必写")


class AnswerIn(In):
    """答复。"""

    answer: Text = Field(description="给客户的答复")


class RefundIn(In):
    """申请退款。"""

    source: Literal["receipt", "prepayment", "deposit"] = Field(
        "receipt", description="钱现在哪里：receipt 未认款，prepayment 预收款，deposit 押金"
    )
    customer: Name | None = Field(None, description="客户；退预收款或押金必写")
    amount: Yuan
    why: Text = Field(description="原因")

    def wanted(self, receipt_id: str) -> Wanted:
        """Return what the room is asked for."""
        return Wanted(
            receipt_id=receipt_id,
            source=Source(self.source),
            customer=self.customer,
            amount_fen=fen_of(self.amount),
            why=self.why,
        )


class PaidIn(In):
    """银行已付出。"""

    paid_on: date = Field(description="付款日")
    line: Name | None = Field(None, description="流水中付出的那一笔：编号或银行流水号")


class ReasonIn(In):
    """原因。"""

    why: Text = Field(description="原因")
    line: Name | None = Field(None, description="流水中退回的那一笔：编号或银行流水号")


class RefundOut(Out):
    """退款。"""

    refund_id: str = Field(description="编号")
    receipt_id: str = Field(description="哪笔到账")
    source: str = Field(description="钱从哪里退")
    amount: Amount = Field(description="金额")
    to_name: str = Field(description="退回户名")
    to_number: str = Field(description="退回账号")
    state: str = Field(
        description="requested 待审批，approved 已批准待付款，rejected 已驳回，paid 已退款，"
        "failed 付款失败"
    )
    requested_by: str = Field(description="谁申请")
    decided_by: str | None = Field(description="谁审批")
    why: str = Field(description="原因")

    @classmethod
    def of(cls, refund: Refund) -> "RefundOut":
        """Write a refund."""
        return cls(
            refund_id=refund.refund_id,
            receipt_id=refund.receipt_id,
            source=str(refund.source),
            amount=amount(refund.amount_fen, refund.currency),
            to_name=refund.to_name,
            to_number=refund.to_number,
            state=str(refund.state),
            requested_by=refund.requested_by,
            decided_by=refund.decided_by,
            why=refund.why,
        )
