"""Fapiao: what may be requested and why, requests, one fapiao with its files, asking for a red."""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.contracts.terms import FapiaoKind
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.fapiao.amounts import read_fen
from yuejie.fapiao.available import Available, BillShare
from yuejie.fapiao.fapiao import left_on
from yuejie.fapiao.issuing.store import files_of
from yuejie.fapiao.life import RED_PENDING, RED_SAID, SAID, STANDING
from yuejie.fapiao.request import Pick, Wish, request_fapiao, what_is_available
from yuejie.fapiao.reversing.form import FORM_STATES, REASON_WORDS, RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, request_red
from yuejie.fapiao.reversing.store import reds_of_fapiao
from yuejie.fapiao.store import newest_fapiao, taxed_bills, titles_of_customer
from yuejie.fapiao.title import TitleState
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.web.api.fapiao.requests import selling_of, visible_fapiao
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.money.party import choose

routes: Final = APIRouter(include_in_schema=False, prefix="/fapiao", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=200)]

KINDS: Final = {FapiaoKind.SPECIAL: "增值税专用发票", FapiaoKind.ORDINARY: "普通发票"}
OFFERED: Final = 200
"""Most bills, or tax lines of one bill, to choose from at once; the oldest come first."""

Ticked = list[tuple[str, int | None, str]]


async def _ticked(request: Request) -> Ticked:
    """Return what is ticked in a form: a bill's id or nothing, a line, and the amount beside it.

    An amount beside nothing that is ticked is kept as well, with no line: it is refused later.
    """
    form = await request.form()
    amounts = {
        name.removeprefix("amount-"): str(value).strip()
        for name, value in form.items()
        if name.startswith("amount-") and str(value).strip()
    }
    found: Ticked = [(str(b), None, amounts.pop(str(b), "")) for b in form.getlist("bill")]
    for line in map(str, form.getlist("line")):
        bill, _, position = line.rpartition("/")
        if not position.isdecimal():
            raise Invalid("所选的行不对，请刷新页面后重新勾选")
        found.append((bill, int(position), amounts.pop(line, "")))
    if amounts:
        raise Invalid("有一处填了金额却没有勾选，请勾选那一行，或清空金额")
    return found


class FapiaoForm(BaseModel):
    """What is chosen for all that is ticked; nothing means the default, or what is agreed."""

    title: str = Field("", max_length=200)
    kind: str = Field("", max_length=20)
    remark: str = Field("", max_length=200)

    def wish(self, ticked: Ticked) -> Wish:
        """Return what is wished for. Raises Invalid where nothing is ticked."""
        if not ticked:
            raise Invalid("请至少勾选一张账单或一行")
        if self.kind and self.kind not in set(FapiaoKind):
            raise Invalid("发票种类请选专用发票或普通发票")
        return Wish(
            picks=tuple(
                Pick(bill, line, read_fen(amount, "金额") if amount else None)
                for bill, line, amount in ticked
            ),
            title_id=self.title or None,
            kind=FapiaoKind(self.kind) if self.kind else None,
            remark=self.remark,
        )


TickedHere = Annotated[Ticked, Depends(_ticked)]


@routes.get("")
def list_fapiao(
    request: Request,
    db: Db,
    customer: str = "",
    state: str = "",
    lines: str = "",
    cursor: str | None = None,
) -> Response:
    """Show what may be requested, bill by bill, a form to request it, and the fapiao there are."""
    caller = caller_of(request)
    window = Window.read("page:fapiao", cursor, PAGE)
    with db.read(consistent=True) as tx:
        chosen = choose(tx, caller, customer)
        party = chosen.party
        found = newest_fapiao(
            tx,
            party.customer_id if party else None,
            state=state or None,
            before=window.after,
            limit=window.fetch,
        )
        open_now = what_is_available(tx, party.customer_id) if party else None
        titles = titles_of_customer(tx, party.customer_id) if party else []
        names = {c.customer_id: c for c in customers(tx)} if caller.is_operator else {}
    page = found[:PAGE]
    return draw(
        request,
        "money/fapiao_list.html",
        zone=zone_of(party.zone) if party else HOUSE_ZONE,
        chosen=chosen,
        open_now=open_now,
        shares=_shares(open_now) if open_now else [],
        offered=[s.bill.bill_id for s in _offered(open_now)[:OFFERED]] if open_now else [],
        sums=_sums(open_now) if open_now else {},
        titles=[each for each in titles if each.state == TitleState.ACTIVE],
        kinds=KINDS,
        states=SAID,
        rows=page,
        names=names,
        asked={"state": state, "lines": lines, "customer": customer},
        most=OFFERED,
        older=window.write(page[-1].fapiao_id) if len(found) > PAGE else None,
    )


def _offered(open_now: Available) -> list[BillShare]:
    return [each for each in open_now.bills if each.may_request and each.left_fen > 0]


def _shares(open_now: Available) -> list[BillShare]:
    """Order bills by what they ask of a person: to be requested, owed back, waiting, done."""
    return sorted(
        open_now.bills,
        key=lambda s: (s.left_fen == 0, not s.may_request, s.left_fen < 0, s.bill.month),
    )


def _sums(open_now: Available) -> dict[str, int]:
    bills = open_now.bills
    return {
        "taxed": sum(each.taxed_fen for each in bills),
        "credited": sum(each.credited_fen for each in bills),
        "taken": sum(each.taken_fen for each in bills),
        "left": sum(each.left_fen for each in bills),
        "unpaid": sum(s.left_fen for s in bills if s.left_fen > 0 and not s.may_request),
    }


@routes.post("", dependencies=ours)
def apply(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    ticked: TickedHere,
    typed: Annotated[FapiaoForm, Form()],
    customer: str = "",
) -> Response:
    """Request fapiao of the bills and lines ticked, merged on as few as the tax office takes."""
    caller = caller_of(request)
    with db.read() as tx:
        chosen = choose(tx, caller, customer)
        party = chosen.needed
    wish = typed.wish(ticked)
    drawn = request_fapiao(db, party.customer_id, wish, selling_of(desk), by=caller.name, now=now)
    with db.read() as tx:
        left = what_is_available(tx, party.customer_id).available_fen
    asked = Money(sum(each.amounts.gross_fen for each in drawn), "CNY")
    said = (
        f"已申请 {len(drawn)} 张发票，价税合计 {asked} 元，等待批准；还可开 {Money(left, 'CNY')} 元"
    )
    return go(request, f"/fapiao{chosen.query}", said)


@routes.get("/{fapiao}")
def show_fapiao(request: Request, db: Db, fapiao: str) -> Response:
    """Show one fapiao as it is printed, its files, its red fapiao and its life."""
    with db.read(consistent=True) as tx:
        found = visible_fapiao(tx, caller_of(request), fapiao)
        party = find_customer(tx, found.customer_id)
        files = files_of(tx, found.fapiao_id)
        reds = reds_of_fapiao(tx, found.fapiao_id)
        if caller_of(request).customer_id is not None:
            reds = [red.told for red in reds]
        red_files = {red.red_id: [file.format for file in files_of(tx, red.red_id)] for red in reds}
        bills = {bill.bill_id: bill.number for bill in taxed_bills(tx, found.customer_id)}
    pending = any(red.state in RED_PENDING for red in reds)
    return draw(
        request,
        "money/fapiao.html",
        zone=zone_of(party.zone),
        fapiao=found,
        customer=party,
        files=[file.format for file in files],
        reds=reds,
        red_files=red_files,
        red_states=RED_SAID,
        reasons=REASON_WORDS,
        forms={code: words for code, (words, _) in FORM_STATES.items()},
        bills=bills,
        kinds=KINDS,
        states=SAID,
        reversible=found.state in STANDING and found.number is not None and not pending,
        left={at: amounts.gross_fen for at, amounts in left_on(found, reds).items()},
        most=OFFERED,
    )


@routes.post("/{fapiao}/reverse", dependencies=ours)
def reverse(
    request: Request,
    db: Db,
    now: Now,
    fapiao: str,
    ticked: TickedHere,
    reason: Text = "",
    why: Text = "",
) -> Response:
    """Ask that a fapiao be reversed, wholly or by the lines ticked; another person approves."""
    caller = caller_of(request)
    with db.read() as tx:
        found = visible_fapiao(tx, caller, fapiao)
    if reason not in set(RedReason):
        raise Invalid("请选择红冲的原因")
    picks = tuple(_red_picks(ticked))
    wish = RedWish(fapiao=found.fapiao_id, reason=RedReason(reason), why=why, picks=picks)
    red = request_red(db, wish, by=caller.name, now=now)
    amount = Money(-red.amounts.gross_fen, "CNY")
    said = f"已申请红冲 {amount} 元，待批准后提交税局；税局开出红字发票后，账单可重新开票"
    return go(request, f"/fapiao/{found.fapiao_id}", said)


def _red_picks(ticked: Ticked) -> Iterable[RedPick]:
    for _, line, amount in ticked:
        if line is not None:
            yield RedPick(line, read_fen(amount, "金额") if amount else None)
