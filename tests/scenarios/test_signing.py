"""A contract signed on a platform: over real HTTP to simulators, through the public API."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError

import pytest
from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run, run_json
from tests.rooms.web.conftest import OPERATOR, PRICES, bearer, desk_at
from tests.rooms.web.test_house_pages import send, went
from tests.rooms.web.test_pages import HTML, enter
from tests.scenarios.books import Books, FixedClock
from tests.stories.office import Person
from yuejie.cli.agreed.contracts import contracts
from yuejie.contracts.contract import Contract
from yuejie.contracts.esign.choose import reachable
from yuejie.contracts.esign.errand import PATIENCE, work_off
from yuejie.contracts.numbers.store import every_number
from yuejie.contracts.store import contracts_of
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.demo.esign.launch import SigningSimulator, signing_here
from yuejie.kernel.limits import SIGNING_ATTEMPTS
from yuejie.notices.news.signings import announce_signings
from yuejie.settings import SigningSettings
from yuejie.web.app import make_app

USCC = "91440300708461136T"
DRAFT = {
    "customer": "acme",
    "book": "list",
    "starts_at": "2026-12-01T00:00:00+08:00",
    "terms": {"type": "one_year", "credit_class": "medium", "ends_on": "2027-12-01"},
}
WHO = {"person": "张三", "mobile": "13800000000"}
VERDICT = {"grade": "A", "credit_limit": "20000.00", "deposit": "0.00", "comment": "老客户"}
PLATFORMS = ("esign", "fadada")


class Gate(ThreadingHTTPServer):
    """The console's address on the internet: hands over what platforms post to it."""

    daemon_threads = True
    client: TestClient

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor)
        self.url = f"http://127.0.0.1:{self.server_port}/signing/callbacks"


class _Visitor(BaseHTTPRequestHandler):
    server: Gate

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = self.server.client.post(self.path, content=body, headers=dict(self.headers))
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@dataclass
class Bureau:
    """A house with accounts at both platforms, and its people."""

    db: Database
    clock: FixedClock
    sim: SigningSimulator
    gate: Gate
    sales: Person
    finance: Person
    boss: Person

    @property
    def environ(self) -> dict[str, str]:
        return self.sim.environ(callback_url=f"{self.gate.url}/esign")

    def ready(self, **more: Any) -> str:
        """Have a draft reviewed: it waits for the signature."""
        draft: str = self.sales.post("/contract-drafts", **DRAFT | more)["draft_id"]
        self.sales.post(f"/contract-drafts/{draft}/submit")
        self.finance.post(f"/contract-drafts/{draft}/review", **VERDICT)
        return draft

    def clerk(self) -> int:
        """Let the clerk's errand run until nothing is due."""
        known, count = reachable(SigningSettings.load(self.environ)), 0
        while moved := work_off(self.db, known.platforms, known.send, now=self.clock.at):
            count += moved
        return count

    def later(self) -> None:
        self.clock.at += PATIENCE

    def asks(self, draft: str, platform: str, **more: str) -> str:
        """Ask for a signature and have it taken to the platform."""
        asked = self.sales.post(
            f"/contract-drafts/{draft}/signings", platform=platform, **WHO, **more
        )
        assert self.clerk() == 1
        name: str = asked["signing_id"]
        return name

    def signing(self, name: str) -> Any:
        return self.sales.get(f"/signings/{name}")

    def in_force(self) -> list[Contract]:
        with self.db.read() as tx:
            who = find_customer(tx, "acme")
            return contracts_of(tx, who.customer_id)


@pytest.fixture
def bureau(database: Database) -> Iterator[Bureau]:
    clock = FixedClock(datetime(2026, 11, 20, 2, tzinfo=UTC))
    Books(database).prices(PRICES, currency="CNY")
    gate = Gate()
    thread = threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    with signing_here(clock, fadada_callback_url=f"{gate.url}/fadada") as sim:
        signing = reachable(SigningSettings.load(sim.environ()))
        app = make_app(replace(desk_at(database, clock), signing=signing))
        with TestClient(app) as client:
            gate.client = client
            operator = Person(client, clock, OPERATOR)

            def member(name: str, role: str) -> Person:
                token = operator.post("/members", name=name, role=role)["token"]
                return Person(client, clock, bearer(token))

            people = member("sales", "sales"), member("finance", "finance"), member("boss", "admin")
            people[0].put("/customers/acme", legal_name="示例制造有限公司", uscc=USCC)
            yield Bureau(database, clock, sim, gate, *people)
            gate.shutdown()
            thread.join()
    gate.server_close()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_from_the_draft_to_the_contract_in_force(bureau: Bureau, platform: str) -> None:
    """
    Sales asks the customer to sign what finance reviewed; the customer signs on the platform,
    which calls back twice. The signed copy is there to the byte, the head signs, and the contract
    is in force. Its amendment, which needs a copy that both signed, goes the same way.
    """
    draft = bureau.ready()
    name = bureau.asks(draft, platform)
    running = bureau.signing(name)
    assert (running["state"], running["task"]) == ("running", "task-1")
    assert running["url"].startswith("https://sign.simulated/")
    bureau.sim.tell("fate", callbacks=2)
    assert bureau.sim.tell("sign", task="task-1")["callbacks"] == [200, 200]
    assert bureau.clerk() == 1
    done = bureau.signing(name)
    assert [step["became"] for step in done["steps"]] == [
        *("asked", "starting", "running", "completed")
    ]
    kept = bureau.sales.get(f"/contract-drafts/{draft}/papers")
    papers = sorted(kept, key=lambda paper: str(paper["kind"]))
    text, signed = (bureau.sales.file(f"/contract-papers/{p['paper_id']}/file") for p in papers)
    assert [p["kind"] for p in papers] == ["generated", "signed"]
    assert signed == text + b"\n% signed"
    bureau.boss.post(f"/contract-drafts/{draft}/sign")
    (contract,) = bureau.in_force()

    more = {"contract": contract.contract_id, "starts_at": "2027-01-01T00:00:00+08:00"}
    amended = bureau.ready(**more)
    assert "双方" in bureau.boss.is_refused(f"/contract-drafts/{amended}/sign")
    bureau.asks(amended, platform)
    bureau.sim.tell("sign", task="task-2")
    bureau.clerk()
    bureau.boss.post(f"/contract-drafts/{amended}/sign")
    assert [each.version for each in bureau.in_force()] == [1, 2]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_lost_callback_is_made_up_for_by_asking(bureau: Bureau, platform: str) -> None:
    name = bureau.asks(bureau.ready(), platform)
    bureau.sim.tell("fate", callbacks=0)
    bureau.sim.tell("sign", task="task-1")
    assert bureau.clerk() == 0
    bureau.later()
    assert bureau.clerk() == 1
    assert bureau.signing(name)["state"] == "completed"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_customer_who_declines_is_asked_again_with_a_better_draft(
    bureau: Bureau, platform: str
) -> None:
    draft = bureau.ready()
    name = bureau.asks(draft, platform)
    bureau.sim.tell("decline", task="task-1")
    assert bureau.clerk() == 1
    assert bureau.signing(name)["state"] == "refused"
    assert "拒签" in bureau.boss.is_refused(f"/contract-drafts/{draft}/sign")
    again = bureau.asks(draft, platform)
    assert again != name
    bureau.sim.tell("sign", task="task-2")
    bureau.later()
    bureau.clerk()
    assert bureau.signing(again)["state"] == "completed"
    bureau.boss.post(f"/contract-drafts/{draft}/sign")


def test_an_answer_lost_at_the_start_is_for_a_person_to_look_into(bureau: Bureau) -> None:
    """The platform has the task and we do not know it; nobody goes there twice by itself."""
    draft = bureau.ready()
    bureau.sim.tell("fate", silent=True)
    name = bureau.asks(draft, "fadada")
    bureau.sim.tell("fate", silent=False)
    assert bureau.signing(name)["state"] == "failed"
    assert announce_signings(bureau.db, bureau.clock.at) == 1
    with bureau.db.read() as tx:
        facts = tx.value("SELECT facts FROM notice WHERE kind = 'signing_ended'")
        assert facts["draft"] == every_number(tx)[draft]
    bureau.later()
    assert announce_signings(bureau.db, bureau.clock.at) == 0, "told once"
    assert bureau.clerk() == 0
    assert "结果不明" in bureau.sales.is_refused(
        f"/contract-drafts/{draft}/signings", platform="fadada", **WHO
    )
    again = bureau.asks(draft, "fadada", checked="平台上没有这份合同")
    assert bureau.signing(again)["state"] == "running"


def test_kill_9_at_the_platform(bureau: Bureau, database_url: str) -> None:
    """The command that stands at the platform is killed; the contract is not sent out again."""
    draft = bureau.ready()
    asked = bureau.sales.post(f"/contract-drafts/{draft}/signings", platform="esign", **WHO)
    bureau.sim.tell("fate", hold_seconds=30)
    environ = {name: text for name, text in os.environ.items() if "YUEJIE" not in name}
    environ |= bureau.environ | {"YUEJIE_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "yuejie", "contracts", "esign", "work"]
    # The simulator's clock stands; the command's is moved there, as the platform minds the time.
    shift = int((bureau.clock.at - datetime.now(UTC)).total_seconds())
    environ |= {"YUEJIE_CLOCK_SHIFT_S": str(shift)}
    process = subprocess.Popen(command, env=environ)
    try:
        deadline = time.monotonic() + 60
        while bureau.signing(asked["signing_id"])["state"] == "asked":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    bureau.sim.tell("fate")
    bureau.clock.at += 2 * PATIENCE
    assert bureau.clerk() == 1
    failed = bureau.signing(asked["signing_id"])
    assert (failed["state"], failed["task"]) == ("failed", "")
    assert "发起中断" in failed["note"]
    bureau.later()
    assert bureau.clerk() == 0
    assert bureau.sim.tell("tasks")["tasks"] == {}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_callbacks_of_anybody_else_are_refused_in_a_sentence(bureau: Bureau, platform: str) -> None:
    name = bureau.asks(bureau.ready(), platform)
    before = bureau.signing(name)
    for body, headers, status in (
        (b"", {}, 403),
        (b"bizContent=%7B%7D", {"X-FASC-Sign": "0", "X-FASC-Timestamp": "1"}, 403),
        (b'{"action":"SIGN_FLOW_COMPLETE"}', {"X-Tsign-Open-SIGNATURE": "0"}, 403),
        (b"\xff", {}, 403),
        (b"x" * 70_000, {}, 413),
    ):
        answer = bureau.gate.client.post(
            f"/signing/callbacks/{platform}", content=body, headers=headers
        )
        assert (answer.status_code, "Traceback" in answer.text) == (status, False), answer.text
        assert answer.json()["detail"].startswith("请求 req_")
    assert bureau.gate.client.post("/signing/callbacks/docusign").status_code == 404
    assert bureau.signing(name) == before


def test_the_same_by_commands(bureau: Bureau, database_url: str) -> None:
    draft = bureau.ready()

    def esign(*words: str) -> str:
        return run(
            contracts,
            database_url,
            bureau.clock.at,
            *("esign", *words),
            by="cli:sales",
            environ=bureau.environ,
        )

    who = ("--person", "张三", "--mobile", "13800000000")
    said = esign("ask", draft, *who, "--platform", "esign")
    name = said.split()[1].partition("，")[0]
    assert "办理了 1 次" in esign("work")
    bureau.sim.tell("sign", task="task-1")
    assert "办理了 1 次" in esign("work")
    shown = esign("show", name)
    assert "示例制造有限公司（91440300708461136T），经办人 张三 13800000000" in shown
    assert "clerk  complete → completed" in shown
    (row,) = run_json(
        contracts, database_url, bureau.clock.at, "esign", "list", "--customer", "acme"
    )
    assert (row["signing_id"], row["state"], row["asked_by"]) == (name, "completed", "cli:sales")
    assert name in esign("list", "--customer", "acme")


def test_a_failed_question_is_gone_on_with_by_command(bureau: Bureau, database_url: str) -> None:
    name = bureau.asks(bureau.ready(), "esign")
    bureau.sim.tell("fate", silent=True)
    while bureau.signing(name)["state"] == "running":
        bureau.later()
        bureau.clerk()
    bureau.sim.tell("fate", silent=False)
    bureau.sim.tell("sign", task="task-1")
    words = ("esign", "resume", name, "--why", "平台上仍在签署")
    assert "签署中" in run(contracts, database_url, bureau.clock.at, *words)
    assert bureau.clerk() == 1
    assert bureau.signing(name)["state"] == "completed"


def test_a_draft_is_sent_to_its_signer_on_its_page(bureau: Bureau) -> None:
    """
    Sales asks on the page, by a wrong number first; the address to sign at stands there. The head
    finds no button to sign with before the customer has, and a request that failed is gone on with.
    """
    draft = bureau.ready()
    here, browser = f"/drafts/{draft}", bureau.gate.client
    browser.headers.update(HTML)
    browser.follow_redirects = False
    enter(bureau.db, browser, "li", "sales", None, at=bureau.clock.at)
    wrong = send(browser, f"{here}/signings", person="张三", mobile="1", platform="fadada")
    assert (wrong.status_code, "不是 11 位大陆手机号" in wrong.text) == (422, True)
    went(send(browser, f"{here}/signings", **WHO, platform="fadada"))
    assert "待发起" in browser.get(here).text
    bureau.clerk()
    page = browser.get(here).text
    assert 'href="https://sign.simulated/task-1"' in page
    assert "请客户签署" not in page
    bureau.sim.tell("fate", silent=True)
    for _ in range(SIGNING_ATTEMPTS):
        bureau.later()
        bureau.clerk()
    bureau.sim.tell("fate")
    page = browser.get(here).text
    resume = re.search(rf"{here}/signings/signing_[0-9a-f]+/resume", page)
    assert resume is not None, page
    went(send(browser, resume[0], why="平台上在签"))
    enter(bureau.db, browser, "zhao", "admin", None, at=bureau.clock.at)
    page = browser.get(here).text
    assert "张三 正在 法大大 上签署" in page
    assert 'name="digest"' not in page
    bureau.sim.tell("sign", task="task-1")
    bureau.clerk()
    page = browser.get(here).text
    assert "完成" in page
    assert 'name="digest"' in page


def test_who_signs_a_task_that_is_not_there_is_told_which_are(bureau: Bureau) -> None:
    """The simulator's entrance for testers answers with a sentence, and goes on serving."""
    with pytest.raises(HTTPError) as refused:
        bureau.sim.tell("sign", task="task-9")
    with refused.value as answer:
        assert answer.code == 404
        assert answer.read().decode() == "没有任务 task-9；现有：还没有任务\n"
    assert bureau.sim.tell("fate")["tasks"] == {}
