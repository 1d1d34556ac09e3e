"""Tokens of providers: kept encrypted between processes, because few may be fetched.

Nuonuo allows fifty token calls in thirty days, so one that is still good is never fetched again,
and the fiftieth is not asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.session import Database
from yuejie.fapiao.issuing.errand import Hold
from yuejie.fapiao.issuing.store import TokenRow, insert_token, newest_token, tokens_since
from yuejie.fapiao.providers.port import Held, NotSent
from yuejie.fapiao.providers.wire import NeverLeft, Silence
from yuejie.kernel.cipher import Unreadable, seal, unseal
from yuejie.kernel.errors import DomainError, Unavailable

CALLS: Final = 50
"""Token calls in thirty days (Nuonuo)."""
WINDOW: Final = timedelta(days=30)
REST: Final = timedelta(hours=1)
"""How long no token is fetched behind an answer that brought none: such calls count as well."""
EVER: Final = timedelta(days=3650)
"""How long a token is kept whose provider says that it never expires (nothing, or below)."""
EARLY: Final = timedelta(minutes=10)
"""A token is not used in its last minutes: a call under way must not outlive it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A token as the provider gave it."""

    token: str = field(repr=False)
    lasts: timedelta


class Tokens:
    """The tokens of one provider for one seller, behind the house's credential key."""

    def __init__(self, db: Database, provider: str, key: bytes) -> None:
        self._db = db
        self._provider = provider
        self._key = key
        self._given = ""
        self._spoilt = ""
        self._rest_until: datetime | None = None

    def get(self, fetch: Callable[[], Fetched], *, now: datetime) -> str | Held | NotSent:
        """Return a token that is good, or the port's answer where there is none to be had."""
        try:
            self._given = self._good(fetch, now)
        except DomainError as error:
            return Held(Hold.BUSY, error.sentence)
        except NeverLeft as error:
            return NotSent(f"取不到令牌：{error}")
        except (Silence, LookupError, TypeError, ValueError, AttributeError) as error:
            self._rest_until = now + REST  # a call that was answered counts, whatever it said
            return NotSent(f"取不到令牌：{error}")
        return self._given

    def _good(self, fetch: Callable[[], Fetched], now: datetime) -> str:
        """Return a token that is good, fetching one outside any transaction if need be."""
        with self._db.read() as tx:
            kept = newest_token(tx, self._provider)
            spent = tokens_since(tx, self._provider, now - WINDOW)
        if kept is not None and kept.expires_at > now + EARLY:
            opened = self._open(kept.sealed)
            if opened and opened != self._spoilt:
                return opened
            if opened and now - kept.fetched_at < EARLY:
                raise Unavailable(f"{self._provider} 刚取到的令牌无效，稍后再取；请核对应用密钥")
        if self._rest_until is not None and now < self._rest_until:
            raise Unavailable(f"{self._provider} 不久前取令牌未成，一小时内不再取；请核对应用密钥")
        if spent >= CALLS:
            raise Unavailable(
                f"{self._provider} 的令牌在 30 天内已获取 {CALLS} 次，达到上限；请联系服务商"
            )
        fetched = fetch()
        lasts = fetched.lasts if fetched.lasts > timedelta(0) else EVER
        row = TokenRow(now, now + lasts, seal(fetched.token.encode(), self._key, self._provider))
        with self._db.begin() as tx:
            insert_token(tx, self._provider, row)
        return fetched.token

    def spoil(self) -> None:
        """Use the token that was given last no more: the provider said that it is not good."""
        self._spoilt = self._given

    def _open(self, sealed: bytes) -> str:
        """Return the token, or nothing where another key sealed it: then a new one is fetched."""
        try:
            return unseal(sealed, self._key, self._provider).decode()
        except Unreadable:
            return ""
