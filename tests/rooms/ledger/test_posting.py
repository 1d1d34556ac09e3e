from datetime import UTC, datetime

import pytest

from yuejie.ledger.posting import ACCOUNT_NAMES, Account, Entry, Posting, credit, debit, net

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def entry(*postings: Posting, key: str = "bill:b1:issue", **rest: str) -> Entry:
    facts = {"kind": "bill_issued", "by": "clerk"} | rest
    return Entry(key=key, at=NOW, postings=postings, **facts)


def issued(fen: int = 106_00) -> Entry:
    return entry(
        debit(Account.RECEIVABLE, fen, "CNY", "cus_a"),
        credit(Account.REVENUE, fen - 600, "CNY", "cus_a"),
        credit(Account.TAX_PAYABLE, 600, "CNY", "cus_a"),
    )


def test_every_account_has_a_chinese_name_of_its_own() -> None:
    assert set(ACCOUNT_NAMES) == set(Account)
    assert len(set(ACCOUNT_NAMES.values())) == len(Account)


def test_an_entry_that_does_not_balance_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="does not balance: 1 fen CNY"):
        entry(debit(Account.BANK, 101, "CNY"), credit(Account.SUSPENSE, 100, "CNY"))


def test_two_currencies_do_not_balance_each_other() -> None:
    with pytest.raises(AssertionError, match="does not balance"):
        entry(debit(Account.BANK, 100, "CNY"), credit(Account.RECEIVABLE, 100, "USD"))


def test_an_exchange_balances_in_each_currency_through_clearing() -> None:
    exchange = entry(
        debit(Account.BANK, 720_00, "CNY"),
        credit(Account.FX_CLEARING, 720_00, "CNY"),
        debit(Account.FX_CLEARING, 100_00, "USD"),
        credit(Account.RECEIVABLE, 100_00, "USD", "cus_a"),
    )
    assert len(exchange.postings) == 4


@pytest.mark.parametrize("currency", ["EUR", "cny", ""])
def test_other_currencies_are_a_bug(currency: str) -> None:
    with pytest.raises(AssertionError, match="is in"):
        entry(debit(Account.BANK, 1, currency), credit(Account.SUSPENSE, 1, currency))


def test_a_naive_moment_and_a_nameless_entry_are_bugs() -> None:
    naive = datetime(2026, 11, 1)  # noqa: DTZ001 (the point of the test)
    with pytest.raises(AssertionError, match="naive"):
        Entry(key="k", kind="k", at=naive, by="op", postings=())
    with pytest.raises(AssertionError, match="needs key"):
        Entry(key="", kind="k", at=NOW, by="op", postings=())


def test_postings_of_zero_are_left_out_and_a_bill_of_nothing_is_an_empty_entry() -> None:
    empty = entry(debit(Account.RECEIVABLE, 0, "CNY"), credit(Account.REVENUE, 0, "CNY"))
    assert empty.postings == ()


def test_the_hash_is_of_what_is_said_not_of_who_says_it_when() -> None:
    first = issued()
    again = Entry(
        key="other",
        kind=first.kind,
        at=datetime(2027, 1, 1, tzinfo=UTC),
        by="somebody else",
        postings=first.postings,
        memo="again",
    )
    assert again.body_hash == first.body_hash
    assert issued(107_00).body_hash != first.body_hash
    assert entry(*first.postings, kind="other").body_hash != first.body_hash
    assert entry(*first.postings, refers_to="x").body_hash != first.body_hash


def test_the_hash_of_a_known_entry_never_changes() -> None:
    assert issued().body_hash.hex() == (
        "6e806c740b2765a416a8f308704b98d1f5e0f03fa165faf0042447ef8c949a5e"
    )


def test_a_mirror_undoes_posting_by_posting_and_names_what_it_undoes() -> None:
    mirror = issued().mirror(at=NOW, by="op", why="开错客户")
    assert (mirror.key, mirror.refers_to, mirror.memo) == (
        "reverse:bill:b1:issue",
        "bill:b1:issue",
        "开错客户",
    )
    assert net([*issued().postings, *mirror.postings]) == [
        Posting(Account.RECEIVABLE, 0, "CNY", "cus_a"),
        Posting(Account.REVENUE, 0, "CNY", "cus_a"),
        Posting(Account.TAX_PAYABLE, 0, "CNY", "cus_a"),
    ]


def test_a_negative_debit_stands_on_the_right() -> None:
    assert debit(Account.REVENUE, -5, "CNY") == credit(Account.REVENUE, 5, "CNY")
