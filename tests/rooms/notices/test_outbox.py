from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.rooms.notices.desk import NOW, customer, notice, tell
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.notices.notice import NEEDS, Attachment, Kind, Notice, checked
from yuejie.notices.outbox import enqueue

COUNT = "SELECT count(*) FROM notice"


def test_eight_at_once_write_one_row(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda _: tell(database, notice("bill:1:issued"))[0], range(8)))
    assert sorted(new) == [False] * 7 + [True]
    with database.read() as tx:
        assert tx.value(COUNT) == 1


def test_the_same_key_says_nothing_new_ever(database: Database) -> None:
    assert tell(database, notice("k", amount="1.00 CNY")) == [True]
    assert tell(database, notice("k", amount="2.00 CNY")) == [False]
    with database.read() as tx:
        assert tx.value("SELECT facts->>'amount' FROM notice") == "1.00 CNY"


def test_a_deed_that_fails_tells_nobody(database: Database) -> None:
    def deed() -> None:
        with database.begin() as tx:
            enqueue(tx, notice("k", attachments=(Attachment("a", "text/plain", b"x"),)), at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        deed()
    with database.read() as tx:
        assert tx.value(COUNT) == 0


def test_what_is_written_never_changes(database: Database) -> None:
    tell(database, notice("k"))
    for deed in ("UPDATE notice SET facts = '{}'", "DELETE FROM notice"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.begin() as tx:
            tx.run(deed)


def test_every_kind_says_what_it_needs() -> None:
    assert set(NEEDS) == set(Kind)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Notice("gossip", "operator", {}, "k", None), "gossip.*没有登记"),
        (Notice("overdue", "operator", {"number": "B1"}, "k", None), "缺少 amount、due_on、days"),
        (Notice("restored", "everybody", {}, "k", None), "everybody"),
        (Notice("restored", "customer", {}, "k", None), "没有写明客户"),
        (Notice("restored", "operator", {}, "", None), "1 到 200"),
        (
            Notice(
                "restored",
                "operator",
                {},
                "k",
                None,
                (Attachment("big", "text/plain", bytes(15 * 1024 * 1024 + 1)),),
            ),
            "附件超过",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(broken: Notice, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        checked(broken)


def test_a_customers_notice_names_a_customer_that_exists(database: Database) -> None:
    acme = customer(database)
    assert tell(database, notice("k", customer_id=acme)) == [True]
