"""Story 4: a disputed bill, adjusted, confirmed, paid one cent short, with its fapiao, closed."""

from tests.stories.office import Company, Json, Office, fen, is_closed, lines

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
"""
M = 1_000_000


def test_a_disputed_bill_is_put_right_and_closed(office: Office) -> None:
    """
    Acme doubts two lines of its September: retries of its batch job were charged twice, and the
    output of search looks too high. Of the first 120.00 are taken off, of the second 40.00, each
    proposed by finance and approved by its head. Acme confirms the new bill and pays it one cent
    short; the cent is a bank's fee by the word of two. Then it takes its fapiao, of the whole bill.
    """
    office.sells(PRICES, "gpt-4o", currency="CNY")
    acme = Company(office, "acme", "上海甲科技有限公司", "91310115MA1K39423D", "search", "batch")
    office.signs(
        acme,
        starts_at="2026-09-01T00:00:00+08:00",
        terms={"confirmation": "required", "purchase_order": "PO-2026-88", "payment_days": 15},
        review={"grade": "A", "credit_limit": "20000.00"},
    )
    office.at("2026-09-30 18:00")
    acme.uses("search", "gpt-4o", [("2026-09-10T10:00:00", 20 * M, 5 * M)])
    acme.uses("batch", "gpt-4o", [("2026-09-20T02:00:00", 50 * M, 2 * M)])
    office.at("2026-10-01 09:00")
    office.closes("2026-09")
    bill = acme.bill("2026-09")
    assert lines(bill) == [
        "batch gpt-4o input 1000.00",
        "batch gpt-4o output 160.00",
        "search gpt-4o input 400.00",
        "search gpt-4o output 400.00",
    ]
    name = bill["bill_id"]
    office.finance.post(f"/bills/{name}/propose")
    office.goes_round()
    assert [told["month"] for told in office.told("bill_proposed")] == ["2026-09"]

    doubt_two_lines(office, acme, name)
    redrawn = office.finance.post(f"/bills/{name}/reopen", why="按异议调整")
    assert redrawn["gross"]["amount"] == "1800.00"
    assert lines(redrawn)[4:] == [
        "调整：2026-09 batch gpt-4o input -120.00",
        "调整：2026-09 search gpt-4o output -40.00",
    ]
    issued = office.bills(acme, "2026-09")
    assert [step["became"] for step in acme.finance.get(f"/bills/{name}/life")] == [
        "draft",
        "proposed",
        "disputed",
        "disputed",
        "draft",
        "draft",
        "proposed",
        "confirmed",
        "issued",
    ]

    office.at("2026-10-12 10:00")
    pays_one_cent_short(office, acme, issued)
    fapiao = acme.takes_fapiao(issued)
    assert fen(fapiao["gross"]) == 1_800_00
    assert fapiao["remark"] == f"采购订单 PO-2026-88；账单 {issued['number']}"
    is_closed(acme, "2026-09")


def doubt_two_lines(office: Office, acme: Company, name: str) -> None:
    """Two lines are doubted, answered by finance, and adjusted by the word of its head."""
    doubts = [
        acme.finance.post(f"/bills/{name}/disputes", position=1, why="重试被重复计量"),
        acme.finance.post(
            f"/bills/{name}/disputes", position=4, why="与我方日志不符", claimed="360.00"
        ),
    ]
    assert acme.bill("2026-09")["state"] == "disputed"
    assert "有异议" in office.finance.is_refused(f"/bills/{name}/issue")
    for doubt, amount in zip(doubts, ("-120.00", "-40.00"), strict=True):
        answered = office.finance.post(
            f"/disputes/{doubt['dispute_id']}/accept", amount=amount, answer="核实无误，予以减免"
        )
        approve = f"/adjustments/{answered['adjustment_id']}/approve"
        assert "另一人" in office.finance.is_refused(approve)
        office.boss.post(approve)


def pays_one_cent_short(office: Office, acme: Company, issued: Json) -> None:
    """The cent is a bank's fee when one has asked and another approved; no fapiao before that."""
    assert acme.pays("2026-10-12", issued, "1799.99")["matched"]["apportioned"] == 1
    (owed,) = acme.finance.get("/customers/acme/receivables")
    assert fen(owed["open"]) == 1
    waiver = office.finance.post(
        f"/bills/{issued['number']}/waivers", kind="short_pay", why="跨行手续费"
    )
    grant = f"/waivers/{waiver['waiver_id']}/approve"
    assert "另一人" in office.finance.is_refused(grant)
    wanted = [{"bill": issued["number"]}]
    assert "先款后票" in acme.finance.is_refused("/fapiao", bills=wanted)
    office.boss.post(grant)
