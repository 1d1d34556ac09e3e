"""What others are told about fapiao: one notice per event, ever.

Each is written down in the transaction of its event under a key of its own, so it is told exactly
when the event is true, and not again when the event is heard twice.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

import structlog

from yuejie.db.session import Tx
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.errand import Hold
from yuejie.fapiao.issuing.store import DueBill
from yuejie.fapiao.life import RedState
from yuejie.fapiao.reversing.form import ANSWERS, FORM_STATES
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.notices.notice import ATTACHMENT_BYTES, Attachment, Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.notices.rejection import Asked, Ended, Rejection, tell_rejection

log = structlog.get_logger()

_CHINA: Final = zone_of("Asia/Shanghai")
_MEDIA: Final = {"xml": "application/xml", "ofd": "application/ofd", "pdf": "application/pdf"}
_OBSTACLES: Final = {
    Hold.LOGIN: Kind.DRAWER_LOGGED_OUT,
    Hold.IDENTITY: Kind.DRAWER_LOGGED_OUT,
    Hold.LIMIT: Kind.FAPIAO_CREDIT_LOW,
}


def tell_issued(tx: Tx, fapiao: Fapiao, *, now: datetime) -> None:
    """Tell the customer that a fapiao has its number."""
    facts = _facts(fapiao.number, fapiao.amounts.gross_fen)
    key = f"fapiao:{fapiao.fapiao_id}:issued"
    _to_customer(tx, Kind.FAPIAO_ISSUED, fapiao.customer_id, key, facts, now)


def tell_files_kept(
    tx: Tx, subject: Fapiao | RedFapiao, files: Mapping[str, bytes], *, now: datetime
) -> None:
    """Have the files mailed to the customer, as many as a mail holds, the XML first; red ones too.

    What a red fapiao takes back the buyer has to turn out of its input tax: it must see it.
    """
    name = (
        f"red:{subject.red_id}" if isinstance(subject, RedFapiao) else f"fapiao:{subject.fapiao_id}"
    )
    attached: list[Attachment] = []
    room = ATTACHMENT_BYTES
    for form in ("xml", "pdf", "ofd"):
        body = files.get(form)
        if body is not None and len(body) <= room:
            room -= len(body)
            attached.append(Attachment(f"{subject.number}.{form}", _MEDIA[form], body))
    notice = Notice(
        kind=Kind.FAPIAO_DELIVERY,
        audience=Audience.CUSTOMER,
        facts=_facts(subject.number, subject.amounts.gross_fen),
        key=f"{name}:delivery",
        customer_id=subject.customer_id,
        attachments=tuple(attached),
    )
    enqueue(tx, notice, at=now)


def tell_waiting(tx: Tx, red: RedFapiao, reminder: int, *, now: datetime) -> None:
    """Ask the customer's finance contact to confirm a red form, for the `reminder`-th time."""
    key = f"red:{red.red_id}:waiting:{reminder}"
    _to_customer(tx, Kind.RED_FORM_WAITING, red.customer_id, key, _form_facts(red), now)


def tell_buyers_form(tx: Tx, red: RedFapiao, reminder: int, *, now: datetime) -> None:
    """Ask our finance to answer a form that the buyer started, for the `reminder`-th time."""
    key = f"red:{red.red_id}:waiting:{reminder}"
    _to_operator(tx, Kind.RED_FORM_TO_ANSWER, red.customer_id, key, _form_facts(red), now)


def tell_lapsed(tx: Tx, red: RedFapiao, *, now: datetime) -> None:
    """Tell our finance that the 72 hours of a form are over, once for each time that it had."""
    until = f"{red.expires_at:%Y%m%dT%H%M%SZ}" if red.expires_at else ""
    key = f"red:{red.red_id}:lapsed:{until}"
    _to_operator(tx, Kind.RED_FORM_LAPSED, red.customer_id, key, _form_facts(red), now)


def tell_contrary(
    tx: Tx, red: RedFapiao, code: str, *, by: str, why: str = "", now: datetime
) -> None:
    """Tell our finance, naming both who answered, that a buyer's form ended otherwise, once."""
    nobody = "—"
    facts = _form_facts(red) | {
        "form_number": red.form_number or red.key,
        "answer": ANSWERS[red.answer] if red.approved_by is not None else "未经两人批准",
        "answered_by": red.answered_by or nobody,
        "approved_by": red.approved_by or nobody,
        "became": FORM_STATES[code][0],
        "noted_by": by,
        "why": why.rstrip("。") or nobody,
    }
    key = f"red:{red.red_id}:contrary"
    _to_operator(tx, Kind.RED_FORM_CONTRARY, red.customer_id, key, facts, now)


def tell_unread(
    tx: Tx,
    customer_id: CustomerId | None,
    form_number: str,
    blue_number: str,
    why: str,
    *,
    now: datetime,
) -> None:
    """Tell our finance of a buyer's form that cannot be followed here, and why, once."""
    facts = {"fapiao_number": blue_number or "？", "form_number": form_number, "why": why}
    digest = sha256(f"{form_number} {why}".encode()).hexdigest()[:32]
    _to_operator(tx, Kind.RED_FORM_UNREAD, customer_id, f"red_form:{digest}", facts, now)


def tell_held(tx: Tx, provider: str, hold: Hold, why: str, *, now: datetime) -> None:
    """Tell the operator what stands in the way of issuing, once a day for each obstacle."""
    kind = _OBSTACLES.get(hold)
    if kind is not None:
        facts = {"drawer": provider} if kind is Kind.DRAWER_LOGGED_OUT else {"remaining": why}
        tell_obstacle(tx, kind, facts, now=now)


def tell_obstacle(tx: Tx, kind: Kind, facts: dict[str, str], *, now: datetime) -> None:
    """Tell the operator what the watch saw, once a day."""
    notice = Notice(
        kind=kind,
        audience=Audience.OPERATOR,
        facts=facts,
        key=f"fapiao:{kind}:{now:%Y-%m-%d}",
        customer_id=None,
    )
    enqueue(tx, notice, at=now)


def tell_due(tx: Tx, due: DueBill, step: int, *, now: datetime) -> bool:
    """Tell the operator that a bill's fapiao is promised for a day; each step once."""
    notice = Notice(
        kind=Kind.FAPIAO_DUE,
        audience=Audience.OPERATOR,
        facts={
            "number": due.number,
            "month": due.month,
            "amount": f"{Money(due.left_fen, 'CNY')} CNY",
            "fapiao_by": due.fapiao_by.isoformat(),
        },
        key=f"bill:{due.bill_id}:fapiao_due:{step}",
        customer_id=due.customer_id,
    )
    return enqueue(tx, notice, at=now)


def tell_declined(tx: Tx, fapiao: Fapiao, *, by: str, now: datetime) -> None:
    """Tell whoever requested a fapiao that it will not be issued, and why."""
    rejection = Rejection(
        asked=Asked.FAPIAO,
        name=fapiao.key,
        asked_by=fapiao.requested_by,
        by=by,
        why=fapiao.why,
        customer_id=fapiao.customer_id,
        amount=Money(fapiao.amounts.gross_fen, "CNY"),
    )
    tell_rejection(tx, rejection, at=now)


def tell_red_ended(tx: Tx, red: RedFapiao, *, by: str, now: datetime) -> None:
    """Tell whoever requested a red fapiao that somebody else or the buyer ended it, and why."""
    rejection = Rejection(
        asked=Asked.RED_FAPIAO,
        name=red.key,
        asked_by=red.requested_by,
        by=by,
        why=red.why,
        customer_id=red.customer_id,
        amount=Money(red.amounts.gross_fen, "CNY"),
        ended=Ended.VOID if red.state is RedState.VOID else Ended.REJECTED,
    )
    tell_rejection(tx, rejection, at=now)


def tell_rejected(tx: Tx, fapiao: Fapiao, *, by: str, now: datetime) -> None:
    """Log and tell that the provider finally refused a fapiao; it stands in the list as well."""
    log.warning("fapiao.rejected", key=fapiao.key, why=fapiao.why)
    tell_declined(tx, fapiao, by=by, now=now)


def _to_customer(
    tx: Tx, kind: Kind, customer_id: CustomerId, key: str, facts: dict[str, str], now: datetime
) -> None:
    notice = Notice(
        kind=kind, audience=Audience.CUSTOMER, facts=facts, key=key, customer_id=customer_id
    )
    enqueue(tx, notice, at=now)


def _to_operator(
    tx: Tx,
    kind: Kind,
    customer_id: CustomerId | None,
    key: str,
    facts: dict[str, str],
    now: datetime,
) -> None:
    notice = Notice(
        kind=kind, audience=Audience.OPERATOR, facts=facts, key=key, customer_id=customer_id
    )
    enqueue(tx, notice, at=now)


def _form_facts(red: RedFapiao) -> dict[str, str]:
    until = f"{red.expires_at.astimezone(_CHINA):%Y-%m-%d %H:%M}" if red.expires_at else ""
    facts = {"form_number": red.form_number, "until": until}
    return _facts(red.blue_number, red.amounts.gross_fen) | facts


def _facts(number: str | None, gross_fen: int) -> dict[str, str]:
    return {"fapiao_number": number or "", "amount": f"{Money(gross_fen, 'CNY')} CNY"}
