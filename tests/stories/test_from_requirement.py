"""The two cases of the product, whole: from what is needed to the saving of the second month."""

from itertools import product

from tests.stories.office import Company, Json, Office, fen, lines, sum_of
from tests.stories.prospect import (
    TOLD,
    M,
    advised,
    agrees,
    asks,
    issues,
    opens_shop,
    proposed,
    pushes,
    rates,
    rerated,
    signed_from,
)
from yuejie.budgets.watch.tell import watch_budgets
from yuejie.kernel.money import divide

FINTECH_PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "5"
output = "15"

[models."gpt-4o-mini"]
input = "0.25"
output = "1.25"
"""
FINTECH: Json = {
    "first_month": "2026-10",
    "task": "support",
    "quality": "advanced",
    "currency": "CNY",
    "models": ["gpt-4o"],
    "term": "one_year",
    "company": {
        "name": "深圳金客科技有限公司",
        "industry": "fintech",
        "uscc": "91440300582733406C",
    },
    "volume": {"qps": {"low": "0.8", "expected": "1", "high": "1.3"}, "hours": "daytime"},
    "tokens": {"input": 400, "output": 80},
    "standing": {"founded_on": "2015-06-01"},
}
YEAR_AT_SEVENTY: Json = {
    "name": "一年期七折",
    "type": "one_year",
    "management_fee": "1420.00",
    "discount": [{"models": "gpt-4o", "discount": "30%"}],
}
TALKS = {"input": 17_600_000, "output": 3_200_000}
SUMMARY = {"input": M, "output": 200_000}
DAYS = range(1, 26)


def months_work(company: Company, month: str, talks: str, summaries: str, model: str) -> None:
    """Twenty-five days: a day's talks, and eight summaries of the day by a model."""
    at = [f"{month}-{day:02}T10:00:00+08:00" for day in DAYS]
    pushes(company, talks, "gpt-4o", ({"started_at": t, "meters": TALKS} for t in at))
    small = ({"started_at": t, "meters": SUMMARY} for t, _ in product(at, range(8)))
    pushes(company, summaries, model, small)


def test_a_fintech_from_its_form_to_the_saving_of_its_second_month(office: Office) -> None:
    """
    Jinke used gpt-4o for 5,000 dollars in each of three months, paid before use. The quote: 30 %
    off for a year, a fee of 200: 5,000 − 3,500 − 200 = 1,300 a month, 6.50 times the fee. The
    proposal says so twice, everything traced. What was quoted is signed, and the same calls then
    come to 3,500 and 200 on October's bill, which the live bill of its last hour knew.
    Of it 1,120 are summaries that can wait for a lesser answer: on gpt-4o-mini 100. The advice is
    accepted, and November's bill is lower by those 1,020 dollars.
    """
    opens_shop(office, FINTECH_PRICES, "gpt-4o", "gpt-4o-mini", fx="7.10")
    past = [(f"2026-{month:02}-10", 640 * M, 120 * M) for month in (5, 6, 7)]
    usage = asks(office, "jinke", FINTECH, past)
    ask = {
        "book": "list",
        "plan": [{"name": "不定期", "type": "open"}, YEAR_AT_SEVENTY],
        "usage": {"import": usage},
        "prepaid": {"top_up": TOLD | {"value": "1000.00"}},
    }
    quote = office.sales.post("/prospects/jinke/quotes", ask=ask)
    roi = quote["comparison"]["roi"]
    told = [fen(roi[each]) for each in ("before", "after", "fee", "net")]
    assert told == [each * 710 for each in (5_000, 3_500, 200, 1_300)]
    assert roi["ratio_e2"] == 650
    # By the list gpt-4o costs what the house pays for it: 30 % off needs another person's word.
    assert quote["state"] == "waiting"
    office.boss.post(f"/quotes/{quote['quote_id']}/approve", why="战略客户")
    for said in proposed(office, quote):
        assert "6.50" in said
        assert "9,230.00" in said
    jinke = signed_from(office, quote, FINTECH["company"]["uscc"], "main")
    talks, summaries = issues(jinke, "客服"), issues(jinke, "摘要", priority=-1)

    office.at("2026-10-26 09:00")
    months_work(jinke, "2026-10", talks, summaries, "gpt-4o")
    rates(office, "7.10", "2026-10-26")
    office.at("2026-10-31 23:00")
    live = jinke.finance.get("/customers/jinke/bills/live")
    office.at("2026-11-01 09:00")
    office.closes("2026-10")
    before = agrees(jinke, live, "2026-10")
    assert (sum_of(before, "usage"), sum_of(before, "management_fee")) == (3_500 * 710, 200 * 710)

    advice = advised(jinke, "cheaper_model")
    assert rerated(advice) == 1_020 * M
    assert fen(advice["saving"]) == 1_020 * 710
    jinke.finance.post(f"/advice/{advice['advice_id']}/accept", why="十一月起")
    office.at("2026-11-26 09:00")
    months_work(jinke, "2026-11", talks, summaries, "gpt-4o-mini")
    rates(office, "7.10", "2026-11-26")
    office.at("2026-11-30 23:00")
    live = jinke.finance.get("/customers/jinke/bills/live")
    office.at("2026-12-02 09:00")
    office.closes("2026-11")
    after = agrees(jinke, live, "2026-11")
    realised = advised(jinke, "cheaper_model")
    assert realised["state"] == "realised"
    (november,) = realised["measures"]
    saved = fen(before["gross"]) - fen(after["gross"])
    # The advice was taken on the first day, after nothing was used: all of November is its merit.
    assert fen(november["low"]) == fen(november["high"]) == saved == 1_020 * 710


SHOP_PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "2.50"
output = "10.00"

[models."gpt-4o".tiers.flex]
input = "1.25"
output = "5.00"
"""
SHOP: Json = {
    "first_month": "2026-11",
    "task": "writing",
    "quality": "standard",
    "currency": "CNY",
    "budget": "8000.00",
    "budget_currency": "USD",
    "models": ["gpt-4o"],
    "term": "one_year",
    "company": {
        "name": "杭州美购电子商务有限公司",
        "industry": "ecommerce",
        "uscc": "91330106MA2AYNWD8M",
    },
    "volume": {
        "items_per_day": 50_000,
        "promotion": [
            {"name": "双 11", "first": "2026-11-09", "last": "2026-11-11", "factor": "4"}
        ],
    },
    "tokens": {"input": 1000, "output": 250},
    "standing": {"founded_on": "2015-03-01"},
}
NEW, BACK = 35_000, 15_000
"""Of 50,000 descriptions a day, those of new goods and those of the back catalogue."""


def month_of_items(
    company: Company, month: str, days: range, keys: tuple[str, str], tier: str = ""
) -> None:
    """Ten hours a day; from the 9th to the 11th four times as many new goods and old."""
    for key, items, by in zip(keys, (NEW, BACK), ("", tier), strict=True):
        calls = [
            {
                "started_at": f"{month}-{day:02}T{hour:02}:00:00+08:00",
                "meters": {"input": hourly * 1_000, "output": hourly * 250},
                "service_tier": by,
            }
            for day, hour in product(days, range(8, 18))
            for hourly in (items // 10 * (4 if month == "2026-11" and 9 <= day <= 11 else 1),)
        ]
        pushes(company, key, "gpt-4o", calls)


def alerts(office: Office) -> list[str]:
    """Return what share of its budget the customer was told; the clerk looks each second."""
    watch_budgets(office.db, office.clock.at)
    office.goes_round()
    return [
        told["percent"] for kind in ("reached", "used_up") for told in office.told(f"budget_{kind}")
    ]


def lives_through_november(office: Office, meigou: Company, keys: tuple[str, str]) -> None:
    """The month of promotions goes past its budget, and each share of that is told once."""
    office.at("2026-11-01 00:10")
    rates(office, "7.20", "2026-10-30")
    budget = {"name": "每月预算", "cap": "8000.00", "currency": "USD", "mode": "soft"}
    meigou.finance.post(
        "/customers/meigou/budgets", thresholds=[50, 80, 100], forecasts=[], **budget
    )
    for days, percents in (
        (range(1, 12), ["50"]),
        (range(12, 24), ["50", "80"]),
        (range(24, 31), ["50", "80"]),
    ):
        office.at(f"2026-11-{days[-1]:02} 20:00")
        month_of_items(meigou, "2026-11", days, keys)
        assert alerts(office) == percents
    extra = {
        "started_at": "2026-11-30T19:00:00+08:00",
        "meters": {"input": 20 * M, "output": 5 * M},
    }
    pushes(meigou, keys[0], "gpt-4o", [extra])
    office.at("2026-11-30 22:00")
    assert alerts(office) == ["50", "80", "100"]


def test_a_shop_from_its_form_through_double_eleven_to_what_it_saves(office: Office) -> None:
    """
    Meigou writes 50,000 descriptions a day, four times that from the 9th to the 11th of November,
    and has 8,000 dollars a month. It bought packages of 8,000 that expire: 500 a month were lost.
    The quote, 18.75 % off and a fee of 300: 8,000 → 6,500, 1,700 a month, 5.67 times the fee.
    November's 1.95 million descriptions come to 7,921.88 dollars: half of the budget is told, then
    four fifths, and a small order on the 30th tells the rest.
    The back catalogue can wait, says Meigou; on the flex tier it costs half, and December shows it.
    """
    opens_shop(office, SHOP_PRICES, "gpt-4o", fx="7.20")
    past = [
        ("2026-05-10", 1_200 * M, 400 * M),
        ("2026-06-10", 1_200 * M, 450 * M),
        ("2026-07-10", 1_600 * M, 550 * M),
    ]
    usage = asks(office, "meigou", SHOP, past)
    plan = {
        "name": "一年期",
        "type": "one_year",
        "management_fee": "2160.00",
        "discount": [{"models": "gpt-4o", "discount": "18.75%"}],
    }
    package = TOLD | {"value": "8000.00"}
    prepaid = {"top_up": TOLD | {"value": "500.00"}, "expires": True, "package": package}
    ask = {"book": "list", "plan": [plan], "usage": {"import": usage}, "prepaid": prepaid}
    quote = office.sales.post("/prospects/meigou/quotes", ask=ask)
    roi = quote["comparison"]["roi"]
    told = [fen(roi[each]) for each in ("before", "after", "fee", "net")]
    assert told == [each * 720 for each in (8_000, 6_500, 300, 1_700)]
    assert roi["ratio_e2"] == 567
    (november,) = [v for v in quote["volumes"] if v["month"] == "2026-11"]
    assert november["requests"]["expected"] == 1_950_000
    office.boss.post(f"/quotes/{quote['quote_id']}/approve", why="年框客户")
    for said in proposed(office, quote):
        assert "5.67" in said
        assert "双11" in said.replace(" ", "")
    meigou = signed_from(office, quote, SHOP["company"]["uscc"], "main")
    new, back = issues(meigou, "上新"), issues(meigou, "存量", task_type="copywriting")

    lives_through_november(office, meigou, (new, back))
    rates(office, "7.20", "2026-11-30")
    live = meigou.finance.get("/customers/meigou/bills/live")
    office.at("2026-12-01 09:00")
    office.closes("2026-11")
    before = agrees(meigou, live, "2026-11")
    assert lines(before)[-1] == "管理费 2160.00"

    meigou.finance.post("/customers/meigou/advice-words", what="waits", name="copywriting")
    office.at("2026-12-02 09:00")
    advice = advised(meigou, "batch")
    assert fen(advice["saving"]) == divide(rerated(advice) * 720, M)
    meigou.finance.post(f"/advice/{advice['advice_id']}/accept")
    office.at("2026-12-31 21:00")
    month_of_items(meigou, "2026-12", range(3, 32), (new, back), "flex")
    rates(office, "7.20", "2026-12-31")
    live = meigou.finance.get("/customers/meigou/bills/live")
    office.at("2027-01-02 09:00")
    office.closes("2026-12")
    agrees(meigou, live, "2026-12")
    realised = advised(meigou, "batch")
    (december,) = realised["measures"]
    # 29 days of 15,000 at half of half a cent, less 18.75 %: what flex takes off the list's price.
    assert fen(december["low"]) == fen(december["high"]) == divide(29 * BACK * 720 * 13, 6400)
