"""Taking a statement in: each line once, nothing by halves; and what comes of it at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from time import sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import fresh_database
from tests.rooms.cli.desk import run
from tests.rooms.payments.rival import apportion
from tests.rooms.payments.test_hostile_statements import FILES
from tests.scenarios.bank import NUMBER, Bank
from tests.scenarios.books import CLERK, Books, Party
from yuejie.budgets.balance import end_balance
from yuejie.cli.money.receivables import receivables
from yuejie.contracts.terms import STANDARD
from yuejie.customers.enrol import find_customer
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt, left_of
from yuejie.payments.apportion.refund import RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.store import of_receipt, receipt_refunded, receipt_used
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.banks.keep import open_account, set_parent
from yuejie.payments.banks.store import parent_of
from yuejie.payments.dunning.standing import review_standing
from yuejie.payments.receipts.load import Imported, import_statement
from yuejie.payments.receivables.ageing import Age, totals
from yuejie.payments.receivables.show import (
    age_receivables,
    check_bank,
    statement_of_account,
)
from yuejie.payments.statements.line import StatementRefused
from yuejie.payments.statements.store import files
from yuejie.usage.store import enter_epoch

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000


@pytest.fixture
def bank(database: Database) -> Bank:
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def owing(bank: Bank, months: dict[str, int]) -> Party:
    acme = bank.books.customer("acme")
    for month, yuan in months.items():
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=yuan // 10 * M)
    for month in months:
        bank.books.close(month)
        bank.books.issue(acme.bill(month))
    return acme


def test_overlapping_files_add_each_line_once(bank: Bank) -> None:
    rows = [bank.row(f"2026-09-{day:02d}", "100.00", "甲公司") for day in range(1, 7)]
    first = bank.imports(*rows[:4], name="a.csv")
    second = bank.imports(*rows[2:], name="b.csv")
    assert (first.lines, first.repeated, second.lines, second.repeated) == (4, 0, 2, 2)
    again = bank.imports(*rows[:4], name="c.csv")
    assert (again.again, again.lines, again.receipts, again.file_id) == (True, 0, 0, first.file_id)
    assert len(bank.receipts()) == 6
    bank.books_agree()


def test_a_line_printed_twice_in_one_file_is_one_line(bank: Bank) -> None:
    row = bank.row("2026-09-01", "100.00", "甲公司")
    done = bank.imports(row, row)
    assert (done.lines, done.repeated, done.receipts) == (1, 1, 1)


def test_the_same_serial_with_other_contents_refuses_the_file(bank: Bank) -> None:
    row = bank.row("2026-09-01", "100.00", "甲公司")
    bank.imports(row)
    other = [*row[:5], "乙公司", *row[6:]]
    fresh = bank.row("2026-09-02", "5.00", "丙公司")
    with pytest.raises(
        StatementRefused, match=r"第 3 行：流水号 CMB000000000001 .*甲公司 → 乙公司"
    ):
        bank.imports(other, fresh)
    assert len(bank.receipts()) == 1, "nothing of a refused file is taken"


def test_missing_days_are_noticed_by_their_balances(bank: Bank) -> None:
    rows = [bank.row(f"2026-09-{day:02d}", "100.00", "甲公司") for day in range(1, 6)]
    assert bank.imports(*rows[:2], name="a.csv").gap == ""
    assert "中间可能缺流水" in bank.imports(*rows[3:], name="b.csv").gap


def test_another_accounts_file_and_an_unknown_account_are_refused(bank: Bank) -> None:
    now = bank.books.clock.now()
    db = bank.books.db
    body = "账号,99990000\n交易日期,贷方发生额,对方户名\n2026-09-01,1.00,x\n".encode()
    with pytest.raises(StatementRefused, match="是账号 99990000 的流水"):
        import_statement(db, NUMBER, body, "x.csv", by=CLERK, now=now)
    with pytest.raises(NotFound, match="银行账户"):
        import_statement(db, "1234", body, "x.csv", by=CLERK, now=now)
    with db.read() as tx:
        assert files(tx, "bank_0") == []
    with pytest.raises(Conflict, match="币种"):
        open_account(db, holder="x", bank="x", number=NUMBER, currency="USD", by=CLERK, now=now)


def test_eight_processes_apportion_a_receipt_once(bank: Bank, database_url: str) -> None:
    acme = owing(bank, {"2026-08": 1000})
    bank.imports(bank.row("2026-09-10", "1000.00", acme.customer.legal_name))
    (receipt,) = bank.receipts()
    with get_context("spawn").Pool(8) as pool:
        said = pool.starmap(apportion, [(database_url, receipt.receipt_id)] * 8)
    assert sorted(said) == ["conflict"] * 7 + ["done"]
    assert bank.open(acme) == {"2026-08": "0.00"}
    bank.books_agree(acme)


WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"


def test_a_bounce_and_an_import_at_once_are_both_done(bank: Bank, owner_url: str) -> None:
    """A bounce books the suspense first and the bank last, an import the other way round."""
    acme = owing(bank, {"2026-08": 1000})
    bank.imports(bank.row("2026-09-10", "1000.00", acme.customer.legal_name))
    (receipt,) = bank.receipts()
    db, now, name = bank.books.db, bank.books.tick(), acme.customer.legal_name
    apportion_receipt(db, receipt.receipt_id, Placing(customer="acme"), by="a", now=now)
    with (
        ThreadPoolExecutor(2) as both,
        Database.open(owner_url, size=2, name="watch") as watch,
    ):
        with watch.begin() as tx:
            tx.run("LOCK TABLE refund IN SHARE MODE")
            gone = both.submit(
                bounce, db, receipt.receipt_id, line=None, why="退票", by="a", now=now
            )
            wait_for(watch, 1)
            taken = both.submit(bank.imports, bank.row("2026-09-11", "10.00", name))
            wait_for(watch, 2)
        assert gone.result(30).state is RefundState.PAID
        assert taken.result(30).receipts == 1
    bank.books_agree(acme)


def test_a_familys_payment_and_its_usage_at_once_are_both_done(bank: Bank, owner_url: str) -> None:
    """
    A parent pays for its subsidiary while calls of both come in: their balances are held in the
    order in which usage moves them, whoever of the two is looked at first.
    """
    limited = replace(STANDARD, credit_limit_fen=10_000_00)
    known = [bank.books.customer(slug, commercial=limited) for slug in ("child", "group")]
    child, parent = sorted(known, key=lambda each: each.customer.customer_id, reverse=True)
    for each in (child, parent):  # the parent's balance is of the higher number
        each.uses("2026-08-05 10:00:00", "gpt-4o", input=100 * M)
        with bank.books.db.begin() as tx:
            review_standing(tx, each.customer.customer_id, by="a", now=bank.books.clock.now())
    bank.books.close("2026-08")
    bank.books.issue(child.bill("2026-08"))
    db, now = bank.books.db, bank.books.tick()
    set_parent(db, child.customer.slug, parent.customer.slug, by="a", now=now)
    bank.imports(bank.row("2026-09-10", "1000.00", parent.customer.legal_name))
    (receipt,) = bank.receipts()
    moment = datetime(2026, 9, 5, 2, tzinfo=UTC)
    calls = [
        bank.books.ended(each, moment, "gpt-4o", "main", "measured", {"input": M})
        for each in (child, parent)
    ]
    placing = Placing(customer=parent.customer.slug)
    with (
        ThreadPoolExecutor(2) as both,
        Database.open(owner_url, size=2, name="watch") as watch,
    ):
        with watch.begin() as tx:
            tx.run("SELECT FROM allowance_window ORDER BY number LIMIT 1 FOR UPDATE")
            used = both.submit(bank.books.ingest, calls)
            wait_for(watch, 1)
            paid = both.submit(apportion_receipt, db, receipt.receipt_id, placing, by="a", now=now)
            wait_for(watch, 2)
        used.result(30)
        assert [share.fen for share in paid.result(30).shares] == [1000_00]
    bank.books_agree(child, parent)


def test_two_who_open_a_balance_at_once_open_one(bank: Bank, owner_url: str) -> None:
    """The clerk's watch and a payment meet behind a limit that was granted just now."""
    acme = bank.books.customer("acme", commercial=replace(STANDARD, credit_limit_fen=100_00))
    who, now = acme.customer.customer_id, bank.books.tick()

    def review() -> str:
        with bank.books.db.begin() as tx:
            return str(review_standing(tx, who, by="a", now=now).state)

    with bank.books.db.begin() as tx:
        end_balance(tx, who, now=now)
    with (
        ThreadPoolExecutor(2) as both,
        Database.open(owner_url, size=2, name="watch") as watch,
    ):
        with watch.begin() as tx:
            enter_epoch(tx)
            reviews = [both.submit(review) for _ in range(2)]
            wait_for(watch, 2)
        assert [each.result(30) for each in reviews] == ["normal", "normal"]


def wait_for(watch: Database, many: int) -> None:
    """Go on when so many wait for others, the bounce in the middle of its deed."""
    for _ in range(500):
        with watch.read() as tx:
            if int(tx.value(WAITING)) >= many:
                return
        sleep(0.01)
    raise AssertionError(f"nobody waits, let alone {many}")


def test_the_statement_of_account_is_the_ledgers(bank: Bank) -> None:
    acme = owing(bank, {"2026-07": 500, "2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    bank.pays("2026-09-10", "600.00", acme.customer.legal_name, memo=number)
    found = statement_of_account(bank.books.db, "acme", date(2026, 9, 1), date(2026, 10, 1))
    assert (found.opening_fen, found.closing_fen) == (500_00, 900_00)
    assert [(row.what, row.fen) for row in found.rows] == [("账单出账", 1000_00), ("收款", -600_00)]
    assert sum(row.open_fen for row in found.open) == found.closing_fen
    (debtor,) = age_receivables(bank.books.db, date(2026, 12, 1))
    assert debtor.customer.slug == "acme"
    assert (debtor.aged.total_fen, debtor.aged.overdue_fen) == (900_00, 900_00)
    checked = check_bank(bank.books.db, NUMBER, on=date(2026, 9, 30))
    assert (checked.booked_fen, checked.moved_fen, checked.suspense_fen) == (600_00, 600_00, 0)
    assert checked.bank_fen == bank.balance_fen


def test_ageing_names_who_owes_the_most_first(bank: Bank, database_url: str) -> None:
    owing(bank, {"2026-07": 500})
    other = bank.books.customer("zeta")
    other.uses("2026-08-05 10:00:00", "gpt-4o", input=90 * M)
    bank.books.close("2026-08")
    bank.books.issue(other.bill("2026-08"))
    found = age_receivables(bank.books.db, date(2026, 9, 20))
    assert [(each.customer.slug, each.aged.total_fen) for each in found] == [
        ("zeta", 900_00),
        ("acme", 500_00),
    ]
    (whole,) = totals(each.aged for each in found)
    assert {age: fen for age, fen in whole.fen.items() if fen} == {
        Age.UP_TO_30: 900_00,
        Age.UP_TO_60: 500_00,
    }
    shown = run(receivables, database_url, bank.books.clock.now(), "ageing", "--on", "2026-09-20")
    assert shown.index("zeta") < shown.index("acme") < shown.index("1,400.00")


def test_parents_are_one_step_away(bank: Bank) -> None:
    now = bank.books.clock.now()
    for slug in ("a", "b", "c"):
        bank.books.customer(slug)
    set_parent(bank.books.db, "b", "a", by=CLERK, now=now)
    for child, parent in (("c", "b"), ("a", "c"), ("a", "a")):
        with pytest.raises(DomainError, match="上级"):
            set_parent(bank.books.db, child, parent, by=CLERK, now=now)
    set_parent(bank.books.db, "b", None, by=CLERK, now=bank.at("2026-09-01"))
    set_parent(bank.books.db, "c", "b", by=CLERK, now=bank.at("2026-09-02"))


def test_who_pays_is_what_was_said_last_whatever_the_clocks_say(bank: Bank) -> None:
    """Said at the same instant it was an error of ours, and by a slower clock it did nothing."""
    for slug in ("a", "b"):
        bank.books.customer(slug)
    now = bank.books.clock.now()
    with bank.books.db.read() as tx:
        child, parent = (find_customer(tx, slug).customer_id for slug in ("b", "a"))
    for who, at in (("a", now), (None, now), ("a", now - timedelta(seconds=1))):
        set_parent(bank.books.db, "b", who, by=CLERK, now=at)
        with bank.books.db.read() as tx:
            assert parent_of(tx, child) == (parent if who else None)


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres) -> Iterator[tuple[Bank, Party]]:
    """One house for every example: what is conserved is conserved whatever went before."""
    with (
        fresh_database(postgres, "yuejie") as urls,
        Database.open(urls.app, size=4, name="test") as db,
    ):
        books = Books(db)
        books.prices(YUAN, currency="CNY")
        bank = Bank(books)
        yield bank, owing(bank, {"2026-06": 3000, "2026-07": 1500, "2026-08": 2000})


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["place", "undo", "draw", "aside", "refund", "pay"]), st.integers(1, 300_00)
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fen=st.integers(1, 900_00), deeds=DEEDS)
def test_no_fen_is_lost_whatever_happens(
    shop: tuple[Bank, Party], fen: int, deeds: list[tuple[str, int]]
) -> None:
    """
    A receipt comes in; deeds in any order follow, sensible or not. What is refused changes
    nothing; receipts = apportioned + refunded + unplaced, and the ledger says the same of all.
    """
    bank, acme = shop
    bank.imports(bank.row("2026-10-01", f"{fen // 100}.{fen % 100:02d}", acme.customer.legal_name))
    receipt = bank.receipts()[-1]
    for deed, size in deeds:
        with suppress(Conflict, Invalid):
            _do(bank, receipt.receipt_id, deed, size)
    with bank.books.db.read() as tx:
        for each in bank.receipts():
            used = receipt_used(tx, each.receipt_id)
            back = receipt_refunded(tx, each.receipt_id, straight=True)
            assert used + back + left_of(tx, each) == each.amount_fen
            assert min(used, back, left_of(tx, each)) >= 0
    assert all(not text.startswith("-") for text in bank.open(acme).values())
    bank.books_agree(acme)


def _do(bank: Bank, receipt_id: str, deed: str, size: int) -> None:
    db, now = bank.books.db, bank.at("2026-10-02")
    if deed == "place":
        rest = Use.PREPAYMENT if size % 2 else None
        placing = Placing(customer="acme", deposit_fen=size if size % 3 == 0 else 0, rest=rest)
        apportion_receipt(db, receipt_id, placing, by="a", now=now)
    elif deed == "undo":
        with db.read() as tx:
            rows = of_receipt(tx, receipt_id)
        if rows:
            undo_batch(db, rows[size % len(rows)].batch_id, why="x", by="a", now=now)
    elif deed == "draw":
        draw_down(db, "acme", Use.PREPAYMENT, bills=None, by="a", now=now)
    elif deed == "aside":
        set_aside(db, "acme", size, why="合同约定", by="a", now=now)
    elif deed == "refund":
        source = (Source.RECEIPT, Source.PREPAYMENT, Source.DEPOSIT)[size % 3]
        wanted = Wanted(
            receipt_id=receipt_id, source=source, customer="acme", amount_fen=size, why="x"
        )
        request_refund(db, wanted, by="a", now=now)
    else:
        source = Source.RECEIPT
        wanted = Wanted(receipt_id=receipt_id, source=source, amount_fen=size, why="x")
        refund = request_refund(db, wanted, by="a", now=now)
        decide_refund(db, refund.refund_id, approve=True, by="b", now=now)
        refund_paid(db, refund.refund_id, line=None, paid_on=now.date(), by="b", now=now)


PLAIN = "交易日期,贷方发生额,借方发生额,余额,对方户名,对方账号"


def take(bank: Bank, text: str, name: str) -> Imported:
    return import_statement(
        bank.books.db, NUMBER, text.encode(), name, by=CLERK, now=bank.books.clock.now()
    )


def test_a_line_under_another_name_is_not_taken_twice(bank: Bank) -> None:
    """
    A day is exported without serial numbers, then with them, then as camt.053 with the bank's own:
    the same hundred each time. What cannot be told from a line that is there refuses the file.
    """
    take(bank, f"{PLAIN}\n2026-09-10,100.00,,1100.00,甲,6222\n", "a.csv")
    with_serial = f"{PLAIN},流水号\n2026-09-10,100.00,,1100.00,甲,6222,S0001\n"
    with pytest.raises(StatementRefused, match=r"第 2 行：与 a.csv 第 2 行.*疑为同一笔"):
        take(bank, with_serial, "b.csv")
    with_time = f"{PLAIN},交易时间\n2026-09-10,100.00,,1100.00,甲,6222,10:00:01\n"
    with pytest.raises(StatementRefused, match="疑为同一笔"):
        take(bank, with_time, "c.csv")
    camt = (FILES / "ccb.camt.xml").read_text()
    camt = camt.replace(">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", ">100.00</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd><Sts>").replace("Acme 有限公司", "甲")  # fmt: skip
    camt = camt.replace("6222000011112222", "6222").replace("1949.50", "1049.50")
    with pytest.raises(StatementRefused, match="疑为同一笔"):
        take(bank, camt, "d.xml")
    assert len(bank.receipts()) == 1


def test_another_payment_of_the_same_amount_is_taken(bank: Bank) -> None:
    """Two serial numbers, two times, two payers: what the bank tells apart is told apart."""
    head = f"{PLAIN},流水号\n"
    take(bank, f"{head}2026-09-10,100.00,,1100.00,甲,6222,S0001\n", "a.csv")
    take(bank, f"{head}2026-09-10,100.00,,1200.00,甲,6222,S0002\n", "b.csv")
    take(bank, f"{PLAIN}\n2026-09-10,100.00,,1300.00,甲,6222\n", "c.csv")
    take(bank, f"{PLAIN}\n2026-09-10,100.00,,1300.00,乙,6333\n", "d.csv")
    assert len(bank.receipts()) == 4


def test_files_that_overlap_or_share_a_day_leave_no_gap(bank: Bank) -> None:
    """Days were said to be missing wherever the new file began before the last one ended."""
    rows = [bank.row(f"2026-09-{day:02d}", "100.00", "甲公司") for day in (1, 2, 3, 3, 3, 4, 6)]
    assert [
        bank.imports(*part, name=f"{n}.csv").gap
        for n, part in enumerate((rows[:3], rows[1:4], rows[4:5], rows[5:6]))
    ] == [""] * 4
    bank.row("2026-09-05", "7.00", "甲公司")
    late = bank.row("2026-09-07", "100.00", "甲公司")
    assert "中间可能缺流水" in bank.imports(late, name="late.csv").gap
