"""See once a minute, from outside, whether the gateway would serve anybody.

A call that the gateway itself turns away leaves no record of usage: its journal is for what reached
a provider. So somebody asks `/readyz` as a client would, and writes down the answer. A minute is
down when every try of it failed; one without a whole answer, because we ourselves were away or had
just begun, is not written at all. What cannot be written while the database is away waits.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic_ns
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import BuilderError, RequestError

from yuejie.assurance.sla import store
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid

TRIES: Final = 4
APART: Final = timedelta(seconds=5)
"""Between two tries: a worker that restarts is ready again within seconds."""
ANSWER_SECONDS: Final = 5
WAITING: Final = 1_440
"""Minutes that wait for the database: a day; of the oldest it is then not known what was seen."""
_WHY: Final = 200
_READY: Final = 200


class Seen(NamedTuple):
    """What one try saw: the status (0: nobody answered), in which words, after how long."""

    status: int
    why: str
    took_ms: int


Ask = Callable[[], Seen]


@dataclass(frozen=True, slots=True)
class _Minute:
    at: datetime
    seen: Seen


class Prober:
    """Remembers the minute it is in; called about once a second."""

    def __init__(self, ask: Ask, node: str) -> None:
        self._ask = ask
        self._node = node
        self._minute: datetime | None = None
        self._tries = 0
        self._next = datetime.min.replace(tzinfo=UTC)
        self._unsaved: deque[_Minute] = deque(maxlen=WAITING)

    def __call__(self, db: Database, now: datetime) -> int:
        """Try, if a try is due, and write down the minutes that are decided; rest afterwards."""
        self._look(now)
        if self._unsaved:
            with db.begin() as tx:
                for each in self._unsaved:
                    store.note_probe(
                        tx,
                        each.at,
                        is_ready=each.seen.status == _READY,
                        status=each.seen.status,
                        why=each.seen.why,
                        took_ms=each.seen.took_ms,
                        node=self._node,
                    )
            self._unsaved.clear()
        return 0

    def _look(self, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._tries, self._next = minute, 0, now
        if self._tries >= TRIES or now < self._next:
            return
        seen = self._ask()
        self._tries += 1
        self._next = now + APART
        if seen.status == _READY:
            self._tries = TRIES
        if self._tries == TRIES:
            self._unsaved.append(_Minute(minute, seen))


def asking(url: str) -> Ask:
    """Return what asks a gateway whether it is ready, on a connection of its own each time.

    No proxy of the environment comes between: a proxy that is away is no outage of ours.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Invalid(f"YUEJIE_PROBE_URL 应为 http 或 https 地址，现为“{url}”，请改正后重启 clerk")
    client = (
        SyncClientBuilder()
        .follow_redirects(enable=False)
        .timeout(timedelta(seconds=ANSWER_SECONDS))
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
    )

    def ask() -> Seen:
        began = monotonic_ns()
        try:
            response = client.get(url).build().send()
            status, why = response.status, response.bytes().to_bytes().decode(errors="replace")
        except (BuilderError, RequestError) as error:
            status, why = 0, f"{type(error).__name__}: {error.message}"
        took_ms = (monotonic_ns() - began) // 1_000_000
        return Seen(status, "" if status == _READY else why[:_WHY].strip(), took_ms)

    return ask
