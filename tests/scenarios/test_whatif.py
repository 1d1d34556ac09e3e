"""What a month would have been, told as finance would: other prices, terms, models, routes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.books import CLERK, Books, Party, cny
from tests.scenarios.rows import rows_of
from tests.scenarios.test_clouds import PASSED_ON, Clouds, cost
from tests.scenarios.test_terms import TIERS, M, asked_grant, grant
from yuejie.bills.bill import BillState, LineKind
from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.give import approve_in
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.life.draft import DraftBody
from yuejie.contracts.life.drafting import draft_contract
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.contracts.publish import open_book
from yuejie.contracts.terms import STANDARD, Commitment, HeadShare, Split, TaxGrouping
from yuejie.insights.whatif.compare import Cause
from yuejie.insights.whatif.price import Unit, price
from yuejie.insights.whatif.reckon import NO_CONTRACT, NOBODY, Deal, reckon
from yuejie.insights.whatif.suppose import PricedBy, Supposition
from yuejie.insights.whatif.what_if import Outcome, what_if
from yuejie.insights.whatif.words import NamedFile, convert_suppose, suppose
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import BookId
from yuejie.kernel.period import BillingMonth

YUAN = """
[models."gpt-4o"]
input = "10"
cache_read = "5"
output = "30"
[models."gpt-3.5-turbo"]
input = "1"
output = "2"
above = [{ tokens = 200000, input = "2", output = "4" }]
"""

GPT: dict[str, Any] = {"from": "gpt-4o", "to": "gpt-3.5-turbo"}


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def supposed(
    books: Books, party: Party, month: str, facts: dict[str, Any], file: str = ""
) -> Outcome:
    """Replay a month under suppositions in people's words."""
    words = convert_suppose(facts)
    given = NamedFile("prices.toml", file.encode()) if file else None
    outcome = what_if(
        books.db,
        party.customer,
        BillingMonth.parse(month),
        lambda tx, known: suppose(tx, known, words, given),
        now=books.clock.now(),
    )
    assert_adds_up(outcome)
    return outcome


def assert_adds_up(outcome: Outcome) -> None:
    """Steps add up to the difference of the totals, lines to what they come to."""
    change = outcome.after.gross.fen - outcome.before.gross.fen
    assert sum(each.gross_fen for each in outcome.steps) == change
    net = outcome.after.net.fen - outcome.before.net.fen
    assert sum(each.net_fen for each in outcome.steps) == net
    for side, bills in (("was", outcome.was), ("became", outcome.became)):
        whole = sum(line.amount_fen for bill in bills for line in bill.lines)
        assert sum(getattr(each, side).amount_fen for each in outcome.lines) == whole


def everything(books: Books) -> Party:
    """A customer with all that a contract can have, over two months and three parts."""
    terms = replace(
        STANDARD,
        tier_discount=TIERS,
        commitment=Commitment(900_00),
        management_fee_fen=33_33,
        split=Split.PROJECT,
        head_share=HeadShare.APPORTIONED,
        tax_grouping=TaxGrouping.MODEL,
    )
    acme = books.customer("acme", projects=("main", "chat"), commercial=terms)
    grant(books, acme, GrantKind.PACKAGE, "80.00", paid_fen=70_00)
    grant(books, acme, GrantKind.VOUCHER, "12.34")
    for month in ("01", "02"):
        for day, project in enumerate(("main", "chat", "chat"), 3):
            when = f"2026-{month}-{day:02d} 10:00"
            acme.uses(when, "gpt-4o", project=project, input=12_345_671 * day, output=76_543)
            acme.uses(when, "gpt-3.5-turbo", project=project, input=9_999_999)
        books.close(f"2026-{month}")
        for bill in acme.bills(f"2026-{month}"):
            books.issue(bill)
    return acme


def test_nothing_supposed_is_the_bill_to_the_fen(yuan: Books) -> None:
    """Also when everything that could be known later has become known since."""
    acme = everything(yuan)
    acme.uses("2026-01-31 10:00", "gpt-4o", input=5 * M)
    yuan.tick()
    yuan.amend(
        acme, replace(STANDARD, management_fee_fen=1), starts=datetime(2026, 3, 1, tzinfo=UTC)
    )
    asked = asked_grant(yuan, acme, GrantKind.VOUCHER, "99.00")
    with yuan.db.begin() as tx:  # as it was approved before billed months were refused
        approve_in(tx, asked.grant_id, by="finance", now=yuan.clock.now())
    yuan.close("2026-03")
    for month in ("2026-01", "2026-02", "2026-03"):
        outcome = supposed(yuan, acme, month, {})
        assert outcome.after == outcome.before
        assert outcome.steps == ()
        assert {b.bill_id for b in outcome.was} == {b.bill_id for b in acme.bills(month)}
        assert all(each.was == each.became for each in outcome.lines)


def test_the_same_book_and_the_same_terms_change_nothing_either(yuan: Books) -> None:
    """The month is priced anew from its calls, and drawn anew: the same fen on each line."""
    acme = everything(yuan)
    same_terms = {"terms": {"management_fee": "33.33"}, "book": "list"}
    outcome = supposed(yuan, acme, "2026-02", same_terms)
    assert [each.cause for each in outcome.steps] == [Cause.PRICES, Cause.TERMS]
    assert all(each.gross_fen == 0 for each in outcome.steps)
    assert all(each.was == each.became for each in outcome.lines)


def test_another_price_list_for_one_model_leaves_the_others_alone(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=10 * M, output=1 * M)
    acme.uses("2026-01-11 10:00", "gpt-3.5-turbo", input=10 * M)
    yuan.close("2026-01")
    file = '[models."gpt-4o"]\ninput = "8"\noutput = "31"\n'
    outcome = supposed(yuan, acme, "2026-01", {}, file)
    assert (outcome.before.gross, outcome.after.gross) == (cny("150.00"), cny("131.00"))
    [step] = outcome.steps
    assert (step.cause, step.gross_fen) == (Cause.PRICES, -19_00)
    changed = {(c.name.model, c.name.meter): c.change_fen for c in outcome.lines if c.change_fen}
    assert changed == {("gpt-4o", "input"): -20_00, ("gpt-4o", "output"): 1_00}
    assert "其中没有写的模型单价不变" in outcome.assumptions


def test_another_published_book_is_priced_call_by_call(yuan: Books) -> None:
    """It rises in mid-month, has a long-context price and cheap nights; each call finds its own."""
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-3.5-turbo", input=100_000)
    acme.uses("2026-01-10 11:00", "gpt-3.5-turbo", input=200_001)
    acme.uses("2026-01-20 10:00", "gpt-3.5-turbo", input=100_000)
    acme.uses("2026-01-20 02:00", "gpt-3.5-turbo", input=100_000)
    yuan.close("2026-01")
    now = yuan.clock.now()
    open_book(yuan.db, "next", kind="sale", currency="CNY", by=CLERK, now=now)
    first = """
[models."gpt-3.5-turbo"]
input = "100"
output = "100"
above = [{ tokens = 200000, input = "200", output = "200" }]
"""
    second = """
[models."gpt-3.5-turbo"]
input = "1000"
output = "1000"
windows = [{ window = "Asia/Shanghai 1-7 00:00-08:00", input = "500" }]
"""
    for text, day in ((first, 1), (second, 15)):
        wanted = PriceImport(
            book_id="next",
            name="p.toml",
            body=text.encode(),
            starts_at=datetime(2026, 1, day, tzinfo=UTC),
            approve=True,
        )
        report = import_prices(yuan.db, wanted, by=CLERK, now=now)
        assert not report.refused, report.lines()
    outcome = supposed(yuan, acme, "2026-01", {"book": "next"})
    # 0.1 M at 100, 0.200001 M at 200, 0.1 M at 1000, 0.1 M at 500
    assert outcome.after.gross == cny("200.00")
    pinned = supposed(yuan, acme, "2026-01", {"book": "next", "revision": 1})
    assert pinned.after.gross == cny("70.00")


def test_other_terms_and_another_tax_are_told_apart(yuan: Books) -> None:
    acme = everything(yuan)
    outcome = supposed(
        yuan,
        acme,
        "2026-02",
        {
            "terms": {"management_fee": "0.00", "split": "merged"},
            "without": ["tier_discount"],
            "tax_mode": "exclusive",
        },
    )
    assert [each.cause for each in outcome.steps] == [Cause.TERMS, Cause.TAX]
    [bill] = outcome.became
    kinds = {line.kind for line in bill.lines}
    assert not kinds & {LineKind.TIER_DISCOUNT, LineKind.MANAGEMENT_FEE}
    assert bill.gross.fen == sum(line.amount_fen for line in bill.lines) + bill.tax.fen
    assert outcome.steps[1].tax_fen > 0


def test_a_contract_draft_is_tried_on_a_month_before_it_is_signed(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=10 * M, output=1 * M)
    acme.uses("2026-01-11 10:00", "gpt-3.5-turbo", input=10 * M)
    yuan.close("2026-01")
    body = DraftBody(
        sale_book=BookId("list"),
        currency="CNY",
        zone="Asia/Shanghai",
        starts_at=datetime(2026, 6, 1, tzinfo=UTC),
        commercial=replace(STANDARD, commitment=Commitment(200_00)),
        pricing=Pricing(discounts=(FamilyDiscount("gpt-4*", 200_000),)),
    )
    draft = draft_contract(
        yuan.db, acme.customer.customer_id, body, by="sales", now=yuan.clock.now()
    )
    outcome = supposed(yuan, acme, "2026-01", {"draft": draft.draft_id})
    assert [(s.cause, s.gross_fen) for s in outcome.steps] == [
        (Cause.PRICES, -26_00),
        (Cause.TERMS, 76_00),
    ]
    assert outcome.after.gross == cny("200.00")


def test_a_slice_of_traffic_with_a_cheaper_model(yuan: Books) -> None:
    """Only the small requests of one project; the user says how the other model counts tokens."""
    acme = yuan.customer("acme", projects=("main", "chat"))
    acme.uses("2026-01-10 10:00", "gpt-4o", project="chat", input=1_000, output=500)
    acme.uses("2026-01-10 11:00", "gpt-4o", project="chat", input=3 * M, output=1)
    acme.uses("2026-01-10 12:00", "gpt-4o", project="main", input=1_000)
    acme.uses("2026-01-10 13:00", "gpt-4o", project="chat", input=2_000)
    yuan.close("2026-01")
    mapped = {
        "from": "gpt-4o",
        "to": "gpt-3.5-turbo",
        "projects": ["chat"],
        "context_at_most": 2_000,
        "tokens": {"input": "1.1"},
    }
    outcome = supposed(yuan, acme, "2026-01", {"map": [mapped]})
    now = {(c.name.project, c.name.model, c.name.meter): c.became.quantity for c in outcome.lines}
    assert now == {
        ("chat", "gpt-3.5-turbo", "input"): 3_300,
        ("chat", "gpt-3.5-turbo", "output"): 500,
        ("chat", "gpt-4o", "input"): 3 * M,
        ("chat", "gpt-4o", "output"): 1,
        ("main", "gpt-4o", "input"): 1_000,
    }
    assert [each.cause for each in outcome.steps] == [Cause.MAPPING]
    said = " ".join(outcome.assumptions)
    assert "gpt-4o 改用 gpt-3.5-turbo（项目 chat、输入不超过 2,000 token 的请求）" in said
    assert "input × 1.10" in said


def test_cached_tokens_are_refused_by_name_until_the_user_says_what_they_are(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=1 * M, cache_read=4 * M)
    yuan.close("2026-01")
    mapped: dict[str, Any] = {"from": "gpt-4o", "to": "gpt-3.5-turbo"}
    with pytest.raises(
        Invalid, match=r"没有 gpt-3.5-turbo 的 cache_read（缓存命中输入）单价.*4,000,000"
    ):
        supposed(yuan, acme, "2026-01", {"map": [mapped]})
    mapped["meters"] = {"cache_read": "input"}
    outcome = supposed(yuan, acme, "2026-01", {"map": [mapped]})
    # One call of five million tokens: above the context step, at 2 yuan.
    assert outcome.after.gross == cny("10.00")
    assert "gpt-3.5-turbo 没有 cache_read 单价的，按 input 计（用户指定）" in outcome.assumptions


def test_a_model_that_no_book_prices_is_refused(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=1 * M)
    yuan.close("2026-01")
    with pytest.raises(Invalid, match="价目 list 没有 nobody 的 input"):
        supposed(yuan, acme, "2026-01", {"map": [{"from": "gpt-4o", "to": "nobody"}]})


def test_supposing_writes_nothing(yuan: Books) -> None:
    """No row, no number of a sequence: what is drawn is drawn in memory."""
    acme = everything(yuan)
    before = rows_of(yuan.db)
    facts = {"terms": {"management_fee": "5.00"}, "map": [GPT], "tax_mode": "exclusive"}
    outcome = supposed(yuan, acme, "2026-02", facts)
    assert outcome.after != outcome.before
    assert rows_of(yuan.db) == before


def test_another_route_changes_what_we_pay_and_not_what_is_owed(yuan: Books) -> None:
    """The same model bought elsewhere; a swapped model costs what its own deployment costs."""
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=10 * M, output=1 * M)
    yuan.close("2026-01")
    now = yuan.clock.now()
    account = AccountDraft(
        account_id="sim",
        provider="openai",
        platform="openai",
        base_url="https://sim.example.com",
        region="",
        credential=b"",
    )
    put_account(yuan.db, account, by=CLERK, now=now)
    for model in ("gpt-4o", "gpt-3.5-turbo"):
        put_model(yuan.db, ModelDraft(model_id=model, owner="openai"), by=CLERK, now=now)
    for name, model, bought in (
        ("dear", "gpt-4o", "openai/gpt-4o"),
        ("cheap", "gpt-4o", "openai/gpt-3.5-turbo"),
        ("small", "gpt-3.5-turbo", "openai/gpt-3.5-turbo"),
    ):
        draft = DeploymentDraft(
            model_id=model, account_id="sim", upstream_model=model, cost_model=bought, name=name
        )
        put_deployment(yuan.db, draft, by=CLERK, now=now)

    def costs(facts: dict[str, Any]) -> tuple[str, str, set[str]]:
        outcome = supposed(yuan, acme, "2026-01", facts)
        assert outcome.costs is not None
        [(was, became)] = outcome.costs.charges()
        return str(was.settle()), str(became.settle()), outcome.costs.gaps

    assert costs({"route": {"gpt-4o": "dear"}}) == ("130.00", "130.00", set())
    # Eleven million tokens in one call: above the context step of the cheap one.
    assert costs({"route": {"gpt-4o": "cheap"}}) == ("130.00", "24.00", set())
    assert costs({"map": [GPT], "route": {"gpt-3.5-turbo": "small"}}) == ("130.00", "24.00", set())
    was, became, gaps = costs({"map": [GPT], "route": {"gpt-4o": "cheap"}})
    assert (was, became, gaps) == (
        "130.00",
        "0.00",
        {"没有写明 gpt-3.5-turbo 走哪个部署，成本未计"},
    )
    outcome = supposed(yuan, acme, "2026-01", {"route": {"gpt-4o": "cheap"}})
    assert outcome.after == outcome.before


def test_a_swap_that_takes_nothing_says_so(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-3.5-turbo", input=1_000)
    yuan.close("2026-01")
    outcome = supposed(yuan, acme, "2026-01", {"map": [GPT]})
    assert outcome.after == outcome.before
    assert outcome.assumptions[-1] == "2026-01 没有 gpt-4o 的调用，没有可替换的"


def test_a_month_that_goes_on_is_replayed_as_it_stands(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=1 * M)
    yuan.clock.at = datetime(2026, 1, 10, 4, tzinfo=UTC)
    outcome = supposed(yuan, acme, "2026-01", {"terms": {"management_fee": "5.00"}})
    assert outcome.is_open
    assert (outcome.before.gross, outcome.after.gross) == (cny("10.00"), cny("15.00"))


def test_late_lines_of_earlier_months_stay(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=1 * M)
    yuan.close("2026-01")
    yuan.issue(acme.bill("2026-01"))
    acme.uses("2026-01-31 10:00", "gpt-4o", input=2 * M)
    acme.uses("2026-02-10 10:00", "gpt-4o", input=3 * M)
    yuan.close("2026-02")
    file = '[models."gpt-4o"]\ninput = "20"\noutput = "30"\n'
    outcome = supposed(yuan, acme, "2026-02", {}, file)
    assert outcome.after.gross == cny("80.00")
    assert "账单上以前月份的补计行不变" in outcome.assumptions


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"book": "nowhere"}, NotFound, "价目 nowhere 不存在"),
    ({"book": "cost"}, Invalid, "成本价目"),
    ({"book": "list", "revision": 9}, NotFound, "没有第 9 版"),
    ({"revision": 1}, Invalid, "没有写 book"),
    ({"book": "list", "draft": "draft_0"}, Invalid, "只给其中一种"),
    ({"draft": "draft_0"}, NotFound, "没有合同草案 draft_0"),
    ({"without": ["nonsense"]}, Invalid, "“nonsense”不是合同条款"),
    ({"terms": {"management_fee": "x"}}, Invalid, "management_fee"),
    ({"map": [{"from": "a", "to": "a"}]}, Invalid, "换成它自己"),
    ({"map": [{"from": "a", "to": "b", "keys": ["k"]}]}, NotFound, "没有密钥 k"),
    ({"map": [{"from": "a", "to": "b", "projects": ["p"]}]}, NotFound, "没有项目 p"),
    ({"map": [{"from": "a", "to": "b", "tokens": {"input": "0"}}]}, Invalid, "大于零"),
    ({"map": [{"from": "a", "to": "b", "tokens": {"input": "1001"}}]}, Invalid, "不超过 1,000"),
    ({"meters": {"tokens": "input"}}, Invalid, "计量项“tokens”不认识"),
    ({"route": {"gpt-4o": "nowhere"}}, NotFound, "部署 nowhere 不存在"),
]


def test_a_month_with_nothing_but_a_credit_of_the_cloud_is_replayed(
    yuan: Books, tmp_path: Path
) -> None:
    """The credit is carried on in yuan alone: only the cloud's own line knows a rate of dollars."""
    clouds = Clouds(yuan, tmp_path)
    acme = yuan.customer("acme", commercial=PASSED_ON)
    clouds.belongs("*", acme)
    yuan.fx("7.2", "2026-08-20")
    clouds.delivers([cost("1", "-10.00", BillingCurrency="USD", ChargeCategory="Credit")])
    yuan.close("2026-08")
    assert [line.usd_fen for line in acme.bill("2026-08").lines] == [-10_80, None]
    outcome = what_if(
        yuan.db,
        acme.customer,
        BillingMonth.parse("2026-08"),
        lambda _tx, _known: Supposition(),
        now=yuan.tick(),
    )
    assert outcome.after == outcome.before


def test_what_does_not_fit_is_said_in_a_sentence(yuan: Books) -> None:
    acme = yuan.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=1 * M)
    yuan.close("2026-01")
    for facts, error, sentence in REFUSED:
        with pytest.raises(error, match=sentence):
            supposed(yuan, acme, "2026-01", facts)


def test_quantities_become_a_bill_with_no_history_at_all() -> None:
    """The core for offers: somebody else's past usage, our book, our terms."""
    rows = [
        RateRow(-at, 1, "gpt-4o", meter, pico, "CNY", "default", 0, "", 0)
        for at, (meter, pico) in enumerate((("input", 10 * 10**6), ("output", 30 * 10**6)), 1)
    ]
    book = Book(BookRows("offer", "sale", "CNY", [RevisionRow(1, 0)], rows))
    month = BillingMonth(2026, 1)
    units = [Unit("p", "", "gpt-4o", "input", 10 * M), Unit("p", "", "gpt-4o", "output", 1 * M)]
    priced = price(units, month, Supposition(prices=PricedBy(book, "报价", 1)), {})
    founded = datetime(2025, 12, 31, 16, tzinfo=UTC)
    contract = Contract(
        contract_id=NO_CONTRACT,
        version=1,
        customer_id=NOBODY,
        sale_book=BookId("offer"),
        currency="CNY",
        zone="Asia/Shanghai",
        fx_policy="none",
        tax_mode="exclusive",
        tax_ppm=60_000,
        starts_at=founded,
        signed_at=founded,
        terms=replace(STANDARD, management_fee_fen=20_00, ends_on=date(2027, 1, 1)),
    )
    [bill] = reckon(priced, Deal(contract), month, now=founded)
    assert (bill.net, bill.tax, bill.gross) == (cny("150.00"), cny("9.00"), cny("159.00"))
    assert bill.state is BillState.DRAFT
    units.append(Unit("p", "", "gpt-4o", "reasoning", 1))
    unpriced = price(units, month, Supposition(prices=PricedBy(book, "报价", 1)), {})
    with pytest.raises(Invalid, match="报价 没有 gpt-4o 的 reasoning"):
        reckon(unpriced, Deal(contract), month, now=founded)
