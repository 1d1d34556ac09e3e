"""Story 1: a fintech's customer service leaves prepayment for monthly bills, and saves by it."""

from tests.stories.office import Company, Json, Office, fen, is_closed, lines, sum_of

PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "2.50"
output = "10.00"
"""
M = 1_000_000
RATE = 710
"""7.10 yuan to the dollar, in hundredths."""

PREPAID: Json = {
    "starts_at": "2026-09-01T00:00:00+08:00",
    "fx_policy": "bill",
    "terms": {"payment_mode": "prepaid", "confirmation": "required"},
    "review": {"grade": "B", "credit_limit": "0.00"},
}
MONTHLY: Json = {
    "starts_at": "2026-10-01T00:00:00+08:00",
    "fx_policy": "bill",
    "terms": {
        "confirmation": "required",
        "management_fee": "1420.00",
        "payment_days": 30,
    },
    "discount": [{"models": "gpt-4o", "discount": "30%"}],
    "review": {"grade": "A", "credit_limit": "80000.00"},
}
FEE = "management_fee"
FX = {"rate": "7.10", "source": "中国外汇交易中心中间价"}


def month_of_calls(month: str) -> list[tuple[str, int, int]]:
    """A thousand million tokens in and 250 million out, over 25 days: 5,000 dollars by the list."""
    return [(f"{month}-{day:02}T10:00:00", 40 * M, 10 * M) for day in range(1, 26)]


def test_a_fintech_moves_from_prepaid_to_monthly(office: Office) -> None:
    """
    Jinke answers its customers with gpt-4o, 5,000 dollars a month. In September it pays before it
    uses: 36,000 yuan, of which the bill takes 35,500. From October it has a monthly contract: 30 %
    off the list, a management fee of 200 dollars, thirty days to pay. The same calls then cost
    3,500. 5,000 − 3,500 − 200 = 1,300 saved, 6.5 times the fee; and a fapiao for either month.

    Left to the part of insight: reports and advice.
    """
    office.sells(PRICES, "gpt-4o")
    jinke = Company(office, "jinke", "深圳金客科技有限公司", "91440300582733406C", "service")
    key = jinke.key("service", "客服")
    prepaid = office.signs(jinke, **PREPAID)
    office.finance.post("/fx", base="USD", quote="CNY", on_date="2026-08-31", **FX)
    office.at("2026-09-01 09:00")
    office.bank_line("2026-09-01", jinke.legal_name, "36000.00", "预付款")
    topped_up = office.newest_receipt()
    office.finance.post(f"/receipts/{topped_up['receipt_id']}/apportion", customer="jinke")
    assert fen(jinke.standing()["available"]) == 36_000_00
    assert office.admits(key["secret"], "gpt-4o") is True

    office.at("2026-09-25 18:00")
    jinke.uses("service", "gpt-4o", month_of_calls("2026-09"))
    monthly = office.signs(jinke, contract=prepaid["contract_id"], **MONTHLY)
    assert monthly["version"] == 2
    office.finance.post("/fx", base="USD", quote="CNY", on_date="2026-09-30", **FX)
    office.at("2026-10-01 09:00")
    office.closes("2026-09")
    before = office.bills(jinke, "2026-09")
    office.finance.post("/customers/jinke/draw")
    assert jinke.bill("2026-09")["state"] == "paid"
    assert fen(jinke.takes_fapiao(before)["gross"]) == 35_500_00

    office.at("2026-10-26 18:00")
    jinke.uses("service", "gpt-4o", month_of_calls("2026-10"))
    office.finance.post("/fx", base="USD", quote="CNY", on_date="2026-10-30", **FX)
    office.at("2026-11-02 09:00")
    office.closes("2026-10")
    after = office.bills(jinke, "2026-10")
    assert lines(after) == [
        "service gpt-4o input 12425.00",
        "service gpt-4o output 12425.00",
        "管理费 1420.00",
    ]
    # What a top-up left over is used first; the rest comes by bank transfer, within its days.
    office.finance.post("/customers/jinke/draw")
    office.at("2026-11-20 10:00")
    assert jinke.pays("2026-11-20", after, "25770.00")["matched"]["apportioned"] == 1
    assert fen(jinke.takes_fapiao(after)["gross"]) == 26_270_00

    was, became, fee = sum_of(before, "usage"), sum_of(after, "usage"), sum_of(after, FEE)
    assert [in_dollars(each) for each in (was, became, fee)] == [5_000, 3_500, 200]
    saved = fen(before["gross"]) - fen(after["gross"])
    assert saved == was - became - fee
    assert in_dollars(saved) == 1_300
    assert saved * 10 == fee * 65
    assert jinke.finance.file(f"/bills/{after['number']}/documents/pdf").startswith(b"%PDF")
    is_closed(jinke, "2026-09", "2026-10")


def in_dollars(yuan_fen: int) -> int:
    """Return an amount in whole dollars; there is nothing over."""
    dollars, rest = divmod(yuan_fen, RATE)
    assert rest == 0
    return dollars
