"""Customers taken up and changed: who they are on paper, and the tree of their projects."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel
from starlette.responses import Response

from yuejie.customers.customer import Customer, CustomerState, Project
from yuejie.customers.enrol import (
    Particulars,
    ProjectDraft,
    add_project_in,
    enrol_in,
    find_customer,
)
from yuejie.customers.store import customer_by_slug, project_by_name, projects
from yuejie.kernel.errors import Conflict
from yuejie.kernel.period import zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.shapes.customers import Text

routes: Final = APIRouter(
    include_in_schema=False, prefix="/customers", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

ZONES: Final = ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "UTC")
"""What most customers have; any other zone is typed."""
CURRENCIES: Final = ("CNY", "USD")


class CustomerForm(BaseModel):
    """What the form says of a customer; a known one keeps its short name, zone and currency."""

    slug: Text = ""
    legal_name: Text = ""
    uscc: Text = ""
    tax_address: Text = ""
    tax_phone: Text = ""
    bank_name: Text = ""
    bank_account: Text = ""
    zone: Text = ZONES[0]
    currency: Literal["CNY", "USD"] = "CNY"
    tag_names: Text = ""
    state: CustomerState = CustomerState.ACTIVE
    then: Literal["", "first-run"] = ""
    """Where the form stood: who came from the first run goes on there."""

    def particulars(self, known: Customer | None = None) -> Particulars:
        """Return what the verb takes."""
        return Particulars(
            slug=known.slug if known else self.slug.strip(),
            legal_name=self.legal_name,
            uscc=self.uscc.strip() or None,
            tax_address=self.tax_address.strip(),
            tax_phone=self.tax_phone.strip(),
            bank_name=self.bank_name.strip(),
            bank_account=self.bank_account.strip(),
            zone=known.zone if known else self.zone.strip(),
            currency=known.currency if known else self.currency,
            tag_names=words_in(self.tag_names),
            state=str(self.state),
        )


class ProjectForm(BaseModel):
    """What the form says of a project; `known` names the one that is changed, if one is."""

    name: Text = ""
    parent: Text = ""
    department: Text = ""
    environment: Text = ""
    allowed_providers: Text = ""
    allowed_regions: Text = ""
    known: Text = ""

    def draft(self) -> ProjectDraft:
        """Return what the verb takes."""
        return ProjectDraft(
            name=self.known or self.name.strip(),
            parent=self.parent or None,
            department=self.department.strip(),
            environment=self.environment.strip(),
            allowed_providers=words_in(self.allowed_providers) or None,
            allowed_regions=words_in(self.allowed_regions) or None,
        )


def words_in(text: str) -> list[str]:
    """Read words parted by commas or blanks, each once."""
    return list(dict.fromkeys(each for each in re.split(r"[,，、;；\s]+", text) if each))


@routes.get("/new")
def show_form(request: Request) -> Response:
    """Show an empty form."""
    return _form(request, None)


@routes.post("/new", dependencies=ours)
def enrol(request: Request, db: Db, now: Now, form: Annotated[CustomerForm, Form()]) -> Response:
    """Take a customer up; one of that short name that is known already is not touched."""
    wanted = form.particulars()
    with db.begin() as tx:
        if wanted.slug and customer_by_slug(tx, wanted.slug) is not None:
            raise Conflict(f"客户简称“{wanted.slug}”已有客户在用，请换一个简称，或打开该客户更改")
        made = enrol_in(tx, wanted, by=caller_of(request).name, now=now)
    onwards = f"/first-run?step=contract&customer={quote(made.slug, safe='')}"
    path = onwards if form.then else f"/customers/{made.slug}"
    return go(request, path, f"客户 {made.legal_name} 已登记")


@routes.get("/{customer}/edit")
def show_customer(request: Request, db: Db, customer: str) -> Response:
    """Show what is written of a customer, to be changed, and its projects."""
    with db.read() as tx:
        party = find_customer(tx, customer)
        tree = projects(tx, party.customer_id)
    return _form(request, party, sorted(tree, key=lambda each: each.name))


@routes.post("/{customer}/edit", dependencies=ours)
def change(
    request: Request, db: Db, now: Now, customer: str, form: Annotated[CustomerForm, Form()]
) -> Response:
    """Change what is written of a customer."""
    with db.begin() as tx:
        party = find_customer(tx, customer)
        enrol_in(tx, form.particulars(party), by=caller_of(request).name, now=now)
    return go(request, f"/customers/{party.slug}/edit", "客户资料已更改，此后的账单与发票按新资料")


@routes.post("/{customer}/projects", dependencies=ours)
def put_project(
    request: Request, db: Db, now: Now, customer: str, form: Annotated[ProjectForm, Form()]
) -> Response:
    """Add a project, or change the one the form names: a new one never overwrites."""
    draft = form.draft()
    with db.begin() as tx:
        party = find_customer(tx, customer)
        known = project_by_name(tx, party.customer_id, draft.name)
        if not form.known and known is not None:
            raise Conflict(f"项目“{draft.name}”已存在，请换一个名称，或在列表中更改它")
        add_project_in(tx, party.customer_id, draft, by=caller_of(request).name, now=now)
    return go(request, f"/customers/{party.slug}/edit", f"项目 {draft.name} 已保存")


def _form(request: Request, party: Customer | None, tree: Sequence[Project] = ()) -> Response:
    return draw(
        request,
        "house/customer.html",
        customer=party,
        zones=ZONES,
        currencies=CURRENCIES,
        zone=zone_of(party.zone) if party else HOUSE_ZONE,
        projects=tree,
    )
