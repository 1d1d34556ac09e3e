"""The two cases of advice: from a month's calls to a saving that the next month's bill shows."""

from tests.scenarios.books import FOUNDED
from tests.stories.office import Company, Json, Office, fen, sum_of
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.kernel.money import exact

PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "5"
output = "15"

[models."gpt-4o".tiers.flex]
input = "2.50"
output = "7.50"

[models."gpt-4o-mini"]
input = "0.25"
output = "1.25"
"""
FX = {"source": "中国外汇交易中心中间价", "base": "USD", "quote": "CNY", "rate": "7.10"}
RATE = 710
M = 1_000_000
DAYS = 25
TERMS: Json = {
    "starts_at": "2026-09-01T00:00:00+08:00",
    "fx_policy": "bill",
    "terms": {"confirmation": "required"},
    "review": {"grade": "A", "credit_limit": "90000.00"},
}


def opens(office: Office, slug: str, name: str, uscc: str, **fee: str) -> Company:
    """A customer with two keys' worth of work, from September on."""
    office.sells(PRICES, "gpt-4o", "gpt-4o-mini")
    for model in ("gpt-4o", "gpt-4o-mini"):
        draft = ModelDraft(model_id=model, owner="openai", context_window=2_000_000)
        put_model(office.db, draft, by="house file", now=FOUNDED)
    company = Company(office, slug, name, uscc, "main")
    office.signs(company, **TERMS | {"terms": TERMS["terms"] | fee})
    office.finance.post("/fx", on_date="2026-09-30", **FX)
    return company


def issues(company: Company, name: str, **facts: Json) -> str:
    """Have a key issued that declares what its work is like."""
    body = {"project": "main", "name": name, **facts}
    issued: Json = company.office.sales.post(f"/customers/{company.slug}/keys", **body)
    key_id: str = issued["key"]["key_id"]
    return key_id


def pushes(
    company: Company, month: str, key: str, model: str, *, calls: int, size: Json, tier: str = ""
) -> None:
    """Report a key's calls of 25 days; each of a day is of the same size."""
    events = [
        {
            "id": f"{key}-{month}-{day}-{number}",
            "customer": company.slug,
            "project": "main",
            "key": key,
            "model": model,
            "meters": size,
            "service_tier": tier,
            "started_at": f"{month}-{day:02}T{10 + number // 40:02}:{number % 40:02}:00+08:00",
        }
        for day in range(1, DAYS + 1)
        for number in range(calls)
    ]
    for at in range(0, len(events), 1_000):
        batch = events[at : at + 1_000]
        told = company.office.operator.post("/usage/events", source="pipeline", events=batch)
        assert told["stored"] == len(batch)


def advised(company: Company, kind: str) -> Json:
    """Return the one advice of a kind, as the customer's finance reads it."""
    found = [each for each in company.finance.all("/advice") if each["kind"] == kind]
    assert len(found) == 1, found
    return company.finance.get(f"/advice/{found[0]['advice_id']}")


def added_up(advice: Json) -> int:
    """Add an advice's lines up, in micros of a dollar, from the rates and quantities printed."""
    micros = {
        side: sum(exact(line["rate"], M, "单价") * line["quantity"] for line in advice[side])
        for side in ("before", "after")
    }
    return int(micros["before"] - micros["after"]) // M


def test_a_fintech_moves_its_low_priority_work(office: Office) -> None:
    """
    Jinke's customer service costs 5,000 dollars a month on gpt-4o. 1,600 of that are summaries of
    past talks under a key of priority −1, each of a million tokens in and 200,000 out. On
    gpt-4o-mini they would cost 100: 1,500 dollars saved, 10,650.00 yuan; nothing is said of the
    service itself.
    Jinke accepts. In October the summaries run on gpt-4o-mini; the bill is 1,500 dollars lower,
    and so much is measured, exactly. After a fee of 200 dollars 1,300 stay, 6.5 times the fee.
    """
    jinke = opens(
        office, "jinke", "深圳金客科技有限公司", "91440300582733406C", management_fee="1420.00"
    )
    service, summaries = issues(jinke, "客服"), issues(jinke, "摘要", priority=-1)
    talks, summary = (
        {"input": 17_600_000, "output": 3_200_000},
        {"input": M, "output": 200_000},
    )
    office.at("2026-09-26 09:00")
    pushes(jinke, "2026-09", service, "gpt-4o", calls=1, size=talks)
    pushes(jinke, "2026-09", summaries, "gpt-4o", calls=8, size=summary)
    office.at("2026-10-01 09:00")
    advice = advised(jinke, "cheaper_model")
    assert fen(advice["saving"]) == 1_500 * RATE
    assert added_up(advice) == 1_500 * M
    assert (advice["setting"]["model"], advice["setting"]["to_model"]) == ("gpt-4o", "gpt-4o-mini")
    assert [key["name"] for key in advice["keys"]] == ["摘要"]
    assert [(size["up_to"], size["calls"]) for size in advice["sizes"]] == [(0, 200)]
    joint = jinke.finance.get("/customers/jinke/advice-summary")
    assert fen(joint["joint"]) == 1_500 * RATE
    jinke.finance.post(f"/advice/{advice['advice_id']}/accept", why="十月起")

    office.at("2026-10-26 09:00")
    pushes(jinke, "2026-10", service, "gpt-4o", calls=1, size=talks)
    pushes(jinke, "2026-10", summaries, "gpt-4o-mini", calls=8, size=summary)
    assert advised(jinke, "cheaper_model")["state"] == "accepted"
    office.at("2026-10-27 09:00")
    assert advised(jinke, "cheaper_model")["state"] == "tracked"
    office.finance.post("/fx", on_date="2026-10-30", **FX)
    office.at("2026-11-02 09:00")
    told = advised(jinke, "cheaper_model")
    assert told["state"] == "realised"
    (october,) = told["measures"]
    assert fen(october["low"]) == fen(october["high"]) == 1_500 * RATE

    office.closes("2026-09")
    office.closes("2026-10")
    was, became = (jinke.bill(month) for month in ("2026-09", "2026-10"))
    assert sum_of(was, "usage") == 5_000 * RATE
    assert sum_of(became, "usage") == 3_500 * RATE
    saved, fee = fen(was["gross"]) - fen(became["gross"]), sum_of(became, "management_fee")
    assert saved == fen(october["low"])
    assert saved - fee == 1_300 * RATE
    assert (saved - fee) * 10 == fee * 65


def test_a_shop_lets_its_descriptions_wait(office: Office) -> None:
    """
    A shop writes descriptions for 8,000 dollars a month; the 3,000 of its back catalogue are by a
    key whose task type it declares to be able to wait. On the flex tier those cost half: 1,500
    saved, which October's bill of 6,500 shows. Until it has declared so, nothing is said.
    """
    shop = opens(office, "shop", "杭州描述电子商务有限公司", "91330100799655058B")
    live, back = issues(shop, "上新"), issues(shop, "存量", task_type="copywriting")
    busy, slow = {"input": 16 * M, "output": 8 * M}, {"input": 12 * M, "output": 4 * M}
    office.at("2026-09-26 09:00")
    pushes(shop, "2026-09", live, "gpt-4o", calls=1, size=busy)
    pushes(shop, "2026-09", back, "gpt-4o", calls=1, size=slow)
    office.at("2026-10-01 09:00")
    assert shop.finance.all("/advice") == []
    shop.finance.post("/customers/shop/advice-words", what="waits", name="copywriting")
    office.at("2026-10-02 09:00")
    advice = advised(shop, "batch")
    assert fen(advice["saving"]) == 1_500 * RATE
    assert added_up(advice) == 1_500 * M
    assert advice["setting"]["to_tier"] == "flex"
    shop.finance.post(f"/advice/{advice['advice_id']}/accept")

    office.at("2026-10-26 09:00")
    pushes(shop, "2026-10", live, "gpt-4o", calls=1, size=busy)
    pushes(shop, "2026-10", back, "gpt-4o", calls=1, size=slow, tier="flex")
    office.finance.post("/fx", on_date="2026-10-30", **FX)
    office.at("2026-11-02 09:00")
    (october,) = advised(shop, "batch")["measures"]
    # One day's calls came before the acceptance: of October's 25 days 24 are its merit.
    assert fen(october["low"]) == fen(october["high"]) == 1_440 * RATE
    office.closes("2026-09")
    office.closes("2026-10")
    assert sum_of(shop.bill("2026-10"), "usage") == 6_500 * RATE
