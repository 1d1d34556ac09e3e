"""Titles: whom a customer's fapiao are made out to; listed, added, altered, retired."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.fapiao.store import titles_of_customer
from yuejie.fapiao.title import TitleDraft, TitleState
from yuejie.fapiao.titles import TitleKept, alter_title, open_title, retire_title
from yuejie.kernel.period import zone_of
from yuejie.web.api.fapiao.requests import own_title
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.money.party import choose

routes: Final = APIRouter(
    include_in_schema=False, prefix="/fapiao/titles", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

_BETWEEN: Final = re.compile(r"[\s,;，；、]+")


class TitleForm(BaseModel):
    """What is typed about a title; a box that is not ticked is not sent."""

    name: str = Field("", max_length=200)
    tax_number: str = Field("", max_length=200)
    natural_person: bool = False
    address: str = Field("", max_length=200)
    phone: str = Field("", max_length=200)
    bank_name: str = Field("", max_length=200)
    bank_account: str = Field("", max_length=200)
    cnaps: str = Field("", max_length=200)
    emails: str = Field("", max_length=500)
    mobile: str = Field("", max_length=200)
    is_default: bool = False

    def draft(self) -> TitleDraft:
        """Return what was typed; mail addresses may be divided by anything usual."""
        emails = tuple(each for each in _BETWEEN.split(self.emails) if each)
        return TitleDraft(**self.model_dump(exclude={"emails"}), emails=emails)


Typed = Annotated[TitleForm, Form()]


@routes.get("")
def list_titles(request: Request, db: Db, customer: str = "") -> Response:
    """Show a customer's titles, the default first, and a form for the next."""
    with db.read() as tx:
        chosen = choose(tx, caller_of(request), customer)
        party = chosen.party
        found = titles_of_customer(tx, party.customer_id) if party else []
    return draw(
        request,
        "money/titles.html",
        zone=zone_of(party.zone) if party else HOUSE_ZONE,
        chosen=chosen,
        titles=[each for each in found if each.state == TitleState.ACTIVE],
        retired=[each for each in found if each.state != TitleState.ACTIVE],
        blank=TitleDraft(name=""),
    )


@routes.post("", dependencies=ours)
def add(request: Request, db: Db, now: Now, typed: Typed, customer: str = "") -> Response:
    """Write a title down."""
    caller = caller_of(request)
    with db.read() as tx:
        chosen = choose(tx, caller, customer)
        party = chosen.needed
    kept = open_title(db, party.customer_id, typed.draft(), by=caller.name, now=now)
    return go(request, f"/fapiao/titles{chosen.query}", _said("已登记", kept))


@routes.post("/{title}", dependencies=ours)
def alter(request: Request, db: Db, now: Now, title: str, typed: Typed) -> Response:
    """Alter a title for fapiao to come."""
    caller = caller_of(request)
    with db.read() as tx:
        query = choose(tx, caller, own_title(tx, caller, title).customer_id).query
    kept = alter_title(db, title, typed.draft(), by=caller.name, now=now)
    return go(request, f"/fapiao/titles{query}", _said("已修改", kept))


@routes.post("/{title}/retire", dependencies=ours)
def retire(request: Request, db: Db, now: Now, title: str) -> Response:
    """Use a title no more."""
    caller = caller_of(request)
    with db.read() as tx:
        query = choose(tx, caller, own_title(tx, caller, title).customer_id).query
    done = retire_title(db, title, by=caller.name, now=now)
    return go(request, f"/fapiao/titles{query}", f"抬头“{done.name}”已停用")


def _said(deed: str, kept: TitleKept) -> str:
    said = f"抬头“{kept.title.name}”{deed}"
    return f"{said}。请留意：{'；'.join(kept.warnings)}" if kept.warnings else said
