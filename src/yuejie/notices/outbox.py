"""Write a notice down in the transaction of the deed that it tells about."""

from datetime import datetime

from yuejie.db.session import Tx
from yuejie.kernel.ids import mint
from yuejie.notices import store
from yuejie.notices.notice import Notice, checked


def enqueue(tx: Tx, notice: Notice, *, at: datetime, only_channel: str | None = None) -> bool:
    """Write a notice to be told, once per key, ever; the same key again does nothing.

    Returns whether it was new. `only_channel` tells one channel alone, for its test button.
    """
    told = checked(notice)
    notice_id = mint("ntc", at)
    if not store.insert_notice(tx, notice_id, told, at=at, only_channel=only_channel):
        return False
    for position, attachment in enumerate(told.attachments):
        store.insert_attachment(tx, notice_id, position, attachment)
    return True
