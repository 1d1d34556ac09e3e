"""Tell of a trial, stage by stage: the customer and sales, each of each stage once.

A trial begins (told in the deed that grants it), has used half of its tokens, lies within three
days of its end, is used up, is over, becomes a contract. All but the first are found by the clerk,
which looks each minute; what was told is known by its key, so it is told once whoever looks. With
the end go the report and the specimen of a bill, to the customer, by mail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.budgets.show import standings
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import zone_of
from yuejie.notices import store as outbox
from yuejie.notices.contact import ChannelKind
from yuejie.notices.contacts import ChannelDraft, ContactDraft, add_channel_in, add_contact_in
from yuejie.notices.notice import NEEDS, Attachment, Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.presales.trial import store
from yuejie.presales.trial.convert import standing_of
from yuejie.presales.trial.pdf import TrialPaper, file_name, to_pdf
from yuejie.presales.trial.report import read_report
from yuejie.presales.trial.trial import ALLOWANCE, ZONE, Stage, Standing, Trial, TrialRequest

BEFORE: Final = timedelta(days=3)
HALF_PERCENT: Final = 50
USED_UP_PERCENT: Final = 95
"""A hard allowance refuses what may not fit: with so little left it refuses most calls."""
WATCHED: Final = timedelta(days=31)
"""So long after its end a trial is looked at: for a contract that follows it late."""
STAGES: Final = (
    Kind.TRIAL_GRANTED,
    Kind.TRIAL_HALF_USED,
    Kind.TRIAL_USED_UP,
    Kind.TRIAL_ENDING,
    Kind.TRIAL_ENDED,
    Kind.TRIAL_CONVERTED,
)
"""Stages in the order in which most trials meet them."""
_MANY: Final = 10_000
_PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True)
class Told:
    """A stage that was told of: to whom, and when it was written into the outbox."""

    kind: Kind
    audience: Audience
    at: datetime


def due_stages(trial: Trial, stands: Standing, used: int, now: datetime) -> Iterator[Kind]:
    """Yield the stages that a trial is in, which are to be told unless they were. Pure."""
    match stands.stage:
        case Stage.RUNNING:
            if used * 100 >= trial.tokens * USED_UP_PERCENT:
                yield Kind.TRIAL_USED_UP
            elif used * 100 >= trial.tokens * HALF_PERCENT:
                yield Kind.TRIAL_HALF_USED
            if stands.over_at - now <= BEFORE and stands.contract_id is None:
                yield Kind.TRIAL_ENDING
        case Stage.ENDED:
            yield Kind.TRIAL_ENDED
        case Stage.CONVERTED:
            yield Kind.TRIAL_CONVERTED


def tell_trials(db: Database, now: datetime, *, seller: str) -> int:
    """Tell what has come about with any trial; return how many notices are new."""
    with db.read() as tx:
        found = store.trials(tx, since=now - WATCHED, limit=_MANY)
    return sum(_tell(db, trial, now, seller) for trial in found)


def _tell(db: Database, trial: Trial, now: datetime, seller: str) -> int:
    with db.read() as tx:
        customer = find_customer(tx, trial.customer_id)
        stands = standing_of(tx, trial, now)
        known = {(each.kind, each.audience) for each in told_of(tx, trial)}
    used = _used(db, customer, now) if stands.stage is Stage.RUNNING else 0
    new = 0
    for kind in due_stages(trial, stands, used, now):
        if {(kind, audience) for audience in Audience} <= known:
            continue
        new += _tell_stage(db, trial, customer, stands, kind, used, now, seller)
    return new


def _used(db: Database, customer: Customer, now: datetime) -> int:
    """Return the tokens that a trial's allowance counts as spent."""
    held = standings(db, customer, now=now)
    return sum(each.spent for each in held if each.allowance.name == ALLOWANCE)


def _tell_stage(
    db: Database,
    trial: Trial,
    customer: Customer,
    stands: Standing,
    kind: Kind,
    used: int,
    now: datetime,
    seller: str,
) -> int:
    facts = facts_of(trial, customer, stands) | {"used": f"{used:,}"}
    files: tuple[Attachment, ...] = ()
    if kind in {Kind.TRIAL_ENDED, Kind.TRIAL_CONVERTED}:
        with db.read(consistent=True) as tx:
            report = read_report(tx, trial, now=now)
        facts |= {"used": f"{report.tokens:,}", "amount": f"{report.gross} {report.currency}"}
        facts |= {"contract": report.follows or "—"}
        files = tuple(
            Attachment(file_name(report, paper), _PDF, to_pdf(report, paper, seller))
            for paper in TrialPaper
        )
    with db.begin() as tx:
        return tell(tx, trial, kind, facts, now, files)


def tell(
    tx: Tx,
    trial: Trial,
    kind: Kind,
    facts: Mapping[str, str],
    now: datetime,
    files: tuple[Attachment, ...] = (),
) -> int:
    """Put a stage into the outbox for the customer and for sales, once each."""
    new, said = 0, {name: facts[name] for name in NEEDS[kind].facts}
    for audience in Audience:
        own = files if audience is Audience.CUSTOMER else ()
        key = key_of(trial, kind, audience)
        told = Notice(kind, audience, said, key, trial.customer_id, own)
        new += enqueue(tx, told, at=now)
    return new


def key_of(trial: Trial, kind: Kind, audience: Audience) -> str:
    """Return the occasion of a stage, as the outbox knows it."""
    return f"trial:{trial.trial_id}:{kind}:{audience}"


def told_of(tx: Tx, trial: Trial) -> list[Told]:
    """Return what was told of a trial, the first first."""
    keys = [key_of(trial, kind, audience) for kind in STAGES for audience in Audience]
    rows = sorted(outbox.written(tx, keys), key=lambda row: (row.at, keys.index(row.key)))
    return [Told(Kind(row.kind), Audience(row.audience), row.at) for row in rows]


def facts_of(trial: Trial, customer: Customer, stands: Standing) -> dict[str, str]:
    """Return what every stage says of a trial; days are the customer's."""
    zone = zone_of(ZONE)
    over = stands.over_at.astimezone(zone)
    return {
        "trial": trial.trial_id,
        "customer": customer.legal_name,
        "limit": f"{trial.tokens:,}",
        "ends_on": f"{over:%Y-%m-%d %H:%M}",
        "starts_on": f"{over:%Y-%m-%d %H:%M}",
    }


def hear(
    tx: Tx,
    customer: Customer,
    request: TrialRequest,
    *,
    credential_key: bytes,
    by: str,
    now: datetime,
) -> None:
    """Let whoever asked hear of the trial, at the address that the request gave.

    Raises Invalid for a name or an address that no contact may have.
    """
    who = ContactDraft(name=request.contact)
    contact = add_contact_in(tx, customer.customer_id, who, by=by, now=now)
    draft = ChannelDraft(
        contact_id=contact.contact_id, kind=ChannelKind.EMAIL, address=request.email
    )
    add_channel_in(
        tx,
        draft,
        credential_key=credential_key,
        allowed=frozenset(),
        by=by,
        now=now,
        customer_id=customer.customer_id,
    )
