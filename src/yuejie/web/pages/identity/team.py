"""A customer's members: invited, given roles, logged out and ended by its own administrators."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.logins.keep import Invited, invite
from yuejie.customers.logins.session import WHOLE
from yuejie.customers.logins.store import sessions_of
from yuejie.customers.members.enrol import enrol_member
from yuejie.customers.members.lead import change_role, dismiss, end_sessions
from yuejie.customers.members.member import CUSTOMERS
from yuejie.customers.members.power import CALLED
from yuejie.customers.members.store import members_of
from yuejie.kernel.period import zone_of
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely

routes: Final = APIRouter(include_in_schema=False, prefix="/team", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=200)]


@routes.get("")
def team(request: Request, db: Db, now: Now, customer: str = "") -> Response:
    """Show a customer's members, and a form for the next."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "成员")
    return draw(request, "identity/team.html", **_facts(request, db, now, party))


@routes.post("", dependencies=ours)
def enrol(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    name: Text,
    role: Text,
    email: Text = "",
    customer: str = "",
) -> Response:
    """Enrol a member of the customer, and show its invitation, this once."""
    party = whom_surely(db, caller_of(request), customer)
    by = caller_of(request).name
    enrol_member(
        db, name, role, customer=party.slug, email=email, pepper=desk.pepper, by=by, now=now
    )
    invited = invite(db, name, within=party.customer_id, pepper=desk.pepper, by=by, now=now)
    facts = _facts(request, db, now, party, invited, desk.console_url)
    return redraw(request, "identity/team.html", **facts)


@routes.post("/{member}/invite", dependencies=ours)
def invite_again(
    request: Request, db: Db, desk: DeskHere, now: Now, member: str, customer: str = ""
) -> Response:
    """Make a fresh link; the member's password, codes and sessions end when it is taken up."""
    party = whom_surely(db, caller_of(request), customer)
    by = caller_of(request).name
    invited = invite(db, member, within=party.customer_id, pepper=desk.pepper, by=by, now=now)
    facts = _facts(request, db, now, party, invited, desk.console_url)
    return redraw(request, "identity/team.html", **facts)


@routes.post("/{member}/role", dependencies=ours)
def give_role(
    request: Request, db: Db, now: Now, member: str, role: Text, customer: str = ""
) -> Response:
    """Give a member another role, from now on."""
    party = whom_surely(db, caller_of(request), customer)
    change_role(db, party.customer_id, member, role, by=caller_of(request).name, now=now)
    return _back(request, party, f"成员 {member} 的角色已更改")


@routes.post("/{member}/sessions/end", dependencies=ours)
def log_out(request: Request, db: Db, now: Now, member: str, customer: str = "") -> Response:
    """Log a member out everywhere."""
    party = whom_surely(db, caller_of(request), customer)
    ended = end_sessions(db, party.customer_id, member, by=caller_of(request).name, now=now)
    return _back(request, party, f"成员 {member} 的 {ended} 个登录已退出")


@routes.post("/{member}/revoke", dependencies=ours)
def end(request: Request, db: Db, now: Now, member: str, customer: str = "") -> Response:
    """End a member: its tokens and sessions are worth nothing from now on."""
    party = whom_surely(db, caller_of(request), customer)
    dismiss(db, party.customer_id, member, by=caller_of(request).name, now=now)
    return _back(request, party, f"成员 {member} 已停用")


def _back(request: Request, party: Customer, sentence: str) -> Response:
    return go(request, f"/team{query_of(request, party)}", sentence)


def _facts(
    request: Request,
    db: Db,
    now: Now,
    party: Customer,
    invited: Invited | None = None,
    url: str = "",
) -> dict[str, Any]:
    with db.read() as tx:
        found = members_of(tx, party.customer_id)
        seen = {each.member_id: sessions_of(tx, each.member_id, now - WHOLE) for each in found}
    roles = {str(role): CALLED[role] for role in sorted(CUSTOMERS)}
    return {
        "customer": party,
        "zone": zone_of(party.zone),
        "members": [(each, [s for s in seen[each.member_id] if s.is_open(now)]) for each in found],
        "roles": roles,
        "myself": caller_of(request).myself.name,
        "invited": invited,
        "link": f"{url}/invitation/{invited.secret}" if invited else "",
        "query": query_of(request, party),
    }
