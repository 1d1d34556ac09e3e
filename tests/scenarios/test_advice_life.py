"""What becomes of advice: answers, the contract's share of it, and what it really saved."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.scenarios.advised import NOW, PEPPER, Advised
from tests.scenarios.books import FOUNDED, Books
from yuejie.bills.correct.granted import approve_grant
from yuejie.clerk import SLOW
from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.life.draft import DraftBody
from yuejie.contracts.life.drafting import draft_contract
from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    Commitment,
    ContractType,
    TierDiscount,
    TierMode,
    TierStep,
)
from yuejie.customers.keys import rotate_key
from yuejie.gateway.publish import load
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import NEXT, AdviceIllegal, AdviceState, Kind
from yuejie.insights.advice.answer import SILENT, accept, dismiss, end
from yuejie.insights.advice.refresh import refresh_advice
from yuejie.insights.advice.show import show_one, summary_of
from yuejie.insights.advice.words import say_word, take_back, words_of
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BookId

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"

[models."gpt-4o".tiers.priority]
input = "40"
output = "160"

[models."gpt-4o".tiers.batch]
input = "10"
output = "40"

[models."gpt-4o-mini"]
input = "1"
output = "4"
"""
NOVEMBER = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def house(books: Books, commercial: CommercialTerms = STANDARD) -> Advised:
    books.prices(PRICES, currency="CNY")
    advised = Advised(books, books.customer("acme", commercial=commercial))
    advised.offers("gpt-4o", "gpt-4o-mini")
    advised.key("reports", priority=-1)
    return advised


def september(advised: Advised, model: str = "gpt-4o") -> None:
    """25 calls of 40,000 + 10,000: 40.00 on gpt-4o, 2.00 on gpt-4o-mini."""
    days(advised, "2026-09", model)


def days(advised: Advised, month: str, model: str, first: int = 1, last: int = 25) -> None:
    for day in range(first, last + 1):
        when = f"{month}-{day:02}T10:00:00"
        advised.calls(when, "reports", model, input=40_000, output=10_000)


def test_accepted_advice_is_measured_against_the_way_before(books: Books) -> None:
    """
    On October's first acme accepts to move its reports to gpt-4o-mini; they move on the sixth.
    In October 20 calls run on the new model: 20 × 0.08 = 1.60 instead of 32.00. On the tenth the
    advice is tracked; when October is over 30.40 is measured, exactly, and it stays so.
    """
    acme = house(books)
    september(acme)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    accept(books.db, None, advice.advice_id, by="boss", now=NOW)
    days(acme, "2026-10", "gpt-4o", 2, 5)
    days(acme, "2026-10", "gpt-4o-mini", 6, 9)
    acme.advise(NOW + timedelta(days=9))
    shown = acme.again(advice)
    assert shown.advice.state is AdviceState.TRACKED
    (so_far,) = shown.measures
    assert (so_far.whole, so_far.calls, str(so_far.high)) == (False, 4, "6.08")

    days(acme, "2026-10", "gpt-4o-mini", 10, 25)
    acme.advise(NOVEMBER)
    acme.advise(NOVEMBER + timedelta(days=1))
    shown = acme.again(advice)
    assert shown.advice.state is AdviceState.REALISED
    (october,) = shown.measures
    assert (october.month, october.whole, october.calls) == ("2026-10", True, 20)
    assert str(october.low) == str(october.high) == "30.40"
    assert (october.actual_pico, october.before_pico) == (16 * 10**11, 32 * 10**12)
    assert [step.event for step in shown.steps] == ["accept", "track", "realise"]
    # What is advised of the rest waits until this one is ended.
    assert acme.all(Kind.CHEAPER_MODEL) == [shown.advice]
    end(books.db, None, advice.advice_id, by="boss", now=NOVEMBER + timedelta(days=2))
    acme.advise(NOVEMBER + timedelta(days=2), anew=True)
    rest, _ = sorted(acme.all(Kind.CHEAPER_MODEL), key=lambda each: each.state)[::-1]
    assert (rest.state, str(rest.saving)) == (AdviceState.PROPOSED, "6.08")


def test_what_ran_that_way_before_is_no_merit(books: Books) -> None:
    """In September 5 calls ran on gpt-4o-mini already: of October's saving 7.60 is not sure."""
    acme = house(books)
    september(acme)
    days(acme, "2026-09", "gpt-4o-mini", 1, 5)
    acme.advise()
    accept(books.db, None, acme.one(Kind.CHEAPER_MODEL).advice_id, by="boss", now=NOW)
    days(acme, "2026-10", "gpt-4o-mini", 2, 21)
    acme.advise(NOVEMBER)
    (measured,) = acme.again(acme.one(Kind.CHEAPER_MODEL)).measures
    assert (str(measured.low), str(measured.high)) == ("22.80", "30.40")


def test_a_lower_tier_is_measured_as_well(books: Books) -> None:
    acme = house(books)
    for day in range(1, 26):
        when = f"2026-09-{day:02}T10:00:00"
        acme.calls(when, "reports", "gpt-4o", tier="priority", input=40_000, output=10_000)
    acme.advise()
    advice = acme.one(Kind.SERVICE_TIER)
    assert str(advice.saving) == "40.00"
    accept(books.db, None, advice.advice_id, by="boss", now=NOW)
    days(acme, "2026-10", "gpt-4o", 2, 11)
    acme.advise(NOVEMBER)
    (measured,) = acme.again(advice).measures
    assert str(measured.low) == str(measured.high) == "16.00"


def test_a_dismissed_slice_rests_for_a_quarter(books: Books) -> None:
    acme = house(books)
    september(acme)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    with pytest.raises(Invalid, match="原因"):
        dismiss(books.db, None, advice.advice_id, why=" ", by="boss", now=NOW)
    dismiss(books.db, None, advice.advice_id, why="质量要求高", by="boss", now=NOW)
    with pytest.raises(AdviceIllegal, match="不采纳"):
        accept(books.db, None, advice.advice_id, by="boss", now=NOW)
    acme.advise(anew=True)
    assert [a.state for a in acme.all(Kind.CHEAPER_MODEL)] == [AdviceState.DISMISSED]
    with books.db.read() as tx:
        customer_id = acme.party.customer.customer_id
        assert store.dismissed(tx, customer_id, NOW - SILENT)
        assert not store.dismissed(tx, customer_id, NOW)


def test_advice_that_saves_no_more_lapses(books: Books) -> None:
    acme = house(books)
    september(acme)
    acme.advise()
    days(acme, "2026-10", "gpt-4o-mini")
    done = acme.advise(NOVEMBER)
    assert done.lapsed == 1
    assert acme.one(Kind.CHEAPER_MODEL).state is AdviceState.LAPSED


def test_a_round_is_made_once_a_day_and_finds_nothing_twice(books: Books) -> None:
    acme = house(books)
    september(acme)
    acme.arrive()
    first = refresh_advice(books.db, NOW)
    assert [(each.found, each.fresh) for each in first] == [(1, True)]
    assert refresh_advice(books.db, NOW + timedelta(hours=1)) == []
    (again,) = refresh_advice(books.db, NOW + timedelta(days=1))
    assert (again.found, again.fresh, again.joint) == (0, False, first[0].joint)
    acme.advise(anew=True)
    assert len(acme.all()) == 1
    assert "advice" in [duty.name for duty in SLOW]


def test_another_customer_sees_none_of_it(books: Books) -> None:
    acme = house(books)
    september(acme)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    rival = books.customer("rival").customer.customer_id
    with pytest.raises(NotFound):
        show_one(books.db, rival, advice.advice_id)
    with pytest.raises(NotFound):
        accept(books.db, rival, advice.advice_id, by="rival", now=NOW)


def test_below_a_monthly_minimum_a_saving_is_no_money(books: Books) -> None:
    """
    Acme uses 40.00 and promised 30.00: moving to gpt-4o-mini saves 38.00 of usage, but 28.00 of
    that would come back as a true-up. What it saves is 10.00.
    """
    acme = house(books, replace(STANDARD, commitment=Commitment(30_00)))
    september(acme)
    done = acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    assert str(advice.saving) == "10.00"
    assert advice.saving_pico == 38 * 10**12
    assert str(done.joint) == "10.00"


def test_a_volume_discount_takes_its_share(books: Books) -> None:
    """From 40.00 on everything is 10 % off: 36.00 is paid, 2.00 would be, 34.00 is saved."""
    tier = TierDiscount((TierStep(40_00, 100_000),), TierMode.VOLUME)
    acme = house(books, replace(STANDARD, tier_discount=tier))
    september(acme)
    acme.advise()
    assert str(acme.one(Kind.CHEAPER_MODEL).saving) == "34.00"


def test_a_minimum_that_is_never_reached(books: Books) -> None:
    """Promised 100.00, used 40.00 in August and in September: 60.00 is paid for nothing."""
    acme = house(books, replace(STANDARD, commitment=Commitment(100_00)))
    days(acme, "2026-07", "gpt-4o")
    days(acme, "2026-08", "gpt-4o")
    september(acme)
    done = acme.advise()
    advice = acme.one(Kind.UNUSED)
    assert str(advice.saving) == "60.00"
    assert acme.all(Kind.CHEAPER_MODEL) == []
    assert str(done.joint) == "60.00"
    accept(books.db, None, advice.advice_id, by="boss", now=NOW)
    lower = replace(STANDARD, commitment=Commitment(40_00))
    books.amend(acme.party, lower, starts=datetime(2026, 9, 30, 16, tzinfo=UTC))
    days(acme, "2026-10", "gpt-4o")
    acme.advise(NOVEMBER)
    (measured,) = acme.again(advice).measures
    assert str(measured.low) == "60.00"


def test_a_minimum_of_three_years_goes_upward_only(books: Books) -> None:
    terms = replace(
        STANDARD,
        commitment=Commitment(100_00),
        type=ContractType.THREE_YEAR,
        ends_on=date(2029, 1, 1),
    )
    acme = house(books, terms)
    september(acme)
    acme.advise()
    assert acme.all(Kind.UNUSED) == []


def test_a_package_that_will_not_be_used_up(books: Books) -> None:
    """
    800.00 bought 1,000.00 until the end of November. September draws 40.00; at that pace two more
    months (61 days) draw 81.33 of the 960.00 that are left: 878.67 is lost, for which 702.94 was
    paid.
    """
    acme = house(books)
    draft = GrantDraft(
        customer_id=acme.party.customer.customer_id,
        kind=GrantKind.PACKAGE,
        name="秋季套餐",
        amount_fen=1_000_00,
        paid_fen=800_00,
        starts_on=date(2026, 9, 1),
        ends_on=date(2026, 12, 1),
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="sales", now=FOUNDED)
    approve_grant(books.db, asked.grant_id, by="boss", now=FOUNDED)
    september(acme)
    acme.arrive()
    books.close("2026-09")
    done = acme.advise()
    advice = acme.one(Kind.UNUSED)
    assert str(advice.saving) == "702.94"
    assert str(done.joint) == "38.00"  # once is not every month


def test_terms_on_offer_that_would_cost_less(books: Books) -> None:
    """
    Sales drafted 30 % off gpt-4o for a fee of 5.00: 28.00 + 5.00 instead of 40.00, so 7.00 saved.
    A draft for a fee of 15.00 saves nothing and is not told.
    """
    acme = house(books)
    september(acme)
    body = DraftBody(
        sale_book=BookId("list"),
        currency="CNY",
        zone="Asia/Shanghai",
        starts_at=NOW + timedelta(days=31),
        commercial=replace(STANDARD, management_fee_fen=5_00),
        pricing=Pricing(discounts=(FamilyDiscount("gpt-4o", 300_000),)),
    )
    for fee in (5_00, 15_00):
        offered = replace(body, commercial=replace(STANDARD, management_fee_fen=fee))
        draft_contract(books.db, acme.party.customer.customer_id, offered, by="sales", now=FOUNDED)
    acme.advise()
    assert str(acme.one(Kind.BETTER_TERMS).saving) == "7.00"


def test_batch_for_who_brings_batch_usage(books: Books) -> None:
    """One imported batch call shows that acme has that road: 20.00 of 40.00 could go by it."""
    acme = house(books)
    september(acme)
    acme.offers("gpt-4o-mini", context_window=10)
    acme.calls("2026-09-30T10:00:00", "reports", "gpt-4o", tier="batch", input=10, output=10)
    acme.advise()
    advice = acme.one(Kind.BATCH)
    assert (str(advice.saving), advice.figure.change.to_tier) == ("20.00", "batch")


def test_keys_that_nobody_uses(books: Books) -> None:
    """The key is of January and was used in September; another never was."""
    acme = house(books)
    acme.key("forgotten")
    september(acme)
    acme.advise()
    advice = acme.one(Kind.IDLE_KEYS)
    assert [key.name for key in advice.figure.change.keys] == ["forgotten"]
    assert advice.saving.fen == 0


def test_a_customer_says_what_may_be_looked_at_and_takes_it_back(books: Books) -> None:
    acme = house(books)
    customer_id = acme.party.customer.customer_id
    for _ in range(2):
        say_word(books.db, customer_id, "prefix", "main", by="boss", now=NOW)
    with pytest.raises(NotFound, match="项目不存在"):
        say_word(books.db, customer_id, "prefix", "elsewhere", by="boss", now=NOW)
    with pytest.raises(Invalid):
        say_word(books.db, customer_id, "waits", "", by="boss", now=NOW)
    with books.db.read() as tx:
        (row,) = load(tx).prefixes
    assert (row.customer_id, len(row.salt)) == (customer_id, 32)
    (word,) = words_of(books.db, customer_id)
    assert word.name == row.project_id
    take_back(books.db, customer_id, "prefix", "main", by="boss", now=NOW)
    with books.db.read() as tx:
        assert load(tx).prefixes == []
    with pytest.raises(Conflict):
        take_back(books.db, customer_id, "prefix", "main", by="boss", now=NOW)


def test_calls_nobody_measured_lower_the_confidence(books: Books) -> None:
    acme = house(books)
    september(acme)
    acme.advise()
    assert acme.one(Kind.CHEAPER_MODEL).figure.confidence == "medium"
    acme.calls("2026-09-26T10:00:00", "reports", "gpt-4o", state="unmeasured", input=1)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    assert advice.figure.confidence == "low"
    assert any("26 次计费调用中 25 次" in why for why in advice.figure.confidence_why)


def test_before_the_first_round_there_is_no_summary(books: Books) -> None:
    assert summary_of(books.db, house(books).party.customer.customer_id) is None


def test_every_way_of_an_advice_is_in_the_table() -> None:
    assert {state for state, _ in NEXT} | set(NEXT.values()) == set(AdviceState)
    closed = set(AdviceState) - {state for state, _ in NEXT}
    assert closed == {AdviceState.DISMISSED, AdviceState.LAPSED, AdviceState.ENDED}


def test_a_rotated_key_is_still_followed(books: Books) -> None:
    """The reports' key is rotated before they move: the new one's calls are its merit as well."""
    acme = house(books)
    september(acme)
    acme.advise()
    advice = acme.one(Kind.CHEAPER_MODEL)
    accept(books.db, None, advice.advice_id, by="boss", now=NOW)
    rotated = rotate_key(
        books.db, acme.keys["reports"], pepper=PEPPER, overlap=timedelta(days=1), by="t", now=NOW
    )
    acme.keys["reports"] = rotated.key.key_id
    days(acme, "2026-10", "gpt-4o-mini", 2, 11)
    acme.advise(NOVEMBER)
    (measured,) = acme.again(advice).measures
    assert str(measured.high) == "15.20"
