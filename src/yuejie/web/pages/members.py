"""Members: who may log in, and the links by which they set their passwords."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from yuejie.customers.enrol import find_customer
from yuejie.customers.logins.keep import Invited, invite
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.member import CUSTOMERS, OPERATORS
from yuejie.customers.members.power import CALLED
from yuejie.customers.members.store import members as all_members
from yuejie.customers.store import customers
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf

routes: Final = APIRouter(include_in_schema=False, prefix="/members", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=200)]
Look = Annotated[str, Query(max_length=200)]


@routes.get("")
def list_members(request: Request, db: Db, q: Look = "", customer: Look = "") -> Response:
    """Show the members that are looked for by name, and a form for the next."""
    return _page(request, db, q=q, customer=customer)


@routes.post("", dependencies=ours)
def enrol(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    name: Text,
    role: Text,
    customer: Text = "",
) -> Response:
    """Enrol a member, and show its invitation, this once. Its token stays unused and unseen."""
    by = caller_of(request).name
    enrol_member(db, name, role, customer=customer or None, pepper=desk.pepper, by=by, now=now)
    invited = invite(db, name, within=None, pepper=desk.pepper, by=by, now=now)
    return _page(request, db, invited, desk.console_url)


@routes.post("/{member}/invite", dependencies=ours)
def invite_again(request: Request, db: Db, desk: DeskHere, now: Now, member: str) -> Response:
    """Make a fresh link; the member's password, codes and sessions end when it is taken up."""
    by = caller_of(request).name
    invited = invite(db, member, within=None, pepper=desk.pepper, by=by, now=now)
    return _page(request, db, invited, desk.console_url)


@routes.post("/{member}/revoke", dependencies=ours)
def revoke(request: Request, db: Db, now: Now, member: str) -> Response:
    """End a member: its token and its sessions are worth nothing from now on."""
    revoke_member(db, member, by=caller_of(request).name, now=now)
    return go(request, "/members", f"成员 {member} 已停用")


def _page(
    request: Request,
    db: Db,
    invited: Invited | None = None,
    url: str = "",
    *,
    q: str = "",
    customer: str = "",
) -> Response:
    with db.read() as tx:
        found = [each for each in all_members(tx) if each.revoked_at is None]
        parties = {each.customer_id: each for each in customers(tx)}
        only = find_customer(tx, customer).customer_id if customer else None
    fitting = [
        each
        for each in found
        if q.strip().casefold() in each.name.casefold()
        and (only is None or each.customer_id == only)
    ]
    return draw(
        request,
        "members.html",
        members=leaf(request, "members", fitting, lambda each: each.name),
        asked={"q": q, "customer": customer},
        parties=parties,
        called={str(role): name for role, name in CALLED.items()},
        operators=sorted(OPERATORS),
        owners=sorted(CUSTOMERS),
        invited=invited,
        link=f"{url}/invitation/{invited.secret}" if invited else "",
    )
