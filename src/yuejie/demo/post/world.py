"""What the simulated receivers remember: what arrived, how often, which answers come next."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

WECOM_KEY: Final = "simulated-wecom-key"
DINGTALK_TOKEN: Final = "simulated-dingtalk-token"  # noqa: S105 - of a simulator, printed at its start
DINGTALK_SECRET: Final = "SECsimulated-dingtalk"  # noqa: S105 - of a simulator, printed at its start
FEISHU_TOKEN: Final = "simulated-feishu-token"  # noqa: S105 - of a simulator, printed at its start
FEISHU_SECRET: Final = "simulated-feishu-secret"  # noqa: S105 - of a simulator, printed at its start
SMS_ID: Final = "simulated-sms-id"
SMS_SECRET: Final = "simulated-sms-secret"  # noqa: S105 - of a simulator, printed at its start
SMS_APP: Final = "1400000000"
SMS_SIGN: Final = "测试签名"

KEPT: Final = 1_000
"""So many of what arrived last are remembered."""

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters of the address, decoded."""
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    @property
    def json(self) -> dict[str, Any]:
        """Return the object in the body; nothing where there is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Arrived:
    """Something that was taken: on which channel, for whom, and what it says."""

    at: datetime
    channel: str
    to: str
    title: str
    text: str
    mail: EmailMessage | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A limit of an SMS vendor: at most so many to one number in so long, and the code beyond."""

    most: int
    within: timedelta
    code: str
    words: str = ""


@dataclass
class World:
    """All receivers of one simulator; `now` is their clock."""

    now: Callable[[], datetime]
    arrived: deque[Arrived] = field(default_factory=lambda: deque(maxlen=KEPT))
    got: list[Got] = field(default_factory=list)
    """Every request, taken or not, in order; tests look at it."""
    moods: list[Answer] = field(default_factory=list)
    """Answers that are given next, whatever is asked; then each receiver judges for itself."""
    hook_keys: list[str] = field(default_factory=list)
    """The keys under which the webhook takes events."""
    balance: int = 10_000
    """How many SMS are paid for."""
    aliyun_flow: Sequence[Flow] = ()
    tencent_flow: Sequence[Flow] = ()
    nonces: set[str] = field(default_factory=set)
    muted: dict[str, datetime] = field(default_factory=dict)
    times: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def count(self, who: str, within: timedelta) -> int:
        """Return how many were taken from someone in the last while."""
        since = self.now() - within
        return sum(1 for each in self.times[who] if each > since)

    def take(self, who: str, channel: str, to: str, title: str, text: str) -> None:
        """Remember what was taken."""
        self.times[who] = [*self.times[who][-KEPT:], self.now()]
        self.arrived.append(Arrived(self.now(), channel, to, title, text))
