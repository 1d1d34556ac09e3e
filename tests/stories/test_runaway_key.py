"""Story 3: one application goes ten times, the credit limit holds, nobody else is touched."""

from tests.stories.office import Company, Office, fen, is_closed

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
"""
M = 1_000_000


def day_of(day: int, times: int = 1) -> list[tuple[str, int, int]]:
    """A day's calls, worth 180 yuan, or so many times as much."""
    return [(f"2026-09-{day:02}T10:00:00", 5 * M * times, M * times)]


def test_a_runaway_key_is_stopped_by_the_credit_limit(office: Office) -> None:
    """
    Yun's crawler loops from the eleventh of September: 1,800 yuan a day instead of 180, against a
    limit of 10,000. It is told at 70, 80 and 90 %; on the fifteenth nothing is left and every call
    is refused with the reason, while its neighbour's go on. The use by key names the crawler, whose
    key is revoked. A transfer of 5,000 lets the other project go on at once; the month is billed,
    the transfer and another pay it.

    A cap of the key itself, so that the other project never stops, belongs to the part of budgets.
    """
    office.sells(PRICES, "gpt-4o", currency="CNY")
    yun, lin = (
        Company(office, slug, name, uscc, "shop", "crawler")
        for slug, name, uscc in (
            ("yun", "广州云商科技有限公司", "91440101MA5APD8X8J"),
            ("lin", "上海邻里科技有限公司", "91310115MA1K39423D"),
        )
    )
    for each in (yun, lin):
        office.signs(
            each,
            starts_at="2026-09-01T00:00:00+08:00",
            terms={"confirmation": "required", "payment_days": 15},
            review={"grade": "A", "credit_limit": "10000.00"},
        )
    shop, crawler, neighbour = (
        yun.key("shop", "商城"),
        yun.key("crawler", "爬虫"),
        lin.key("shop", "店"),
    )

    loops(office, yun, lin, crawler["key"]["key_id"])
    for key in (shop, crawler):
        assert office.admits(key["secret"], "gpt-4o") == "CREDIT_USED_UP"
    assert office.admits(neighbour["secret"], "gpt-4o") is True
    assert lin.standing()["state"] == "normal"

    used = yun.finance.get("/usage?month=2026-09&by=key&by=project")["lines"]
    worst = max(used, key=lambda line: int(line["quantities"]["input"]))
    assert worst["keys"] == {"key": crawler["key"]["key_id"], "project": "crawler"}
    office.sales.post(f"/keys/{crawler['key']['key_id']}/revoke")
    office.at("2026-09-16 10:00")
    office.bank_line("2026-09-16", yun.legal_name, "5000.00", "预付")
    receipt = office.newest_receipt()["receipt_id"]
    office.finance.post(f"/receipts/{receipt}/apportion", customer="yun")
    assert yun.standing()["state"] in {"normal", "warned"}
    assert office.admits(shop["secret"], "gpt-4o") is True
    assert office.admits(crawler["secret"], "gpt-4o") == "KEY_REVOKED"
    office.goes_round()
    assert len(office.told("restored")) == 1

    office.at("2026-10-08 09:00")
    office.closes("2026-09")
    for each, transfer in ((yun, "6700.00"), (lin, "2700.00")):
        bill = office.bills(each, "2026-09")
        office.finance.post(f"/customers/{each.slug}/draw")
        each.pays("2026-10-09", bill, transfer)
        each.takes_fapiao(bill)
    assert fen(yun.bill("2026-09")["gross"]) == 11_700_00
    for each in (yun, lin):
        is_closed(each, "2026-09")


def loops(office: Office, yun: Company, lin: Company, crawler: str) -> None:
    """Ten days as always, then five of the crawler's, until nothing of the limit is left."""
    office.at("2026-09-10 20:00")
    for each in (yun, lin):
        each.uses("shop", "gpt-4o", [call for day in range(1, 11) for call in day_of(day)])
    office.goes_round()
    assert yun.standing()["state"] == "normal"
    heard = []
    for day in range(11, 16):
        office.at(f"2026-09-{day} 20:00")
        for each in (yun, lin):
            each.uses("shop", "gpt-4o", day_of(day))
        yun.uses("crawler", "gpt-4o", day_of(day, 10), key=crawler)
        office.goes_round()
        heard.append((yun.standing()["percent"], yun.standing()["state"]))
    assert heard == [
        (37, "normal"),
        (57, "normal"),
        (77, "normal"),
        (97, "warned"),
        (117, "suspended"),
    ]
    assert [told["percent"] for told in office.told("credit_used")] == ["77", "97", "117"]
    assert yun.standing()["reason"] == "credit_limit"
