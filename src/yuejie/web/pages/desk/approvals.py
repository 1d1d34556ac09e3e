"""What waits for a second person: adjustments, credit notes, grants, limits, ends, prices."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.bills.correct.adjust import decide_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.correct.break_fee import approve_leaving
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.store import open_adjustments, open_credits
from yuejie.bills.correct.take_back import decide_credit
from yuejie.bills.correct.turned_down import turned_down
from yuejie.bills.documents.store import names_of_bills
from yuejie.contracts.changes.change import STATE_NAMES
from yuejie.contracts.changes.store import open_changes
from yuejie.contracts.grants.give import reject_grant
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.grants.store import open_grants
from yuejie.contracts.life.ending import reject_end
from yuejie.contracts.life.limits import reject_limit
from yuejie.contracts.life.store import open_ends, open_limits
from yuejie.contracts.numbers.number import called
from yuejie.contracts.numbers.store import every_number
from yuejie.customers.store import customers
from yuejie.payments.dunning.lifted import approve_limit
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf
from yuejie.web.pages.home import what_waits
from yuejie.web.pages.money.contracts import PARTIES

routes: Final = APIRouter(
    include_in_schema=False, prefix="/approvals", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]
Why = Annotated[str, Form(max_length=1000)]

HERE: Final = "/approvals"
GRANTS: Final = {GrantKind.PACKAGE: "套餐", GrantKind.VOUCHER: "代金券"}
TURNED_DOWN: Final = 20
"""How many corrections that were turned down are shown, the newest first."""
_DECIDED: Final = {
    Decision.APPROVE: "调整已批准：未出账的账单撤回重算后带上它，否则在客户的下一张账单上",
    Decision.REJECT: "调整已驳回",
    Decision.WITHDRAW: "调整已撤回",
}


@routes.get("")
def show_approvals(request: Request, db: Db, now: Now) -> Response:
    """Show everything that one person asked for and another decides, the oldest first.

    Of what is decided or done on other pages, how much waits there.
    """
    with db.read(consistent=True) as tx:
        notes = leaf(request, "credits", open_credits(tx), lambda each: each.credit_note_id)
        return draw(
            request,
            "desk/approvals.html",
            adjustments=leaf(
                request, "adjustments", open_adjustments(tx), lambda each: each.adjustment_id
            ),
            credits=notes,
            bills=names_of_bills(tx, (note.bill_id for note in notes.rows)),
            grants=leaf(request, "grants", open_grants(tx), lambda each: each.grant_id),
            limits=leaf(request, "limits", open_limits(tx, now), lambda each: each.limit_id),
            ends=leaf(request, "ends", open_ends(tx), lambda each: each.end_id),
            numbers=every_number(tx),
            turned_down=turned_down(tx, limit=TURNED_DOWN),
            changes=leaf(request, "changes", open_changes(tx), lambda each: each.change_id),
            states=STATE_NAMES,
            names={party.customer_id: party for party in customers(tx)},
            elsewhere=[w for w in what_waits(tx, now) if w.count and w.path != HERE],
            grant_kinds=GRANTS,
            party_words=PARTIES,
        )


@routes.post("/adjustments/{adjustment}/{decision}", dependencies=ours)
def adjust(
    request: Request, db: Db, now: Now, adjustment: str, decision: Decision, why: Why = ""
) -> Response:
    """Approve or reject somebody else's adjustment, or withdraw one's own."""
    decide_adjustment(db, adjustment, decision, by=caller_of(request).name, now=now, why=why)
    return go(request, HERE, _DECIDED[decision])


@routes.post("/credit-notes/{note}/{decision}", dependencies=ours)
def credit(
    request: Request,
    db: Db,
    now: Now,
    note: str,
    decision: Literal["approve", "reject"],
    why: Why = "",
) -> Response:
    """Approve or reject a credit note that somebody else has asked for."""
    approve = decision == "approve"
    done = decide_credit(db, note, approve=approve, by=caller_of(request).name, now=now, why=why)
    said = f"冲减单 {done.number} 已批准、封印并入账" if approve else "冲减单已驳回"
    return go(request, HERE, said)


@routes.post("/grants/{grant}/approve", dependencies=ours)
def grant_one(request: Request, db: Db, now: Now, grant: str) -> Response:
    """Let a package or voucher hold."""
    done = approve_grant(db, grant, by=caller_of(request).name, now=now)
    return go(request, HERE, f"“{done.name}”已批准")


@routes.post("/grants/{grant}/reject", dependencies=ours)
def refuse_grant(request: Request, db: Db, now: Now, grant: str, why: Why) -> Response:
    """Turn a package or voucher down, or take one's own back."""
    done = reject_grant(db, grant, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, f"“{done.name}”已驳回")


@routes.post("/limits/{limit}/approve", dependencies=ours)
def limit_one(request: Request, db: Db, now: Now, limit: str) -> Response:
    """Let a temporary limit hold."""
    approve_limit(db, limit, by=caller_of(request).name, now=now)
    return go(request, HERE, "临时额度已批准")


@routes.post("/limits/{limit}/reject", dependencies=ours)
def refuse_limit(request: Request, db: Db, now: Now, limit: str, why: Why) -> Response:
    """Turn a temporary limit down, or take one's own back."""
    reject_limit(db, limit, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, "临时额度已驳回")


@routes.post("/ends/{end}/approve", dependencies=ours)
def end_one(request: Request, db: Db, now: Now, end: str) -> Response:
    """Let a contract end, and charge what leaving costs."""
    done = approve_leaving(db, end, by=caller_of(request).name, now=now)
    with db.read() as tx:
        number = called(tx, done.customer_id, done.contract_id)
    return go(request, HERE, f"合同 {number} 将于 {done.ends_on} 终止")


@routes.post("/ends/{end}/reject", dependencies=ours)
def refuse_end(request: Request, db: Db, now: Now, end: str, why: Why) -> Response:
    """Turn an end down, or take one's own back: the contract goes on."""
    done = reject_end(db, end, why=why, by=caller_of(request).name, now=now)
    with db.read() as tx:
        number = called(tx, done.customer_id, done.contract_id)
    return go(request, HERE, f"合同 {number} 的终止申请已驳回，合同照常")
