"""What the tests of notices share: contacts with channels, notices, a patient courier."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.parcel import Outcome, Parcel, sent
from yuejie.notices.contact import Channel
from yuejie.notices.contacts import (
    ChannelDraft,
    ContactDraft,
    add_channel,
    add_contact,
    set_sender,
)
from yuejie.notices.log import store as log_store
from yuejie.notices.log.store import Delivery, Wish
from yuejie.notices.notice import NEEDS, Attachment, Kind, Notice
from yuejie.notices.outbox import enqueue

KEY = b"k" * 32
BY = "tests"
NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
VALUES = {
    "month": "2026-10",
    "amount": "95,000.00 CNY",
    "number": "B202610-0001",
    "due_on": "2026-11-17",
    "review_until": "2026-11-10",
    "days": "3",
    "percent": "80",
    "months": "12",
}


def facts_of(kind: Kind) -> dict[str, str]:
    return {name: VALUES.get(name, f"<{name}>") for name in NEEDS[kind].facts}


def notice(
    key: str,
    kind: Kind = Kind.BILL_ISSUED,
    *,
    customer_id: CustomerId | None = None,
    attachments: tuple[Attachment, ...] = (),
    **more: str,
) -> Notice:
    audience = "operator" if customer_id is None else "customer"
    return Notice(kind, audience, facts_of(kind) | more, key, customer_id, attachments)


def tell(db: Database, *notices: Notice, at: datetime = NOW) -> list[bool]:
    with db.begin() as tx:
        return [enqueue(tx, each, at=at) for each in notices]


def customer(db: Database, slug: str = "acme") -> CustomerId:
    particulars = Particulars(slug=slug, legal_name=f"{slug} 有限公司")
    return enrol_customer(db, particulars, by=BY, now=NOW).customer_id


def channel(
    db: Database,
    kind: str,
    address: str,
    key: str = "",
    allowed: frozenset[str] = frozenset(),
    customer_id: CustomerId | None = None,
    kinds: tuple[str, ...] = (),
    **contact: object,
) -> tuple[Channel, str]:
    draft = ContactDraft(**({"name": "财务王"} | contact))  # type: ignore[arg-type]  # why: a test names only what it changes
    person = add_contact(db, customer_id, draft, by=BY, now=NOW)
    made = add_channel(
        db,
        ChannelDraft(
            contact_id=person.contact_id, kind=kind, address=address, key=key, kinds=list(kinds)
        ),
        credential_key=KEY,
        allowed=allowed,
        by=BY,
        now=NOW,
    )
    return made.channel, made.key


def mail_sender(db: Database, port: int) -> None:
    settings = {
        "host": "127.0.0.1",
        "port": str(port),
        "security": "none",
        "from": "月结 <bill@yuejie.example.com>",
    }
    set_sender(db, "email", settings, "", credential_key=KEY, by=BY, now=NOW)


def deliveries(db: Database, state: str | None = None) -> list[Delivery]:
    """Return everything in the log, the oldest first."""
    with db.read() as tx:
        return log_store.whole_log(tx, Wish(state=state), limit=1_000)[::-1]


@dataclass
class Memory:
    """A courier that keeps what it carried; `moods` are its next outcomes, then all arrives."""

    parcels: list[Parcel] = field(default_factory=list)
    moods: list[Outcome] = field(default_factory=list)

    def send(self, parcel: Parcel, *, at: datetime) -> Outcome:
        assert at.tzinfo is not None
        self.parcels.append(parcel)
        return self.moods.pop(0) if self.moods else sent("ok")
