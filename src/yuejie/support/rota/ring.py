"""Reach people of ours by name: over the channels of the operator's contacts that bear it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from yuejie.db.session import Tx
from yuejie.notices import store as notices
from yuejie.notices.notice import Notice
from yuejie.notices.outbox import enqueue


def ring(tx: Tx, notice: Notice, people: Iterable[str], *, at: datetime) -> None:
    """Tell people once each, and everybody of ours where none of them can be reached.

    A person is reached over the channels of the operator's contact of the same name.
    """
    wanted = {person for person in people if person}
    named = {each.contact_id for each in notices.contacts(tx, None) if each.name in wanted}
    found = [each.channel_id for each in notices.channels(tx, None) if each.contact_id in named]
    for channel_id in found:
        enqueue(
            tx, replace(notice, key=f"{notice.key}:{channel_id}"), at=at, only_channel=channel_id
        )
    if not found:
        enqueue(tx, notice, at=at)
