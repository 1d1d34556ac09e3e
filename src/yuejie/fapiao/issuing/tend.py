"""One round of everything that fapiao need from time to time; the clerk makes it."""

from datetime import datetime

from yuejie.db.session import Database
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.issuing.watch import look
from yuejie.fapiao.providers.port import Provider
from yuejie.fapiao.reversing.reverse import remind_waiting


def tend(db: Database, provider: Provider | None, *, now: datetime) -> int:
    """Look after the drawer, remind whom a form waits for, perform what is due.

    Returns how many calls were made. Made twice it does nothing more; by hand there is no provider.
    """
    remind_waiting(db, now=now)
    if provider is None:
        return 0
    look(db, provider, now=now)
    return run_errands(db, provider, now=now)
