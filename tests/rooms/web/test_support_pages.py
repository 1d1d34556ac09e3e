"""Pages of support: asking, answering, the rota, announcing; and what everybody may see."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, desk_at
from tests.rooms.web.test_pages import HTML, admin, browser, enter, token_in
from tests.scenarios.books import FixedClock
from tests.scenarios.callers import calls, fails
from yuejie.db.session import Database
from yuejie.kernel.limits import TICKET_FILE_BYTES
from yuejie.support.rota.keep import person_on_duty
from yuejie.support.status.announce import IncidentDraft, UpdateDraft, announce, update
from yuejie.support.status.board import Light, look
from yuejie.support.status.incident import NEXT, OVER, Impact, IncidentKind, IncidentState
from yuejie.web.app import make_app

__all__ = ["admin", "browser"]

ATOM = "{http://www.w3.org/2005/Atom}"


def opened(browser: TestClient, **form: str) -> str:
    """Open a ticket on the page; returns where it is shown."""
    token = token_in(browser.get("/tickets/new"))
    asked = {"form_token": token, "subject": "少了两万", "text": "请核对", "severity": "s2"}
    files = {"files": ("../日志.csv", b"<script>", "text/html")}
    answer = browser.post("/tickets", data=asked | form, files=files)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_developer_asks_about_a_line_and_is_answered(
    browser: TestClient, database: Database, house: House
) -> None:
    """From the line of the bill to the solution; the file comes back as a download only."""
    enter(database, browser, "acme.dev", "developer", "acme")
    number = str(house.acme_bill.number)
    assert f"/tickets/new?bill={number}&amp;line=1" in browser.get(f"/bills/{number}").text
    here = opened(browser, bill=number, line="1", text="<b>少了</b>\n第二行")
    page = browser.get(here)
    assert "&lt;b&gt;少了&lt;/b&gt;\n第二行" in page.text
    link = page.text.split("/api/v1/tickets/")[1].split('"')[0]
    file = browser.get(f"/api/v1/tickets/{link}")
    assert (file.content, file.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"

    enter(database, browser, "李客服", "support", None)
    assert "少了两万" in browser.get("/tickets").text
    form = {"form_token": token_in(browser.get(here)), "text": "已补记", "event": "resolve"}
    assert browser.post(f"{here}/answer", data=form).status_code == 303
    queue = browser.get("/tickets").text
    assert "少了两万" not in queue
    assert "第一行的数量" in queue, "the other one still waits"
    assert "已解决" in browser.get(here).text


def test_who_only_looks_on_asks_nothing_and_a_stranger_finds_nothing(
    browser: TestClient, database: Database, house: House
) -> None:
    enter(database, browser, "acme.auditor", "auditor", "acme")
    page = browser.get("/tickets")
    assert page.status_code == 200
    assert "/tickets/new" not in page.text
    assert browser.get("/tickets/new").status_code == 403
    assert browser.get(f"/tickets/{house.zeta_ticket}").status_code == 404
    enter(database, browser, "acme.boss", "admin", "acme")
    token = token_in(browser.get("/tickets/new"))
    for about in ({"call": house.zeta_call}, {"bill": str(house.zeta_bill.number)}):
        form = {"form_token": token, "subject": "x", "text": "x"} | about
        answer = browser.post("/tickets", data=form, headers={"hx-request": "true"})
        assert (answer.status_code, "不存在" in answer.text) == (404, True)


def test_a_file_that_is_too_large_is_refused_beside_the_form(
    browser: TestClient, database: Database, house: House
) -> None:
    enter(database, browser, "acme.boss", "admin", "acme")
    form = {"form_token": token_in(browser.get("/tickets/new")), "subject": "x", "text": "x"}
    files = {"files": ("x", bytes(TICKET_FILE_BYTES + 1))}
    answer = browser.post("/tickets", data=form, files=files, headers={"hx-request": "true"})
    assert (answer.status_code, "超过 2 MB" in answer.text) == (422, True)
    assert "没有工单" in browser.get("/tickets").text


def test_the_rota_is_kept_on_its_page(admin: TestClient, database: Database) -> None:
    form = {"form_token": token_in(admin.get("/rota"))}
    weeks = form | {"people": ["王管理"], "first": "2026-11-05", "weeks": "2"}
    assert admin.post("/rota/weeks", data=weeks).status_code == 303
    assert "王管理" in admin.get("/rota").text
    with database.read() as tx:
        assert person_on_duty(tx, NOW) == "王管理"
        assert person_on_duty(tx, NOW + timedelta(days=14)) == ""
    bad = form | {"person": "王管理", "starts": "2026-11-06T18:00", "ends": "2026-11-06T17:00"}
    assert "须晚于" in admin.post("/rota/overrides", data=bad, headers={"hx-request": "true"}).text


def test_an_incident_is_announced_and_its_customers_hear_once_per_update(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    Both customers have called gpt-4o within thirty days, nobody the small model; what names
    nothing is everybody's.
    """
    form = {"form_token": token_in(admin.get("/incidents")), "title": "x", "text": "<i>x</i>"}
    for chosen, told in ((["gpt-4o"], 2), (["lab/gpt-4o-mini"], 0), ([], 2)):
        answer = admin.post("/incidents", data=form | {"models": chosen})
        assert answer.status_code == 303
        assert f"通知 {told} 个客户" in admin.get("/incidents").text
    more = form | {"state": "resolved", "text": "好了"}
    assert admin.post(f"/incidents/{house.incident}/updates", data=more).status_code == 303
    again = admin.post(
        f"/incidents/{house.incident}/updates", data=more, headers={"hx-request": "true"}
    )
    assert (again.status_code, "不能改为" in again.text) == (409, True)
    assert "<i>x</i>" not in admin.get("/incidents").text
    assert "<i>x</i>" not in admin.get("/status").text
    with database.read() as tx:
        count = tx.value(
            "SELECT count(*) FROM notice WHERE kind = 'incident' AND facts ->> 'state' = '已恢复'"
        )
    assert count == 2


def test_everybody_sees_the_same_status_and_nothing_of_anybody(
    admin: TestClient, house: House
) -> None:
    """Logged in or not, the bytes are the same; caches may keep them; no name is in them."""
    inside = admin.get("/status")
    admin.cookies.clear()
    outside = admin.get("/status")
    assert inside.text == outside.text
    assert outside.headers["cache-control"] == "public, max-age=60"
    assert "cookie" in outside.headers["vary"]
    assert "set-cookie" not in outside.headers
    assert "gpt-4o 响应变慢" in outside.text
    for secret in ("acme", "zeta", "王管理", "operator", "csrf", "form_token", "sim"):
        assert secret not in outside.text.replace("maximum", ""), secret
    english = admin.get("/status?language=en").text
    assert "gpt-4o is slow" in english
    assert "响应变慢" not in english


def test_the_feed_is_atom_and_json(browser: TestClient, house: House, database: Database) -> None:
    evil = UpdateDraft(state=IncidentState.IDENTIFIED, text="<b>]]>\x07&", text_en="found")
    update(database, house.incident, evil, by="operator:小李", now=NOW)
    answer = browser.get("/status/feed", headers={"accept": "*/*"})
    assert answer.headers["content-type"].startswith("application/atom+xml")
    entries = ET.fromstring(answer.content).findall(f"{ATOM}entry")  # noqa: S314 - our own
    assert [each.findtext(f"{ATOM}title") for each in entries] == [
        "已定位：gpt-4o 响应变慢",
        "排查中：gpt-4o 响应变慢",
    ]
    assert entries[0].findtext(f"{ATOM}content") == "<b>]]>&"
    said = json.loads(browser.get("/status/feed?format=json&language=en").content)
    assert said["items"][0]["title"] == "Identified: gpt-4o is slow"
    assert said["_service"]["models"]["gpt-4o"] == "degraded"
    assert "小李" not in json.dumps(said, ensure_ascii=False)


def test_the_status_page_outlives_the_database(database: Database, house: House) -> None:
    """What was seen last is shown on, and says when that was."""
    clock = FixedClock(NOW)
    desk = desk_at(database, clock)
    with TestClient(make_app(desk), headers=HTML) as anybody:
        first = anybody.get("/status").text
        database.close()
        clock.at = NOW + timedelta(hours=1)
        answer = anybody.get("/status")
    assert (answer.status_code, answer.text) == (200, first)


def test_lights_follow_what_is_measured_and_what_is_announced(
    database: Database, house: House
) -> None:
    """The gateway by its minutes, a model by its calls; a word makes it worse, never better."""
    acme, now = house.acme, datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
    assert look(database, now).gateway is Light.UNKNOWN
    probes(database, now - timedelta(minutes=4), "tttft")
    assert look(database, now).gateway is Light.DEGRADED
    probes(database, now + timedelta(minutes=1), "f")
    assert look(database, now + timedelta(minutes=1)).gateway is Light.DOWN
    done = UpdateDraft(state=IncidentState.RESOLVED, text="好了")
    update(database, house.incident, done, by="x", now=NOW)
    calls(acme, "2026-11-10 11:55:00", 18)
    assert look(database, now).models == {
        "gpt-4o": Light.UNKNOWN,
        "lab/gpt-4o-mini": Light.UNKNOWN,
    }
    calls(acme, "2026-11-10 11:56:00", 20)
    assert look(database, now).models["gpt-4o"] is Light.UP
    fails(acme, "2026-11-10 11:57:00", 3)
    assert look(database, now).models["gpt-4o"] is Light.DEGRADED
    fails(acme, "2026-11-10 11:58:00", 40)
    board = look(database, now)
    assert board.models["gpt-4o"] is Light.DOWN
    assert look(database, now + timedelta(minutes=30)).models["gpt-4o"] is Light.UNKNOWN
    planned = IncidentDraft(
        kind=IncidentKind.MAINTENANCE,
        title="升级",
        text="升级",
        impact=Impact.DEGRADED,
        models=["lab/gpt-4o-mini"],
        starts_at=now,
        ends_at=now + timedelta(hours=1),
    )
    announce(database, planned, by="x", now=now - timedelta(days=1))
    lights = [
        look(database, now + timedelta(minutes=m)).models["lab/gpt-4o-mini"] for m in (-1, 0, 60)
    ]
    assert lights == [Light.UNKNOWN, Light.MAINTENANCE, Light.UNKNOWN]
    [*_, today] = look(database, now + timedelta(minutes=2)).days
    assert (today.probed, today.down, today.light) == (6, 2, Light.DEGRADED)


def probes(db: Database, since: datetime, seen: str) -> None:
    with db.begin() as tx:
        for at, each in enumerate(seen):
            tx.run(
                "INSERT INTO gateway_probe (minute, is_ready, status, why, took_ms, node)"
                " VALUES (%(minute)s, %(ready)s, 200, '', 3, 'n1')",
                minute=since + timedelta(minutes=at),
                ready=each == "t",
            )


@pytest.mark.parametrize("state", list(IncidentState))
def test_what_is_over_stays_over_but_for_an_incident_that_comes_back(state: IncidentState) -> None:
    after = {became for (was, _), became in NEXT.items() if was is state}
    if state is IncidentState.RESOLVED:
        assert after == {IncidentState.INVESTIGATING}
    else:
        assert bool(after) != (state in OVER)
