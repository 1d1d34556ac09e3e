"""From what a prospect needs to what it is quoted: the two cases of the product, and approval."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.recorded import recorded
from tests.recorded import steps as deeds_of
from tests.scenarios.prospecting import BOSS, SALES, Offered, Sales, figure, rests_on
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.presales.life.decide import find_quote, step_quote
from yuejie.presales.prospects import set_floor
from yuejie.presales.quote import OptionKind, Quote, QuoteEvent, QuoteState
from yuejie.presales.requirement import Quality, TaskType
from yuejie.presales.roi import Roi
from yuejie.presales.store import transitions_of

M = 1_000_000
SALE = """
[models."gpt-4o"]
input = "2.50"
cache_read = "1.25"
output = "10.00"
[models."gpt-4o".tiers.batch]
input = "1.25"
output = "5.00"
[models."gpt-4o-mini"]
input = "0.18"
output = "0.72"
[models."claude"]
input = "3.00"
output = "15.00"
"""
COST = """
[models."openai/gpt-4o"]
input = "1.20"
cache_read = "0.60"
output = "5.00"
[models."openai/gpt-4o".tiers.batch]
input = "0.60"
output = "2.50"
[models."openai/gpt-4o-mini"]
input = "0.15"
output = "0.60"
[models."anthropic/claude"]
input = "2.00"
output = "10.00"
"""
TOLD = {"from": "customer", "why": "采购负责人口述"}
OFFER = {
    "name": "某云",
    "currency": "USD",
    "source": "某云报价单 2026-11-01",
    "rates": [{"model": "gpt-4o", "input": "2.25", "output": "9.00"}],
    "fee": "100.00",
    "deposit": "5000.00",
    "payment_days": 15,
    "sla": "99.5%",
    "tax": "6%",
}


@pytest.fixture
def sales(database: Database) -> Sales:
    """A house with three models of two providers, and its books."""
    sales = Sales(database)
    sales.account("openai-main", "openai", "us")
    sales.account("anthropic-main", "anthropic", "eu")
    sales.offers(
        Offered("gpt-4o", quality=Quality.ADVANCED),
        Offered("gpt-4o-mini", quality=Quality.BASIC),
        Offered("claude", account="anthropic-main", quality=Quality.ADVANCED),
    )
    sales.prices("sale", "sale", SALE)
    sales.prices("cost", "cost", COST)
    sales.fx("7.10", "2026-11-19")
    return sales


def past_months(path: Path, rows: list[tuple[str, int, int]]) -> Path:
    """Write past usage as our CSV: one bucket a month."""
    lines = ["started_at,model,input,output,requests"]
    lines += [f"{day}T10:00:00+08:00,gpt-4o,{i},{o},1000000" for day, i, o in rows]
    path.write_text("\n".join(lines), "utf-8")
    return path


FINTECH = {
    "first_month": "2026-12",
    "task": "support",
    "quality": "advanced",
    "currency": "USD",
    "models": ["gpt-4o"],
    "term": "one_year",
    "company": {"name": "深圳金客科技有限公司", "industry": "fintech"},
    "volume": {"qps": {"low": "4", "expected": "5", "high": "7"}, "hours": "office"},
    "tokens": {"input": 800, "output": 200},
    "habits": {"can_wait": "20%", "cached": "40%", "simple": "50%"},
    "standing": {"founded_on": "2015-06-01"},
}


def test_a_fintech_sees_what_leaving_prepayment_is_worth(sales: Sales, tmp_path: Path) -> None:
    """
    Jinke used gpt-4o for 5,000 dollars in each of three months, paid before use. Under a contract
    of one year, 30 % off and a fee of 200 dollars, the same calls come to 3,500:
    5,000 − 3,500 − 200 = 1,300 saved a month, 6.50 times the fee.
    """
    sales.prospect("jinke", FINTECH)
    rows = [(f"2026-{month:02}-10", 1_000 * M, 250 * M) for month in (8, 9, 10)]
    loaded = sales.usage("jinke", past_months(tmp_path / "usage.csv", rows))
    assert loaded.months == ("2026-08", "2026-09", "2026-10")
    quote = sales.quotes(
        "jinke",
        {
            "book": "sale",
            "plan": [
                {"name": "不定期", "type": "open"},
                {
                    "name": "一年期七折",
                    "type": "one_year",
                    "management_fee": "200.00",
                    "discount": [{"models": "gpt-4o", "discount": "30%"}],
                },
            ],
            "usage": {"import": loaded.usage.import_id},
            "prepaid": {
                "top_up": TOLD | {"value": "1000.00"},
                "card_fee": TOLD | {"value": "1.5%"},
                "capital_per_year": {"from": "assumed", "value": "4%", "why": "一年期贷款利率"},
            },
            "offer": [OFFER],
        },
    )
    comparison = quote.body.comparison
    assert comparison is not None
    roi = comparison.roi
    assert roi is not None
    assert (roi.before_fen, roi.after_fen, roi.fee_fen) == (5_000_00, 3_500_00, 200_00)
    assert (roi.net_fen, roi.ratio_e2) == (1_300_00, 650)
    assert quote.body.proposal.plan == "一年期七折"
    assert [side.name for side in comparison.ours] == ["一年期七折", "不定期"]
    assert comparison.ours[1].gross_fen == 15_000_00
    # The other offer: 4,500 of usage and 100 a month; its deposit costs what money costs.
    other = comparison.offers[0]
    assert (other.usage_fen, other.fee_fen, other.deposit_fen) == (13_500_00, 300_00, 5_000_00)
    assert other.deductible_fen == 781_13
    assert other.idle_fen == 50_00
    # VAT that comes back, the card's fee, money tied up: told apart from the plain return.
    whole = comparison.roi_whole
    assert whole is not None
    labels = [each.label for each in whole.avoided]
    assert labels == ["多抵扣的进项税额", "手续费与汇差", "少占用资金的成本"]
    # 3,700 holds 209.43 of VAT; 1.5 % of 5,000; a mean of 2,500 tied up at 4 % a year.
    assert whole.net_fen == 1_300_00 + 209_43 + 75_00 + 8_33
    assert any("一年期贷款利率" in each for each in comparison.assumptions)
    sources = rests_on(quote, "roi.net")
    assert sources["file"] == {loaded.usage.sha256}
    assert sources.keys() == {"file", "rate", "terms", "left_out"}
    assert figure(quote, "roi.ratio").value == 650


def test_the_fintech_quote_counts_calls_tokens_and_dollars(sales: Sales) -> None:
    """
    Five calls a second in the busiest hour, by the usual shape of an office day: 9.4 busy hours.
    December has 31 days: 5 × 3,600 × 9.4 × 31 = 5,245,200 calls of 800 + 200 tokens.
    At 2.50 and 10.00 that is 10,490.40 + 10,490.40 dollars.
    """
    sales.prospect("jinke", FINTECH)
    quote = sales.quotes("jinke", {"book": "sale"})
    first = quote.body.volumes[0]
    assert first.requests.expected == 5_245_200
    assert (first.requests.low, first.requests.high) == (4_196_160, 7_343_280)
    assert (first.tokens_in.expected, first.tokens_out.expected) == (
        4_196_160_000,
        1_049_040_000,
    )
    option = quote.body.option("gpt-4o", "一年期")
    assert option.expected.usage_fen == 20_980_80
    assert option.total_fen == sum(each.gross_fen for each in option.months)
    # Usage without tax 19,793.21; cost 1.20 and 5.00: 10,280.59; the margin is 48.06 %.
    assert option.margin_ppm == 480_600
    assert quote.state is QuoteState.READY
    assert [c.model for c in quote.body.choices if not c.excluded] == ["gpt-4o", "claude"]
    main = quote.body.choices[0]
    assert (main.kind, main.backup) == (OptionKind.WANTED, "claude")
    mini = next(c for c in quote.body.choices if c.model == "gpt-4o-mini")
    assert "评级为基础" in mini.excluded
    sources = rests_on(quote, "option.gpt-4o.一年期.2026-12.expected.gross")
    assert sources["form"] == {"volume.qps", "tokens.input", "tokens.output", "volume.growth"}
    assert len(sources["rate"]) == 2
    assert sources["calendar"] == {"2026-12"}
    assert quote.body.basis.sale_revision == 1
    assert (quote.valid_until - sales.now.date()).days == 30


def test_advice_is_a_bill_less_another_bill(sales: Sales) -> None:
    """
    A fifth of the calls can wait: at the batch tier, half the price, a tenth is saved. Two fifths
    of the input repeat: cached at half the price, a fifth of the input's half is saved. Half the
    calls are simple: gpt-4o-mini answers them.
    """
    sales.prospect("jinke", FINTECH)
    quote = sales.quotes("jinke", {"book": "sale"})
    advice = {each.name: each for each in quote.body.advice}
    bill = quote.body.option("gpt-4o", "一年期").expected.gross_fen
    assert advice["batch"].saving_fen == bill // 10
    assert advice["cache"].saving_fen == bill // 10
    # Half of 20,980.80 less half of the tokens at 0.18 and 0.72: 377.65 + 377.65.
    assert advice["cheaper"].saving_fen == 10_490_40 - 755_30
    sources = rests_on(quote, advice["batch"].figure)
    assert "habits.can_wait" in sources["form"]
    assert len(sources["rate"]) == 4
    silent = FINTECH | {"habits": {}}
    sales.prospect("quiet", silent)
    for each in sales.quotes("quiet", {"book": "sale"}).body.advice:
        assert each.saving_fen is None
        assert "没有填写" in each.why


ECOMMERCE = {
    "first_month": "2027-01",
    "task": "writing",
    "quality": "standard",
    "currency": "USD",
    "budget": "8000.00",
    "term": "one_year",
    "company": {"name": "杭州优选电商有限公司", "industry": "ecommerce"},
    "volume": {
        "items_per_day": 50_000,
        "promotion": [
            {"name": "618", "first": "2027-06-16", "last": "2027-06-18", "factor": "3"},
            {"name": "双 11", "first": "2027-11-09", "last": "2027-11-11", "factor": "4"},
        ],
    },
    "tokens": {"input": 800, "output": 300},
    "standing": {"founded_on": "2025-03-01"},
}


def test_a_shop_of_fifty_thousand_items_a_day(sales: Sales, tmp_path: Path) -> None:
    """
    Youxuan writes 50,000 descriptions a day and has 8,000 dollars a month. In June 618 adds twice
    three days, in November Double 11 three times three: 1.8 and 1.95 million calls for 1.5.
    It has bought packages of 8,000 a month that expire, and lost 500 a month by the season:
    8,000 → 6,500, waste 500, fee 300 gives 1,700 a month, 5.67 times the fee.
    """
    sales.prospect("youxuan", ECOMMERCE)
    rows = [
        ("2026-08-10", 1_200 * M, 400 * M),
        ("2026-09-10", 1_200 * M, 450 * M),
        ("2026-10-10", 1_600 * M, 550 * M),
    ]
    loaded = sales.usage("youxuan", past_months(tmp_path / "usage.csv", rows))
    quote = sales.quotes(
        "youxuan",
        {
            "book": "sale",
            "plan": [
                {
                    "name": "一年期",
                    "type": "one_year",
                    "management_fee": "300.00",
                    "discount": [{"models": "gpt-4o", "discount": "18.75%"}],
                }
            ],
            "usage": {"import": loaded.usage.import_id},
            "prepaid": {
                "top_up": TOLD | {"value": "500.00"},
                "package": TOLD | {"value": "8000.00"},
                "expires": True,
                "rates": [{"model": "gpt-4o", "input": "2.50", "output": "10.00"}],
            },
        },
    )
    comparison = quote.body.comparison
    assert comparison is not None
    roi = comparison.roi
    assert isinstance(roi, Roi)
    assert (roi.before_fen, roi.after_fen, roi.fee_fen) == (8_000_00, 6_500_00, 300_00)
    assert [each.fen for each in roi.avoided] == [500_00]
    assert (roi.net_fen, roi.ratio_e2) == (1_700_00, 567)
    volumes = {each.month: each.requests.expected for each in quote.body.volumes}
    assert volumes["2027-06"] == 50_000 * (30 + 2 * 3)
    assert volumes["2027-11"] == 50_000 * (30 + 3 * 3)
    assert volumes["2027-02"] == 50_000 * 28
    # gpt-4o is the cheapest of sufficient grade; only the month of Double 11 exceeds the budget.
    assert quote.body.proposal.model == "gpt-4o"
    option = quote.body.option("gpt-4o", "一年期")
    june = next(each for each in option.months if each.month == "2027-06")
    assert june.usage_fen == 2_925_00 + 4_387_50
    november = next(each for each in option.months if each.month == "2027-11")
    assert november.gross_fen == 3_168_75 + 4_753_13 + 300_00
    assert option.within_budget is False
    assert any("2027-11 超出" in each for each in quote.body.proposal.reasons)
    assert quote.body.proposal.credit_class == "startup"
    assert option.deposit_fen == option.expected.gross_fen
    free = [{"name": "免押", "terms": {"deposit": "0.00"}}]
    assert sales.quotes("youxuan", {"book": "sale", "plan": free}).body.options[0].deposit_fen == 0
    wrong = [{"name": "免押", "terms": {"credit_class": "listed"}}]
    with pytest.raises(Invalid, match="credit_class"):
        sales.quotes("youxuan", {"book": "sale", "plan": wrong})
    assert rests_on(quote, "prepaid.wasted").keys() >= {"file", "customer"}


def test_a_discount_below_the_floor_waits_for_another_person(sales: Sales) -> None:
    """
    Sixty percent off gpt-4o earns less than it costs. The quote waits; who made it cannot let it
    pass, another can, with a reason; each step is written down.
    """
    sales.prospect("jinke", FINTECH)
    deep = {
        "book": "sale",
        "plan": [{"name": "四折", "discount": [{"models": "gpt-4o", "discount": "60%"}]}],
    }
    quote = sales.quotes("jinke", deep)
    assert quote.state is QuoteState.WAITING
    assert [each.model for each in quote.body.below_floor] == ["gpt-4o"]
    with pytest.raises(Conflict, match="待批准"):
        step(sales, quote, QuoteEvent.OFFER)
    with pytest.raises(Forbidden, match="另一人"):
        step(sales, quote, QuoteEvent.APPROVE, why="战略客户")
    with pytest.raises(Invalid, match="事由"):
        step(sales, quote, QuoteEvent.APPROVE, by=BOSS)
    assert step(sales, quote, QuoteEvent.APPROVE, by=BOSS, why="战略客户").state == "ready"
    assert step(sales, quote, QuoteEvent.OFFER).state == "offered"
    with sales.db.read() as tx:
        steps = [(each.event, each.became, each.by) for each in transitions_of(tx, quote.quote_id)]
        kept = find_quote(tx, quote.quote_id)
    assert steps == [
        ("make", "waiting", SALES),
        ("approve", "ready", BOSS),
        ("offer", "offered", SALES),
    ]
    assert deeds_of(recorded(sales.db, "quote")) == [
        (SALES, "make", "", "waiting", ""),
        (BOSS, "approve", "waiting", "ready", "战略客户"),
        (SALES, "offer", "ready", "offered", ""),
    ]
    assert (kept.body, kept.digest) == (quote.body, quote.body.digest)
    # The floor is the house's own to set; at the list gpt-4o earns 48 %.
    set_floor(sales.db, 490_000, by=BOSS, now=sales.now)
    assert sales.quotes("jinke", {"book": "sale"}).state is QuoteState.WAITING
    set_floor(sales.db, 250_000, by=BOSS, now=sales.now)
    assert sales.quotes("jinke", {"book": "sale"}).state is QuoteState.READY


def step(sales: Sales, quote: Quote, event: QuoteEvent, *, by: str = SALES, why: str = "") -> Quote:
    return step_quote(sales.db, quote.quote_id, event, why=why, by=by, now=sales.now)


def test_a_quote_stays_what_it_was(sales: Sales) -> None:
    """
    The list rises and the dollar too; the first quote still says what it said, the second is
    version 2. After its last day the first may be offered to nobody.
    """
    sales.prospect("jinke", FINTECH | {"currency": "CNY"})
    first = sales.quotes("jinke", {"book": "sale", "valid_days": 7})
    assert first.body.basis.fx_e8 == 7_10000000
    sales.reprices("sale", SALE.replace('"2.50"', '"3.00"'), starts=sales.now)
    sales.fx("7.20", "2026-11-20")
    sales.now += timedelta(hours=1)
    second = sales.quotes("jinke", {"book": "sale"})
    assert (first.version, second.version) == (1, 2)
    assert second.body.basis.sale_revision == 2
    one, two = (q.body.option("gpt-4o", "一年期").expected.gross_fen for q in (first, second))
    assert one == 2 * 74_481_84
    assert two > one
    with sales.db.read() as tx:
        assert find_quote(tx, first.quote_id).body == first.body
    sales.now += timedelta(days=8)
    with pytest.raises(Conflict, match="过期"):
        step(sales, first, QuoteEvent.OFFER)


def test_only_what_can_be_served_is_recommended(sales: Sales) -> None:
    """
    Who needs its data in Europe gets claude, and nothing else; who needs more context than any
    model has, and who names a model we do not have, are told why.
    """
    form = FINTECH | {"models": [], "regions": ["eu"]}
    sales.prospect("berlin", form)
    quote = sales.quotes("berlin", {"book": "sale"})
    assert (quote.body.proposal.model, quote.body.proposal.backup) == ("claude", None)
    excluded = {each.model: each.excluded for each in quote.body.choices}
    assert "要求的区域（eu）没有可用的部署" in excluded["gpt-4o"]
    sales.prospect("long", FINTECH | {"tokens": {"input": 200_000, "output": 200}})
    with pytest.raises(Conflict, match="装不下"):
        sales.quotes("long", {"book": "sale"})
    sales.offers(Offered("o9", quality=None))
    sales.prospect("named", FINTECH | {"models": ["gpt-9"], "task": TaskType.CODE.value})
    found = {c.model: c.excluded for c in sales.quotes("named", {"book": "sale"}).body.choices}
    assert found["gpt-9"] == "不在本店目录里"
    assert "没有它的 input、output 单价" in found["o9"]


def test_a_comparison_asks_for_three_months_and_names_what_it_cannot_price(
    sales: Sales, tmp_path: Path
) -> None:
    """Two months show no season; a model without a price is named and never guessed."""
    sales.prospect("jinke", FINTECH)
    rows = [(f"2026-{month:02}-10", M, M) for month in (9, 10)]
    short = sales.usage("jinke", past_months(tmp_path / "short.csv", rows))
    prepaid = {"top_up": TOLD | {"value": "1000.00"}}
    ask = {"book": "sale", "usage": {"import": short.usage.import_id}, "prepaid": prepaid}
    with pytest.raises(Invalid, match="只有 2 个月"):
        sales.quotes("jinke", ask)
    path = past_months(tmp_path / "strange.csv", [("2026-08-10", M, M), *rows])
    path.write_text(path.read_text("utf-8") + "\n2026-08-11T10:00:00+08:00,gpt-2,5,5,1\nx,y,,,\n")
    strange = sales.usage("jinke", path)
    assert strange.usage.rejected == 1
    assert "started_at" in strange.rejects[0].why
    ask["usage"] = {
        "import": strange.usage.import_id,
        "switch": [{"name": "gpt-2 改用 mini", "models": {"gpt-2": "gpt-4o-mini"}}],
    }
    comparison = sales.quotes("jinke", ask).body.comparison
    assert comparison is not None
    assert any("gpt-2" in each for each in comparison.ours[0].unpriced)
    assert comparison.roi is None
    switched = next(s for s in comparison.ours if s.name == "一年期（gpt-2 改用 mini）")
    assert switched.unpriced == ()


WINDOWED = """
[models."deepseek"]
input = "2"
output = "8"
[[models."deepseek".windows]]
window = "Asia/Shanghai 1-5 09:00-12:00,14:00-18:00 cn-weekdays"
input = "4"
output = "16"
"""


def test_a_price_with_hours_is_met_by_the_shape_of_the_day(sales: Sales) -> None:
    """
    A model is twice as dear in seven hours of every December working day, and the calls are spread
    evenly: 23 working days of 31. Of 31 × 24 equal hours 161 are dear. Nobody has announced the
    holidays of 2027, so a plan that reaches into it has no price, and says so.
    """
    sales.offers(Offered("deepseek", quality=Quality.STANDARD))
    sales.reprices("sale", WINDOWED, starts=sales.now)
    sales.reprices("cost", WINDOWED.replace('"deepseek"', '"openai/deepseek"'), starts=sales.now)
    sales.now += timedelta(minutes=1)
    form = ECOMMERCE | {
        "first_month": "2026-12",
        "months": 1,
        "volume": {"items_per_day": 24_000_000},
        "models": ["deepseek"],
    }
    sales.prospect("even", form)
    quote = sales.quotes("even", {"book": "sale", "models": ["deepseek"]})
    option = quote.body.option("deepseek", "一年期")
    hours, dear = 31 * 24, 23 * 7
    millions_in, millions_out = 800 * hours, 300 * hours
    assert quote.body.volumes[0].tokens_in.expected == millions_in * M
    plain_in, dear_in = 800 * (hours - dear) * 2, 800 * dear * 4
    plain_out, dear_out = 300 * (hours - dear) * 8, 300 * dear * 16
    assert option.expected.usage_fen == 100 * (plain_in + dear_in + plain_out + dear_out)
    assert millions_out * M == quote.body.volumes[0].tokens_out.expected
    sales.prospect("long", form | {"months": 3})
    with pytest.raises(Conflict, match="节假日历尚未公布"):
        sales.quotes("long", {"book": "sale", "models": ["deepseek"]})
