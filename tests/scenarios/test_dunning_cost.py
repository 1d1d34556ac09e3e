"""What the clerk's daily round reads does not grow with bills that are paid and charged."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.scenarios.bank import YUAN, Bank, due, name, owing
from tests.scenarios.books import Books
from yuejie.bills.bill import Bill
from yuejie.db.session import Database
from yuejie.db.tx import Tx
from yuejie.payments.dunning.dun import Counts, dun_customer


class Counting(Database):
    """A database that counts how often each transaction looked into the lines of bills."""

    looks = 0

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield tx
            self.looks += tx.value(
                "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0)"
                " FROM pg_stat_xact_user_tables WHERE relname = 'bill_line'"
            )


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def pays_late(bank: Bank, party: str, bills: list[Bill]) -> None:
    for bill in bills:
        bank.pays(
            (due(bill.due_on) + timedelta(days=10)).isoformat(),
            "1000.00",
            party,
            memo=str(bill.number),
        )


def test_a_round_reads_no_bill_that_is_paid_and_charged(bank: Bank, database_url: str) -> None:
    """
    Acme paid one bill ten days late, Beta four; both were charged for it. From then on a day's
    round looks as often into the lines of Beta's four bills as into Acme's one.
    """
    months = dict.fromkeys(("2026-05", "2026-06", "2026-07", "2026-08"), 1000)
    acme, beta = owing(bank, "acme", {"2026-05": 1000}), owing(bank, "beta", months)
    pays_late(bank, name(acme), [acme.bill("2026-05")])
    pays_late(bank, name(beta), [beta.bill(month) for month in months])
    day = bank.books.clock.at.date().isoformat()
    assert bank.day(day).late_fees == 5
    assert bank.day(day).late_fees == 0
    with Counting.open(database_url) as db:
        assert isinstance(db, Counting)
        looks = []
        for party in (acme, beta):
            db.looks = 0
            dun_customer(db, party.customer.customer_id, counts=Counts(), now=bank.books.clock.at)
            looks.append(db.looks)
    assert looks[0] == looks[1]
