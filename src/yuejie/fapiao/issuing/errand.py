"""An errand: one thing to be done at the provider, and when to try or to ask next.

    waiting ──call──▶ sent ──answer──▶ done
       ▲                │
       └── not known ◀──┘  only asking (query) leads out of `sent`

A call of `waiting` moves to `sent` before it leaves, so after a crash, a timeout or a 500 the
errand is `sent` and is asked about; never is a second call made under another key. When the
provider does not know the key, the same key is called again, which it would refuse as a duplicate.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class ErrandKind(StrEnum):
    """What is to be done."""

    ISSUE = "issue"
    FILES = "files"
    """Fetch XML, OFD and PDF; safe to repeat."""
    DELIVER = "deliver"
    """Have the provider mail the fapiao; safe to repeat."""
    RED = "red"
    """Apply for a red form and follow it to its end."""
    WITHDRAW = "withdraw"
    """Take a red form back; what became of it is heard by the form's own errand."""
    ANSWER = "answer"
    """Agree to or deny a red form that the buyer started; heard by the form's own errand too."""


class ErrandState(StrEnum):
    """Where an errand stands."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    PARKED = "parked"
    """A person has to look: the provider contradicts us, or refuses for good."""


class Hold(StrEnum):
    """What a waiting errand waits for, beside its time."""

    NOTHING = ""
    LOGIN = "login"
    """The drawer (开票员) is logged out of the electronic tax office."""
    IDENTITY = "identity"
    """The drawer has to prove who he is (实人认证)."""
    LIMIT = "limit"
    """The issuing limit (发票总额度) of the month is used up."""
    BUSY = "busy"
    """The provider asked to come back later."""


HOLD_SAID: Final = {
    Hold.LOGIN: "开票员未登录",
    Hold.IDENTITY: "待实人认证",
    Hold.LIMIT: "额度不足",
    Hold.BUSY: "服务商繁忙",
}

REPEATABLE: Final = frozenset(
    {ErrandKind.FILES, ErrandKind.DELIVER, ErrandKind.WITHDRAW, ErrandKind.ANSWER}
)
"""Errands that change nothing when done twice: they are called again and never asked about."""
LEASE: Final = timedelta(seconds=60)
"""How long a runner has for one call; afterwards another may ask what became of it."""
POLL: Final = (
    timedelta(seconds=3),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(hours=1),
)
"""When to ask: 3 s, 5 s, 30 s, 5 min, then hourly (china-finance §2.5)."""
HELD: Final = timedelta(minutes=30)
"""How long a held errand waits unless the watch sees its obstacle gone."""
ATTEMPTS: Final = 200
"""Questions after which a person looks: eight days of asking hourly.

What certainly has not left (no connection, a drawer who is away) waits for as long as it takes.
"""


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand as a runner took it. `asking` is true when its call has left before."""

    errand_id: int
    what: str
    subject_id: str
    key: str
    provider: str
    state: str
    hold: str
    attempts: int
    asked: int
    next_at: datetime
    why: str
    made_at: datetime

    @property
    def asking(self) -> bool:
        """Whether only a question may be put."""
        return self.state == ErrandState.SENT


def after(count: int) -> timedelta:
    """Return how long to wait before the next question, `count` having been put."""
    return POLL[min(count, len(POLL) - 1)]
