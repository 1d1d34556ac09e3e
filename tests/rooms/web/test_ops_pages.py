"""Nodes, cloud bills, shared costs and terms of keeping, as people click them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from fastapi.testclient import TestClient

from tests.rooms.web.behind import cloud_file, node_at, preserved, shared, statement_at
from tests.rooms.web.conftest import House
from tests.rooms.web.test_pages import admin, browser, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.bills.bill import LineKind
from yuejie.clouds import store as clouds
from yuejie.contracts.agreed.cloud import CloudTerms
from yuejie.contracts.terms import STANDARD
from yuejie.db.session import Database
from yuejie.intake.nodes.keep import all_nodes
from yuejie.intake.nodes.node import NodeState
from yuejie.keeping.preserve import show_preservations

__all__ = ["admin", "browser"]
OTHER = UUID("0198aaaa-0000-7000-8000-0000000012ef")
FAILED_LONG_AGO = """
    INSERT INTO login_failure VALUES ('x', '203.0.113.9', '2020-01-01T00:00:00Z')
"""
HTMX = {"hx-request": "true"}


def form_of(page: TestClient, path: str, **fields: str) -> dict[str, str]:
    return {"form_token": token_in(page.get(path))} | fields


def test_a_node_is_drained_and_taken_back_with_a_reason(
    admin: TestClient, database: Database, house: House
) -> None:
    """A silent node stands first, with the command that declares it lost; no button does."""
    node = node_at(house)
    node_at(house, name="gw-2", node=OTHER, silent=True)
    page = admin.get("/nodes").text
    assert page.index("gw-2") < page.index("gw-1")
    assert ("3 分钟前" in page, "yuejie nodes lost gw-2" in page) == (True, True)
    assert "yuejie nodes lost gw-1" not in page
    assert "/lost" not in page.replace("docs/runbooks/lost-node.md", "")
    form = form_of(admin, "/nodes")
    refused = admin.post(f"/nodes/{node}/drain", data=form, headers=HTMX)
    assert (refused.status_code, "原因" in refused.text) == (422, True)
    assert admin.post(f"/nodes/{node}/drain", data=form | {"why": "升级"}).status_code == 303
    drained = {each.name: each for each in all_nodes(database)}["gw-1"]
    assert (drained.state, drained.why, drained.changed_by) == (
        NodeState.DRAINING,
        "升级",
        "operator:王管理",
    )
    assert "退出中" in admin.get("/nodes").text
    back = admin.post(f"/nodes/{node}/resume", data=form | {"why": "升级完成"})
    assert back.status_code == 303
    assert {each.name: each.state for each in all_nodes(database)}["gw-1"] is NodeState.SERVING
    assert admin.post("/nodes/nobody/drain", data=form | {"why": "x"}).status_code == 404


def test_sales_looks_at_nodes_and_drains_none(
    browser: TestClient, database: Database, house: House
) -> None:
    node = node_at(house)
    enter(database, browser, "li", "sales", None)
    assert "/drain" not in browser.get("/nodes").text
    form = form_of(browser, "/account", why="x")
    assert browser.post(f"/nodes/{node}/drain", data=form).status_code == 403
    assert "/clouds/deliveries" not in browser.get("/clouds").text


def handed(*paths: Path) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (path.name, path.read_bytes(), "text/csv")) for path in paths]


def test_a_cloud_bill_is_tried_then_imported_and_a_restatement_shows_its_difference(
    admin: TestClient, database: Database, house: House, tmp_path: Path
) -> None:
    """November was 20.00; the cloud restates it as 26.50: 6.50 more, and nothing before a commit.

    Another file than the one that was tried is refused.
    """
    first = statement_at(house)
    form = form_of(admin, "/clouds", source="aws", metric="")
    files = handed(cloud_file(tmp_path, "12.50", "14.00"))
    tried = admin.post("/clouds/deliveries", data=form | {"look": "yes"}, files=files, headers=HTMX)
    assert (tried.status_code, "20.00 CNY" in tried.text, "6.50 CNY" in tried.text) == (
        200,
        True,
        True,
    )
    seen = re.search(r'name="seen" value="(\w+)"', tried.text)
    assert seen
    with database.read() as tx:
        assert len(clouds.statements(tx)) == 1
    other = handed(cloud_file(tmp_path, "99.00"))
    again = form | {"seen": seen.group(1)}
    refused = admin.post("/clouds/deliveries", data=again, files=other, headers=HTMX)
    assert (refused.status_code, "重新试算" in refused.text) == (409, True)
    done = admin.post("/clouds/deliveries", data=again, files=files, headers=HTMX)
    assert done.headers["hx-redirect"] == "/clouds?month=2026-11"
    with database.read() as tx:
        old, new = clouds.statements(tx)
    assert (old.statement_id, new.revision) == (first, 2)
    page = admin.get(f"/clouds/statements/{new.statement_id}").text
    assert ("6.50 CNY" in page, "比第 1 次多出" in page) == (True, True)
    listed = admin.get("/clouds").text
    assert ("26.50 CNY" in listed, "已被取代" in listed) == (True, True)
    assert admin.get("/clouds/statements/cstm_0").status_code == 404


def test_a_broken_file_is_refused_beside_the_form_by_row_and_column(
    admin: TestClient, database: Database, house: House, tmp_path: Path
) -> None:
    statement_at(house)
    form = form_of(admin, "/clouds", source="aws", look="yes")
    files = handed(cloud_file(tmp_path, "1.00", "1,00"))
    answer = admin.post("/clouds/deliveries", data=form, files=files, headers=HTMX)
    assert (answer.status_code, "第 3 行列 BilledCost" in answer.text) == (422, True)
    assert "<html" not in answer.text
    none = admin.post("/clouds/deliveries", data=form, headers=HTMX)
    assert (none.status_code, "没有选择文件" in none.text) == (422, True)


def test_rows_of_another_source_are_counted_before_anything_is_imported(
    admin: TestClient, database: Database, house: House, tmp_path: Path
) -> None:
    statement_at(house)
    form = form_of(admin, "/clouds", source="gcp", name="GCP", account="01-AB", tags="")
    assert admin.post("/clouds/sources", data=form).status_code == 303
    body = cloud_file(tmp_path, "12.50", "3.00").read_text().replace("999900001111", "01-AB", 1)
    mixed = tmp_path / "mixed.csv"
    mixed.write_text(body)
    look = form_of(admin, "/clouds", source="aws", look="yes")
    tried = admin.post("/clouds/deliveries", data=look, files=handed(mixed), headers=HTMX)
    assert (tried.status_code, "未导入 1 行：属于来源 gcp" in tried.text) == (200, True)


def test_whose_a_cost_is_is_said_and_applied_anew(
    admin: TestClient, database: Database, house: House
) -> None:
    """Zeta's November becomes acme's by a later rule, and only when rules are applied anew."""
    statement_at(house)
    form = form_of(admin, "/clouds", match="*", since="2026-11")
    nobody = admin.post("/clouds/sources/aws/rules", data=form, headers=HTMX)
    assert (nobody.status_code, "我方自用" in nobody.text) == (422, True)
    said = admin.post("/clouds/sources/aws/rules", data=form | {"owner": "acme"})
    assert said.status_code == 303
    with database.read() as tx:
        assert {row.customer for row in clouds.owned(tx, source="aws", period=None)} == {"zeta"}
    admin.post("/clouds/sources/aws/remap", data=form)
    with database.read() as tx:
        assert {row.customer for row in clouds.owned(tx, source="aws", period=None)} == {"acme"}
    form = form_of(admin, "/clouds", source="gcp", name="GCP", account="01-AB", tags="team，env")
    assert admin.post("/clouds/sources", data=form).status_code == 303
    with database.read() as tx:
        source = clouds.source(tx, "gcp")
    assert source is not None
    assert source.tag_keys == ["team", "env"]


def test_a_customer_reads_the_rows_behind_its_cloud_line(
    browser: TestClient, database: Database, house: House
) -> None:
    """Zeta follows the link of its bill to both rows; our columns are not there; acme: nothing."""
    terms = replace(STANDARD, clouds=(CloudTerms(source="aws", markup_ppm=100_000),))
    house.books.tick()
    house.books.amend(house.zeta, terms, starts=datetime(2026, 10, 31, 16, tzinfo=UTC))
    statement_at(house)
    house.books.close("2026-11")
    bill = house.books.issue(house.zeta.bill("2026-11"))
    (line,) = [each for each in bill.lines if each.kind is LineKind.CLOUD]
    path = f"/bills/{bill.number}/lines/{line.position}"
    enter(database, browser, "zeta.fin", "finance", "zeta", at=house.books.clock.now())
    assert f'href="{path}"' in browser.get(f"/bills/{bill.number}").text
    page = browser.get(path).text
    assert all(each in page for each in ("12.5", "7.5", "22.00", "Amazon Bedrock"))
    assert "ChargeDescription" not in page
    enter(database, browser, "acme.fin", "finance", "acme", at=house.books.clock.now())
    assert browser.get(path).status_code == 404
    enter(database, browser, "li", "finance", None, at=house.books.clock.now())
    assert "ChargeDescription" in browser.get(path).text


def test_a_customer_divides_its_october_anew_and_its_bill_stays(
    browser: TestClient, database: Database, house: House, clock: FixedClock
) -> None:
    """8.00 of main's go 60 to 40 to search and ops; then by halves of net and tax, back-dated.

    What was before can be looked at; a developer and a stranger set no rule.
    """
    shared(house)
    total = house.acme_bill.gross.fen
    enter(database, browser, "acme.fin", "finance", "acme")
    page = browser.get("/shares").text
    parts = [f"{fen / 100:,.2f}" for fen in (total * 6 // 10, total - total * 6 // 10, total)]
    assert all(f">{each}</t" in page for each in parts), parts
    link = re.search(r'href="(/api/v1/customers/acme/shares/2026-10/table[^"]*)"', page)
    assert link
    assert browser.get(link.group(1)).content[:2] == b"PK"
    form = form_of(browser, "/shares", what="project:main", method="custom", since="2026-10")
    wrong = browser.post("/shares", data=form | {"among": "search 50"}, headers=HTMX)
    assert (wrong.status_code, "项目=60" in wrong.text) == (422, True)
    clock.at += timedelta(minutes=1)
    again = {"method": "equal", "among": "search\nops"}
    assert browser.post("/shares", data=form | again).status_code == 303
    page = browser.get("/shares").text
    assert (total, all(f">{each}</t" in page for each in ("4.01", "3.99", "8.00"))) == (8_00, True)
    assert ("已被取代" in page, str(house.acme_bill.number) in page) == (True, True)
    before = browser.get("/shares?as_of=2026-11-01T00:00").text
    assert f'data-value="{total}"' in before
    assert browser.get("/shares?month=2026-01").status_code == 200
    assert browser.post("/shares?customer=zeta", data=form | again).status_code == 404
    enter(database, browser, "acme.dev", "developer", "acme")
    assert "设一条规则" not in browser.get("/shares").text
    assert browser.post("/shares", data=form_of(browser, "/account") | form).status_code == 403


def test_a_customers_months_are_preserved_and_let_go_with_a_ground(
    admin: TestClient, database: Database, house: House
) -> None:
    """The rehearsal finds a login that failed years ago and deletes nothing."""
    with database.begin() as tx:
        tx.run(FAILED_LONG_AGO)
    page = admin.get("/retention?due=1").text
    assert ("将删除" in page, "login_failure" in page) == (True, True)
    with database.read() as tx:
        assert tx.value("SELECT count(*) FROM login_failure") == 1
    form = form_of(admin, "/retention", customer="zeta", first="2026-10", last="2026-09", why="x")
    backwards = admin.post("/retention/preservations", data=form, headers=HTMX)
    assert (backwards.status_code, "早于首月" in backwards.text) == (422, True)
    made = preserved(house)
    assert "争议 2026-11" in admin.get("/retention").text
    path = f"/retention/preservations/{made}/lift"
    refused = admin.post(path, data=form | {"why": " "}, headers=HTMX)
    assert (refused.status_code, "依据" in refused.text) == (422, True)
    assert admin.post(path, data=form | {"why": "和解"}).status_code == 303
    (lifted,) = show_preservations(database, "zeta")
    assert lifted.lifted_why == "和解"
    assert admin.post(path, data=form | {"why": "再来"}).status_code == 404
    assert (
        admin.post("/retention/preservations", data=form | {"first": "2026-08"}).status_code == 303
    )
    assert len(show_preservations(database, "zeta")) == 2
