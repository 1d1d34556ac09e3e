"""The tax office of the simulator: orders, numbers, red forms, quota, drawer, faults, clock."""

import json
import threading
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from yuejie.demo.tax.rules import Order, Refusal, check
from yuejie.kernel.clock import Clock

CHINA: Final = ZoneInfo("Asia/Shanghai")
ISSUING: Final = timedelta(seconds=2)
SEALING: Final = timedelta(seconds=4)
CONFIRM_WITHIN: Final = timedelta(hours=72)
PUSHES: Final = 20
TOKENS: Final = 50
CALLBACK_SECONDS: Final = 2


@dataclass(slots=True)
class Blue:
    """An accepted order and what becomes of it."""

    order: Order
    accepted_at: datetime
    serial: str
    fault: str = ""
    number: str = ""
    issued_at: datetime | None = None
    used: bool = False
    """用途确认 or 入账 by the buyer: a red form needs the buyer from now on."""
    pushes: int = 0
    reversed_net: Decimal = Decimal(0)
    told: bool = False


@dataclass(slots=True)
class Form:
    """A red form (红字信息确认单)."""

    key: str
    uuid: str
    number: str
    blue: Blue
    reason: str
    net: Decimal
    tax: Decimal
    callback: str
    applied_at: datetime
    state: str = "15"
    red_number: str = ""
    red_serial: str = ""
    issued_at: datetime | None = None
    confirmed_at: datetime | None = None
    told: str = ""
    by_buyer: bool = False
    lines: tuple[tuple[int, Decimal, Decimal], ...] = ()
    """Of a form for a part: blue lines, and net and tax that are taken back of each."""
    known: bool = True
    """Whether Nuonuo's copy has it: a buyer's form is in it once it was fetched."""


@dataclass(slots=True)
class Fault:
    """What is to go wrong with the next calls that do something.

    fail: refused after a while; seal: issued, not sealed; lost, 500_after: taken, not answered;
    unheard, 500_before: neither.
    """

    fault: str
    times: int = 1


@dataclass(slots=True)
class World:
    """Everything that the tax office knows; every use is under its lock."""

    truth: Path
    clock: Clock
    callbacks: str = "once"
    """once, twice, never."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    shift: timedelta = timedelta(0)
    stands_at: datetime | None = None
    sellers: Mapping[str, str] = field(default_factory=dict)
    """Names of those who sell, by tax number, as far as the bureau knows them."""
    blues: dict[str, Blue] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    logged_in: bool = True
    proved: bool = True
    limit: Decimal = Decimal(7_500_000)
    used: Decimal = Decimal(0)
    limit_known: bool = False
    """Whether Nuonuo has fetched the limit from the bureau."""
    tokens: int = 0
    issued: int = 0
    calls: list[str] = field(default_factory=list)
    confused: frozenset[str] = frozenset()
    """Methods that answer with an error of the platform's own, which says nothing of the order."""
    says: dict[str, Any] = field(default_factory=dict)
    """What methods answer, word for word, whatever they are asked; `files` for every file."""

    def __post_init__(self) -> None:
        """Go on numbering behind the truth log: started again, it gives no number twice."""
        if self.truth.exists():
            self.issued = len(self.truth.read_text("utf-8").splitlines())

    def now(self) -> datetime:
        """Return the simulator's own time."""
        return self.stands_at or self.clock.now() + self.shift

    def fault(self) -> str:
        """Return what is to go wrong with the call at hand, if anything."""
        if not self.faults:
            return ""
        first = self.faults[0]
        first.times -= 1
        if first.times <= 0:
            self.faults.popleft()
        return first.fault

    # blue ---------------------------------------------------------------------------------------

    def accept(self, order: Order, fault: str) -> Blue:
        """Take an order in once, or refuse it."""
        if order.key in self.blues:
            raise Refusal("E9106", "订单编号或流水号不能重复")
        if not self.logged_in:
            raise Refusal("E9301", "开票员未登录电子税务局，请重新登录后开票")
        if not self.proved:
            raise Refusal("E9301", "开票员需要实人认证，请扫码认证后开票")
        check(order)
        if order.net > self.limit - self.used:
            raise Refusal("E9305", "发票总额度不足")
        order = replace(order, seller_name=self.sellers.get(order.seller_tax_number, ""))
        blue = Blue(order, self.now(), f"S{len(self.blues) + 1:019d}", fault)
        self.blues[order.key] = blue
        self.used += order.net
        return blue

    def status(self, blue: Blue) -> str:
        """Return Nuonuo's status of an order now; the number comes with the end of the delay."""
        since = self.now() - blue.accepted_at
        if blue.fault == "fail" and since >= ISSUING:
            return "22"
        if since < ISSUING:
            return "20"
        self.give_number(blue)
        if blue.fault == "seal" and blue.pushes == 0 and since >= SEALING:
            return "24"
        return "21" if since < SEALING else "2"

    def give_number(self, blue: Blue) -> None:
        """Give an order its number, once, and write it into the truth log."""
        if blue.number or blue.fault == "fail":
            return
        blue.number = self._number()
        blue.issued_at = self.now().replace(microsecond=0)
        self._write(
            what="blue",
            key=blue.order.key,
            number=blue.number,
            kind=blue.order.kind,
            buyer=blue.order.buyer_tax_number,
            net=str(blue.order.net),
            tax=str(blue.order.tax),
            issued_at=blue.issued_at.isoformat(),
        )

    def blue_of(self, number: str) -> Blue:
        """Return the fapiao of a number."""
        for blue in self.blues.values():
            if blue.number == number and number:
                return blue
        raise Refusal("E9500", "发票不存在")

    # red ----------------------------------------------------------------------------------------

    def apply(self, form: Form) -> Form:
        """Take a red form in once, or refuse it."""
        if form.key in self.forms:
            raise Refusal("E9106", "确认单编号不能重复")
        if any(
            each.blue is form.blue and each.state in {"15", "02", "03"}
            for each in self.forms.values()
        ):
            raise Refusal("E9306", "该发票存在未处理的红字确认单")
        left = form.blue.order.net - form.blue.reversed_net
        if not Decimal(0) < -form.net <= left:
            raise Refusal("E9306", "红冲金额超过蓝字发票剩余可红冲金额")
        self.forms[form.key] = form
        return form

    def start_by_buyer(self, form: Form) -> Form:
        """Take in a form that the buyer starts: it waits for the seller."""
        form.state, form.by_buyer, form.known = "03", True, False
        return self.apply(form)

    def answer_buyer(self, form: Form, *, agree: bool) -> None:
        """Take the seller's word on a buyer's form, or refuse it."""
        if self.form_state(form) != "03":
            raise Refusal("E9306", "确认单当前状态不能确认")
        form.state = "04" if agree else "06"
        form.confirmed_at = self.now() if agree else None

    def form_state(self, form: Form) -> str:
        """Return the state of a form now: confirmation is asked for, expires, or is not needed."""
        now = self.now()
        if form.state == "15" and now - form.applied_at >= ISSUING:
            form.state = "02" if form.blue.used else "01"
            form.confirmed_at = None if form.blue.used else now
        if form.state in {"02", "03"} and now - form.applied_at >= CONFIRM_WITHIN:
            form.state = "07"
        if form.state in {"01", "04"} and form.confirmed_at is not None:
            self._issue_red(form, now)
        return form.state

    def _issue_red(self, form: Form, now: datetime) -> None:
        assert form.confirmed_at is not None
        if form.red_number or now - form.confirmed_at < ISSUING:
            return
        form.red_number = self._number()
        form.red_serial = f"R{len(self.forms):019d}"
        form.issued_at = now.replace(microsecond=0)
        form.blue.reversed_net -= form.net
        self.used += form.net
        self._write(
            what="red",
            key=form.key,
            number=form.red_number,
            blue=form.blue.number,
            net=str(form.net),
            tax=str(form.tax),
            issued_at=form.issued_at.isoformat(),
        )

    # callbacks ----------------------------------------------------------------------------------

    def due_callbacks(self) -> list[tuple[str, dict[str, str]]]:
        """Return the callbacks that are to be sent now, and note them as sent."""
        if self.callbacks == "never":
            return []
        due: list[tuple[str, dict[str, str]]] = []
        for blue in self.blues.values():
            status = self.status(blue)
            if blue.order.callback and not blue.told and status in {"2", "22", "24"}:
                blue.told = True
                due.append((blue.order.callback, self._content(blue, status)))
        for form in self.forms.values():
            state = self.form_state(form)
            if form.callback and form.told != state + form.red_number:
                form.told = state + form.red_number
                content = json.dumps({"billId": form.key, "billStatus": state})
                said = {"operater": "redConfirmCallback", "orderno": form.key, "content": content}
                due.append((form.callback, said))
        return due * (2 if self.callbacks == "twice" else 1)

    def _content(self, blue: Blue, status: str) -> dict[str, str]:
        content = {
            "c_status": {"2": "1", "22": "2", "24": "3"}[status],
            "c_orderno": blue.order.key,
            "c_fpqqlsh": blue.serial,
            "c_fphm": blue.number,
        }
        return {
            "operater": "callback",
            "orderno": blue.order.key,
            "content": json.dumps(content),
        }

    def _number(self) -> str:
        self.issued += 1
        return f"{self.now().astimezone(CHINA):%y}442{self.issued:015d}"

    def _write(self, **facts: Any) -> None:  # noqa: ANN401 - a line of JSON
        with self.truth.open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts, ensure_ascii=False) + "\n")


def send_callback(url: str, form: dict[str, str]) -> None:
    """Post a callback; whether it arrives is not the tax office's worry."""
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310 - as told
    try:
        with urllib.request.urlopen(request, timeout=CALLBACK_SECONDS) as answer:  # noqa: S310
            answer.read()
    except OSError:
        return


def to_utc(text: str) -> datetime:
    """Read an instant of the admin's."""
    return datetime.fromisoformat(text).astimezone(UTC)
