"""A stop that is put off again and again: one person's word reaches one month, from its first."""

from datetime import date, timedelta

import pytest

from tests.recorded import recorded
from tests.scenarios.bank import YUAN, Bank, owing
from tests.scenarios.books import Books
from yuejie.kernel.errors import Invalid
from yuejie.payments.apportion.draw import set_aside
from yuejie.payments.dunning.dun import grant_reprieve


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def puts_off(bank: Bank, on: str, until: str, by: str) -> None:
    now = bank.at(on)
    grant_reprieve(bank.books.db, "acme", date.fromisoformat(until), why="款项在途", by=by, now=now)


def test_month_after_month_takes_another_person_each_time(bank: Bank) -> None:
    """
    Ann gives a week, then the rest of her 31 days; when they are over she gave 31 more, and so on
    for ever. Now Bob must, in his own name; and behind him somebody third, or a temporary limit.
    """
    owing(bank, "acme", {"2026-08": 1000})
    puts_off(bank, "2026-10-01", "2026-10-08", "ann")
    puts_off(bank, "2026-10-08", "2026-11-01", "ann")
    for on, until in (("2026-10-20", "2026-11-02"), ("2026-11-01", "2026-12-02")):
        said = "ann 一人延停最多 31 天，客户 acme 到 2026-11-01 为止；更久须由另一人"
        with pytest.raises(Invalid, match=said):
            puts_off(bank, on, until, "ann")
    puts_off(bank, "2026-11-01", "2026-12-02", "bob")
    for by in ("ann", "bob"):
        with pytest.raises(Invalid, match=f"{by} 一人延停最多 31 天"):
            puts_off(bank, "2026-12-02", "2026-12-09", by)
    puts_off(bank, "2026-12-02", "2026-12-09", "cleo")
    assert [deed.by for deed in recorded(bank.books.db, "customer", "reprieve")] == [
        "ann",
        "ann",
        "bob",
        "cleo",
    ]


def test_a_new_run_begins_behind_a_month_without(bank: Bank) -> None:
    """Waiting a day does not help; a month in which the customer could be stopped does."""
    owing(bank, "acme", {"2026-08": 1000})
    puts_off(bank, "2026-10-01", "2026-11-01", "ann")
    again = date(2026, 11, 1) + timedelta(days=31)
    with pytest.raises(Invalid, match="一人延停最多 31 天"):
        puts_off(bank, again.isoformat(), "2026-12-05", "ann")
    later = again + timedelta(days=1)
    puts_off(bank, later.isoformat(), (later + timedelta(days=31)).isoformat(), "ann")


def test_nobody_puts_a_stop_off_until_yesterday(bank: Bank) -> None:
    owing(bank, "acme", {"2026-08": 1000})
    with pytest.raises(Invalid, match="延停的截止日 2026-09-30 已过，请填写 2026-10-01"):
        puts_off(bank, "2026-10-01", "2026-09-30", "ann")


def test_a_deposit_is_set_aside_for_a_reason(bank: Bank) -> None:
    owing(bank, "acme", {"2026-08": 1000})
    with pytest.raises(Invalid, match="须写明依据"):
        set_aside(bank.books.db, "acme", 1, why=" ", by="ann", now=bank.books.tick())
