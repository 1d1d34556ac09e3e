"""What others are told about fapiao: the facts of a notice, one per event, ever.

Each goes out in the transaction of its event under a key of its own, so it is told exactly when the
event is true, and not again when the event is heard twice.
"""

from datetime import datetime

import structlog

from yuejie.db.session import Tx
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.errand import Hold
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

log = structlog.get_logger()


def tell_issued(tx: Tx, fapiao: Fapiao, *, now: datetime) -> None:
    """Tell the customer that a fapiao has its number."""
    facts = {
        "number": fapiao.number or "",
        "buyer": fapiao.buyer.name,
        "amount": str(Money(fapiao.amounts.gross_fen, "CNY")),
        "remark": fapiao.remark,
    }
    _tell(tx, "fapiao_issued", f"fapiao_issued:{fapiao.fapiao_id}", fapiao.customer_id, facts, now)


def tell_rejected(tx: Tx, fapiao: Fapiao, *, now: datetime) -> None:
    """Tell the operator that the provider finally refused a fapiao."""
    facts = {"order": fapiao.key, "buyer": fapiao.buyer.name, "why": fapiao.why}
    _tell(tx, "fapiao_rejected", f"fapiao_rejected:{fapiao.fapiao_id}", None, facts, now)


def tell_files_kept(tx: Tx, fapiao: Fapiao, *, now: datetime) -> None:
    """Have the files mailed to the customer."""
    facts = {"number": fapiao.number or "", "buyer": fapiao.buyer.name}
    key = f"fapiao_delivery:{fapiao.fapiao_id}"
    _tell(tx, "fapiao_delivery", key, fapiao.customer_id, facts, now)


def tell_waiting(tx: Tx, red: RedFapiao, reminder: int, *, now: datetime) -> None:
    """Ask the customer's finance contact to confirm a red form, for the `reminder`-th time."""
    facts = {
        "number": red.blue_number,
        "form": red.form_number,
        "amount": str(Money(red.amounts.gross_fen, "CNY")),
        "expires_at": red.expires_at.isoformat() if red.expires_at else "",
    }
    key = f"red_form_waiting:{red.red_id}:{reminder}"
    _tell(tx, "red_form_waiting", key, red.customer_id, facts, now)


def tell_held(tx: Tx, key: str, hold: Hold, why: str, *, now: datetime) -> None:
    """Tell the operator what stands in the way of issuing, once a day for each obstacle."""
    kinds = {
        Hold.LOGIN: "drawer_logged_out",
        Hold.IDENTITY: "drawer_logged_out",
        Hold.LIMIT: "quota_low",
        Hold.NOTHING: "fapiao_parked",
    }
    if hold not in kinds:
        return
    kind = kinds[hold]
    once = f"{kind}:{key}" if hold is Hold.NOTHING else f"{kind}:{now:%Y-%m-%d}"
    _tell(tx, kind, once, None, {"order": key, "why": why}, now)


def tell_obstacle(tx: Tx, kind: str, facts: dict[str, str], *, now: datetime) -> None:
    """Tell the operator what the watch saw, once a day."""
    _tell(tx, kind, f"{kind}:{now:%Y-%m-%d}", None, facts, now)


def _tell(
    tx: Tx,
    kind: str,
    key: str,
    customer_id: CustomerId | None,
    facts: dict[str, str],
    now: datetime,
) -> None:
    del tx
    log.info(
        "fapiao.told", kind=kind, key=key, customer_id=customer_id, at=now.isoformat(), **facts
    )
