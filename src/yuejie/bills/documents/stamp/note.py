"""Write down that a paper was given away with the stamp on it: who, when, which bytes."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from yuejie.bills.documents.stamp.picture import Stamp
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database


@dataclass(frozen=True, slots=True)
class Stamping:
    """Which stamp, and by whom and when it is put on papers."""

    stamp: Stamp
    by: str
    now: datetime


def note_stamped(db: Database, stamping: Stamping, noun: str, name: str, body: bytes) -> None:
    """Record a stamped paper: the hash of its bytes and of the picture on it."""
    deed = Deed(by=stamping.by, at=stamping.now, verb="stamp", noun=noun, name=name)
    facts = {"sha256": sha256(body).hexdigest(), "picture": stamping.stamp.sha256}
    with db.begin() as tx:
        record_deed(tx, deed, became=facts)
