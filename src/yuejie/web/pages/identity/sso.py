"""Identity providers: which organisation's people log in where, set by the operator."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.members.member import CUSTOMERS, OPERATORS, Role
from yuejie.customers.sso.keep import end_provider, set_provider
from yuejie.customers.sso.provider import ProviderDraft, read_groups, read_list
from yuejie.customers.sso.store import providers
from yuejie.customers.store import customers
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.identity.enter import CALLBACK

routes: Final = APIRouter(include_in_schema=False, prefix="/sso", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]
Typed = Annotated[str, Field(max_length=500)]
Long = Annotated[str, Field(max_length=20_000)]


@routes.get("")
def list_providers(request: Request, db: Db, desk: DeskHere) -> Response:
    """Show every provider, and a form for another."""
    with db.read() as tx:
        found = providers(tx)
        parties: dict[str, Customer] = {each.customer_id: each for each in customers(tx)}
    return draw(
        request,
        "identity/sso.html",
        providers=found,
        parties=parties,
        callback=desk.console_url + CALLBACK,
        operators=sorted(OPERATORS - {Role.ADMIN}),
        owners=sorted(CUSTOMERS - {Role.ADMIN}),
    )


class Wanted(BaseModel):
    """The form of a provider, as people fill it in."""

    label: Typed
    issuer: Typed
    client_id: Typed
    client_secret: Typed
    domains: Long
    customer: Typed = ""
    groups: Long = ""
    only_sso: Typed = ""

    def draft(self) -> ProviderDraft:
        """Return what it asks for."""
        return ProviderDraft(
            label=self.label.strip(),
            issuer=self.issuer.strip(),
            client_id=self.client_id.strip(),
            client_secret=self.client_secret.strip(),
            domains=read_list(self.domains),
            only_sso=bool(self.only_sso),
            groups=read_groups(self.groups),
        )


@routes.post("", dependencies=ours)
def put(
    request: Request, db: Db, desk: DeskHere, now: Now, wanted: Annotated[Wanted, Form()]
) -> Response:
    """Have an organisation's people log in at a provider, in place of the one before."""
    draft, by = wanted.draft(), caller_of(request).name
    set_provider(db, wanted.customer or None, draft, key=desk.credential_key, by=by, now=now)
    return go(request, "/sso", f"单点登录“{draft.label}”已生效")


@routes.post("/end", dependencies=ours)
def end(request: Request, db: Db, now: Now, customer: Text = "") -> Response:
    """Have an organisation's people log in by password again."""
    was = end_provider(db, customer or None, by=caller_of(request).name, now=now)
    return go(request, "/sso", f"单点登录“{was.label}”已停用，改用密码登录")
