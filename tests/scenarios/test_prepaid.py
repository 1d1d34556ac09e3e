"""Who pays before use is served while its money lasts, and not before it comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.recorded import recorded, steps
from tests.scenarios.bank import Bank
from tests.scenarios.books import CLERK, Books, Party
from yuejie.budgets.allowance import Mode, Slot
from yuejie.budgets.balance import NAME
from yuejie.budgets.keep import Change, change_allowance, end_allowance
from yuejie.budgets.lending.lease import lease
from yuejie.contracts.contract import Terms
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import STANDARD, CommercialTerms, PaymentMode
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.gateway.publish import load
from yuejie.gateway.refusal import Code, Refused
from yuejie.gateway.rights.admission import Admission
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import KeyRow
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId, uuid7
from yuejie.kernel.money import PICO
from yuejie.notices.store import unhanded
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.dunning.dun import grant_reprieve, watch_credit
from yuejie.payments.dunning.sign import sign_contract
from yuejie.payments.dunning.store import standing as read

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
PREPAID = replace(STANDARD, payment_mode=PaymentMode.PREPAID)
STARTUP = replace(STANDARD, payment_mode=PaymentMode.PREPAID_MONTHLY, credit_limit_fen=1_000_00)
AUGUST = datetime(2026, 7, 31, 16, tzinfo=UTC)
TO_TOP_UP = Code.PREPAYMENT_USED_UP


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    bank = Bank(books)
    bank.at("2026-08-05")
    return bank


def enrolled(bank: Bank) -> Party:
    """Enrol Acme with a project and a key, and no contract yet."""
    books, now = bank.books, bank.books.clock.now()
    particulars = Particulars(slug="acme", legal_name="acme 有限公司")
    customer: Customer = enrol_customer(books.db, particulars, by=CLERK, now=now)
    draft = ProjectDraft(name="main")
    add_project(books.db, customer.customer_id, draft, by=CLERK, now=now)
    key = KeyDraft(project="main", name="k")
    issue_key(books.db, customer, key, pepper=b"p" * 32, by=CLERK, now=now)
    return Party(books, customer)


def signs(
    party: Party,
    commercial: CommercialTerms,
    *,
    starts: datetime = AUGUST,
    tax_mode: str = "inclusive",
) -> None:
    """Sign a contract, or the next version of the one there is, as the console does."""
    books, owner = party.books, party.customer.customer_id
    with books.db.read() as tx:
        known = contracts_of(tx, owner)
    terms = Terms(
        customer_id=owner,
        sale_book=BookId("list"),
        currency="CNY",
        tax_mode=tax_mode,
        starts_at=starts,
        commercial=commercial,
    )
    name = known[-1].contract_id if known else None
    sign_contract(books.db, terms, by="admin", now=books.clock.now(), contract_id=name)


def asks(party: Party, at: datetime | None = None) -> Code | None:
    """Publish to the gateway and let the customer's key ask there: None is yes."""
    books = party.books
    with books.db.read() as tx:
        snapshot = load(tx)
    key: KeyRow = snapshot.keys[0]
    admission = Admission(View(snapshot, lambda _: "sk"))
    now_us = int((at or books.clock.now()).timestamp()) * M
    answer = admission.models(key, None, now_us)
    return answer.code if isinstance(answer, Refused) else None


def tops_up(bank: Bank, party: Party, yuan: str, on: str) -> str:
    """Let money arrive and be placed with the customer; return its batch."""
    receipt = bank.pays(on, yuan, party.customer.legal_name)
    placed = apportion_receipt(
        bank.books.db,
        receipt.receipt_id,
        Placing(customer=party.customer.slug),
        by=CLERK,
        now=bank.books.clock.now(),
    )
    return placed.batch_id


def stands(party: Party) -> tuple[str, str]:
    with party.books.db.read() as tx:
        row = read(tx, party.customer.customer_id)
    assert row is not None
    return row.state, row.reason


def kinds(bank: Bank) -> list[str]:
    with bank.books.db.begin() as tx:
        told = [note.kind for note in unhanded(tx, limit=100)]
    return sorted(kind for kind in told if kind != "payment_received")


def test_nothing_is_served_before_the_first_money_and_at_once_behind_it(bank: Bank) -> None:
    """
    Acme signs a prepaid contract on the 5th of August and calls: topped up nothing, served nothing,
    told what to do. Its first 500 yuan arrive, and the next call is served. At 500 used it stops.
    """
    acme = enrolled(bank)
    signs(acme, PREPAID)
    assert stands(acme) == ("suspended", "prepayment")
    assert asks(acme) is TO_TOP_UP
    assert kinds(bank) == ["prepayment_empty"]
    tops_up(bank, acme, "500.00", "2026-08-06")
    assert (stands(acme), asks(acme)) == (("normal", ""), None)
    assert kinds(bank) == ["prepayment_empty", "restored"]
    acme.uses("2026-08-06 10:00:00", "gpt-4o", input=49 * M)
    watch_credit(bank.books.db, bank.books.clock.now())
    assert asks(acme) is None
    acme.uses("2026-08-06 10:00:00", "gpt-4o", input=1 * M)
    watch_credit(bank.books.db, bank.books.clock.now())
    assert (stands(acme), asks(acme)) == (("suspended", "prepayment"), TO_TOP_UP)
    tops_up(bank, acme, "0.01", "2026-08-07")
    assert asks(acme) is None
    bank.books_agree(acme)


def test_the_sentence_says_to_top_up() -> None:
    refused = Refused(TO_TOP_UP)
    assert (refused.status, "充值" in refused.sentence("r")) == (402, True)
    assert "top up" in refused.sentence("r", english=True)


def test_money_that_came_before_the_signature_counts(bank: Bank) -> None:
    acme = enrolled(bank)
    tops_up(bank, acme, "500.00", "2026-08-06")
    signs(acme, PREPAID)
    assert asks(acme) is None


def test_money_that_is_taken_back_stops_the_calls(bank: Bank) -> None:
    acme = enrolled(bank)
    signs(acme, PREPAID)
    batch = tops_up(bank, acme, "500.00", "2026-08-06")
    assert asks(acme) is None
    now = bank.books.tick()
    undo_batch(bank.books.db, batch, why="认错客户", by=CLERK, now=now)
    assert asks(acme) is TO_TOP_UP


def test_a_startup_with_credit_left_goes_on_without_a_balance(bank: Bank) -> None:
    """Prepaid and monthly: the balance first, then 1,000 of credit; stopped when both are used."""
    acme = enrolled(bank)
    signs(acme, STARTUP)
    assert asks(acme) is None
    tops_up(bank, acme, "200.00", "2026-08-06")
    acme.uses("2026-08-06 10:00:00", "gpt-4o", input=119 * M)
    watch_credit(bank.books.db, bank.books.clock.now())
    assert asks(acme) is None
    acme.uses("2026-08-06 10:00:00", "gpt-4o", input=1 * M)
    watch_credit(bank.books.db, bank.books.clock.now())
    assert asks(acme) is Code.CREDIT_USED_UP


def test_a_startup_without_a_limit_is_never_stopped_by_a_zero_balance(bank: Bank) -> None:
    acme = enrolled(bank)
    signs(acme, replace(STARTUP, credit_limit_fen=None))
    watch_credit(bank.books.db, bank.books.clock.now())
    assert asks(acme) is None


def test_a_contract_that_becomes_prepaid_at_midnight_stops_at_midnight(bank: Bank) -> None:
    """
    Signed on the 5th for the 1st of September; nobody looks at Acme at midnight. The last instant
    of August is served as before, the first of September is not: the clerk need not come by.
    """
    acme = enrolled(bank)
    signs(acme, STANDARD)
    september = datetime(2026, 8, 31, 16, tzinfo=UTC)
    signs(acme, PREPAID, starts=september)
    moment = timedelta(seconds=1)
    answers = [asks(acme, at) for at in (september - moment, september, september + moment)]
    assert answers == [None, TO_TOP_UP, TO_TOP_UP]
    tops_up(bank, acme, "100.00", "2026-08-20")
    assert asks(acme, september) is None


def test_a_contract_that_becomes_monthly_is_served_at_once(bank: Bank) -> None:
    acme = enrolled(bank)
    signs(acme, PREPAID)
    assert asks(acme) is TO_TOP_UP
    signs(acme, STANDARD, starts=bank.books.clock.now())
    assert (stands(acme), asks(acme)) == (("normal", ""), None)


def test_a_contract_that_nobody_reviewed_serves_nothing_before_money(bank: Bank) -> None:
    """Signed in another way, and the clerk is away: what is not known to be covered is not."""
    acme = bank.books.customer("acme", commercial=PREPAID, starts=AUGUST)
    key = KeyDraft(project="main", name="k")
    now = bank.books.clock.now()
    issue_key(bank.books.db, acme.customer, key, pepper=b"p" * 32, by=CLERK, now=now)
    assert asks(acme) is TO_TOP_UP
    tops_up(bank, acme, "100.00", "2026-08-06")
    assert asks(acme) is None


def test_somebodys_word_puts_the_stop_off(bank: Bank) -> None:
    acme = enrolled(bank)
    signs(acme, PREPAID)
    until = bank.books.clock.now().date() + timedelta(days=3)
    grant_reprieve(
        bank.books.db, "acme", until, why="款项在途", by="finance", now=bank.books.clock.now()
    )
    assert asks(acme) is None
    bank.at("2026-08-09")
    watch_credit(bank.books.db, bank.books.clock.now())
    assert asks(acme) is TO_TOP_UP
    longer = until + timedelta(days=9)
    grant_reprieve(
        bank.books.db, "acme", longer, why="仍在途", by="finance", now=bank.books.clock.now()
    )
    late = bank.books.clock.now().date() + timedelta(days=32)
    alone = until + timedelta(days=28)
    with pytest.raises(Invalid, match=f"finance 一人延停最多 31 天，客户 acme 到 {alone} 为止"):
        grant_reprieve(
            bank.books.db, "acme", late, why="拖着", by="finance", now=bank.books.clock.now()
        )
    first, second = recorded(bank.books.db, "customer", "reprieve")
    assert (first.was, first.became) == ({"until_on": None}, {"until_on": str(until)})
    assert (second.was, second.became) == (first.became, {"until_on": str(longer)})
    told = steps(recorded(bank.books.db, "standing"))
    stop, go_on = told[-2:]
    assert (stop[1:4], go_on[3]) == (("suspend", "normal", "suspended"), "normal")


def lends(party: Party, *yuan: int) -> list[bool]:
    """Ask the balance for calls that may cost so much, as a gateway does; say which pass."""
    books = party.books
    with books.db.read() as tx:
        (row,) = load(tx).allowances
    slot, journal = Slot(row.number, 0, "CNY"), uuid7(books.clock.now())
    passed, had = [], 0
    for amount in yuan:
        needed = {slot: amount * PICO}
        told = lease(
            books.db, journal, [needed], {slot: 0}, like=needed, ahead=0, now=books.clock.now()
        )
        passed.append(told[slot].granted > had)
        had = told[slot].granted
    return passed


def test_a_prepaid_balance_is_lent_to_the_last_fen_and_not_beyond(bank: Bank) -> None:
    """500 yuan came, 120 are used: 380 may be under way, and not one fen more."""
    acme = enrolled(bank)
    signs(acme, PREPAID)
    tops_up(bank, acme, "500.00", "2026-08-06")
    acme.uses("2026-08-06 10:00:00", "gpt-4o", input=12 * M)
    assert lends(acme, 381, 300, 80, 1) == [False, True, True, False]
    tops_up(bank, acme, "1.00", "2026-08-07")
    assert lends(acme, 2, 1) == [False, True]


def test_the_balance_is_drawn_first_and_then_the_credit_within_one_call(bank: Bank) -> None:
    """A startup with 200 yuan paid and 1,000 of credit makes a call that may cost 700."""
    acme = enrolled(bank)
    signs(acme, STARTUP)
    tops_up(bank, acme, "200.00", "2026-08-06")
    assert lends(acme, 700, 501, 500) == [True, False, True]


def test_nobody_ends_or_changes_the_balance_by_hand(bank: Bank) -> None:
    """Whoever gives the customer's word may end its budgets; what is left to spend is none."""
    acme = enrolled(bank)
    signs(acme, PREPAID)
    tops_up(bank, acme, "500.00", "2026-08-06")
    db, now = bank.books.db, bank.books.clock.now()
    with pytest.raises(Conflict, match="推算"):
        end_allowance(db, acme.customer, NAME, by="acme", now=now)
    with pytest.raises(Conflict, match="推算"):
        change_allowance(db, acme.customer, NAME, Change(mode=Mode.SOFT), by="acme", now=now)
    assert lends(acme, 501, 500) == [False, True]


def test_who_is_not_watched_is_not_capped(bank: Bank) -> None:
    acme = enrolled(bank)
    signs(acme, STARTUP)
    signs(acme, replace(STARTUP, credit_limit_fen=None))
    watch_credit(bank.books.db, bank.books.clock.now())
    with bank.books.db.read() as tx:
        assert load(tx).allowances == []


def test_tax_on_top_is_part_of_what_a_balance_pays(bank: Bank) -> None:
    """106 yuan are enough for usage of 100 that 6 % come on top of."""
    acme = enrolled(bank)
    signs(acme, PREPAID, tax_mode="exclusive")
    tops_up(bank, acme, "106.00", "2026-08-06")
    assert lends(acme, 101, 100) == [False, True]
