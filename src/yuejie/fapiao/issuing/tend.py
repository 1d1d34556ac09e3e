"""One round of everything that fapiao need from time to time; the clerk makes it."""

from datetime import datetime, timedelta
from typing import Final

from yuejie.db.session import Database
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.issuing.store import park_elsewhere
from yuejie.fapiao.issuing.watch import look
from yuejie.fapiao.providers.port import Provider
from yuejie.fapiao.request import MANUAL
from yuejie.fapiao.reversing.buyer import find_forms
from yuejie.fapiao.reversing.reverse import remind_waiting

NOBODYS: Final = timedelta(hours=2)
"""How long an errand of another provider is due before it is left to a person: nobody runs it."""


def tend(db: Database, provider: Provider | None, *, now: datetime) -> int:
    """Look after the drawer, find buyers' forms, remind whom a form waits for, do what is due.

    What lies at a provider that was left is left to a person. Returns how many calls were made.
    Made twice it does nothing more; by hand there is no provider.
    """
    with db.begin() as tx:
        park_elsewhere(tx, provider.name if provider else MANUAL, before=now - NOBODYS)
    if provider is None:
        remind_waiting(db, now=now)
        return 0
    look(db, provider, now=now)
    find_forms(db, provider, now=now)
    remind_waiting(db, now=now)
    return run_errands(db, provider, now=now)
