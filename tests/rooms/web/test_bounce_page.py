"""A transfer that the bank sent back, on the page of its receipt."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House
from tests.rooms.web.test_desk_pages import (
    ACCOUNT,
    csv,
    lines_offered,
    one,
    send,
    take_in,
    went,
)
from tests.rooms.web.test_pages import admin, browser

__all__ = ["admin", "browser"]


def test_a_bounce_is_booked_by_a_line_that_is_chosen_and_not_typed(
    admin: TestClient, house: House
) -> None:
    """6.00 go back to 7777: of what left the account only what may be that is offered."""
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv("2026-11-03,A1,6.00,谁也不是,7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    assert lines_offered(admin, here) == [[("", "没有流水")]]
    head = "交易日期,交易流水号,借方发生额,贷方发生额,对方户名,对方账号,附言"
    rows = [
        "2026-11-02,B0,6.00,,谁也不是,7777,更早",
        "2026-11-04,B1,6.00,,谁也不是,7777,退票",
        "2026-11-05,B2,6.00,,,,",
        "2026-11-05,B3,6.00,,别人,8888,",
        "2026-11-05,B4,6.01,,谁也不是,7777,",
    ]
    take_in(admin, "\n".join([head, *rows]).encode("gb18030"), "out.csv")
    assert lines_offered(admin, here) == [
        [("", "没有流水"), (" ", "2026-11-05 — B2"), ("chosen", "2026-11-04 谁也不是 B1")]
    ]
    line = one(r'<option value="(bsl_\w+)" selected', admin.get(here).text)
    went(send(admin, here, f"{here}/bounce", why="退票", line=line), here)
    assert lines_offered(admin, here) == [], "it is back"
    assert "银行退回" in admin.get("/deeds").text
