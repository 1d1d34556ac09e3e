"""Lists that grow with customers: a page shows a leaf of each, and links lead through all."""

import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from tests.rooms.web.conftest import NOW, PEPPER, House
from tests.rooms.web.test_pages import admin, browser
from yuejie.assurance.sla.memory import KEPT_MAX, Remembering, count_calls
from yuejie.bills.store import bill_page, bills_of_month
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.customers.members.enrol import enrol_member
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PAGE
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.pages.frame.leaf import leaf

__all__ = ["admin", "browser"]

MANY = PAGE + 3
LATER = re.compile(r'href="(\?[^"]+)">下一页')


def asked(query: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "headers": []})


def test_leaves_hold_every_row_once_and_keep_what_else_was_asked() -> None:
    rows = [f"{n:04d}" for n in range(2 * PAGE + 1)]
    seen, query = [], "on=2026-10-31&others=kept"
    for _ in range(3):
        found = leaf(asked(query), "rows", rows[::-1], str)
        seen += found.rows
        assert (len(found.rows) <= PAGE, found.count) == (True, len(rows))
        query = found.later or ""
        assert not query or query.startswith("on=2026-10-31&others=kept&rows=")
    assert (seen, query) == (rows, "")


def test_a_cursor_of_another_list_is_refused() -> None:
    later = leaf(asked(""), "one", [f"{n:04d}" for n in range(MANY)], str).later
    assert later
    with pytest.raises(Invalid):
        leaf(asked(later.replace("one=", "other=")), "other", ["0001"], str)


def test_members_are_paged_and_looked_for(admin: TestClient, database: Database) -> None:
    for number in range(MANY):
        name = f"clerk-{number:03d}"
        enrol_member(database, name, "sales", customer=None, pepper=PEPPER, by="x", now=NOW)
    first = admin.get("/members").text
    second = admin.get("/members" + unescape(LATER.findall(first)[0])).text
    names = re.findall(r"<td>(clerk-\d+)</td>", first + second)
    assert names == [f"clerk-{number:03d}" for number in range(MANY)]
    assert not LATER.search(second)
    found = admin.get("/members?q=CLERK-007").text
    assert re.findall(r"<td>(clerk-\d+)</td>", found) == ["clerk-007"]
    assert "没有这样的成员" in admin.get("/members?q=nobody").text


def test_each_list_of_approvals_has_a_cursor_of_its_own(
    admin: TestClient, database: Database, house: House
) -> None:
    gift = GrantDraft(
        customer_id=house.acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="",
        currency="CNY",
        amount_fen=100_00,
        starts_on=date(2026, 11, 1),
        ends_on=date(2027, 1, 1),
    )
    for number in range(MANY):
        ask_grant(
            database,
            replace(gift, name=f"券{number:03d}"),
            why="随约赠送",
            by="operator:甲",
            now=NOW,
        )
    first = admin.get("/approvals").text
    (later,) = LATER.findall(first)
    assert "共 103 条" in first
    second = admin.get("/approvals" + unescape(later)).text
    names = re.findall(r"<td>(券\d+)</td>", first + second)
    assert sorted(names) == [f"券{number:03d}" for number in range(MANY)]


def test_bills_are_read_a_page_at_a_time(database: Database, house: House) -> None:
    """The newest month first, each once, whoever asks; a customer sees no draft and no other's."""
    with database.read() as tx:
        whole = bills_of_month(tx, None)
        newest = sorted(whole, key=lambda b: (-b.month.first_day.toordinal(), b.bill_id))
        seen, behind = [], ""
        asked = {"month": None, "state": None, "drafts": True}
        while page := bill_page(tx, None, asked, behind=behind, limit=1):
            seen += page
            behind = f"{page[0].month}:{page[0].bill_id}"
        own = bill_page(
            tx, house.acme.customer.customer_id, {**asked, "drafts": False}, behind="", limit=9
        )
        none = bill_page(tx, None, {**asked, "state": "voided"}, behind="", limit=9)
    assert [b.bill_id for b in seen] == [b.bill_id for b in newest]
    assert len(seen) >= 2
    assert [b.bill_id for b in own] == [house.acme_bill.bill_id]
    assert none == []


def test_what_a_judged_month_came_to_is_counted_once(database: Database, house: House) -> None:
    customer, span = house.acme.customer, BillingMonth(2026, 10).span(zone_of("Asia/Shanghai"))
    memory = Remembering()
    with database.read() as tx:
        first = memory.judged(tx, customer.customer_id, "2026-10", span, 1)
        assert first == count_calls(tx, customer.customer_id, "2026-10", span, 1)
        assert sum(row.calls for row in first.ended) > 0
        assert memory.judged(tx, customer.customer_id, "2026-10", span, 1) is first
        other = memory.judged(tx, house.zeta.customer.customer_id, "2026-10", span, 1)
        assert other is not first
        for epoch in range(2, KEPT_MAX + 2):
            memory.judged(tx, customer.customer_id, "2026-10", span, epoch)
        assert memory.judged(tx, customer.customer_id, "2026-10", span, 1) is not first


def test_debtors_are_looked_for_by_name(admin: TestClient, house: House) -> None:
    name = house.acme.customer.legal_name
    on = "/receivables?on=2027-03-01"
    assert name in admin.get(f"{on}&q={house.acme.customer.slug}").text.partition("账龄")[2]
    assert "没有这样的客户" in admin.get(f"{on}&q=nobody").text
