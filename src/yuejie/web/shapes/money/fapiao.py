"""Titles, fapiao and red fapiao on the wire."""

from base64 import b64decode
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import Amounts, FapiaoLine, read_fen
from yuejie.fapiao.available import Available, BillShare
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.errand import Errand
from yuejie.fapiao.issuing.store import FileNote, Watch
from yuejie.fapiao.issuing.upload import Upload
from yuejie.fapiao.request import Pick, Wish
from yuejie.fapiao.reversing.form import FORM_STATES, RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish
from yuejie.fapiao.title import Title, TitleDraft
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, In, Instant, Name, Out


class TitleIn(In):
    """发票抬头。"""

    customer: Name | None = Field(None, description="客户；客户成员可不写")
    name: Text = Field(description="名称，与营业执照一致")
    tax_number: Text = Field("", description="税号；个人抬头可不写")
    natural_person: bool = Field(default=False, description="个人抬头，只能开普通发票")
    address: Text = Field("", description="地址")
    phone: Text = Field("", description="电话")
    bank_name: Text = Field("", description="开户行")
    bank_account: Text = Field("", description="银行账号")
    cnaps: Text = Field("", description="联行号")
    emails: list[Text] = Field(default_factory=list, description="收票邮箱，至多 5 个")
    mobile: Text = Field("", description="收票手机")
    is_default: bool = Field(default=False, description="设为默认抬头")

    def draft(self) -> TitleDraft:
        """Return what was typed."""
        facts = self.model_dump(exclude={"customer"})
        return TitleDraft(**{**facts, "emails": tuple(self.emails)})


class TitleOut(Out):
    """登记的抬头。"""

    title_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    name: str = Field(description="名称")
    tax_number: str = Field(description="税号")
    natural_person: bool = Field(description="个人")
    address: str = Field(description="地址")
    phone: str = Field(description="电话")
    bank_name: str = Field(description="开户行")
    bank_account: str = Field(description="银行账号")
    cnaps: str = Field(description="联行号")
    emails: list[str] = Field(description="收票邮箱")
    mobile: str = Field(description="收票手机")
    is_default: bool = Field(description="默认抬头")
    state: str = Field(description="active 启用，retired 停用")
    warnings: list[str] = Field(default_factory=list, description="请留意的地方")

    @classmethod
    def of(cls, title: Title, warnings: tuple[str, ...] = ()) -> "TitleOut":
        """Write a title."""
        facts = {name: getattr(title, name) for name in cls.model_fields if name != "warnings"}
        return cls(**facts, warnings=list(warnings))


class BillShareOut(Out):
    """一张账单的可开票金额。"""

    bill_id: str = Field(description="账单编号")
    number: str = Field(description="账单号")
    month: str = Field(description="账期")
    may_request: bool = Field(description="按合同约定现在可否申请")
    left: Amount = Field(description="还可开；负数为欠票")
    explained: str = Field(description="计算过程")

    @classmethod
    def of(cls, share: BillShare) -> "BillShareOut":
        """Write a bill's share."""
        return cls(
            bill_id=share.bill.bill_id,
            number=share.bill.number,
            month=share.bill.month,
            may_request=share.may_request,
            left=_yuan(share.left_fen),
            explained=share.explained,
        )


class AvailableOut(Out):
    """可开票金额：Σ 可开账单的计税行 − 贷项 − 蓝票 + 红票。"""

    available: Amount = Field(description="可开票金额，含税")
    owed_back: Amount = Field(description="欠票：须先红冲的金额")
    bills: list[BillShareOut] = Field(description="逐张账单")

    @classmethod
    def of(cls, found: Available) -> "AvailableOut":
        """Write what is available."""
        return cls(
            available=_yuan(found.available_fen),
            owed_back=_yuan(found.owed_back_fen),
            bills=[BillShareOut.of(each) for each in found.bills],
        )


class PickIn(In):
    """要开票的账单，或其中一行、一部分。"""

    bill: Name = Field(description="账单号或编号")
    line: int | None = Field(None, description="只开这一计税行")
    amount: Text | None = Field(None, description="只开这一金额，含税", examples=["106.00"])


class RequestIn(In):
    """申请发票。"""

    customer: Name | None = Field(None, description="客户；客户成员可不写")
    bills: list[PickIn] = Field(description="一张或多张账单", min_length=1)
    title_id: Name | None = Field(None, description="抬头；不写用默认")
    kind: FapiaoKind | None = Field(None, description="special 专票，ordinary 普票；不写按合同")
    remark: Text = Field("", description="附加备注")

    def wish(self) -> Wish:
        """Return what is wished for."""
        return Wish(
            picks=tuple(
                Pick(p.bill, p.line, read_fen(p.amount, "金额") if p.amount else None)
                for p in self.bills
            ),
            title_id=self.title_id,
            kind=self.kind,
            remark=self.remark,
        )


class FapiaoLineOut(Out):
    """发票的一行，与税局所见一字不差。"""

    position: int = Field(description="行号")
    nature: int = Field(description="0 正常，1 折扣，2 被折扣")
    bill_id: str = Field(description="账单")
    item: str = Field(description="项目名称，含简称")
    code: str = Field(description="税收分类编码")
    tax_ppm: int = Field(description="税率，百万分率")
    net: Amount = Field(description="金额，不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")

    @classmethod
    def of(cls, line: FapiaoLine) -> "FapiaoLineOut":
        """Write a line."""
        return cls(
            position=line.position,
            nature=int(line.nature),
            bill_id=line.bill_id,
            item=line.printed,
            code=line.code,
            tax_ppm=line.tax_ppm,
            **_figures(line.amounts),
        )


class FapiaoHead(Out):
    """发票抬头与合计。"""

    fapiao_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    key: str = Field(description="申请号，即服务商的订单号")
    number: str | None = Field(description="20 位发票号码；开具后才有")
    kind: str = Field(description="special 专票，ordinary 普票")
    state: str = Field(
        description="requested 待批准，approved 开具中，issued 已开具，rejected 已退回，"
        "partly_reversed 部分红冲，reversed 已红冲"
    )
    buyer: str = Field(description="购买方")
    buyer_tax_number: str = Field(description="购买方税号")
    remark: str = Field(description="备注")
    net: Amount = Field(description="合计金额")
    tax: Amount = Field(description="合计税额")
    gross: Amount = Field(description="价税合计")
    requested_by: str = Field(description="申请人")
    requested_at: Instant = Field(description="申请时间")
    approved_by: str | None = Field(description="批准人")
    issued_at: Instant | None = Field(description="开票时间")
    delivered_at: Instant | None = Field(description="送达时间")
    why: str = Field(description="退回或红冲的原因")

    @classmethod
    def of(cls, fapiao: Fapiao) -> "FapiaoHead":
        """Write a fapiao without its lines."""
        return cls(**_head(fapiao))


class FileOut(Out):
    """归档文件。"""

    format: str = Field(description="xml、ofd、pdf")
    sha256: str = Field(description="文件哈希")
    kept_at: Instant = Field(description="归档时间")

    @classmethod
    def of(cls, file: FileNote) -> "FileOut":
        """Write a file's note."""
        return cls(format=file.format, sha256=file.sha256.hex(), kept_at=file.kept_at)


class FapiaoOut(FapiaoHead):
    """整张发票。"""

    lines: list[FapiaoLineOut] = Field(description="每一行")
    files: list[FileOut] = Field(description="归档文件")

    @classmethod
    def whole(cls, fapiao: Fapiao, files: list[FileNote]) -> "FapiaoOut":
        """Write a fapiao, whole."""
        return cls(
            **_head(fapiao),
            lines=[FapiaoLineOut.of(line) for line in fapiao.lines],
            files=[FileOut.of(file) for file in files],
        )


class UploadIn(In):
    """手工开具后登记：文件为 base64；没有 XML 时须写号码和时间。"""

    xml: Annotated[str | None, Field(description="XML，base64")] = None
    ofd: Annotated[str | None, Field(description="OFD，base64")] = None
    pdf: Annotated[str | None, Field(description="PDF，base64")] = None
    number: Text = Field("", description="20 位发票号码")
    issued_at: Instant | None = Field(None, description="开票时间")

    def upload(self) -> Upload:
        """Return the files; what is not base64 is refused."""
        given = {"xml": self.xml, "ofd": self.ofd, "pdf": self.pdf}
        try:
            files = {form: b64decode(text, validate=True) for form, text in given.items() if text}
        except ValueError as error:  # not base64, or not even ASCII
            raise Invalid("文件应为 base64 编码，请改正后重试") from error
        return Upload(files, self.number, self.issued_at)


class WhyIn(In):
    """原因。"""

    why: Text = Field(description="原因")


class RedPickIn(In):
    """红冲的一行。"""

    line: int = Field(description="蓝票行号")
    amount: Text | None = Field(None, description="含税金额；不写为该行剩余全部")
    net: Text | None = Field(None, description="不含税金额，按购方确认单所写；不写由系统计算")


class RedIn(In):
    """申请红冲；不写行为全额。"""

    reason: RedReason = Field(
        description="mistake 开票有误（仅全额），return 销货退回，termination 服务中止，"
        "allowance 销售折让"
    )
    why: Text = Field(description="写给审批人和档案的说明")
    lines: list[RedPickIn] = Field(default_factory=list, description="部分红冲的行")

    def wish(self, fapiao: str) -> RedWish:
        """Return what is wished for."""
        return RedWish(
            fapiao=fapiao,
            reason=self.reason,
            why=self.why,
            picks=tuple(pick_of(each) for each in self.lines),
        )


def pick_of(each: RedPickIn) -> RedPick:
    """Return how much of a line is meant."""
    return RedPick(
        each.line,
        read_fen(each.amount, "金额") if each.amount else None,
        read_fen(each.net, "不含税金额") if each.net else None,
    )


class RedOut(Out):
    """红字发票与其确认单。"""

    red_id: str = Field(description="编号")
    fapiao_id: str = Field(description="蓝票")
    blue_number: str = Field(description="蓝票号码")
    key: str = Field(description="申请号")
    reason: str = Field(description="原因")
    state: Literal["requested", "approved", "waiting", "confirmed", "issued", "void"] = Field(
        description="requested 待批准，approved 提交中，waiting 待对方确认，confirmed 已确认，"
        "issued 已开具，void 已作废"
    )
    form_code: str = Field(description="税局确认单状态")
    form: str = Field(description="税局确认单状态的含义")
    form_number: str = Field(description="确认单编号")
    gross: Amount = Field(description="价税合计，负数")
    expires_at: Instant | None = Field(description="72 小时到期")
    number: str | None = Field(description="红字发票号码")
    started_by: str = Field(description="seller 我方发起，buyer 购方发起")
    answer: str = Field(description="对购方确认单拟定的答复：agree 确认，deny 拒绝，空为尚未拟定")
    answered_by: str | None = Field(description="谁拟定答复")
    approved_by: str | None = Field(description="谁批准")
    why: str = Field(description="说明")

    @classmethod
    def of(cls, red: RedFapiao) -> "RedOut":
        """Write a red fapiao."""
        words = FORM_STATES[red.form_code][0] if red.form_code else ""
        return cls(
            red_id=red.red_id,
            fapiao_id=red.fapiao_id,
            blue_number=red.blue_number,
            key=red.key,
            reason=red.reason,
            state=red.state.value,
            form_code=red.form_code,
            form=words,
            form_number=red.form_number,
            gross=_yuan(red.amounts.gross_fen),
            expires_at=red.expires_at,
            number=red.number,
            started_by=red.started_by,
            answer=red.answer,
            answered_by=red.answered_by,
            approved_by=red.approved_by,
            why=red.why,
        )


class ErrandOut(Out):
    """一项开票任务。"""

    errand_id: int = Field(description="编号")
    what: str = Field(
        description="issue 开具，files 取文件，deliver 送达，red 红冲，withdraw 撤销，answer 答复"
    )
    key: str = Field(description="订单号")
    state: str = Field(description="waiting 待办，sent 已发出待查询，done 办完，parked 搁置")
    hold: str = Field(description="受阻于：login、identity、limit、busy")
    attempts: int = Field(description="次数")
    next_at: datetime = Field(description="下次")
    why: str = Field(description="说明")

    @classmethod
    def of(cls, errand: Errand) -> "ErrandOut":
        """Write an errand."""
        return cls.model_validate(errand)


class WatchOut(Out):
    """发票总额度与开票员登录状态。"""

    at: Instant = Field(description="查询时间")
    login: str = Field(description="in 已登录，out 未登录，unknown 未知")
    identity: str = Field(description="proved 已认证，wanted 待认证，unknown 未知")
    total: Amount | None = Field(description="总额度，不含税")
    used: Amount | None = Field(description="已用")
    available: Amount | None = Field(description="可用")

    @classmethod
    def of(cls, seen: Watch) -> "WatchOut":
        """Write what was last heard."""
        return cls(
            at=seen.at,
            login=seen.login,
            identity=seen.identity,
            total=Amount.of_fen(seen.total_fen, "CNY"),
            used=Amount.of_fen(seen.used_fen, "CNY"),
            available=Amount.of_fen(seen.available_fen, "CNY"),
        )


def _head(fapiao: Fapiao) -> dict[str, Any]:
    same = ("fapiao_id", "customer_id", "key", "number", "remark", "requested_by", "requested_at")
    return {
        **{name: getattr(fapiao, name) for name in same},
        "kind": str(fapiao.kind),
        "state": str(fapiao.state),
        "buyer": fapiao.buyer.name,
        "buyer_tax_number": fapiao.buyer.tax_number,
        **_figures(fapiao.amounts),
        "approved_by": fapiao.approved_by,
        "issued_at": fapiao.issued_at,
        "delivered_at": fapiao.delivered_at,
        "why": fapiao.why,
    }


def _figures(amounts: Amounts) -> dict[str, Amount]:
    return {
        "net": _yuan(amounts.net_fen),
        "tax": _yuan(amounts.tax_fen),
        "gross": _yuan(amounts.gross_fen),
    }


def _yuan(fen: int) -> Amount:
    return Amount.of(Money(fen, "CNY"))
