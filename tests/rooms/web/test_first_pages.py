"""The first run: an operator's steps, a customer's list, a test call, and what is wished beside."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, TOKEN, House, application, desk_at
from tests.rooms.web.test_pages import HTML, PASSWORD, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.beside import Beside, wished
from yuejie.contracts.store import accounts, contract_at, deployments
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import keys
from yuejie.db.session import Database
from yuejie.gateway.credentials import decrypt
from yuejie.web.app import furnish
from yuejie.web.desk import Desk

HX = {"hx-request": "true"}
KEY = b"k" * 32


@contextmanager
def gateway(answer: bytes, request_id: str, status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """Have something that answers like a gateway, and notes what it is asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, self.headers["authorization"], json.loads(body)))
            self.send_response(status)
            self.send_header("x-request-id", request_id)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def browsing(desk: Desk) -> Iterator[TestClient]:
    """Have a browser at a desk of one's own, logged in as the first administrator."""
    app = application()
    furnish(app, desk)
    with TestClient(app, headers=HTML, follow_redirects=False) as browser:
        form = {"token": TOKEN, "name": "王管理", "password": PASSWORD}
        assert browser.post("/setup", data=form).status_code == 303
        yield browser


def post(browser: TestClient, path: str, **form: Any) -> Any:
    """Send a form of the page of the first run."""
    token = token_in(browser.get("/account"))
    return browser.post(path, data={"form_token": token} | form)


def test_an_operator_without_data_is_led_to_a_key(
    database: Database, clock: FixedClock, house: House
) -> None:
    """Each step by its form: the next is named, and the credential is stored encrypted."""
    with browsing(desk_at(database, clock)) as browser:
        provider = {"account": "main", "platform": "openai", "credential": "sk-upstream-1"}
        done = post(browser, "/first-run/provider", **provider)
        assert done.headers["location"] == "/first-run?step=model"
        done = post(browser, "/first-run/model", model="new-model", account="main")
        assert done.headers["location"] == "/first-run?step=cost"
        cost = {"kind": "cost", "book": "cost-2", "currency": "USD", "model": ["openai/new-model"]}
        rates = {"input": ["2.5"], "cache_read": [""], "output": ["10"]}
        done = post(browser, "/first-run/prices", **cost, **rates)
        assert done.headers["location"] == "/first-run?step=sale"
        sale = {"kind": "sale", "book": "list-2", "currency": "CNY", "model": ["new-model"]}
        done = post(browser, "/first-run/prices", **sale, **rates)
        assert done.headers["location"] == "/first-run?step=customer"
        party = {"slug": "nova", "legal_name": "新星科技有限公司", "then": "first-run"}
        done = post(browser, "/customers/new", **party)
        assert done.headers["location"] == "/first-run?step=contract&customer=nova"
        assert "登记合同" in browser.get(done.headers["location"]).text
        done = post(browser, "/first-run/contract", customer="nova", sale_book="list-2")
        assert done.headers["location"] == "/first-run?step=key&customer=nova"
        done = post(browser, "/first-run/key", customer="nova", project="客服", name="后端")
    assert re.search(r"sk-yj-[\w-]{20,}", done.text)
    with database.read() as tx:
        (account,) = (each for each in accounts(tx) if each.account_id == "main")
        who = find_customer(tx, "nova")
        assert contract_at(tx, who.customer_id, NOW) is not None
        assert [each.name for each in keys(tx, who.customer_id)] == ["后端"]
    assert b"sk-upstream-1" not in account.credential
    assert decrypt(account.credential, KEY, "main") == "sk-upstream-1"
    assert house.acme.customer.slug == "acme"


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("provider", {"account": "sim", "platform": "openai", "credential": "x"}, "已登记"),
    ("provider", {"account": "a", "platform": "openai"}, "API 密钥"),
    ("provider", {"account": "a", "platform": "other", "credential": "x"}, "接口地址"),
    ("model", {"model": "m", "account": "nobody"}, "供应商账号"),
    ("prices", {"kind": "sale", "book": "l", "model": ["m"], "input": [""]}, "刷新"),
    ("prices", {"kind": "sale", "book": "l", "currency": "CNY"}, "至少"),
    ("contract", {"customer": "acme", "sale_book": "nobody"}, "销售价目"),
    ("contract", {"customer": "acme", "sale_book": "list"}, "请起草合同草案"),
    ("key", {"customer": "acme", "project": "", "name": "x"}, "项目名"),
    ("call", {"customer": "acme", "secret": "sk-yj-guessed", "model": "gpt-4o"}, "不属于"),
    ("simulated", {}, "yuejie serve"),
)
"""Forms of a step that cannot be taken, and what is said of each."""


def test_a_step_refuses_in_a_sentence(database: Database, clock: FixedClock, house: House) -> None:
    with browsing(desk_at(database, clock)) as browser:
        token = token_in(browser.get("/account"))
        for path, form, said in REFUSED:
            data = {"form_token": token} | form
            answer = browser.post(f"/first-run/{path}", data=data, headers=HX)
            assert 400 <= answer.status_code < 500, answer.text
            assert said in answer.text, answer.text
    assert house.zeta.customer.slug == "zeta"


def test_a_test_call_goes_through_the_gateway_and_shows_what_was_rated(
    database: Database, clock: FixedClock, house: House
) -> None:
    """With the key that is typed; another customer's key is refused before anything is sent."""
    body = json.dumps({"choices": [{"message": {"content": "<b>好</b>"}}]}).encode()
    with gateway(body, house.acme_call) as (url, asked):
        desk = replace(desk_at(database, clock), gateway_url=url)
        with browsing(desk) as browser:
            form = {"customer": "acme", "model": "gpt-4o"}
            page = post(browser, "/first-run/call", secret=house.acme_key.secret, **form).text
            other = post(browser, "/first-run/call", secret=house.zeta_key.secret, **form)
            enter(database, browser, "acme.dev", "developer", "acme")
            own = post(browser, "/start/call", secret=house.acme_key.secret, model="gpt-4o").text
            foreign = post(browser, "/start/call", secret=house.zeta_key.secret, model="gpt-4o")
    assert (other.status_code, foreign.status_code) == (404, 404)
    assert [path for path, *_ in asked] == ["/v1/chat/completions"] * 2
    assert asked[0][1] == f"Bearer {house.acme_key.secret}"
    assert "调用成功" in page
    assert "1,000,000" in page
    assert "8.00 CNY" in page or "8 CNY" in page
    assert "成本单价" in page
    assert "&lt;b&gt;" in page
    assert "<b>好" not in page
    assert "调用成功" in own
    assert "成本单价" not in own


def test_a_refused_call_says_what_the_gateway_said(
    database: Database, clock: FixedClock, house: House
) -> None:
    said = json.dumps({"error": {"message": "额度已用完"}}).encode()
    with gateway(said, "req_x", status=429) as (url, _):
        desk = replace(desk_at(database, clock), gateway_url=url)
        with browsing(desk) as browser:
            form = {"customer": "acme", "model": "gpt-4o", "secret": house.acme_key.secret}
            page = post(browser, "/first-run/call", **form).text
    assert "HTTP 429" in page
    assert "额度已用完" in page


def test_simulated_providers_are_wished_for_and_let_go(
    database: Database, clock: FixedClock, house: House, tmp_path: Path
) -> None:
    """The supervisor reads the wish; when it is taken back, what they served is drained first."""
    with browsing(replace(desk_at(database, clock), home=tmp_path)) as browser:
        post(browser, "/first-run/simulated")
        wanted = wished(tmp_path)[Beside.SIMULATORS]
        post(browser, "/first-run/simulated")
        assert wished(tmp_path)[Beside.SIMULATORS] == wanted, "asked twice it is the same"
        with database.read() as tx:
            urls = {str(a.account_id): a.base_url for a in accounts(tx)}
            first = {d.deployment_id: d.state for d in deployments(tx)}
        assert urls["simulated-anthropic"] == wanted.url
        assert "模拟供应商正在运行" in browser.get("/first-run").text
        post(browser, "/first-run/simulated/end")
    with database.read() as tx:
        after = {d.deployment_id: d.state for d in deployments(tx)}
    changed = {name for name in after if after[name] != first[name]}
    assert changed == {name for name in after if "@simulated-" in name}
    assert wished(tmp_path) == {}
    assert house.acme.customer.slug == "acme"


def test_a_practice_house_is_wished_for_and_removed(
    database: Database, clock: FixedClock, tmp_path: Path
) -> None:
    with browsing(replace(desk_at(database, clock), home=tmp_path)) as browser:
        post(browser, "/practice/start")
        (wanted,) = wished(tmp_path).values()
        assert (wanted.what, len(set(wanted.ports))) == (Beside.PRACTICE, 3)
        assert "正在建立" in browser.get("/practice").text
        (tmp_path / "practice").mkdir()
        post(browser, "/practice/remove")
        assert (tmp_path / "practice" / ".remove").exists()
        assert "正在停止" in browser.get("/practice").text
    assert wished(tmp_path) == {}


def test_a_practice_house_says_so_on_every_page(database: Database, clock: FixedClock) -> None:
    with browsing(replace(desk_at(database, clock), practice=True)) as browser:
        assert "与真实账目无关" in browser.get("/").text
        assert "与真实账目无关" in browser.get("/bills").text
        answer = post(browser, "/practice/start")
    assert answer.status_code == 409


def test_the_guide_and_its_pictures_are_given_away(client: TestClient) -> None:
    page = client.get("/guide", headers=HTML)
    assert "提出异议" in page.text
    for name in re.findall(r"/guide/pictures/([\w-]+\.png)", page.text):
        answer = client.get(f"/guide/pictures/{name}")
        assert answer.content[:4] == b"\x89PNG", name
    assert client.get("/guide/pictures/..%2fx.png").status_code == 404
