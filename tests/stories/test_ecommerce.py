"""Story 2: an e-commerce house writes 50,000 descriptions a day, and three times that on 11.11."""

from tests.stories.office import Company, Json, Office, fen, is_closed, lines, sum_of
from yuejie.kernel.money import divide

PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "2.50"
output = "10.00"
"""
RATE = 720
"""7.20 yuan to the dollar, in hundredths."""
FX = {"rate": "7.20", "source": "中国外汇交易中心中间价"}
Calls = list[tuple[str, int, int]]
ITEM = (1_000, 250)
"""Tokens in and out of one description: half a cent by the list."""

BY_THE_MONTH: Json = {
    "starts_at": "2026-10-01T00:00:00+08:00",
    "fx_policy": "card",
    "expected_monthly": "57600.00",
    "terms": {
        "confirmation": "required",
        "commitment": {"amount": "61200.00", "period": "month"},
    },
    "review": {"grade": "B", "credit_limit": "60000.00", "deposit": "20000.00"},
}
BY_THE_YEAR: Json = {
    "starts_at": "2026-11-01T00:00:00+08:00",
    "fx_policy": "card",
    "terms": {
        "type": "one_year",
        "ends_on": "2027-11-01",
        "confirmation": "required",
        "commitment": {"amount": "500000.00", "period": "year"},
        "tier_discount": {
            "steps": [
                {"above": "0.00", "discount": "0%"},
                {"above": "14400.00", "discount": "20%"},
                {"above": "36000.00", "discount": "30%"},
            ]
        },
        "management_fee": "2160.00",
    },
    "review": {"grade": "A", "credit_limit": "60000.00", "deposit": "20000.00"},
}


def descriptions(month: str, days: int, busy: int, items: int) -> Calls:
    """Sums of an hour: 50,000 a day between 8 and 18 o'clock, on the busy day so many more."""
    calls = []
    for day in range(1, days + 1):
        hourly = (items if day == busy else 50_000) // 10
        calls += [
            (f"{month}-{day:02}T{hour:02}:00:00", hourly * ITEM[0], hourly * ITEM[1])
            for hour in range(8, 18)
        ]
    return calls


def test_an_ecommerce_house_through_double_eleven(office: Office) -> None:
    """
    Meigou promised 8,500 dollars each month, because of its peaks. October, with 100,000 items on
    its first day, comes to 8,000: 500 are made up for nothing. From November the promise is of a
    year, with steps of discount (20 % above 2,000, 30 % above 5,000) and a fee of 300. November,
    with 150,000 on the eleventh, is the same 1.6 million items, for which a temporary limit is
    granted. It costs 6,500: 8,000 + 500 − 6,500 − 300 = 1,700 saved, 5.67 times the fee.

    Left to the part of budgets: the 50/80/100 % alerts on the 8,000 dollars a month; to that of
    insight: trend and advice.
    """
    office.sells(PRICES, "gpt-4o")
    office.finance.post("/fx", base="USD", quote="CNY", on_date="2026-08-20", **FX)
    meigou = Company(office, "meigou", "杭州美购电子商务有限公司", "91330106MA2AYNWD8M", "items")
    key = meigou.key("items", "商品描述")
    old = office.signs(meigou, **BY_THE_MONTH)
    leaves_a_deposit(office, meigou)

    office.at("2026-10-31 20:00")
    meigou.uses("items", "gpt-4o", descriptions("2026-10", 31, 1, 100_000))
    office.signs(meigou, contract=old["contract_id"], **BY_THE_YEAR)
    office.at("2026-11-01 09:00")
    office.closes("2026-10")
    before = office.bills(meigou, "2026-10")
    assert lines(before)[-1] == "承诺消费补足（2026-10） 3600.00"

    november = descriptions("2026-11", 30, 11, 150_000)
    lives_through_the_eleventh(office, meigou, november)
    assert office.admits(key["secret"], "gpt-4o") is True
    office.at("2026-11-12 10:00")
    assert meigou.pays("2026-11-12", before)["matched"]["apportioned"] == 1

    office.at("2026-11-30 20:00")
    meigou.uses("items", "gpt-4o", [call for call in november if call[0] > "2026-11-12"])
    office.at("2026-12-01 09:00")
    office.closes("2026-11")
    after = office.bills(meigou, "2026-11")
    assert lines(after) == [
        "items gpt-4o input 28800.00",
        "items gpt-4o output 28800.00",
        "阶梯折扣 -10800.00",
        "管理费 2160.00",
    ]
    office.at("2026-12-14 10:00")
    assert meigou.pays("2026-12-14", after)["matched"]["apportioned"] == 1

    saves_what_it_was_told(before, after)
    fapiao = meigou.takes_fapiao(before, after)
    assert fen(fapiao["gross"]) == fen(before["gross"]) + fen(after["gross"])
    is_closed(meigou, "2026-10", "2026-11")
    assert fen(meigou.standing()["deposit"]) == 20_000_00


def leaves_a_deposit(office: Office, meigou: Company) -> None:
    """A deposit is no income: it has a slip (收据), never a fapiao."""
    office.at("2026-09-28 10:00")
    office.bank_line("2026-09-28", meigou.legal_name, "20000.00", "押金")
    deposit = office.newest_receipt()["receipt_id"]
    office.finance.post(f"/receipts/{deposit}/apportion", customer="meigou", deposit="20000.00")
    (slip,) = meigou.finance.get("/customers/meigou/deposit-slips")
    said = meigou.finance.file(f"/customers/meigou/deposit-slips/{slip}")
    assert said.startswith(b"%PDF")


def saves_what_it_was_told(before: Json, after: Json) -> None:
    """Each figure of the story, from the lines of the two bills."""
    was, waste = sum_of(before, "usage"), sum_of(before, "true_up")
    became, fee = sum_of(after, "usage", "tier_discount"), sum_of(after, "management_fee")
    dollars = [divmod(each, RATE) for each in (was, waste, became, fee)]
    assert dollars == [(8_000, 0), (500, 0), (6_500, 0), (300, 0)]
    saved = fen(before["gross"]) - fen(after["gross"])
    assert saved == was + waste - became - fee == 1_700 * RATE
    assert divide(saved * 100, fee) == 567


def lives_through_the_eleventh(office: Office, meigou: Company, november: Calls) -> None:
    """A temporary limit, asked for by sales and granted by finance, carries the peak."""
    office.at("2026-11-09 10:00")
    meigou.uses("items", "gpt-4o", [call for call in november if call[0] < "2026-11-09"])
    limit = office.sales.post(
        "/customers/meigou/limits",
        amount="120000.00",
        starts_at="2026-11-09T00:00:00+08:00",
        ends_at="2026-11-16T00:00:00+08:00",
        why="双十一",
    )
    grant = f"/limits/{limit['limit_id']}/approve"
    assert "无权" in office.sales.is_refused(grant)
    office.finance.post(grant)
    office.at("2026-11-11 23:00")
    peak = [call for call in november if "2026-11-09" <= call[0] < "2026-11-12"]
    meigou.uses("items", "gpt-4o", peak)
    office.goes_round()
    # October's bill and eleven days of November: more than the usual limit and the deposit cover.
    assert fen(meigou.standing()["used"]) == 84_600_00 > 60_000_00 + 20_000_00
    assert meigou.standing()["state"] == "normal"
