"""Single sign-on through the pages, at a simulated provider that misbehaves in every known way."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from html import unescape
from time import sleep
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, OPERATOR, PEPPER, application, desk_at
from tests.rooms.web.test_pages import HTML, PASSWORD, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.sso.enter import GOOD_FOR
from yuejie.customers.sso.keep import end_provider, set_provider
from yuejie.customers.sso.provider import ProviderDraft, refuse_issuer
from yuejie.customers.sso.store import providers
from yuejie.customers.tokens.keep import TokenDraft, make_token
from yuejie.db.session import Database, Tx
from yuejie.demo.sso.app import SsoServer, sso_here
from yuejie.demo.sso.provider import CLIENT, SECRET, Fault
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.web.app import furnish
from yuejie.web.pages.frame.cookies import SESSION, SSO

KEY = b"k" * 32
WANG = "wang.fang@acme.example.cn"
CONSOLE = "http://testserver"


@pytest.fixture(scope="module")
def provider() -> Iterator[SsoServer]:
    with sso_here(FixedClock(NOW)) as server:
        yield server


@pytest.fixture
def sso(provider: SsoServer) -> SsoServer:
    """The provider on its best behaviour, with one person."""
    provider.provider.fault = Fault.NONE
    provider.provider.people = {WANG: {"sub": "00u1"}}
    return provider


@pytest.fixture
def parties(database: Database) -> None:
    """Two customers; what they used and owe matters to nobody here."""
    for slug in ("acme", "zeta"):
        enrol_customer(database, Particulars(slug=slug, legal_name=f"{slug} 公司"), by="x", now=NOW)


@pytest.fixture
def browser(database: Database, clock: FixedClock, sso: SsoServer) -> Iterator[TestClient]:
    app = application()
    hosts = frozenset({f"127.0.0.1:{sso.server_port}"})
    furnish(app, replace(desk_at(database, clock), console_url=CONSOLE, sso_hosts=hosts))
    with TestClient(app, headers=HTML, follow_redirects=False) as client:
        yield client


def draft(sso: SsoServer, **changed: object) -> ProviderDraft:
    wanted = ProviderDraft(
        label="Acme 统一登录",
        issuer=sso.url,
        client_id=CLIENT,
        client_secret=SECRET,
        domains=("acme.example.cn",),
    )
    return replace(wanted, **changed)  # type: ignore[arg-type]  # a builder takes what is changed


def set_up(db: Database, sso: SsoServer, customer: str | None = "acme", **changed: object) -> None:
    set_provider(db, customer, draft(sso, **changed), key=KEY, by="x", now=NOW)


def member(db: Database, name: str = "wang.fang", email: str = WANG, role: str = "finance") -> None:
    enrol_member(db, name, role, customer="acme", pepper=PEPPER, by="x", now=NOW, email=email)


class _Standing(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def leave(browser: TestClient, email: str = WANG, back: str = "/bills") -> str:
    """Begin at the door, and return where the page sends the browser."""
    page = browser.post("/sso/begin", data={"email": email, "next": back})
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.text)
    assert found
    return unescape(found[1])


def at_the_provider(url: str) -> str:
    """Log in there, and return where it sends the browser back."""
    with pytest.raises(urllib.error.HTTPError, match="302") as raised:
        urllib.request.build_opener(_Standing()).open(url, timeout=5)
    with raised.value as sent:
        location: str = sent.headers["location"]
    return location


def come_back(browser: TestClient, location: str) -> Response:
    assert location.startswith(f"{CONSOLE}/sso/callback?")
    answer: Response = browser.get(location.removeprefix(CONSOLE))
    return answer


def log_in(browser: TestClient, email: str = WANG) -> Response:
    return come_back(browser, at_the_provider(leave(browser, email)))


def test_a_member_comes_in_by_its_verified_mail_and_is_bound_by_subject(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    """The second time the provider's subject decides: an address may be somebody else's by then."""
    member(database)
    set_up(database, sso)
    answer = log_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/bills"), answer.text
    assert "wang.fang" in browser.get("/account").text
    assert SSO not in browser.cookies
    sso.provider.people = {WANG: {"sub": "00u2"}}
    browser.cookies.clear()
    refused = log_in(browser)
    assert (refused.status_code, "已绑定另一个身份" in refused.text) == (403, True)
    sso.provider.people = {"new.name@acme.example.cn": {"sub": "00u1"}}
    answer = log_in(browser, "new.name@acme.example.cn")
    assert (answer.status_code, "wang.fang" in browser.get("/account").text) == (303, True)


def test_what_goes_to_the_provider_is_fresh_and_proves_nothing(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    set_up(database, sso)
    first, second = (dict(parse_qsl(urlsplit(leave(browser)).query)) for _ in range(2))
    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"{CONSOLE}/sso/callback"
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 43
    assert SECRET not in str(first)
    given = browser.post("/sso/begin", data={"email": WANG}).headers["set-cookie"]
    assert "HttpOnly" in given
    assert "Path=/sso" in given
    assert first["state"] not in given


FAULTS = (
    (Fault.NONCE, "nonce"),
    (Fault.EXPIRED, "已过期"),
    (Fault.OLD, "签发时间"),
    (Fault.FUTURE, "签发时间"),
    (Fault.AUDIENCE, "不是签发给本系统的"),
    (Fault.AUDIENCES, "不是签发给本系统的"),
    (Fault.ISSUER, "issuer"),
    (Fault.ALG_NONE, "签名不对"),
    (Fault.HMAC, "签名不对"),
    (Fault.FOREIGN_KEY, "签名不对"),
    (Fault.SIGNATURE, "签名不对"),
    (Fault.UNVERIFIED, "没有确认过"),
    (Fault.NO_SUBJECT, "sub"),
    (Fault.SHARED_KEYS, "没有公布可用的签名密钥"),
    (Fault.NOTHING, "没有身份令牌"),
    (Fault.DISCOVERY, "issuer"),
    (Fault.PLAIN, "https"),
    (Fault.DOWN, "503"),
    (Fault.REDIRECT, "302"),
    (Fault.HUGE, "过大"),
)
"""Every way to misbehave, and what the person at the door is told of it."""


def test_a_provider_that_misbehaves_lets_nobody_in(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    member(database)
    set_up(database, sso)
    assert {fault for fault, _ in FAULTS} == set(Fault) - {Fault.NONE}
    for fault, said in FAULTS:
        location = at_the_provider(leave(browser))
        sso.provider.fault = fault
        answer = come_back(browser, location)
        assert answer.status_code == 403, (fault, answer.text)
        alert = re.search(r'role="alert">([^<]+)', answer.text)
        assert alert
        assert said in alert[1], (fault, alert[1])
        assert SESSION not in browser.cookies
        sso.provider.fault = Fault.NONE
        assert come_back(browser, location).status_code == 403, "and the way back is used up"
    assert log_in(browser).status_code == 303, "once it behaves, the same person comes in"


def test_a_key_that_was_rotated_out_signs_nobody_in_and_a_fresh_one_does(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    member(database)
    set_up(database, sso)
    assert log_in(browser).status_code == 303
    sso.provider.rotate()
    browser.cookies.clear()
    assert log_in(browser).status_code == 303


def test_a_return_that_was_not_begun_here_opens_nothing(
    browser: TestClient, database: Database, parties: None, sso: SsoServer, clock: FixedClock
) -> None:
    """Login CSRF, a stolen link, another provider's answer, a replay, and one from yesterday."""
    member(database)
    set_up(database, sso)

    def refused(location: str) -> bool:
        answer = come_back(browser, location)
        return answer.status_code == 403 and SESSION not in browser.cookies

    assert refused(f"{CONSOLE}/sso/callback?code=x")
    assert refused(re.sub(r"state=[^&]+", "state=guessed", at_the_provider(leave(browser))))
    other = re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", at_the_provider(leave(browser)))
    assert refused(other)
    location = at_the_provider(leave(browser))
    browser.cookies.clear()
    assert refused(location)
    location = at_the_provider(leave(browser))
    assert come_back(browser, location).status_code == 303
    browser.cookies.delete(SESSION)
    assert refused(location)
    location = at_the_provider(leave(browser))
    clock.at = NOW + GOOD_FOR
    assert refused(location)


def test_nobody_comes_in_uninvited_and_nobody_gains_by_a_group_what_nobody_gave(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    set_up(database, sso)
    sso.provider.people = {WANG: {"sub": "00u1", "groups": ["everybody", "finance-team"]}}
    answer = log_in(browser)
    assert (answer.status_code, "请管理员先邀请您" in answer.text) == (403, True)
    set_up(database, sso, groups={"finance-team": "auditor"})
    assert log_in(browser).status_code == 303
    assert "审计" in browser.get("/account").text
    assert browser.get("/customers").status_code == 403
    revoke_member(database, WANG, by="x", now=NOW)
    browser.cookies.clear()
    answer = log_in(browser)
    assert answer.status_code == 403, "whoever was ended by a person comes back by a person"


def test_a_stranger_to_the_domain_stays_out(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    """A provider vouches for its own domains only, whatever it says of other people's."""
    member(database, email="boss@zeta.example.cn")
    set_up(database, sso)
    sso.provider.people = {"boss@zeta.example.cn": {}}
    answer = come_back(browser, at_the_provider(leave(browser)))
    assert (answer.status_code, "不在登记的域名之内" in answer.text) == (403, True)
    missing = browser.post("/sso/begin", data={"email": "boss@zeta.example.cn"})
    assert (missing.status_code, "没有开通单点登录" in missing.text) == (422, True)
    assert browser.post("/sso/begin", data={"email": "<script>"}).status_code == 422


def test_another_customers_member_of_the_same_mail_is_not_reached(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    enrol_member(
        database, "spy", "admin", customer="zeta", pepper=PEPPER, by="x", now=NOW, email=WANG
    )
    enrol_member(
        database, "root", "admin", customer=None, pepper=PEPPER, by="x", now=NOW, email=WANG
    )
    set_up(database, sso)
    assert log_in(browser).status_code == 403


def test_only_sso_ends_passwords_and_sessions_and_links(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    enter(database, browser, "acme.old", "finance", "acme")
    secret = invite(database, "acme.old", within=None, pepper=PEPPER, by="x", now=NOW).secret
    set_up(database, sso, only_sso=True)
    assert browser.get("/bills").status_code == 303
    form = {"name": "acme.old", "password": PASSWORD}
    answer = browser.post("/login", data=form)
    assert (answer.status_code, "只用单点登录" in answer.text) == (403, True)
    wrong = browser.post("/login", data=form | {"password": "not the password"})
    assert "只用单点登录" not in wrong.text, "who does not know the password learns nothing"
    taken = browser.post(f"/invitation/{secret}", data={"password": PASSWORD})
    assert (taken.status_code, "只用单点登录" in taken.text) == (422, True)
    end_provider(database, "acme", by="x", now=NOW)
    assert browser.post("/login", data=form).status_code == 303


def test_who_logs_in_by_password_while_passwords_end_is_not_let_in(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    """The switch ends the sessions that it sees; a login that it cannot see waits for it."""
    enter(database, browser, "acme.old", "finance", "acme")
    browser.cookies.clear()
    form = {"name": "acme.old", "password": PASSWORD}

    def until_waiting(tx: Tx, count: int, *others: Future[Any]) -> None:
        waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        while tx.value(waiting) < count and not any(each.done() for each in others):
            sleep(0.01)

    with ThreadPoolExecutor(2) as beside:
        with database.begin() as tx:
            tx.run("SELECT FROM session FOR UPDATE")
            switch = beside.submit(set_up, database, sso, only_sso=True)
            until_waiting(tx, 1, switch)
            login = beside.submit(browser.post, "/login", data=form)
            until_waiting(tx, 2, login)
        switch.result()
        assert login.result().status_code == 403


def test_under_only_sso_tokens_work_for_whom_the_provider_knows(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    """
    Tokens of both kinds, made before, stop with the password; they come back with the first login
    at the provider, stay when the same provider is set up anew, and a key of the house is no
    member's. When passwords are allowed again, so are tokens.
    """
    made = enrol_member(
        database, "acme.wang", "admin", customer="acme", pepper=PEPPER, by="x", now=NOW, email=WANG
    )
    whole = {"authorization": f"Bearer {made.token}"}
    wanted = TokenDraft(name="ci", scopes=frozenset({"read"}), expires_at=NOW + timedelta(days=30))
    slice_ = make_token(database, made.member, wanted, pepper=PEPPER, by="acme.wang", now=NOW)
    part = {"authorization": f"Bearer {slice_.secret}"}

    def statuses() -> list[int]:
        return [
            browser.get("/api/v1/usage/refusals", headers=each).status_code
            for each in (whole, part)
        ]

    assert statuses() == [200, 200]
    set_up(database, sso)
    assert statuses() == [200, 200]
    set_up(database, sso, only_sso=True)
    assert statuses() == [401, 401]
    said = browser.get("/api/v1/usage/refusals", headers=part).json()["detail"]
    assert "只用单点登录" in said
    assert browser.get("/api/v1/usage/refusals", headers=OPERATOR).status_code == 200
    assert log_in(browser).status_code == 303
    assert statuses() == [200, 200]
    set_up(database, sso, only_sso=True, label="新名")
    assert statuses() == [200, 200]
    end_provider(database, "acme", by="x", now=NOW)
    assert statuses() == [200, 200]


def test_the_operator_sets_a_provider_on_a_page_and_its_secret_is_never_shown(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    enter(database, browser, "boss", "admin", None)
    page = browser.get("/sso")
    form = {
        "form_token": token_in(page),
        "customer": "acme",
        "label": "Acme 统一登录",
        "issuer": sso.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "domains": "acme.example.cn, acme.cn",
        "groups": "it = developer",
    }
    assert browser.post("/sso", data=form).status_code == 303
    shown = browser.get("/sso").text
    assert "Acme 统一登录" in shown
    assert SECRET not in shown + browser.get("/deeds").text
    with database.read() as tx:
        (kept,) = providers(tx)
    assert SECRET.encode() not in kept.sealed
    assert kept.groups == {"it": "developer"}
    stolen = form | {"customer": "zeta", "domains": "acme.cn"}
    answer = browser.post("/sso", data=stolen)
    assert (answer.status_code, "已登记给另一个" in answer.text) == (409, True)
    end = {"form_token": form["form_token"], "customer": "acme"}
    assert browser.post("/sso/end", data=end).status_code == 303
    assert browser.post("/sso/end", data=end).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "javascript:alert(1)"},
        {"issuer": "https://user@login.example.cn"},
        {"issuer": "https://login.example.cn/?x=1"},
        {"issuer": "https://login.example.cn:port"},
        {"domains": ()},
        {"domains": ("*.cn",)},
        {"domains": ("ACME.cn",)},
        {"groups": {"it": "admin"}},
        {"groups": {"it": "sales"}},
        {"client_secret": ""},
        {"label": "a\nb"},
    ],
)
def test_what_could_not_work_or_gives_power_away_is_refused(
    sso: SsoServer, changed: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        draft(sso, **changed).refuse_unfit(of_house=False)


def test_two_members_of_a_customer_have_two_addresses(database: Database, parties: None) -> None:
    member(database)
    with pytest.raises(Conflict, match="已登记给成员"):
        member(database, name="another")
    refuse_issuer("https://login.example.cn/realms/acme")


def test_a_provider_inside_the_house_is_not_reached_unless_it_was_named(
    browser: TestClient, database: Database, parties: None, sso: SsoServer, clock: FixedClock
) -> None:
    """SSRF: discovery, tokens and keys go to public addresses; nothing was asked of this one."""
    set_up(database, sso)
    furnish(application(), replace(desk_at(database, clock), console_url=CONSOLE))
    before = len(sso.asked)
    inner = (
        "http://169.254.169.254",
        "https://127.0.0.1",
        "https://[::1]:8443",
        "https://10.0.0.1",
    )
    for issuer in (sso.url, *inner):
        set_up(database, sso, issuer=issuer)
        answer = browser.post("/sso/begin", data={"email": WANG})
        assert (answer.status_code, "地址不可用" in answer.text) == (422, True), issuer
    assert len(sso.asked) == before


def test_an_address_that_begins_too_often_waits(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    set_up(database, sso)
    for _ in range(60):
        leave(browser)
    answer = browser.post("/sso/begin", data={"email": WANG})
    assert (answer.status_code, "次数过多" in answer.text) == (403, True)


def test_logins_at_a_provider_that_does_not_answer_are_counted_too(
    browser: TestClient, database: Database, parties: None, sso: SsoServer
) -> None:
    """Each of them holds a thread of the console until its patience is over."""
    set_up(database, sso)
    sso.provider.fault = Fault.DISCOVERY
    begin = {"email": WANG}
    assert {browser.post("/sso/begin", data=begin).status_code for _ in range(60)} == {422}
    before = len(sso.asked)
    answer = browser.post("/sso/begin", data=begin)
    assert (answer.status_code, "次数过多" in answer.text) == (403, True)
    assert len(sso.asked) == before, "nobody is asked any more"
