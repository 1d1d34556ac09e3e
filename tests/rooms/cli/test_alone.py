"""What a member may not do alone, at the keyboard; whoever runs the machine still may (0047)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rooms.cli.desk import run
from tests.scenarios.books import Books, Party
from tests.scenarios.test_trials import ASKED, GRANTED, PEPPER, POLICY
from yuejie.cli.agreed.contracts import contracts
from yuejie.cli.agreed.grants import grants
from yuejie.cli.books.providers import providers
from yuejie.cli.customers import members
from yuejie.cli.money.receipts import receipts
from yuejie.cli.money.receivables import receivables
from yuejie.cli.presales.trial import trial
from yuejie.contracts.grants.store import open_grants
from yuejie.contracts.store import contracts_of
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.payments.apportion.store import of_bill
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.presales.trial.ask import ask_trial, set_policy
from yuejie.presales.trial.grant import grant_trial

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
LIST = ("--book", "list", "--starts")


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    return books


@pytest.fixture
def admin(database: Database, database_url: str) -> str:
    """The token of an administrator."""
    return run(members, database_url, NOW, "enrol", "王管理", "admin").strip()


def nova(books: Books) -> Party:
    """Enrol a customer that has no contract."""
    particulars = Particulars(slug="nova", legal_name="新星科技有限公司")
    customer: Customer = enrol_customer(books.db, particulars, by="op", now=NOW)
    return Party(books, customer)


def versions(books: Books, party: Party) -> list[int]:
    with books.db.read() as tx:
        return [each.version for each in contracts_of(tx, party.customer.customer_id)]


def test_a_member_writes_no_version_of_a_contract_that_is_there(
    books: Books, database_url: str, admin: str
) -> None:
    """One person could put list prices in the place of what was agreed, and backdated."""
    acme = books.customer("acme")
    words = ("sign", "--customer", "acme", *LIST, "2026-12-01T00:00:00")
    with pytest.raises(Conflict, match=r"已有合同 con_.*请起草合同草案.*由另一人签署"):
        run(contracts, database_url, NOW, *words, token=admin)
    assert versions(books, acme) == [1]
    run(contracts, database_url, NOW, *words)
    assert versions(books, acme) == [1, 2], "whoever runs the machine is no member"


def test_a_member_writes_a_first_contract_and_the_same_again_changes_nothing(
    books: Books, database_url: str, admin: str
) -> None:
    party = nova(books)
    words = ("sign", "--customer", "nova", *LIST, "2026-11-01T00:00:00")
    first = run(contracts, database_url, NOW, *words, token=admin)
    assert run(contracts, database_url, NOW, *words, token=admin) == first
    assert versions(books, party) == [1]


def test_usage_from_before_a_contract_is_put_on_bills_by_no_person_alone(
    books: Books, database_url: str, admin: str
) -> None:
    """Nova's usage was imported before it had a contract: its start is two people's word."""
    party = nova(books)
    had = "INSERT INTO usage_month VALUES (%(customer_id)s, '2026-11', 1)"
    with books.db.begin() as tx:
        tx.run(had, customer_id=party.customer.customer_id)
    words = ("sign", "--customer", "nova", *LIST)
    with pytest.raises(Conflict, match=r"签合同之前已有用量.*由另一人签署"):
        run(contracts, database_url, NOW, *words, "2026-11-01T00:00:00", token=admin)
    run(contracts, database_url, NOW, *words, "2026-12-01T00:00:00", token=admin)
    assert versions(books, party) == [1]


def test_a_trial_is_followed_by_a_draft_where_a_member_converts_it(
    books: Books, database_url: str, admin: str
) -> None:
    set_policy(books.db, POLICY, by="sales", now=GRANTED)
    asked = ask_trial(books.db, ASKED, peer="10.0.0.1", pepper=PEPPER, now=GRANTED)
    grant_trial(books.db, asked.request.request_id, slug="haitang", by="sales", now=GRANTED)
    words = ("convert", "haitang", "--book", "list")
    with pytest.raises(Conflict, match=r"一人不能另立合同接续；请起草合同草案.*--draft 转正式"):
        run(trial, database_url, GRANTED, *words, token=admin)
    assert "接续试用" in run(trial, database_url, GRANTED, *words)


def test_a_stop_is_put_off_by_a_month_and_no_longer(books: Books, database_url: str) -> None:
    books.customer("acme")
    last = NOW.date() + timedelta(days=31)
    words = ("reprieve", "acme", "--why", "款项在途", "--until")
    with pytest.raises(Invalid, match=r"最多 31 天.*yuejie limits ask"):
        run(receivables, database_url, NOW, *words, str(last + timedelta(days=1)))
    assert f"延停至 {last}" in run(receivables, database_url, NOW, *words, str(last))


def test_a_waiver_is_undone_by_another_than_who_asked(books: Books, database_url: str) -> None:
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10_000_000)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    kind = WaiverKind.WRITE_OFF
    asked = request_waiver(books.db, str(bill.number), kind, why="破产", by="王", now=NOW)
    decide_waiver(books.db, asked.waiver_id, approve=True, by="李", now=NOW)
    with books.db.read() as tx:
        (row,) = of_bill(tx, acme.customer.customer_id, bill.bill_id)
    words = ("undo", row.batch_id, "--why", "客户愿付")
    with pytest.raises(Forbidden, match="减免由 王 提出，须由另一人撤销"):
        run(receipts, database_url, NOW, *words, by="王")
    assert "已撤销认款" in run(receipts, database_url, NOW, *words, by="张")


def test_a_voucher_and_a_top_up_say_what_they_are_for(books: Books, database_url: str) -> None:
    books.customer("acme")
    days = ("--from", "2026-12-01", "--until", "2027-01-01")
    words = ("ask", "acme", "voucher", "新客券", "100.00", *days)
    assert "--why" in run(grants, database_url, NOW, *words, code=2)
    with pytest.raises(Invalid, match="须写明原因"):
        run(grants, database_url, NOW, *words, "--why", " ")
    run(grants, database_url, NOW, *words, "--why", "开业促销")
    with books.db.read() as tx:
        (waits,) = open_grants(tx)
    assert (waits.why, waits.starts_on) == ("开业促销", date(2026, 12, 1))

    pay = ("pay", "sim", "100.00", "--currency", "CNY")
    with pytest.raises(Invalid, match="充值和退回没有账单为据，须写明原因"):
        run(providers, database_url, NOW, *pay)
