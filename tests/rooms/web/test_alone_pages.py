"""What one person may not do alone, on the pages of the desks."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House
from tests.rooms.web.test_desk_pages import ACCOUNT, csv, one, send, take_in, went
from tests.rooms.web.test_pages import admin, browser, enter
from yuejie.db.session import Database
from yuejie.payments.apportion.store import of_bill, waivers
from yuejie.payments.apportion.waivers import decide_waiver

__all__ = ["admin", "browser"]


def test_who_asked_to_give_a_bill_up_does_not_take_it_back(
    admin: TestClient, database: Database, house: House
) -> None:
    """王管理 asked, 李财务 approved: 王管理 may not undo it on a receipt's page, 李财务 may."""
    form = {"bill": str(house.zeta_bill.number), "kind": "write_off", "why": "破产"}
    went(send(admin, "/receivables", "/receivables/waivers", **form), "/receivables")
    with database.read() as tx:
        (waiver,) = waivers(tx)
    decide_waiver(database, waiver.waiver_id, approve=True, by="operator:李财务", now=NOW)
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv("2026-11-04,A1,3.00,谁也不是,7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    with database.read() as tx:
        (row,) = of_bill(tx, house.zeta.customer.customer_id, house.zeta_bill.bill_id)
    there = f"{here}/undo/{row.batch_id}"
    refused = send(admin, here, there, why="愿付")
    assert (refused.status_code, "须由另一人撤销" in refused.text) == (403, True)
    enter(database, admin, "李财务", "finance", None)
    went(send(admin, here, there, why="愿付"), here)


def test_a_stop_is_put_off_by_a_month_and_no_longer(admin: TestClient, house: House) -> None:
    """Thirty-one days from 5 November; longer is credit, which takes two people."""
    until = {"customer": house.acme.customer.slug, "until": "2026-12-07", "why": "已承诺付款"}
    refused = send(admin, "/receivables", "/receivables/reprieve", **until)
    assert (refused.status_code, "临时额度" in refused.text) == (422, True)
    until["until"] = "2026-12-06"
    went(send(admin, "/receivables", "/receivables/reprieve", **until), "/receivables")
