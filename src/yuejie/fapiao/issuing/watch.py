"""Watch the drawer's session and the issuing limit, and let errands go on when they are well.

The tax office allows twenty looks a day, thirty seconds apart; an hour between two is enough.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.db.session import Database, Tx
from yuejie.fapiao.issuing import store
from yuejie.fapiao.issuing.errand import Hold
from yuejie.fapiao.issuing.store import Watch
from yuejie.fapiao.providers.port import MISSHAPEN, IssuingLimit, Provider, Session
from yuejie.fapiao.tell import tell_obstacle
from yuejie.kernel.money import Money
from yuejie.notices.notice import Kind

log = structlog.get_logger()

LOOKS: Final = 20
"""Looks in a day (Nuonuo's getCreditLine)."""
APART: Final = timedelta(seconds=30)
EVERY: Final = timedelta(minutes=75)
"""Nineteen looks a day, and one in hand for a person."""
LOW_FIFTHS: Final = 5
"""The limit is low when less than a fifth of it is left."""
LOGIN_SAID: Final = {"in": "已登录", "out": "未登录", "unknown": "未知"}
IDENTITY_SAID: Final = {"proved": "已认证", "wanted": "待认证", "unknown": "未知"}


def look(
    db: Database, provider: Provider, *, now: datetime, asked_by_hand: bool = False
) -> Watch | None:
    """Look if it is time, keep what was heard, release what may go on; None when it is not time."""
    with db.read() as tx:
        last = store.newest_watch(tx, provider.name)
        looks = store.watches_since(tx, provider.name, now - timedelta(days=1))
    wait = APART if asked_by_hand else EVERY
    if looks >= LOOKS or (last is not None and now - last.at < wait):
        return None
    session, limit = _ask(provider, now)
    provider.notebook.take()
    heard = Watch(
        provider=provider.name,
        at=now,
        login=session.login,
        identity=session.identity,
        total_fen=limit.total_fen if limit else None,
        used_fen=limit.used_fen if limit else None,
        available_fen=limit.available_fen if limit else None,
    )
    with db.begin() as tx:
        store.insert_watch(tx, heard)
        store.release_held(tx, provider.name, _cleared(heard), now=now)
        _tell(tx, heard, now)
    return heard


def _ask(provider: Provider, now: datetime) -> tuple[Session, IssuingLimit | None]:
    """Return what the provider tells; of what it tells in no known shape nothing is known."""
    session: Session = Session()
    try:
        session = provider.session(now=now)
        return session, provider.issuing_limit(now=now)
    except MISSHAPEN as error:
        log.warning("fapiao.misshapen", what="watch", error=repr(error))
        return session, None


def _cleared(heard: Watch) -> list[str]:
    """Return the obstacles that are known to be gone."""
    cleared = []
    if heard.login == "in":
        cleared.append(str(Hold.LOGIN))
    if heard.identity == "proved":
        cleared.append(str(Hold.IDENTITY))
    if heard.available_fen:
        cleared.append(str(Hold.LIMIT))
    return cleared


def _tell(tx: Tx, heard: Watch, now: datetime) -> None:
    if heard.login == "out" or heard.identity == "wanted":
        tell_obstacle(tx, Kind.DRAWER_LOGGED_OUT, {"drawer": heard.provider}, now=now)
    total, left = heard.total_fen, heard.available_fen
    if total is not None and left is not None and left * LOW_FIFTHS < total:
        facts = {"remaining": f"{Money(left, 'CNY')} CNY"}
        tell_obstacle(tx, Kind.FAPIAO_CREDIT_LOW, facts, now=now)
