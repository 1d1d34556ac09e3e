"""What a fresh pair of eyes looked for: a price on a day, a limit for a while, a contact."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, PEPPER, House, bearer, desk_at
from tests.rooms.web.test_first_pages import browsing, gateway, post
from tests.rooms.web.test_pages import admin, browser, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.life.limits import LimitWish, ask_limit
from yuejie.contracts.life.store import temporary_limits
from yuejie.contracts.terms import STANDARD
from yuejie.db.session import Database
from yuejie.intake.elsewhere.keys import Elsewhere, take_over_keys
from yuejie.payments.dunning.lifted import approve_limit
from yuejie.web.auth import API

__all__ = ["admin", "browser"]


def test_a_customer_looks_up_what_a_token_cost_on_a_day(
    browser: TestClient, database: Database, house: House
) -> None:
    """Prices are those of the contract's book on that day; tomorrow's are not today's."""
    wanted = PriceImport(
        book_id="list",
        name="dearer.toml",
        body=b'currency = "CNY"\n\n[models."gpt-4o"]\ninput = "7"\noutput = "15"\n',
        starts_at=NOW + timedelta(days=1),
        approve=True,
    )
    assert not import_prices(database, wanted, by="x", now=NOW).refused
    enter(database, browser, "acme.finance", "finance", "acme")
    today = browser.get("/rates").text
    assert "5.00" in today
    assert "7.00" not in today
    on = (NOW + timedelta(days=1)).date()
    changed = browser.get(f"/rates?on={on}&model=GPT-4O").text
    assert "5.00" in changed, "until ten in the morning of that day"
    assert "7.00" in changed
    assert "gpt-4o-mini" not in browser.get("/rates?model=claude").text
    assert "这一天没有这样的单价" in browser.get("/rates?on=2019-01-01").text
    assert browser.get("/rates?on=gestern").status_code == 422


def test_a_limit_for_a_while_is_asked_for_by_one_and_approved_by_another(
    admin: TestClient, database: Database, house: House
) -> None:
    form = {
        "form_token": token_in(admin.get("/payments?customer=acme")),
        "amount": "5000",
        "starts_on": "2026-11-05",
        "ends_on": "2026-11-30",
        "why": "双十一",
    }
    url = "/payments/limits?customer=acme"
    idle = admin.post(url, data=form)
    assert (idle.status_code, "没有授信额度可以提高" in idle.text) == (422, True)
    house.books.amend(house.acme, replace(STANDARD, credit_limit_fen=1_000_00), starts=NOW)
    assert admin.post(url, data=form).status_code == 303
    with database.read() as tx:
        (made,) = temporary_limits(tx, house.acme.customer.customer_id)
    assert (made.limit_fen, made.approved_by) == (500_000, None)
    assert made.ends_at.isoformat() == "2026-11-30T16:00:00+00:00", "the last day belongs to it"
    page = admin.get("/payments?customer=acme").text
    assert "5,000.00 CNY" in page
    assert "待批准" in page
    own = admin.post(f"/approvals/limits/{made.limit_id}/approve", data=form)
    assert own.status_code == 403
    for wrong in ({"starts_on": "2026-12-05"}, {"ends_on": "9999-12-31"}):
        assert admin.post(url, data=form | wrong).status_code == 422


def test_a_limit_is_taken_back_on_the_page_that_shows_it(
    browser: TestClient, database: Database, house: House
) -> None:
    """Its customer sees it once it is approved, and no button."""
    house.books.amend(house.acme, replace(STANDARD, credit_limit_fen=1_000_00), starts=NOW)
    owner = house.acme.customer.customer_id
    wish = LimitWish(
        limit_fen=5_000_00, currency="CNY", starts_at=NOW, ends_at=NOW + timedelta(9), why="双十一"
    )
    name = ask_limit(database, owner, wish, by="sales", now=NOW).limit_id
    enter(database, browser, "acme.finance", "finance", "acme")
    assert "5,000.00" not in browser.get("/payments").text, "it waits, which is ours to know"
    approve_limit(database, name, by="finance", now=NOW)
    page = browser.get("/payments").text
    assert ("5,000.00 CNY" in page, "提前收回" in page) == (True, False)
    browser.cookies.clear()
    enter(database, browser, "boss", "admin", None)
    seen = browser.get("/payments?customer=acme")
    assert "提前收回" in seen.text
    form = {"form_token": token_in(seen), "why": "客户取消大促"}
    end = f"/payments/limits/{name}/end?customer=acme"
    assert browser.post(end, data=form | {"why": " "}).status_code == 422
    assert browser.post(end, data=form).status_code == 303
    assert "5,000.00 CNY" not in browser.get("/payments?customer=acme").text


def test_a_contact_is_changed_and_not_made_anew(
    operator: TestClient, admin: TestClient, house: House
) -> None:
    zetas, acmes = bearer(house.zeta_key.secret), bearer(house.acme_key.secret)
    url = f"{API}/notices/contacts/{house.zeta_contact}"
    said = {"name": "新会计", "language": "en", "quiet_from": "22:00", "quiet_until": "08:00"}
    assert operator.put(url, json=said, headers=acmes).status_code in {403, 404}
    changed = operator.put(url, json=said).json()
    assert (changed["name"], changed["language"]) == ("新会计", "en")
    assert len(operator.get(f"{API}/notices/contacts", headers=zetas).json()["items"]) == 1
    form = {"form_token": token_in(admin.get("/account")), "name": "王会计", "quiet_from": "22:00"}
    page = f"/notices/contacts/{house.zeta_contact}?customer=zeta"
    assert admin.post(page, data=form).status_code == 422, "an end is missing"
    assert admin.post(page, data=form | {"quiet_until": "07:00"}).status_code == 303
    seen = admin.get("/notices?customer=zeta").text
    assert "王会计" in seen
    assert "22:00–07:00" in seen
    (deed, *_) = [e for e in operator.get(f"{API}/deeds").json()["items"] if e["verb"] == "change"]
    assert deed["noun"] == "notice_contact"


def test_a_key_that_was_taken_over_makes_its_first_call(
    database: Database, clock: FixedClock, house: House
) -> None:
    """We know the hash of its hash only; whoever pastes it is the customer's all the same."""
    secret = "sk-litellm-of-theirs"
    row = {"key_alias": "旧网关", "token": sha256(secret.encode()).hexdigest()}
    (told,) = take_over_keys(
        database,
        house.acme.customer,
        "main",
        [row],
        of=Elsewhere.LITELLM,
        pepper=PEPPER,
        by="x",
        now=NOW,
    )
    assert told.key_id, told.why
    body = json.dumps({"choices": [{"message": {"content": "好"}}]}).encode()
    with gateway(body, house.acme_call) as (url, asked):
        desk = replace(desk_at(database, clock), gateway_url=url)
        with browsing(desk) as client:
            form = {"model": "gpt-4o", "secret": secret}
            page = post(client, "/first-run/call", customer="acme", **form)
            others = post(client, "/first-run/call", customer="zeta", **form)
    assert "调用成功" in page.text
    assert others.status_code == 404
    assert [bearer for _, bearer, *_ in asked] == [f"Bearer {secret}"]


def test_the_list_in_force_is_a_price_file(admin: TestClient, house: House) -> None:
    """What was downloaded is read again; one price changed in it is one price changed."""
    sheet = admin.get("/prices/list/list").content
    form = {"form_token": token_in(admin.get("/prices/list")), "look": "yes"}

    def tried(body: bytes) -> str:
        files = {"file": ("list.csv", body, "text/csv")}
        beside = {"hx-request": "true"}
        return admin.post("/prices/list/import", data=form, files=files, headers=beside).text

    assert "lab/gpt-4o-mini,chat,input,1.00,CNY" in sheet.decode("utf-8-sig")
    assert "错误" not in tried(sheet)
    dearer = tried(sheet.replace(b"gpt-4o,chat,input,5.00", b"gpt-4o,chat,input,5.50"))
    assert "错误" not in dearer
    assert "gpt-4o 的 input 由 5.00 变为 5.50" in dearer
    assert house.acme.customer.slug == "acme"
