"""Tell the operator what became of a signature: signed, refused, or for a person to look into."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.esign.store import EndedSigning, ended_signings
from yuejie.contracts.numbers.store import every_number
from yuejie.db.session import Database
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

_LOOK_BACK: Final = timedelta(days=7)
"""A clerk may be away for so long and still tell; the outbox knows what was told."""
_WORDS: Final = {
    "completed": "已签署（completed）",
    "refused": "被拒签（refused）",
    "failed": "失败（failed），须人工核对",
}


def announce_signings(db: Database, now: datetime) -> int:
    """Enqueue each end of a request for signature once; return how many were new."""
    with db.begin() as tx:
        ended = ended_signings(tx, since=now - _LOOK_BACK)
        numbers = every_number(tx) if ended else {}
        return sum(enqueue(tx, _notice_of(each, numbers), at=now) for each in ended)


def _notice_of(ended: EndedSigning, numbers: Mapping[str, str]) -> Notice:
    draft = numbers.get(ended.draft_id, ended.draft_id)
    facts = {"draft": draft, "outcome": _WORDS[ended.became], "why": ended.why or "—"}
    key = f"signing:{ended.signing_id}:{ended.step_id}"
    return Notice(Kind.SIGNING_ENDED, Audience.OPERATOR, facts, key, ended.customer_id)
