"""Contacts and their channels: add, try by the test button, rotate, remove; quiet hours."""

from datetime import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.notices import store
from yuejie.notices.contacts import (
    ChannelDraft,
    ContactDraft,
    add_channel,
    add_contact,
    change_contact,
    enqueue_test,
    find_channel,
    remove_channel,
    remove_contact,
    rotate_secret,
)
from yuejie.notices.log.store import Delivery, Wish, log, whole_log
from yuejie.notices.notice import Kind
from yuejie.web.auth import whose
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import query_of
from yuejie.web.pages.told.words import CHANNELS, DELIVERIES, LANGUAGES, kind_title

routes: Final = APIRouter(include_in_schema=False, prefix="/notices", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Typed = Annotated[str, Field(max_length=500)]


class ContactForm(BaseModel):
    """The form of a new contact, as it was typed."""

    name: Typed = ""
    language: Typed = "zh-CN"
    zone: Typed = ""
    quiet_from: Typed = ""
    quiet_until: Typed = ""

    def draft(self, zone: str) -> ContactDraft:
        """Return what the verb takes. Raises Invalid for hours that cannot be read."""
        return ContactDraft(
            name=self.name,
            language=self.language,
            zone=self.zone.strip() or zone,
            quiet_from=_clock(self.quiet_from),
            quiet_until=_clock(self.quiet_until),
        )


class ChannelForm(BaseModel):
    """The form of a new channel, as it was typed."""

    kind: Typed = ""
    address: Typed = ""
    key: Typed = ""
    kinds: list[Typed] = Field(default_factory=list, max_length=100)


def _clock(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("免打扰时段应写成 22:00") from None


@routes.get("")
def show(request: Request, db: Db, customer: str = "") -> Response:
    """Show who hears of what, over which channel, and how the last message over it fared."""
    facts = _facts(request, db, customer)
    return draw(request, "told/contacts.html", **facts)


def _facts(request: Request, db: Database, customer: str) -> dict[str, Any]:
    caller = caller_of(request)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        known = store.contacts(tx, customer_id)
        channels = store.channels(tx, customer_id)
        last: dict[str, Delivery] = {}
        for each in channels:
            wish = Wish(channel_id=each.channel_id)
            found = (
                log(tx, customer_id, wish, limit=1) if customer_id else whole_log(tx, wish, limit=1)
            )
            if found:
                last[each.channel_id] = found[0]
        everybody = customers(tx) if caller.is_operator else []
    language = request.state.visitor.language
    return {
        "party": party,
        "contacts": [(c, [ch for ch in channels if ch.contact_id == c.contact_id]) for c in known],
        "last": last,
        "everybody": everybody,
        "asked": customer,
        "query": query_of(request, party) if party else "",
        "channels": CHANNELS,
        "languages": LANGUAGES,
        "deliveries": DELIVERIES,
        "titles": {str(kind): kind_title(kind, language) for kind in Kind},
        "zone_name": party.zone if party else HOUSE_ZONE.key,
        "made": None,
    }


@routes.post("/contacts", dependencies=ours)
def post_contact(
    request: Request,
    db: Db,
    now: Now,
    form: Annotated[ContactForm, Form()],
    customer: str = "",
) -> Response:
    """Write a contact down."""
    caller = caller_of(request)
    customer_id, party = _party(db, request, customer)
    draft = form.draft(party.zone if party else HOUSE_ZONE.key)
    made = add_contact(db, customer_id, draft, by=caller.name, now=now)
    return go(request, _back(request, party), f"联系人 {made.name} 已登记，请为其添加渠道")


@routes.post("/contacts/{contact}", dependencies=ours)
def put_contact(
    request: Request,
    db: Db,
    now: Now,
    contact: str,
    form: Annotated[ContactForm, Form()],
    customer: str = "",
) -> Response:
    """Change a contact's name, language or quiet hours."""
    customer_id, party = _party(db, request, customer)
    draft = form.draft(party.zone if party else HOUSE_ZONE.key)
    by = caller_of(request).name
    became = change_contact(db, contact, draft, customer_id=customer_id, by=by, now=now)
    return go(request, _back(request, party), f"联系人 {became.name} 已更改")


@routes.post("/contacts/{contact}/channels", dependencies=ours)
def post_channel(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    contact: str,
    form: Annotated[ChannelForm, Form()],
    customer: str = "",
) -> Response:
    """Write a channel down and send a test over it at once; a webhook's key is shown this once."""
    caller = caller_of(request)
    customer_id, party = _party(db, request, customer)
    made = add_channel(
        db,
        ChannelDraft(
            contact_id=contact,
            kind=form.kind,
            address=form.address.strip(),
            key=form.key.strip(),
            kinds=form.kinds,
        ),
        credential_key=desk.credential_key,
        allowed=desk.notice_hosts,
        by=caller.name,
        now=now,
        customer_id=customer_id,
    )
    channel_id = made.channel.channel_id
    enqueue_test(db, channel_id, by=caller.name, now=now, customer_id=customer_id)
    if not made.key:
        return go(request, _back(request, party), "渠道已添加，并发出一条测试通知，请查收")
    return _keyed(request, db, customer, made.channel.hint, made.key)


def _keyed(request: Request, db: Database, customer: str, hint: str, key: str) -> Response:
    facts = _facts(request, db, customer) | {"made": {"hint": hint, "key": key}}
    return redraw(request, "told/contacts.html", **facts)


@routes.post("/channels/{channel}/test", dependencies=ours)
def try_channel(request: Request, db: Db, now: Now, channel: str, customer: str = "") -> Response:
    """Press the test button: one message over one channel, within seconds."""
    customer_id, party = _party(db, request, customer)
    by = caller_of(request).name
    enqueue_test(db, channel, by=by, now=now, customer_id=customer_id)
    return go(request, _back(request, party), "测试通知已发出，几秒后刷新可见结果")


@routes.post("/channels/{channel}/rotate", dependencies=ours)
def rotate(
    request: Request, db: Db, desk: DeskHere, now: Now, channel: str, customer: str = ""
) -> Response:
    """Give a webhook a fresh key, shown this once; the old one signs too for a day."""
    customer_id, _ = _party(db, request, customer)
    with db.begin() as tx:
        hint = find_channel(tx, channel, customer_id).hint
    key = rotate_secret(
        db,
        channel,
        credential_key=desk.credential_key,
        by=caller_of(request).name,
        now=now,
        customer_id=customer_id,
    )
    return _keyed(request, db, customer, hint, key)


@routes.post("/channels/{channel}/remove", dependencies=ours)
def drop_channel(request: Request, db: Db, now: Now, channel: str, customer: str = "") -> Response:
    """Forget a channel; what waits for it is dropped."""
    customer_id, party = _party(db, request, customer)
    remove_channel(db, channel, customer_id=customer_id, by=caller_of(request).name, now=now)
    return go(request, _back(request, party), "渠道已删除")


@routes.post("/contacts/{contact}/remove", dependencies=ours)
def drop_contact(request: Request, db: Db, now: Now, contact: str, customer: str = "") -> Response:
    """Forget a contact with its channels; the log stays, masked."""
    customer_id, party = _party(db, request, customer)
    remove_contact(db, contact, customer_id=customer_id, by=caller_of(request).name, now=now)
    return go(request, _back(request, party), "联系人已删除")


def _party(
    db: Database, request: Request, customer: str
) -> tuple[CustomerId | None, Customer | None]:
    with db.read() as tx:
        customer_id = whose(tx, caller_of(request), customer or None)
        return customer_id, find_customer(tx, customer_id) if customer_id else None


def _back(request: Request, party: Customer | None) -> str:
    return f"/notices{query_of(request, party) if party else ''}"
