"""The port to whoever issues fapiao for us, in words of our own (china-finance §2.5).

An answer is a value, never an exception. `Unknown` means that nobody knows whether the call took
effect (a timeout, a 500, an answer that cannot be read): the same question may be put again, the
same deed may not be done under another key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from yuejie.fapiao.amounts import Amounts
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.errand import Hold
from yuejie.fapiao.issuing.store import Exchange
from yuejie.fapiao.reversing.form import RedReason
from yuejie.kernel.errors import DomainError


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the order and works on it."""

    serial: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """The tax office gave it a number; amounts as the provider says, positive for blue."""

    number: str
    issued_at: datetime
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class FormTold:
    """What the tax office says of a red form: its state 01 … 10, 15, 16, and its names."""

    code: str
    number: str = ""
    uuid: str = ""
    message: str = ""
    issued: Issued | None = None
    """The red fapiao, once there is one; its amounts negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyersForm:
    """A red form that a buyer started; amounts are negative.

    It waits for us (03), or went on without us: it needed nobody (01), or was agreed to on the tax
    office's own site (04), and its red fapiao comes about.
    """

    code: str
    uuid: str
    number: str
    blue_number: str
    reason: RedReason
    amounts: Amounts
    lines: tuple[tuple[int, Amounts], ...]
    """Of a form for a part: positions of blue lines, and what is taken back of each."""
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class FormsTold:
    """The forms of buyers that live, and the numbers of those that could not be read."""

    forms: tuple[BuyersForm, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Final: this order or form will never be issued under this key."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Held:
    """Not now: the drawer, the limit or the provider stands in the way; nothing was issued."""

    hold: Hold
    message: str


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Issued but not sealed (Nuonuo 24): to be pushed again under the same key."""

    message: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The provider knows this key already: ask what became of it."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """The provider does not know this key."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it took effect."""

    why: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It certainly did not reach the provider: no connection was made."""

    why: str


@dataclass(frozen=True, slots=True)
class Files:
    """Files by format (xml, ofd, pdf), as many as the provider has now."""

    bodies: Mapping[str, bytes]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A deed without an outcome of its own took effect."""


Answer = (
    Accepted
    | Issued
    | FormTold
    | FormsTold
    | Refused
    | Held
    | Unsealed
    | Duplicate
    | Unheard
    | Unknown
    | NotSent
    | Files
    | Done
)


@dataclass(frozen=True, slots=True)
class Session:
    """The drawer's session: `login` in, out or unknown; `identity` proved, wanted or unknown."""

    login: str = "unknown"
    identity: str = "unknown"


@dataclass(frozen=True, slots=True)
class IssuingLimit:
    """发票总额度 of the month, net, in fen."""

    total_fen: int
    used_fen: int
    available_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Who issues in the seller's name: its tax number, and the name of the account (开票员)."""

    tax_number: str
    name: str
    callback_url: str = ""


@dataclass(slots=True)
class Notebook:
    """What an adapter said and heard since the runner looked last."""

    exchanges: list[Exchange] = field(default_factory=list)

    def take(self) -> list[Exchange]:
        """Return what was written and begin a new page."""
        written, self.exchanges = self.exchanges, []
        return written


class Provider(Protocol):
    """One provider. Every method is one conversation outside any transaction."""

    @property
    def name(self) -> str:
        """Return the name it is stored under."""
        ...

    @property
    def notebook(self) -> Notebook:
        """Return what was said and heard."""
        ...

    def issue(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Send an order under its key."""
        ...

    def query(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Ask what became of an order."""
        ...

    def push_again(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Have an issued but unsealed fapiao sealed, under the same key."""
        ...

    def fetch_files(self, subject: Fapiao | RedFapiao, *, now: datetime) -> Answer:
        """Download what there is of XML, OFD and PDF."""
        ...

    def deliver(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Have the provider send it to the title's mailboxes and mobile."""
        ...

    def red_apply(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Ask the tax office for a red form."""
        ...

    def red_query(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Ask what became of a red form."""
        ...

    def red_withdraw(self, red: RedFapiao, *, now: datetime) -> Answer:
        """Take a red form back that nobody has confirmed."""
        ...

    @property
    def forms_apart(self) -> timedelta:
        """Return how long to wait between two looks for forms of buyers."""
        ...

    def buyers_forms(self, *, since: date, now: datetime) -> Answer:
        """Ask which red forms buyers started from a day on that are not void."""
        ...

    def red_answer(self, red: RedFapiao, *, agree: bool, now: datetime) -> Answer:
        """Agree to a form that the buyer started, or deny it."""
        ...

    def session(self, *, now: datetime) -> Session:
        """Return what is known of the drawer's session."""
        ...

    def issuing_limit(self, *, now: datetime) -> IssuingLimit | None:
        """Return the issuing limit, None where the provider does not tell."""
        ...


LIVING: Final = frozenset({"01", "03", "04"})
"""States of a buyer's form that concern us."""
MISSHAPEN: Final = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    DomainError,
)
"""What reading an answer of no known shape raises: whoever called takes it for an unknown one."""


def hold_of(message: str) -> Hold:
    """Read from a provider's words what stands in the way, if it is one of ours."""
    for words, hold in _WORDS:
        if any(word in message for word in words):
            return hold
    return Hold.NOTHING


def refusal(code: str, message: str) -> Held | Unknown | Refused:
    """Read the refusal of a deed: not now, an error of the provider that decides nothing, final."""
    said = f"{code} {message}".strip()
    hold = hold_of(message)
    if hold:
        return Held(hold, said)
    if any(word in message for word in _UNCLEAR):
        return Unknown(said)
    return Refused(code, message)


def of_a_question(answer: Answer) -> Answer:
    """Return what a question brought: one that is refused says nothing of what it asked about."""
    if isinstance(answer, Refused):
        return Unknown(f"查询未成：{answer.code} {answer.message}")
    return Unknown("查询未成：重复提交") if isinstance(answer, Duplicate) else answer


def own_row(
    rows: Sequence[Mapping[str, Any]], name: str, value: str
) -> Mapping[str, Any] | Unknown:
    """Return the one row of an answer that is about what was asked, whatever stands beside it.

    Where there is none, or several, nothing is known: what others were answered is not ours.
    """
    own = [row for row in rows if str(row.get(name) or "") == value]
    if len(own) == 1:
        return own[0]
    what = "不止一行是" if own else "没有"
    return Unknown(f"服务商答复的 {len(rows)} 行中{what} {value}，稍后再查")


_UNCLEAR: Final = ("系统异常", "系统错误", "系统繁忙", "超时", "网络异常", "未知异常", "未知错误")
"""Words of an error of the provider's own: whether the deed took effect, only asking tells."""
_WORDS: Sequence[tuple[tuple[str, ...], Hold]] = (
    (("实人认证", "身份认证", "人脸", "扫码认证"), Hold.IDENTITY),
    (("未登录", "登录失效", "重新登录", "登录超时", "短信登录"), Hold.LOGIN),
    (("额度不足", "授信额度", "总额度"), Hold.LIMIT),
    (("频繁", "限流", "稍后"), Hold.BUSY),
)
