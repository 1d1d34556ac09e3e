"""A trial is free, bounded and over by itself; what follows is billed from its own instant on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.books import Books, Party, cny
from yuejie.assurance.prove import prove_month
from yuejie.bills.closing.close import GRACE
from yuejie.budgets.keep import Change, change_allowance, end_allowance
from yuejie.budgets.store import hold
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.ending import renew_contract
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contracts_of, rates
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Conflict, Forbidden
from yuejie.kernel.ids import BookId, CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance
from yuejie.presales.trial import store
from yuejie.presales.trial.ask import (
    FROM_HERE_MOST,
    Throttled,
    ask_trial,
    claim_hash,
    decline_trial,
    set_policy,
)
from yuejie.presales.trial.convert import convert_trial
from yuejie.presales.trial.grant import claim_key, grant_trial
from yuejie.presales.trial.report import report_of
from yuejie.presales.trial.tend import book_costs, end_over
from yuejie.presales.trial.trial import ALLOWANCE, PROJECT, Asked, Stage, Trial, TrialPolicy

PEPPER = b"pepper"
PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "5"
output = "15"

[models."gpt-4o-mini"]
input = "1"
output = "2"
"""
POLICY = TrialPolicy(
    revision=0,
    sale_book=BookId("list"),
    fx_policy="none",
    models=("gpt-4o",),
    days_most=14,
    tokens_most=10_000_000,
    by_rule=False,
    made_by="",
    made_at=datetime(2026, 10, 1, tzinfo=UTC),
)
ASKED = Asked(company="海棠科技有限公司", contact="陆青", email="Lu@haitang.example", days=7)
GRANTED = datetime(2026, 10, 28, 2, 30, tzinfo=UTC)
"""10:30 on 28 October in Shanghai: seven calendar days last until 4 November, over the edge."""


@pytest.fixture
def house(books: Books) -> Books:
    books.prices(PRICES, currency="CNY")
    books.clock.at = GRANTED
    set_policy(books.db, POLICY, by="sales", now=GRANTED)
    return books


def granted(house: Books, asked: Asked = ASKED) -> tuple[Trial, Party]:
    receipt = ask_trial(house.db, asked, peer="10.0.0.1", pepper=PEPPER, now=GRANTED)
    trial = grant_trial(
        house.db, receipt.request.request_id, slug="haitang", by="sales", now=GRANTED
    )
    with house.db.read() as tx:
        return trial, Party(house, find_customer(tx, "haitang"))


def terms(party: Party, starts_at: datetime) -> Terms:
    return Terms(
        customer_id=party.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=starts_at,
    )


def booked(house: Books, account: Account, party: Party) -> Money:
    with house.db.read() as tx:
        fen = balance(tx, account, party=party.customer.customer_id, currency="CNY")
    return Money(fen, "CNY")


def test_a_trial_over_the_edge_of_a_month_bills_nothing_and_costs_sales_what_it_cost(
    house: Books,
) -> None:
    """
    Granted on 28 October for seven days. Calls on both sides of the month's edge are metered and
    shown, the bills of both months come to nothing, and the provider's cost is sales' expense.
    """
    trial, haitang = granted(house)
    assert trial.ends_at == datetime(2026, 11, 3, 16, tzinfo=UTC)
    haitang.uses("2026-10-31 23:59:59", "gpt-4o", project=PROJECT, input=1_000_000)
    haitang.uses("2026-11-01 00:00:00", "gpt-4o", project=PROJECT, output=200_000)
    haitang.uses("2026-11-03 23:59:59", "gpt-4o", project=PROJECT, input=400_000)

    house.close("2026-10")
    house.close("2026-11")
    assert haitang.bill("2026-10").gross == cny("0.00")
    assert haitang.bill("2026-11").gross == cny("0.00")
    assert haitang.lines("2026-11") == [
        "试用  gpt-4o  input  400,000 = 0.00",
        "试用  gpt-4o  output  200,000 = 0.00",
    ]
    for month in ("2026-10", "2026-11"):
        house.issue(haitang.bill(month))
        assert not any(p.differences for p in prove_month(house.db, BillingMonth.parse(month)))
    assert haitang.owes() == cny("0.00")

    report = report_of(house.db, "haitang", now=house.clock.now())
    assert report.standing.stage is Stage.ENDED
    assert [(line.month, line.meter, str(line.amount)) for line in report.lines] == [
        ("2026-10", "input", "5.00"),
        ("2026-11", "input", "2.00"),
        ("2026-11", "output", "3.00"),
    ]
    assert (report.gross, report.net, report.tax) == (cny("10.00"), cny("9.43"), cny("0.57"))
    assert report.tokens == 1_600_000

    book_costs(house.db, house.clock.now())
    book_costs(house.db, house.clock.now())
    assert booked(house, Account.SALES_EXPENSE, haitang) == cny("10.00")
    assert booked(house, Account.COST_OF_SALES, haitang) == cny("-10.00")


def test_from_the_instant_of_conversion_usage_is_billed_and_none_of_the_trial_ever(
    house: Books,
) -> None:
    """
    On 30 October the customer signs. A call that began in the last second of the trial is still
    under way: whenever it ends and however late it is known, it costs nothing; one that began at
    the instant itself is billed. Nobody was given another key.
    """
    trial, haitang = granted(house)
    haitang.uses("2026-10-29 09:00:00", "gpt-4o", project=PROJECT, input=2_000_000)
    signing = datetime(2026, 10, 30, 4, 0, tzinfo=UTC)
    signed = convert_trial(house.db, "haitang", terms(haitang, GRANTED), by="admin", now=signing)
    assert signing + timedelta(seconds=10) < signed.starts_at <= signing + timedelta(seconds=12)
    local = signed.starts_at.astimezone(haitang.zone)
    before = (local - timedelta(seconds=1)).replace(tzinfo=None).isoformat()
    haitang.uses(local.replace(tzinfo=None).isoformat(), "gpt-4o", project=PROJECT, input=3_000_000)
    haitang.uses(before, "gpt-4o", project=PROJECT, input=1_000_000)
    house.close("2026-10")

    assert sorted(haitang.lines("2026-10")) == [
        "试用  gpt-4o  input  3,000,000 = 0.00",
        "试用  gpt-4o  input  3,000,000 = 15.00",
    ]
    assert haitang.bill("2026-10").gross == cny("15.00")
    house.issue(haitang.bill("2026-10"))

    haitang.uses(before, "gpt-4o", project=PROJECT, output=1_000_000)
    house.close("2026-11")
    assert not haitang.has_bill("2026-11") or haitang.bill("2026-11").gross == cny("0.00")
    assert not any(p.differences for p in prove_month(house.db, BillingMonth.parse("2026-11")))
    report = report_of(house.db, trial.trial_id, now=house.clock.now())
    assert report.standing.stage is Stage.CONVERTED
    assert report.standing.contract_id == signed.contract_id
    assert report.gross == cny("30.00")


def test_late_cost_of_a_trial_is_booked_as_a_difference(house: Books) -> None:
    _, haitang = granted(house)
    haitang.uses("2026-11-02 10:00:00", "gpt-4o", project=PROJECT, input=1_000_000)
    over = datetime(2026, 11, 3, 16, tzinfo=UTC)
    book_costs(house.db, over + GRACE - timedelta(seconds=1))
    assert booked(house, Account.SALES_EXPENSE, haitang) == cny("0.00")
    book_costs(house.db, over + GRACE)
    assert booked(house, Account.SALES_EXPENSE, haitang) == cny("5.00")
    haitang.uses("2026-11-02 10:00:01", "gpt-4o", project=PROJECT, input=1_000_000)
    book_costs(house.db, over + GRACE + timedelta(days=1))
    assert booked(house, Account.SALES_EXPENSE, haitang) == cny("10.00")


def test_a_trial_has_a_hard_allowance_that_ends_with_it_and_that_nobody_raises(
    house: Books,
) -> None:
    trial, haitang = granted(house)
    with pytest.raises(Conflict, match="试用额度"):
        change_allowance(
            house.db, haitang.customer, ALLOWANCE, Change(cap=1 << 40), by="them", now=GRANTED
        )
    with pytest.raises(Conflict, match="试用额度"):
        end_allowance(house.db, haitang.customer, ALLOWANCE, by="them", now=GRANTED)
    end_over(house.db, trial.ends_at - timedelta(seconds=1))
    with house.db.begin() as tx:
        found = hold(tx, trial.customer_id, ALLOWANCE)
        assert found is not None
        assert (found.cap, found.mode) == (10_000_000, "hard")
    end_over(house.db, trial.ends_at)
    with house.db.begin() as tx:
        assert hold(tx, trial.customer_id, ALLOWANCE) is None


def test_a_trial_prices_its_own_models_at_nothing_and_no_others(house: Books) -> None:
    """A model beyond the trial has no rate, so the gateway refuses it as any unpriced model."""
    trial, _ = granted(house)
    with house.db.read() as tx:
        own = rates(tx, trial.book_id)
        (contract,) = versions(house, trial.customer_id)
    assert {(row.model, row.pico) for row in own} == {("gpt-4o", 0)}
    assert contract.ends_at == trial.ends_at


def test_a_trial_is_not_renewed(house: Books) -> None:
    trial, _ = granted(house)
    with pytest.raises(Conflict, match="试用，不能续约"):
        renew_contract(house.db, trial.contract_id, by="admin", now=GRANTED)


def test_the_next_version_of_its_own_contract_at_other_prices_converts_it_too(house: Books) -> None:
    """Somebody signs over the trial's contract instead of a new one: the prices decide."""
    trial, haitang = granted(house)
    starts = datetime(2026, 10, 30, tzinfo=UTC)
    sign_contract(
        house.db, terms(haitang, starts), by="admin", now=GRANTED, contract_id=trial.contract_id
    )
    haitang.uses("2026-10-30 07:59:59", "gpt-4o", project=PROJECT, input=1_000_000)
    haitang.uses("2026-10-30 08:00:00", "gpt-4o", project=PROJECT, input=1_000_000)
    report = report_of(house.db, "haitang", now=starts)
    assert report.standing.stage is Stage.CONVERTED
    assert report.gross == cny("5.00")
    house.close("2026-10")
    assert haitang.bill("2026-10").gross == cny("5.00")


def versions(house: Books, customer_id: CustomerId) -> list[Contract]:
    with house.db.read() as tx:
        return contracts_of(tx, customer_id)


def test_whoever_holds_the_claim_gets_the_key_once_and_only_after_the_yes(house: Books) -> None:
    receipt = ask_trial(house.db, ASKED, peer="10.0.0.1", pepper=PEPPER, now=GRANTED)
    name, digest = receipt.request.request_id, claim_hash(receipt.claim)
    with pytest.raises(Conflict, match="仍在审核"):
        claim_key(house.db, name, digest, pepper=PEPPER, now=GRANTED)
    grant_trial(house.db, name, by="sales", now=GRANTED)
    with pytest.raises(Forbidden, match="领取码不对"):
        claim_key(house.db, name, claim_hash("tc-guess"), pepper=PEPPER, now=GRANTED)
    _, issued = claim_key(house.db, name, digest, pepper=PEPPER, now=GRANTED)
    assert issued.secret.startswith("sk-yj-")
    with pytest.raises(Conflict, match="已领取"):
        claim_key(house.db, name, digest, pepper=PEPPER, now=GRANTED)


def test_a_declined_request_says_why_and_stays_declined(house: Books) -> None:
    receipt = ask_trial(house.db, ASKED, peer="10.0.0.1", pepper=PEPPER, now=GRANTED)
    name = receipt.request.request_id
    decline_trial(house.db, name, why="仅面向企业客户", by="sales", now=GRANTED)
    with pytest.raises(Conflict, match="仅面向企业客户"):
        claim_key(house.db, name, claim_hash(receipt.claim), pepper=PEPPER, now=GRANTED)
    with pytest.raises(Conflict, match="已处理"):
        grant_trial(house.db, name, by="sales", now=GRANTED)


def test_requests_are_throttled_by_address_by_mail_and_in_all(house: Books) -> None:
    def ask(number: int, peer: str = "10.0.0.1") -> None:
        each = replace(ASKED, email=f"a{number}@haitang.example")
        ask_trial(house.db, each, peer=peer, pepper=PEPPER, now=GRANTED)

    for number in range(FROM_HERE_MOST):
        ask(number)
    with pytest.raises(Throttled, match="今天"):
        ask(FROM_HERE_MOST)
    ask(FROM_HERE_MOST, peer="10.0.0.2")
    with pytest.raises(Conflict, match="已申请过"):
        ask(0, peer="10.0.0.3")


def test_by_rule_a_request_within_the_policy_is_granted_at_once(house: Books) -> None:
    set_policy(house.db, replace(POLICY, by_rule=True), by="sales", now=GRANTED)
    receipt = ask_trial(house.db, ASKED, peer="10.0.0.1", pepper=PEPPER, now=GRANTED)
    with house.db.read() as tx:
        trial = store.trial_of_request(tx, receipt.request.request_id)
    assert trial is not None
    assert trial.granted_by == "rule:trial"


def test_a_second_contract_cannot_follow_a_trial_twice(house: Books) -> None:
    _, haitang = granted(house)
    convert_trial(house.db, "haitang", terms(haitang, GRANTED), by="admin", now=GRANTED)
    with pytest.raises(Conflict, match="已由合同"):
        convert_trial(house.db, "haitang", terms(haitang, GRANTED), by="admin", now=GRANTED)
    assert len(versions(house, haitang.customer.customer_id)) == 2
