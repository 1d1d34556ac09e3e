from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

import psycopg
import pytest

from tests.rooms.ledger.deeds import LATER, NOW, issued, received, written
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.ledger import store
from yuejie.ledger.check import Check, check_ledger
from yuejie.ledger.post import post, post_all, reverse
from yuejie.ledger.posting import Account
from yuejie.ledger.rebuild import rebuild_balances


def balance(db: Database, account: Account, party: str, currency: str = "CNY") -> int:
    with db.read() as tx:
        return store.balance(tx, account, party=party, currency=currency)


def holds(db: Database) -> bool:
    return all(each.holds for each in check_ledger(db)) and rebuild_balances(db).whole


def test_a_bill_and_its_receipt_leave_nothing_to_receive(database: Database) -> None:
    assert written(database, issued("b1", 106_00))
    assert balance(database, Account.RECEIVABLE, "cus_a") == 106_00
    assert written(database, received("r1", 106_00))
    assert balance(database, Account.RECEIVABLE, "cus_a") == 0
    assert balance(database, Account.BANK, "bank_1") == 106_00
    with database.read() as tx:
        assert store.balances_of(tx, "cus_a") == {
            (Account.RECEIVABLE, "CNY"): 0,
            (Account.REVENUE, "CNY"): -100_00,
            (Account.TAX_PAYABLE, "CNY"): -6_00,
        }
    assert holds(database)


def test_the_same_key_with_the_same_body_is_written_once(database: Database) -> None:
    assert written(database, issued("b1", 106_00))
    assert not written(database, issued("b1", 106_00, at=LATER))
    assert balance(database, Account.RECEIVABLE, "cus_a") == 106_00


def test_the_same_key_with_another_body_is_refused_and_leaves_nothing(database: Database) -> None:
    written(database, issued("b1", 106_00))
    with pytest.raises(Conflict, match="bill:b1:issue 已记过一笔内容不同的分录"):
        written(database, issued("b1", 107_00))
    assert balance(database, Account.RECEIVABLE, "cus_a") == 106_00
    assert holds(database)


def test_a_bill_of_nothing_has_an_entry_without_postings(database: Database) -> None:
    assert written(database, issued("b0", 0))
    assert not written(database, issued("b0", 0))
    with database.read() as tx:
        found = store.entry_of(tx, "bill:b0:issue")
    assert found == issued("b0", 0)
    assert holds(database)


def test_an_entry_is_reversed_once_by_its_mirror(database: Database) -> None:
    written(database, issued("b1", 106_00))
    for expected in (True, False):
        with database.begin() as tx:
            done = reverse(tx, "bill:b1:issue", at=LATER, by="op", why="开错客户")
        assert done is expected
    assert balance(database, Account.RECEIVABLE, "cus_a") == 0
    with database.begin() as tx, pytest.raises(Conflict, match="本身是冲销分录"):
        reverse(tx, "reverse:bill:b1:issue", at=LATER, by="op", why="又要")
    with database.begin() as tx, pytest.raises(Invalid, match="必须写明原因"):
        reverse(tx, "bill:b1:issue", at=LATER, by="op", why=" ")
    with database.begin() as tx, pytest.raises(NotFound, match="没有编号为 nothing 的分录"):
        reverse(tx, "nothing", at=LATER, by="op", why="x")
    assert holds(database)


def test_a_deed_that_raises_leaves_no_entry_and_no_balance(database: Database) -> None:
    def deed() -> None:
        with database.begin() as tx:
            post(tx, issued("b1", 106_00))
            reverse(tx, "nothing", at=NOW, by="op", why="fails")

    with pytest.raises(NotFound):
        deed()
    assert balance(database, Account.RECEIVABLE, "cus_a") == 0
    assert written(database, issued("b1", 106_00))


def _post_in_a_process(url: str) -> int:
    entries = [issued("one", 106_00), issued("two", 106_00)]
    with Database.open(url, size=1, name="test") as db:
        return sum(written(db, entry) for entry in entries)


def test_eight_processes_post_the_same_key_and_it_is_written_once(
    database: Database, database_url: str
) -> None:
    with get_context("spawn").Pool(8) as pool:
        assert sum(pool.map(_post_in_a_process, [database_url] * 8, chunksize=1)) == 2
    assert balance(database, Account.RECEIVABLE, "cus_a") == 212_00
    assert holds(database)


def test_deeds_that_touch_the_same_balances_in_any_order_do_not_deadlock(
    database: Database,
) -> None:
    def deed(number: int) -> int:
        one = issued(f"a{number}", 106, "cus_a")
        other = issued(f"b{number}", 106, "cus_b")
        pair = (one, other) if number % 2 else (other, one)
        with database.begin() as tx:
            return post_all(tx, pair)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(deed, range(60))) == [2] * 60
    assert balance(database, Account.RECEIVABLE, "cus_a") == 60 * 106
    assert holds(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET memo = 'x'",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_posting SET fen = fen + 1",
        "TRUNCATE ledger_posting",
    ],
)
def test_the_application_cannot_change_what_is_written(
    database: Database, database_url: str, statement: str
) -> None:
    written(database, issued("b1", 106_00))
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_the_owner_cannot_change_it_either(database: Database, owner_url: str) -> None:
    written(database, issued("b1", 106_00))
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for statement in ("UPDATE ledger_posting SET fen = 1", "DELETE FROM ledger_entry"):
            with pytest.raises(psycopg.errors.RaiseException, match="never changes"):
                connection.execute(statement.encode())


def test_a_posting_cannot_join_a_written_entry(database: Database, database_url: str) -> None:
    written(database, issued("b1", 106_00))
    late = "INSERT INTO ledger_posting SELECT entry_id, 9, 'bank', '', 'CNY', 5 FROM ledger_entry"
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="never changes"),
    ):
        connection.execute(late.encode())


def test_the_database_refuses_an_entry_that_does_not_balance(database_url: str) -> None:
    crooked = """
        WITH e AS (
            INSERT INTO ledger_entry (key, kind, at, by, body_hash)
            VALUES ('crooked', 'x', now(), 'x', '') RETURNING entry_id
        )
        SELECT entry_id FROM e
    """
    with psycopg.connect(database_url) as connection:
        found = connection.execute(crooked.encode()).fetchone()
        assert found is not None
        connection.execute(
            b"INSERT INTO ledger_posting VALUES (%s, 1, 'bank', '', 'CNY', 5)", found
        )
        with pytest.raises(psycopg.errors.RaiseException, match="does not balance"):
            connection.commit()


def test_a_balance_that_was_tampered_with_is_found_and_rebuilt(
    database: Database, database_url: str
) -> None:
    written(database, issued("b1", 106_00))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(b"UPDATE ledger_balance SET fen = fen + 1 WHERE account = 'revenue'")
        connection.execute(b"DELETE FROM ledger_balance WHERE account = 'tax_payable'")
        connection.execute(b"INSERT INTO ledger_balance VALUES ('bank', 'ghost', 'CNY', 5)")
    found = rebuild_balances(database)
    assert (found.same, found.different, found.whole) == (1, 3, False)
    findings = [each for each in check_ledger(database) if not each.holds]
    assert [len(each.findings) for each in findings] == [3]
    assert "yuejie ledger rebuild" in findings[0].findings[0]
    assert rebuild_balances(database, check=False).whole
    assert rebuild_balances(database) == rebuild_balances(database, check=False).__class__(
        same=3, different=0, examples=(), replaced=False
    )
    assert holds(database)


def test_tampering_with_a_posting_is_found_by_the_hash(database: Database, owner_url: str) -> None:
    written(database, issued("b1", 106_00))
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(b"ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        connection.execute(b"UPDATE ledger_posting SET fen = fen * 2")
    findings = {each.promise: each.findings for each in check_ledger(database)}
    assert findings["每笔分录在每个币种内借贷相等"] == ()
    assert len(findings["余额等于分录之和"]) == 3
    assert len(findings["分录与入账时一致"]) == 1
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(b"UPDATE ledger_posting SET fen = fen + 1 WHERE position = 1")
    findings = {each.promise: each.findings for each in check_ledger(database)}
    assert findings["每笔分录在每个币种内借贷相等"] == ("分录 bill:b1:issue 借贷不平，差 0.01 CNY",)


def test_a_room_adds_its_own_check(database: Database) -> None:
    mine = Check("账单都已入账", lambda tx: [f"缺 {tx.value('SELECT 1')} 张"])
    assert check_ledger(database, [mine])[-1].findings == ("缺 1 张",)


def test_a_statement_runs_from_opening_to_closing(database: Database) -> None:
    written(database, issued("b1", 106_00, at=datetime(2026, 9, 1, tzinfo=UTC)))
    written(database, issued("b2", 212_00))
    written(database, received("r1", 106_00))
    written(database, issued("other", 999_00, "cus_b"))
    with database.read() as tx:
        shown = store.statement(
            tx, "cus_a", Account.RECEIVABLE, NOW, datetime(2026, 12, 1, tzinfo=UTC)
        )
    assert shown.opening == {"CNY": 106_00}
    assert [(m.key, m.fen, m.balance_fen) for m in shown.movements] == [
        ("bill:b2:issue", 212_00, 318_00),
        ("receipt:r1", -106_00, 212_00),
    ]
    assert shown.closing == {"CNY": 212_00}


def test_the_trial_balance_balances(database: Database) -> None:
    written(database, issued("b1", 106_00, at=datetime(2026, 9, 1, tzinfo=UTC)))
    written(database, issued("b2", 212_00))
    written(database, received("r1", 106_00))
    with database.read() as tx:
        lines = store.trial_balance(tx, NOW, datetime(2026, 12, 1, tzinfo=UTC))
    by_name = {
        line.account: (line.opening_fen, line.debit_fen, line.credit_fen, line.closing_fen)
        for line in lines
    }
    assert by_name == {
        "receivable": (106_00, 212_00, 106_00, 212_00),
        "revenue": (-100_00, 0, 200_00, -300_00),
        "tax_payable": (-6_00, 0, 12_00, -18_00),
        "bank": (0, 106_00, 0, 106_00),
    }
    assert sum(line.closing_fen for line in lines) == 0
    assert sum(line.debit_fen - line.credit_fen for line in lines) == 0


def test_entries_are_listed_in_pages(database: Database) -> None:
    for number in range(3):
        written(database, issued(f"b{number}", 106))
    span = (NOW, datetime(2026, 12, 1, tzinfo=UTC))
    with database.read() as tx:
        first = store.entries_between(tx, *span, limit=2)
        rest = store.entries_between(tx, *span, after=first[-1].entry_id, limit=2)
    assert [each.entry.key for each in first + rest] == [f"bill:b{n}:issue" for n in range(3)]
