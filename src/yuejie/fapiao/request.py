"""Request fapiao from issued bills, and approve or decline what was requested.

A request is refused while 欠票 is open, takes no more of a tax line than is left, and waits for a
second person. What it says is fixed here, word for word; approving adds nothing but a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from yuejie.bills.bill import BillState
from yuejie.bills.life import SAID as BILL_SAID
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import FapiaoKind, Split
from yuejie.db.session import Database, Tx
from yuejie.fapiao import store
from yuejie.fapiao.amounts import FapiaoLine, FapiaoRefused, check_lines, total
from yuejie.fapiao.available import Available, BillShare, available
from yuejie.fapiao.codes import DEFAULT_CODE, DEFAULT_ITEM, short_name_on
from yuejie.fapiao.draft import Part, Wording, draw_lines, pages, part_of, remark_of
from yuejie.fapiao.fapiao import Fapiao, Party, find_fapiao, mint_key
from yuejie.fapiao.issuing.errand import ErrandKind
from yuejie.fapiao.issuing.stop import recall
from yuejie.fapiao.issuing.store import add_errand
from yuejie.fapiao.life import FapiaoEvent, FapiaoState, advance
from yuejie.fapiao.tell import tell_declined
from yuejie.fapiao.title import Title, TitleState, refuse_kind
from yuejie.fapiao.titles import find_title
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.kernel.two_people import refuse_same

MANUAL: Final = "manual"
"""The provider that is a person: what it issued is uploaded, and no errand is run."""
_CHINA: Final = zone_of("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selling:
    """The seller as its fapiao name it, and what it sells under."""

    party: Party
    code: str = DEFAULT_CODE
    item: str = DEFAULT_ITEM


@dataclass(frozen=True, slots=True)
class Pick:
    """A bill, or one of its tax lines, or a part of one: what is left, or `gross_fen` of it."""

    bill: str
    position: int | None = None
    gross_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is requested: of which bills, for which title (the default), of which kind."""

    picks: tuple[Pick, ...]
    title_id: str | None = None
    kind: FapiaoKind | None = None
    remark: str = ""


def what_is_available(tx: Tx, customer_id: CustomerId) -> Available:
    """Return what a customer may request now, bill by bill."""
    versions = contracts_of(tx, customer_id)
    terms = {(str(each.contract_id), each.version): each.terms for each in versions}
    return available(store.taxed_bills(tx, customer_id), store.taken(tx, customer_id), terms)


def owed_back(tx: Tx, customer_id: CustomerId) -> int:
    """Return a customer's 欠票 in fen: fapiao above net consumption, to be reversed first."""
    return what_is_available(tx, customer_id).owed_back_fen


def request_fapiao(
    db: Database, customer_id: CustomerId, wish: Wish, selling: Selling, *, by: str, now: datetime
) -> list[Fapiao]:
    """Request the fapiao of bills: one for each two thousand lines, waiting for approval.

    Raises Conflict while 欠票 is open and FapiaoRefused for what the tax office would refuse.
    """
    with db.begin() as tx:
        tx.lock_exclusive(f"fapiao {customer_id}")
        open_now = what_is_available(tx, customer_id)
        _refuse_owing(open_now)
        title = _title(tx, customer_id, wish.title_id)
        shares, parts = _parts(open_now, wish.picks)
        if wish.title_id is None:
            _refuse_another_title(shares)
        kind = wish.kind or _kind_of(shares)
        refuse_kind(title, kind)
        lines = draw_lines(parts, _wordings(parts, selling, now))
        asked = _Asked(title, selling, mint("fpreq", now), kind, wish.remark, by, now)
        drawn = [_fapiao(asked, shares, page) for page in pages(lines)]
        for fapiao in drawn:
            check_lines(fapiao.lines, kind)
            store.insert_fapiao(tx, fapiao)
        return drawn


def approve_fapiao(db: Database, name: str, *, provider: str, by: str, now: datetime) -> Fapiao:
    """Let a requested fapiao be issued by a provider; who requested it may not.

    Raises Conflict where its bills were credited or voided, or are unpaid again, or another bill
    takes off what they have, since: what the tax office has heard can only be reversed.
    """
    with db.begin() as tx:
        was = find_fapiao(store.fapiao_by_name(tx, name), name)
        refuse_same(was.requested_by, by, f"发票申请 {was.key} ", deed="批准")
        state = advance(was.state, FapiaoEvent.APPROVE)
        _refuse_overtaken(tx, was)
        became = replace(was, state=state, approved_by=by, approved_at=now, provider=provider)
        move(tx, was, became, FapiaoEvent.APPROVE, by=by, at=now)
        if provider != MANUAL:
            add_errand(tx, ErrandKind.ISSUE, was.fapiao_id, was.key, provider, at=now)
        return became


def _refuse_overtaken(tx: Tx, fapiao: Fapiao) -> None:
    """Refuse what could not be requested any more: what it takes stands in the figures already."""
    named = {line.bill_id for line in fapiao.lines}
    open_now = what_is_available(tx, fapiao.customer_id)
    if open_now.unborne_fen:
        raise Conflict(
            f"申请后另有账单的减项大于其计税金额 {Money(open_now.unborne_fen, 'CNY')} 元，"
            f"开出即须红冲；请退回发票申请 {fapiao.key}，按现在的可开票金额重新申请"
        )
    for share in open_now.bills:
        if share.bill.bill_id in named and (share.left_fen < 0 or not share.may_request):
            raise Conflict(
                f"账单 {share.bill.number} 在申请后已冲减、作废或不再结清（{share.explained}），"
                f"请退回发票申请 {fapiao.key}，按现在的可开票金额重新申请"
            )


def decline_fapiao(db: Database, name: str, *, why: str, by: str, now: datetime) -> Fapiao:
    """Decline or withdraw a request; its tax lines are free again.

    An approved one too, where nobody can have issued it: by hand until it is uploaded, by a
    provider until its errand has left. Raises Conflict where it may have been issued.
    """
    if not why.strip():
        raise Invalid("请写明退回发票申请的原因")
    with db.begin() as tx:
        named = find_fapiao(store.fapiao_by_name(tx, name), name)
        was = store.lock_fapiao(tx, named.customer_id, named.fapiao_id)
        approved = was.state is FapiaoState.APPROVED
        event = FapiaoEvent.FAIL if approved else FapiaoEvent.DECLINE
        became = replace(was, state=advance(was.state, event), why=why)
        if not recall(tx, was.fapiao_id, why=why):
            raise Conflict(
                f"发票 {was.key} 已交给 {was.provider}，可能已开出，不能退回；"
                "请等待查询结果，搁置的任务请与服务商核实后停止"
            )
        move(tx, was, became, event, by=by, at=now)
        tell_declined(tx, became, by=by, now=now)
        return became


def move(tx: Tx, was: Fapiao, became: Fapiao, event: FapiaoEvent, *, by: str, at: datetime) -> None:
    """Move a fapiao on, or say that somebody else was first."""
    if not store.move_fapiao(tx, was, became, event, by=by, at=at):
        raise Conflict(f"发票 {was.key} 正被另一操作处理，请刷新后重试")


def _refuse_owing(open_now: Available) -> None:
    if open_now.owed_back_fen:
        bills = "、".join(each.bill.number for each in open_now.bills if each.left_fen < 0)
        back = Money(open_now.owed_back_fen, "CNY")
        raise Conflict(
            f"已开发票超过应开金额（欠票 {back} 元，账单 {bills}），请先红冲后再申请新发票"
        )


def _title(tx: Tx, customer_id: CustomerId, title_id: str | None) -> Title:
    if title_id is None:
        titles = store.titles_of_customer(tx, customer_id)
        defaults = [t for t in titles if t.is_default and t.state == TitleState.ACTIVE]
        if not defaults:
            raise Invalid("客户没有默认发票抬头，请先用 yuejie fapiao titles add 登记")
        return defaults[0]
    title = find_title(tx, title_id)
    if title.customer_id != customer_id or title.state != TitleState.ACTIVE:
        raise Invalid(f"发票抬头 {title_id} 不属于该客户或已停用，请换一个")
    return title


def _kind_of(shares: Sequence[BillShare]) -> FapiaoKind:
    """Return the kind that all bills' contracts agree on. Raises Invalid where they differ."""
    kinds = {share.terms.fapiao_kind for share in shares}
    if len(kinds) > 1:
        raise Invalid("所选账单按各自合同的发票种类不同，请选定专用发票或普通发票，或分开申请")
    return kinds.pop()


def _refuse_another_title(shares: Sequence[BillShare]) -> None:
    """A unit is billed apart because its fapiao name another buyer, who is not the default."""
    for share in shares:
        bill = share.bill
        if share.terms.split is Split.UNIT and bill.part_name:
            raise Invalid(
                f"账单 {bill.number} 属于出账单位“{bill.part_name}”，请选定它的发票抬头后申请"
            )


def _parts(open_now: Available, picks: Sequence[Pick]) -> tuple[list[BillShare], list[Part]]:
    """Return the bills named and the parts of their tax lines, nothing twice."""
    if not picks:
        raise Invalid("请写明要开票的账单")
    shares: list[BillShare] = []
    parts: list[Part] = []
    for pick in picks:
        share = _share(open_now, pick.bill)
        if share not in shares:
            shares.append(share)
        parts += _of_bill(share, pick)
    for share in shares:
        wanted = [part for part in parts if part.line.bill_id == share.bill.bill_id]
        if len({part.line.place for part in wanted}) < len(wanted):
            raise Invalid(f"账单 {share.bill.number} 的同一计税行写了两次，请合并")
        if sum(part.amounts.gross_fen for part in wanted) > share.left_fen:
            raise FapiaoRefused(
                f"账单 {share.bill.number} 还可开 {Money(share.left_fen, 'CNY')} 元，"
                "请连同其减项一起申请或改小金额"
            )
    if sum(part.amounts.gross_fen for part in parts) > open_now.available_fen:
        raise FapiaoRefused(
            f"可开票金额 {Money(open_now.available_fen, 'CNY')} 元："
            "另有账单的减项大于其计税金额，须从中扣减；请改小金额"
        )
    return shares, parts


def _share(open_now: Available, name: str) -> BillShare:
    for share in open_now.bills:
        if name in {share.bill.bill_id, share.bill.number}:
            if share.is_void:
                raise FapiaoRefused(f"账单 {share.bill.number} 已作废，不能申请发票")
            if not share.may_request:
                said = BILL_SAID[BillState(share.bill.state)]
                raise FapiaoRefused(
                    f"账单 {share.bill.number} 为“{said}”状态，按合同约定"
                    "（先款后票）须结清后才能申请发票"
                )
            if share.left_fen <= 0:
                raise FapiaoRefused(f"账单 {share.bill.number} 已无可开票金额：{share.explained}")
            return share
    raise Invalid(f"账单 {name} 不存在、未出账、不是人民币账单或没有计税行，不能开票")


def _of_bill(share: BillShare, pick: Pick) -> list[Part]:
    if pick.position is None:
        if pick.gross_fen is not None:
            return _amount_of(share, pick.gross_fen)
        lines = [each for each in share.lines if each.is_open]
        over = any(each.left_fen < 0 and not each.is_open for each in share.lines)
        if over and all(each.left_fen > 0 for each in lines):
            return _amount_of(share, share.left_fen)  # a line is on fapiao beyond its credit notes
        return [part_of(each.line, each.taken) for each in lines]
    for each in share.lines:
        if each.line.position == pick.position:
            return [part_of(each.line, each.taken, pick.gross_fen)]
    raise Invalid(f"账单 {share.bill.number} 没有计税行 {pick.position}，请核对")


def _amount_of(share: BillShare, gross_fen: int) -> list[Part]:
    """Take an amount of a bill from its tax lines in their order."""
    if any(each.line.gross_fen < 0 for each in share.lines):
        raise FapiaoRefused(
            f"账单 {share.bill.number} 有减项，不能按金额拆分；请按计税行拆分或整张申请"
        )
    parts: list[Part] = []
    for each in share.lines:
        now = min(each.left_fen, gross_fen)
        if now > 0:
            parts.append(part_of(each.line, each.taken, now))
            gross_fen -= now
    if gross_fen:
        raise FapiaoRefused(
            f"账单 {share.bill.number} 还可开 {Money(share.left_fen, 'CNY')} 元，请改小金额"
        )
    return parts


def _wordings(parts: Sequence[Part], selling: Selling, now: datetime) -> dict[int, Wording]:
    short = short_name_on(selling.code, now.astimezone(_CHINA).date())
    wording = Wording(selling.code, short, selling.item)
    return {part.line.tax_ppm: wording for part in parts}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What all fapiao of one request have in common."""

    title: Title
    selling: Selling
    request_id: str
    kind: FapiaoKind
    remark: str
    by: str
    now: datetime


def _fapiao(asked: _Asked, shares: Sequence[BillShare], lines: Sequence[FapiaoLine]) -> Fapiao:
    named = {line.bill_id for line in lines}
    bills = [share.bill for share in shares if share.bill.bill_id in named]
    orders = dict.fromkeys(bill.purchase_order for bill in bills if bill.purchase_order)
    return Fapiao(
        fapiao_id=mint("fapiao", asked.now),
        customer_id=asked.title.customer_id,
        request_id=asked.request_id,
        key=mint_key(asked.now),
        kind=asked.kind,
        state=FapiaoState.REQUESTED,
        buyer=_buyer(asked.title),
        seller=asked.selling.party,
        emails=tuple(asked.title.emails),
        mobile=asked.title.mobile,
        remark=remark_of("、".join(orders), [bill.number for bill in bills], asked.remark),
        amounts=total(lines),
        lines=tuple(lines),
        requested_by=asked.by,
        requested_at=asked.now,
    )


def _buyer(title: Title) -> Party:
    return Party(
        name=title.name,
        tax_number=title.tax_number,
        natural_person=title.natural_person,
        address=title.address,
        phone=title.phone,
        bank_name=title.bank_name,
        bank_account=title.bank_account,
    )
