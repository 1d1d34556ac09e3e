"""Contracts that end or go on, and prices that rise: who hears of it, when, and how often."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rooms.contracts.shelf import lists_of
from tests.scenarios.books import CLERK, Books, Party
from yuejie.clerk import Clerk
from yuejie.contracts.contract import Terms
from yuejie.contracts.life.ending import (
    Wish,
    approve_end,
    ask_end,
    ending_soon,
    renew_contract,
    renew_due,
)
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.publish import Publication, publish_revision
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at
from yuejie.contracts.terms import STANDARD, BreakFee, CommercialTerms, ContractType, Renewal
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BookId, ContractId
from yuejie.notices.news.endings import announce_endings
from yuejie.notices.news.rises import announce_rises

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
DAY = timedelta(days=1)
YEAR = CommercialTerms(
    type=ContractType.ONE_YEAR, ends_on=date(2027, 1, 1), renewal=Renewal.ASKED, notice_days=30
)
AUTO = replace(YEAR, renewal=Renewal.AUTO)
STARTS = datetime(2025, 12, 31, 16, tzinfo=UTC)


@pytest.fixture
def house(books: Books) -> Books:
    books.prices(YUAN, currency="CNY", starts=datetime(2025, 12, 1, tzinfo=UTC))
    return books


def signed(house: Books, terms: CommercialTerms, slug: str = "acme") -> Party:
    return house.customer(slug, commercial=terms, starts=STARTS)


def contract_of(house: Books, party: Party) -> ContractId:
    with house.db.read() as tx:
        found = contract_at(tx, party.customer.customer_id, house.clock.now())
    assert found is not None
    return found.contract_id


def morning(day: str) -> datetime:
    """Nine in the morning of a day in Shanghai."""
    return datetime.fromisoformat(f"{day}T01:00:00+00:00")


@dataclass(frozen=True)
class Told:
    """A notice as it stands in the outbox."""

    kind: str
    audience: str
    facts: dict[str, str]


def notices(house: Books) -> list[Told]:
    """Return what was told so far, by kind, the first first."""
    with house.db.read() as tx:
        return tx.rows(Told, "SELECT kind, audience, facts FROM notice ORDER BY kind, at, audience")


def told(house: Books) -> list[tuple[str, str, str, str]]:
    """Return what was told so far: to whom, of which day, and how many days were left."""
    return [(n.kind, n.audience, n.facts["ends_on"], n.facts["days"]) for n in notices(house)]


def announced(house: Books, *days: str) -> list[int]:
    return [announce_endings(house.db, morning(day)) for day in days]


def test_an_ending_contract_is_told_at_90_30_and_7_days_to_both_sides(house: Books) -> None:
    """
    Acme's year ends on 2027-01-01. 90 days before is 2026-10-03: told to Acme and to us, that day,
    and not again until 30 are left, then 7. On the day itself both hear that the service stopped.
    """
    signed(house, YEAR)
    days = ("2026-10-02", "2026-10-03", "2026-10-04", "2026-12-01", "2026-12-02", "2026-12-02")
    assert announced(house, *days) == [0, 2, 0, 0, 2, 0]
    assert announced(house, "2026-12-25", "2026-12-31", "2027-01-01", "2027-01-02") == [2, 0, 2, 0]
    kinds = [(kind, audience, days) for kind, audience, _, days in told(house)]
    assert kinds == [
        ("contract_ended", "customer", "0"),
        ("contract_ended", "operator", "0"),
        *[
            ("contract_ending", audience, days)
            for days in ("90", "30", "7")
            for audience in ("customer", "operator")
        ],
    ]


def test_an_ending_contract_is_called_by_its_number(house: Books) -> None:
    acme = signed(house, YEAR)
    with house.db.read() as tx:
        number = number_of(tx, acme.customer.customer_id, contract_of(house, acme))
    assert number.startswith("HT20")
    assert announced(house, "2026-10-03") == [2]
    assert {each.facts["contract"] for each in notices(house)} == {number}


def test_a_contract_with_sixty_days_notice_is_told_then_too(house: Books) -> None:
    signed(house, replace(YEAR, notice_days=60))
    assert announced(house, "2026-10-03", "2026-11-01", "2026-11-02", "2026-12-02") == [2, 0, 2, 2]


def test_a_clerk_that_was_away_tells_late_and_only_the_newest(house: Books) -> None:
    """Away from October to the 20th of December: one word, that 12 days are left."""
    signed(house, YEAR)
    assert announced(house, "2026-12-20") == [2]
    assert {days for *_, days in told(house)} == {"12"}


def test_a_clerk_that_was_away_on_the_last_day_tells_that_it_is_over(house: Books) -> None:
    signed(house, YEAR)
    assert announced(house, "2027-01-20") == [2]
    assert {kind for kind, *_ in told(house)} == {"contract_ended"}
    assert announced(house, "2027-02-20") == [0]


def test_a_contract_that_was_renewed_is_not_said_to_end(house: Books) -> None:
    """Renewed by hand in September: nothing ends in October, and both hear that it goes on."""
    acme = signed(house, YEAR)
    house.clock.at = morning("2026-09-20")
    renew_contract(house.db, contract_of(house, acme), by="admin", now=house.clock.now())
    assert announced(house, "2026-10-03", "2026-12-02") == [2, 0]
    assert [row[:3] for row in told(house)] == [
        ("contract_renewed", "customer", "2028-01-01"),
        ("contract_renewed", "operator", "2028-01-01"),
    ]


def test_a_contract_that_was_amended_is_told_by_its_new_last_day(house: Books) -> None:
    acme = signed(house, YEAR)
    house.clock.at = morning("2026-09-20")
    longer = replace(YEAR, ends_on=date(2027, 7, 1), payment_days=15)
    house.amend(acme, longer, starts=morning("2026-09-20"))
    assert announced(house, "2026-10-03", "2026-12-25", "2027-04-02") == [0, 0, 2]


def test_a_contract_that_is_left_or_followed_is_not_told_about(house: Books) -> None:
    """Acme has asked to leave; Beta has signed the next contract already."""
    acme, beta = signed(house, YEAR), signed(house, YEAR, "beta")
    house.clock.at = morning("2026-08-20")
    wish = Wish(contract_id=contract_of(house, acme), wished_on=date(2026, 10, 20), why="业务调整")
    ask_end(house.db, wish, by="sales", now=house.clock.now())
    follow(house, beta)
    assert announced(house, "2026-10-03", "2026-12-25", "2027-01-05") == [0, 0, 0]


def follow(house: Books, party: Party) -> None:
    """Sign another contract that begins when the first has ended."""
    terms = Terms(
        customer_id=party.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 12, 31, 16, tzinfo=UTC),
        commercial=replace(YEAR, ends_on=date(2028, 1, 1)),
    )
    sign_contract(house.db, terms, by="admin", now=house.clock.now())


def test_a_contract_that_goes_on_by_itself_is_foretold_and_told(house: Books) -> None:
    """
    Thirty days' notice before 2027-01-01: until 2026-12-02 Acme may say no. It hears so 30 and 7
    days before that; once the second is over the clerk renews, and both hear of it.
    """
    signed(house, AUTO)
    clerk = Clerk()
    for day in ("2026-11-01", "2026-11-02", "2026-11-25", "2026-12-01", "2026-12-02", "2026-12-03"):
        clerk.make_round(house.db, morning(day))
    assert told(house) == [
        ("contract_renewed", "customer", "2028-01-01", "0"),
        ("contract_renewed", "operator", "2028-01-01", "0"),
        ("contract_renewing", "customer", "2027-01-01", "30"),
        ("contract_renewing", "customer", "2027-01-01", "7"),
    ]


def test_a_change_that_is_signed_ahead_silences_nobody(house: Books) -> None:
    """
    In October both agree on an order's number from 2026-12-05 on. Until then nothing was told of
    the contract's last day: the 2nd of December, on which Acme could say no, passed unheard.
    """
    acme = signed(house, AUTO)
    house.clock.at = morning("2026-10-20")
    house.amend(acme, replace(AUTO, purchase_order="PO-7"), starts=morning("2026-12-05"))
    assert announced(house, "2026-11-02", "2026-11-25", "2026-12-02") == [1, 1, 0]
    with house.db.read() as tx:
        assert [left for _, left in ending_soon(tx, now=morning("2026-12-02"), within_days=30)] == [
            30
        ]
    assert renew_due(house.db, by=CLERK, now=morning("2026-12-02")) == []
    (renewed,) = renew_due(house.db, by=CLERK, now=morning("2026-12-03"))
    assert (renewed.terms.ends_on, renewed.terms.purchase_order) == (date(2028, 1, 1), "PO-7")


def test_a_contract_that_has_not_begun_is_not_told_about(house: Books) -> None:
    """A year that is signed ahead of a first day within it has no last day to tell of yet."""
    short = replace(AUTO, ends_on=date(2026, 2, 1), notice_days=10)
    house.customer("acme", commercial=short, starts=STARTS)
    assert announced(house, "2025-12-25") == [0]
    assert renew_due(house.db, by=CLERK, now=morning("2025-12-25")) == []


def test_a_renewal_that_is_written_again_is_no_news(house: Books) -> None:
    """
    Renewed on 2026-12-03, and a week later both agree on another order's number: the change writes
    the renewal again, with the same days. Both heard a second time that the contract goes on.
    """
    acme = signed(house, AUTO)
    renew_due(house.db, by=CLERK, now=morning("2026-12-03"))
    assert announced(house, "2026-12-03") == [2]
    house.clock.at = morning("2026-12-10")
    house.amend(acme, replace(AUTO, purchase_order="PO-7"), starts=morning("2026-12-10"))
    with house.db.read() as tx:
        held = contract_at(tx, acme.customer.customer_id, morning("2027-01-05"))
    assert held is not None
    assert (held.version, held.terms.purchase_order) == (4, "PO-7")
    assert announced(house, "2026-12-10", "2026-12-20") == [0, 0]


def test_a_clerk_that_was_away_renews_late_and_without_a_gap(house: Books) -> None:
    """Back on 2027-01-10: the contract goes on from its last day, as it says, and is told so."""
    acme = signed(house, AUTO)
    (renewed,) = renew_due(house.db, by=CLERK, now=morning("2027-01-10"))
    assert (renewed.starts_at, renewed.terms.ends_on) == (
        datetime(2026, 12, 31, 16, tzinfo=UTC),
        date(2028, 1, 1),
    )
    assert renew_due(house.db, by=CLERK, now=morning("2027-01-10")) == []
    assert announced(house, "2027-01-10", "2027-01-11") == [2, 0]
    with house.db.read() as tx:
        held = contract_at(tx, acme.customer.customer_id, morning("2027-01-05"))
    assert held == renewed


def written_down(house: Books, day: str, terms: CommercialTerms = AUTO) -> ContractId:
    """Write a contract down on a day that runs since the beginning of the year."""
    house.clock.at = morning(day)
    return contract_of(house, signed(house, terms))


def test_who_hears_of_a_renewal_too_late_has_a_week_to_say_no(house: Books) -> None:
    """
    Thirty days' notice before 2027-01-01, and written down on 2026-12-10: the day for it, the 2nd,
    was over. The clerk renewed at its next round, and leaving cost the fee of another year. Both
    hear of it at once; until the 17th either may say no, on the 18th it goes on.
    """
    written_down(house, "2026-12-10")
    clerk = Clerk()
    for day in ("2026-12-10", "2026-12-11", "2026-12-17"):
        clerk.make_round(house.db, morning(day))
    assert told(house) == [
        ("contract_renewing", "customer", "2027-01-01", "7"),
        ("contract_renewing", "operator", "2027-01-01", "7"),
    ]
    assert {each.facts["say_until"] for each in notices(house)} == {"2026-12-17"}
    (renewed,) = renew_due(house.db, by=CLERK, now=morning("2026-12-18"))
    assert renewed.terms.ends_on == date(2028, 1, 1)


def test_who_says_no_within_the_week_is_let_go_for_nothing(house: Books) -> None:
    name = written_down(house, "2026-12-10")
    wish = Wish(contract_id=name, wished_on=date(2027, 1, 1), why="不再续约")
    with pytest.raises(Conflict, match="已自然到期"):
        ask_end(house.db, wish, by="sales", now=morning("2026-12-18"))
    end = ask_end(house.db, wish, by="sales", now=morning("2026-12-17"))
    assert (end.ends_on, end.fee_fen) == (date(2027, 1, 1), 0)
    assert "合同写入系统较晚，到期不续约可在 2026-12-17 及以前提出" in end.reasons[0]
    assert approve_end(house.db, end.end_id, by="admin", now=morning("2026-12-20")).version == 2
    assert renew_due(house.db, by=CLERK, now=morning("2026-12-31")) == []


@pytest.mark.parametrize("day", ["2026-12-24", "2026-12-31", "2027-01-10"])
def test_what_is_written_down_within_a_week_of_its_end_goes_on_by_a_person(
    house: Books, day: str
) -> None:
    """
    Nobody can be given a week before 2027-01-01. It ends there, both hear so, and whoever is asked
    by the customer renews it; the next time it goes on by itself, as it says.
    """
    name = written_down(house, day)
    for when in (day, "2027-01-02", "2027-01-20"):
        assert renew_due(house.db, by=CLERK, now=morning(when)) == []
        announce_endings(house.db, morning(when))
    kinds = {(kind, audience) for kind, audience, *_ in told(house)}
    assert ("contract_ended", "customer") in kinds
    assert ("contract_ended", "operator") in kinds
    assert ("contract_renewing", "customer") not in kinds
    assert (("contract_ending", "customer") in kinds) is (day < "2027")
    renew_contract(house.db, name, by="admin", now=morning("2027-01-21"))
    assert renew_due(house.db, by=CLERK, now=morning("2027-12-02")) == []
    (again,) = renew_due(house.db, by=CLERK, now=morning("2027-12-03"))
    assert again.terms.ends_on == date(2029, 1, 1)


def test_a_change_in_something_else_takes_no_time_back(house: Books) -> None:
    """Known since August that it goes on: another order's number in December changes nothing."""
    acme = signed(house, AUTO)
    house.clock.at = morning("2026-12-01")
    house.amend(acme, replace(AUTO, purchase_order="PO-7"), starts=morning("2026-12-01"))
    (renewed,) = renew_due(house.db, by=CLERK, now=morning("2026-12-03"))
    assert renewed.terms.purchase_order == "PO-7"


def test_a_notice_that_is_made_longer_late_gives_its_week(house: Books) -> None:
    """
    On 2026-11-20 notice becomes sixty days, of which the last was the 2nd: no until the 27th.
    """
    acme = signed(house, AUTO)
    house.clock.at = morning("2026-11-20")
    house.amend(acme, replace(AUTO, notice_days=60), starts=morning("2026-11-20"))
    assert renew_due(house.db, by=CLERK, now=morning("2026-11-27")) == []
    assert len(renew_due(house.db, by=CLERK, now=morning("2026-11-28"))) == 1


def test_a_clerk_that_was_away_for_two_terms_renews_both(house: Books) -> None:
    """Every month, known since August: what it wrote down late itself does not count."""
    monthly = replace(AUTO, renewal_months=1, notice_days=10)
    signed(house, monthly)
    ends = [
        renewed.terms.ends_on
        for _ in range(3)
        for renewed in renew_due(house.db, by=CLERK, now=morning("2027-02-10"))
    ]
    assert ends == [date(2027, 2, 1), date(2027, 3, 1)]


@pytest.mark.parametrize(
    ("first", "months", "ends"),
    [
        ((2027, 1, 31), 1, ["2027-03-01", "2027-03-31", "2027-05-01", "2027-05-31"]),
        ((2027, 1, 1), 1, ["2027-02-01", "2027-03-01", "2027-04-01", "2027-05-01"]),
        ((2028, 2, 29), 12, ["2029-03-01", "2030-03-01", "2031-03-01", "2032-02-29"]),
        ((2028, 2, 29), 36, ["2031-03-01", "2034-03-01", "2037-03-01", "2040-02-29"]),
        ((2027, 3, 1), 12, ["2028-03-01", "2029-03-01", "2030-03-01", "2031-03-01"]),
    ],
)
def test_a_renewal_counts_from_the_day_that_was_agreed(
    house: Books, first: tuple[int, int, int], months: int, ends: list[str]
) -> None:
    """
    Over at the beginning of the 31st of January, and each month again: the last of February is the
    last of a month that has no 31st, and March ends before its 31st again. It was the 28th for
    good: each renewal had a day less, and the service stopped a day before the month was over.
    """
    terms = replace(AUTO, ends_on=date(*first), renewal_months=months, notice_days=0)
    name = contract_of(house, signed(house, terms))
    found = [
        str(renew_contract(house.db, name, by="admin", now=house.clock.now()).terms.ends_on)
        for _ in ends
    ]
    assert found == ends


def test_an_end_that_was_agreed_anew_is_counted_from(house: Books) -> None:
    """The 31st once, but then both agreed on the 10th."""
    acme = signed(house, replace(AUTO, ends_on=date(2027, 1, 31)))
    name = contract_of(house, acme)
    house.clock.at = morning("2026-09-20")
    renew_contract(house.db, name, by="admin", now=house.clock.now(), months=1)
    agreed = replace(AUTO, ends_on=date(2027, 4, 10))
    house.amend(acme, agreed, starts=datetime(2027, 1, 31, 16, tzinfo=UTC))
    renewed = renew_contract(house.db, name, by="admin", now=house.clock.now(), months=2)
    assert renewed.terms.ends_on == date(2027, 6, 10)


@pytest.mark.parametrize(
    ("terms", "months", "says"),
    [
        (YEAR, None, "没有约定到期自动续约，一人不能续约"),
        (replace(YEAR, renewal=Renewal.NONE), None, "没有约定到期自动续约"),
        (AUTO, 24, "约定续约 12 个月，一人不能改为 24 个月"),
        (AUTO, None, "在 2026-12-02 及以前仍可提出不续约"),
    ],
)
def test_one_person_alone_binds_nobody_for_another_term(
    house: Books, terms: CommercialTerms, months: int | None, says: str
) -> None:
    """
    Both renew it, says the contract, or it ends; one member wrote three more years of the minimum
    down. And one that renews itself was renewed ahead, before its customer could say no.
    """
    name = contract_of(house, signed(house, terms))
    now = morning("2026-11-20")
    with pytest.raises(Conflict, match=says):
        renew_contract(house.db, name, by="admin", now=now, months=months, alone=True)


@pytest.mark.parametrize(
    ("written", "on"), [("2026-06-01", "2026-12-03"), ("2026-12-28", "2026-12-29")]
)
def test_one_person_lets_go_on_what_says_so_itself(house: Books, written: str, on: str) -> None:
    """When it is too late to say no, as the clerk does; or where nobody could have said so."""
    name = written_down(house, written)
    renewed = renew_contract(house.db, name, by="admin", now=morning(on), alone=True)
    assert renewed.terms.ends_on == date(2028, 1, 1)


def test_a_contract_that_another_follows_does_not_go_on_by_itself(house: Books) -> None:
    """Its renewal would take the place of the contract that was signed to follow it."""
    beta = signed(house, AUTO, "beta")
    house.clock.at = morning("2026-08-20")
    follow(house, beta)
    assert renew_due(house.db, by=CLERK, now=morning("2026-12-10")) == []
    assert announced(house, "2026-11-02", "2026-12-10") == [0, 0]


@pytest.mark.parametrize("notice_days", [0, 1])
def test_who_says_no_on_the_last_day_is_not_renewed_over(house: Books, notice_days: int) -> None:
    """
    “一天前”: until 2026-12-31 either may say no, says the notice; the clerk renews at that day's
    first round, so that nobody is turned away at midnight. At noon Acme says no: the fee of the
    whole next year was due. It leaves with the year, for nothing; in January it is too late.
    """
    bound = replace(AUTO, notice_days=notice_days, break_fee=BreakFee(0, 5_000_00))
    acme = signed(house, bound)
    name = contract_of(house, acme)
    clerk = Clerk()
    for day in ("2026-12-24", "2026-12-31"):
        clerk.make_round(house.db, morning(day))
    assert {n.facts["say_until"] for n in notices(house)} == {"2026-12-31", "—"}
    wish = Wish(contract_id=name, wished_on=date(2027, 1, 1), why="不再续约")
    noon = morning("2026-12-31") + timedelta(hours=3)
    end = ask_end(house.db, wish, by="sales", now=noon)
    assert (end.ends_on, end.fee_fen) == (date(2027, 1, 1), 0)
    assert end.reasons[-1] == "到该日合同期满，不再自动续约，没有解约费。"
    approve_end(house.db, end.end_id, by="admin", now=morning("2027-01-02"))
    clerk.make_round(house.db, morning("2027-01-03"))
    with house.db.read() as tx:
        held = contract_at(tx, acme.customer.customer_id, morning("2027-01-03"))
    assert held is not None
    assert held.ends_at == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_who_says_no_behind_the_last_day_leaves_the_next_year(house: Books) -> None:
    bound = replace(AUTO, notice_days=1, break_fee=BreakFee(0, 5_000_00))
    name = contract_of(house, signed(house, bound))
    renew_due(house.db, by=CLERK, now=morning("2026-12-31"))
    wish = Wish(contract_id=name, wished_on=date(2027, 1, 1), why="不再续约")
    end = ask_end(house.db, wish, by="sales", now=morning("2027-01-01"))
    assert (end.ends_on, end.fee_fen) == (date(2027, 1, 2), 5_000_00)


def test_who_renewed_ahead_by_its_own_word_is_bound(house: Books) -> None:
    """Both renewed it in September; in December it is too late to have said no."""
    name = contract_of(house, signed(house, replace(AUTO, break_fee=BreakFee(0, 5_000_00))))
    renew_contract(house.db, name, by="admin", now=morning("2026-09-20"))
    wish = Wish(contract_id=name, wished_on=date(2027, 1, 1), why="不再续约")
    end = ask_end(house.db, wish, by="sales", now=morning("2026-11-20"))
    assert (end.ends_on, end.fee_fen) == (date(2027, 1, 1), 5_000_00)


def test_one_person_renews_nothing_that_another_contract_follows(house: Books) -> None:
    """
    Both signed what follows; the renewal of the old one, from the same day on, was written last and
    would hold in its place, by the word of one.
    """
    beta = signed(house, AUTO, "beta")
    name = contract_of(house, beta)
    house.clock.at = morning("2026-08-20")
    follow(house, beta)
    with pytest.raises(Conflict, match=r"合同 HT\d+ 届时由合同 HT\d+ 接替，一人不能续约"):
        renew_contract(house.db, name, by="admin", now=morning("2026-12-10"), alone=True)
    with house.db.read() as tx:
        then = contract_at(tx, beta.customer.customer_id, morning("2027-01-10"))
    assert then is not None
    assert then.contract_id != name


# ── prices ──────────────────────────────────────────────────────────────────────────────────────


def publish(house: Books, rate: str, starts: str, *, now: str) -> None:
    wanted = Publication(
        book_id="list",
        lists=lists_of(f'[models."gpt-4o"]\ninput = "{rate}"\noutput = "30"', "CNY"),
        starts_at=datetime.fromisoformat(f"{starts}T00:00:00+08:00"),
        source="调价函",
        approve=True,
    )
    report = publish_revision(house.db, wanted, by="op", now=morning(now))
    assert not report.refused, report.remarks


def risen(house: Books) -> list[tuple[str, str]]:
    return sorted((n.facts["starts_on"], n.facts["rises"]) for n in notices(house))


def test_a_rise_is_told_once_from_the_day_it_reaches_each_contract(house: Books) -> None:
    """From 2026-03-01 for Acme, on the list; 60 days after the word for Beta, which agreed so."""
    signed(house, STANDARD)
    signed(house, replace(STANDARD, price_notice_days=60), "beta")
    publish(house, "12", "2026-03-01", now="2026-02-01")
    rounds = [announce_rises(house.db, morning(day)) for day in ("2026-02-01", "2026-02-02")]
    assert rounds == [2, 0]
    what = "gpt-4o input 10.00 → 12.00 CNY/Mtok"
    assert risen(house) == [("2026-03-01 00:00", what), ("2026-04-02 09:00", what)]


def test_a_fall_and_a_rise_that_was_taken_back_are_not_told(house: Books) -> None:
    signed(house, STANDARD)
    publish(house, "9", "2026-02-10", now="2026-02-01")
    publish(house, "15", "2026-03-01", now="2026-02-01")
    publish(house, "9", "2026-03-01", now="2026-02-01")
    assert announce_rises(house.db, morning("2026-02-01")) == 0


def test_a_rise_that_came_while_the_clerk_was_away_is_told_late(house: Books) -> None:
    signed(house, STANDARD)
    publish(house, "12", "2026-03-01", now="2026-02-01")
    assert announce_rises(house.db, morning("2026-03-20")) == 1
    assert announce_rises(house.db, morning("2026-03-21")) == 0


def test_who_signs_after_a_rise_is_not_told_of_it(house: Books) -> None:
    signed(house, STANDARD)
    publish(house, "12", "2026-03-01", now="2026-02-01")
    house.clock.at = morning("2026-03-02")
    house.customer("beta", starts=morning("2026-03-02"))
    assert announce_rises(house.db, morning("2026-03-03")) == 1
