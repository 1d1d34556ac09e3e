"""The demo: a house from nothing, real traffic through the gateway, a month closed, bills on paper.

Everything runs as it would in production: the same processes under the same supervisor, the
official SDKs, the same verbs as the command line. Only two things are staged. The providers are
simulators. And while the SDKs call, the gateways' clock stands in last month, so that their calls
are on the bills that are closed at the end; then the gateways start again with the true time.
"""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from yuejie.app import database, seller
from yuejie.apply import Applying, apply_house
from yuejie.assurance.prove import prove_month
from yuejie.bills.closing.close import Done, close_month, last_over
from yuejie.bills.documents.document import DocumentKind
from yuejie.bills.issue import issue_bill
from yuejie.bills.show import export_bill
from yuejie.bills.store import bill_of_month, bills_of_month
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.demo import traffic
from yuejie.demo.house import FINTECH, RETAILER, demo_house
from yuejie.demo.samples import sizes_of_calls, trace_imports
from yuejie.demo.simulators.launch import running
from yuejie.demo.simulators.truth import read as read_truth
from yuejie.demo.store import count_gateway_events
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Conflict, Unavailable
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.logs import set_up
from yuejie.settings import Settings
from yuejie.supervisor import Program, Supervisor, programs

_MARK: Final = ".yuejie-demo"
_TRUTH: Final = "truth.jsonl"
_BY: Final = "demo"
_CHINA: Final = zone_of("Asia/Shanghai")
_CALLS: Final = 200
_READY_SECONDS: Final = 60
_BASIC: Final = (DocumentKind.PDF, DocumentKind.XLSX, DocumentKind.CSV, DocumentKind.JSON)
"""The paper of every bill; the plain text is for tests."""


class Stage:
    """What the demo prints: numbered steps with a mark when done."""

    def __init__(self) -> None:
        self._console = Console()
        self._number = 0

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show one step with its progress and the time it took."""
        self._number += 1
        title = f"[{self._number}] {what}"
        began = time.monotonic()
        columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as bar:
            task = bar.add_task(what, total=None)

            def move(done: int, of: int) -> None:
                bar.update(task, completed=done, total=of)

            yield move
        seconds = time.monotonic() - began
        self.say(f"{title} … 完成（{seconds:.1f} 秒）")

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def run_demo(settings: Settings, clock: Clock, *, once: bool) -> None:
    """Run the demo and leave the service running until Ctrl-C, or end it with `once`.

    Raises Conflict at its end with `once` where a bill is not what was proved or served.
    """
    stage = Stage()
    settings = _fresh(settings)
    set_up(settings.home / "demo.log")
    month = last_over(_CHINA, clock.now())
    with _simulators(settings.home) as upstream, _service(settings, stage, clock, month) as house:
        off = _play(settings, clock, month, upstream, house, stage)
        if once and off:
            raise Conflict(f"演示有 {off} 处账单与独立重算或供应商真值不符，请看上文与 demo.log")
        if once:
            return
        stage.say("")
        stage.say(f"服务继续运行：网关 http://{settings.host}:{settings.gateway_port}")
        stage.say(f"              控制台 {settings.console_url}")
        stage.say(f"              接口 {settings.console_url}/api/docs")
        stage.say(f"首次打开控制台，令牌见：YUEJIE_HOME={settings.home} yuejie token")
        stage.say("按 Ctrl-C 停止。")
        house.wait()


def _fresh(settings: Settings) -> Settings:
    """Return settings whose home is a new, empty demo folder; only a demo's own is cleared."""
    home = settings.home / "demo"
    if (home / _MARK).exists():
        rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o711)
    (home / _MARK).touch()
    environ = {name: value for name, value in os.environ.items() if name != "YUEJIE_DATABASE_URL"}
    return Settings.load(environ | {"YUEJIE_HOME": str(home)})


def _play(
    settings: Settings,
    clock: Clock,
    month: BillingMonth,
    upstream: str,
    house: "House",
    stage: Stage,
) -> int:
    """Play the whole month and return in how many places a bill is off."""
    gateway = f"http://{settings.host}:{settings.gateway_port}"
    with database(settings, size=4, name="demo") as db:
        with stage.step("登记供应商、模型、价目、客户、项目、密钥"):
            keys = _furnish(db, settings, clock, month, upstream)
        with stage.step(
            f"官方 SDK 经网关调用 {_CALLS} 次（openai、anthropic、google-genai）"
        ) as move:
            house.wait_ready(f"{gateway}/v1/models", keys)
            calls = list(traffic.plan(sizes_of_calls(_CALLS), keys))
            traffic.run(calls, gateway, move)
        _tell_live(stage, db, len(calls))
        with stage.step("导入真实流量样本（Azure 2023 对话、ServeGen 两周）") as move:
            imported = trace_imports(db, month, settings.home, move)
        stage.say(f"    已导入 {imported:,} 个用量事件")
        with stage.step("网关恢复真实时间"):
            house.to_true_time()
        with stage.step(f"关账 {month}") as move:
            _close(db, month, clock, move)
        with stage.step("出账：编号、封印") as move:
            _issue(db, month, clock, move)
        with stage.step("验证：独立慢路径从原始事件重算，比对到分") as move:
            proofs = prove_month(db, month, progress=move)
        wrong = [proof for proof in proofs if proof.differences]
        events = sum(proof.events for proof in proofs)
        stage.say(f"    {len(proofs)} 张账单，{events:,} 个原始事件，{len(wrong)} 处不符")
        off = _tell_truth(stage, db, settings.home, month)
        with stage.step("导出 PDF、XLSX、CSV、JSON") as move:
            folder = settings.home / "bills" / str(month)
            _export(db, month, settings, folder, move)
        _tell_bills(stage, db, month, folder)
    return len(wrong) + off


def _furnish(
    db: Database, settings: Settings, clock: Clock, month: BillingMonth, upstream: str
) -> dict[str, str]:
    """Apply the demo's house and return the secrets of its keys by name."""
    applying = Applying(
        db=db,
        pepper=settings.pepper,
        credential_key=settings.credential_key,
        by=_BY,
        now=clock.now(),
        folder=Path(),
        environ={},
    )
    changes = list(apply_house(demo_house(upstream, month.last_day), applying))
    return {change.key_name: change.secret for change in changes if change.secret}


def _tell_live(stage: Stage, db: Database, calls: int) -> None:
    """Wait until every call is stored, as the live view would show it, and say how long it took."""
    began = time.monotonic()
    while _stored(db) < calls and time.monotonic() - began < _READY_SECONDS:
        time.sleep(0.05)
    seconds = time.monotonic() - began
    stage.say(f"    {_stored(db):,} 个用量事件已入库（最后一次调用后 {seconds:.1f} 秒）")


def _stored(db: Database) -> int:
    with db.read() as tx:
        return count_gateway_events(tx)


def _close(
    db: Database, month: BillingMonth, clock: Clock, move: Callable[[int, int], None]
) -> None:
    closed = close_month(
        db, month, customer=None, commit=True, by=_BY, now=clock.now(), progress=move
    )
    failed = [each for each in closed if each.done is Done.FAILED]
    if failed:
        raise Unavailable("；".join(f"{each.customer}：{each.why}" for each in failed))


def _issue(
    db: Database, month: BillingMonth, clock: Clock, move: Callable[[int, int], None]
) -> None:
    with db.read() as tx:
        drafts = bills_of_month(tx, month)
    for number, draft in enumerate(drafts, 1):
        issue_bill(db, draft.bill_id, by=_BY, now=clock.now())
        move(number, len(drafts))


def _export(
    db: Database,
    month: BillingMonth,
    settings: Settings,
    folder: Path,
    move: Callable[[int, int], None],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with db.read() as tx:
        found = bills_of_month(tx, month)
    for number, bill in enumerate(found, 1):
        for name, body in export_bill(db, bill.bill_id, seller(settings), _BASIC):
            (folder / name).write_bytes(body)
        move(number, len(found))


def _tell_truth(stage: Stage, db: Database, home: Path, month: BillingMonth) -> int:
    """Compare what the providers served with what is on the bills; returns tokens that are off."""
    served = Counter[str]()
    for call in read_truth(home / _TRUTH):
        served.update(call.usage)
    billed = Counter[str]()
    with db.read() as tx:
        for slug in (FINTECH, RETAILER):
            who = find_customer(tx, slug)
            bill = bill_of_month(tx, who.customer_id, month)
            for line in bill.lines if bill else ():
                billed[line.meter] += line.quantity
    meters = sorted(served.keys() | billed.keys())
    off = sum(abs(served[meter] - billed[meter]) for meter in meters)
    told = "，".join(f"{meter} {served[meter]:,}" for meter in meters if served[meter])
    stage.say(f"    供应商真值 {told}；与两家客户账单相差 {off} token")
    return off


def _tell_bills(stage: Stage, db: Database, month: BillingMonth, folder: Path) -> None:
    with db.read() as tx:
        found = bills_of_month(tx, month)
        shown = [(find_customer(tx, bill.customer_id), bill) for bill in found]
    total = sum(bill.gross.fen for bill in found)
    stage.say("")
    stage.say(f"{month} 共 {len(found)} 张账单，价税合计 {Money(total, 'CNY')} 元。其中：")
    for customer, bill in shown:
        if customer.slug in {FINTECH, RETAILER, "client-000"}:
            stage.say(f"  {bill.number}  {customer.legal_name}  {bill.gross} {bill.currency}")
    stage.say(f"账单文件：{folder}")


class House:
    """The demo's own service: the supervisor, tended on a thread while the demo plays."""

    def __init__(self, settings: Settings, stage: Stage, shift: timedelta) -> None:
        self._settings = settings
        plain = programs(settings)
        staged = [shifted(program, shift) for program in plain]
        self._plain = {program.name: program for program in plain}
        self._supervisor = Supervisor(settings, lambda _: None, staged, log_folder=settings.home)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="supervisor", daemon=True)
        self._stage = stage

    def start(self) -> None:
        """Start the database and every process."""
        self._supervisor.start()
        self._thread.start()

    def _tend(self) -> None:
        while not self._stop.wait(0.05):
            self._supervisor.tend()

    def wait_ready(self, url: str, keys: Mapping[str, str]) -> None:
        """Wait until the gateways serve and know every key."""
        deadline = time.monotonic() + _READY_SECONDS
        for key in keys.values() or [""]:
            while not _answers(url, key):
                if time.monotonic() > deadline:
                    raise Unavailable(f"{url} 没有就绪，请查看 {self._settings.home} 下的日志")
                time.sleep(0.1)

    def to_true_time(self) -> None:
        """Start the gateways again, with the machine's own time."""
        self._supervisor.replace(self._plain)
        self.wait_ready(f"http://{self._settings.host}:{self._settings.gateway_port}/readyz", {})

    def wait(self) -> None:
        """Wait for Ctrl-C or SIGTERM."""
        told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())
        told.wait()

    def stop(self) -> None:
        """Stop everything in order."""
        self._stop.set()
        self._thread.join()
        self._supervisor.stop()


def _answers(url: str, key: str) -> bool:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})  # noqa: S310 - our own loopback port
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:  # noqa: S310 - the same
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def shifted(program: Program, shift: timedelta) -> Program:
    """Let a gateway's clock stand in last month; every other process keeps the true time."""
    if not program.name.startswith("gateway"):
        return program
    seconds = str(shift // timedelta(seconds=1))
    return replace(program, environ={**program.environ, "YUEJIE_CLOCK_SHIFT_S": seconds})


@contextmanager
def _service(
    settings: Settings, stage: Stage, clock: Clock, month: BillingMonth
) -> Iterator[House]:
    noon = month.span(_CHINA).end - timedelta(hours=12)
    house = House(settings, stage, noon - clock.now())
    with stage.step("启动数据库、网关、采集、控制台、文书"):
        house.start()
    try:
        yield house
    finally:
        house.stop()


@contextmanager
def _simulators(home: Path) -> Iterator[str]:
    """Run the provider simulators on a free port; their truth log lies in the demo's home."""
    with running(home / _TRUTH) as simulators:
        yield simulators.url
