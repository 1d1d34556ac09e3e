"""Guards the ledger room: any entries, in any order, repeated or reversed, sum to zero."""

from datetime import UTC, datetime

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuejie.db.session import Database
from yuejie.ledger import store
from yuejie.ledger.check import check_ledger
from yuejie.ledger.post import post, reverse
from yuejie.ledger.posting import Account, Entry, Posting, net
from yuejie.ledger.rebuild import rebuild_balances

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FEN = st.integers(-(10**12), 10**12)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    currency = draw(st.sampled_from(["CNY", "USD"]))
    place = st.tuples(st.sampled_from(Account), st.sampled_from(["", "cus_a", "cus_b"]))
    legs = draw(st.lists(st.tuples(place, FEN), max_size=4))
    last = draw(place)
    postings = [Posting(account, fen, currency, party) for (account, party), fen in legs]
    postings.append(Posting(last[0], -sum(fen for _, fen in legs), currency, last[1]))
    return Entry(
        key=draw(st.sampled_from("abcdefgh")),
        kind="any",
        at=NOW,
        by="op",
        postings=tuple(postings),
    )


@given(entries())
def test_a_mirror_cancels_to_the_fen(entry: Entry) -> None:
    mirror = entry.mirror(at=NOW, by="op", why="x")
    assert all(p.fen == 0 for p in net([*entry.postings, *mirror.postings]))
    assert mirror.postings == tuple(-p for p in entry.postings)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(deeds=st.lists(st.tuples(entries(), st.booleans()), max_size=12))
def test_whatever_is_posted_the_books_balance(
    database: Database, owner_url: str, deeds: list[tuple[Entry, bool]]
) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(b"TRUNCATE ledger_posting, ledger_entry, ledger_balance CASCADE")
    known: dict[str, Entry] = {}
    expected: list[Posting] = []
    undone: set[str] = set()
    for entry, undo in deeds:
        if entry.key in known and known[entry.key].body_hash != entry.body_hash:
            continue
        with database.begin() as tx:
            assert post(tx, entry) is (entry.key not in known)
        if entry.key not in known:
            expected += entry.postings
        known[entry.key] = entry
        if undo:
            with database.begin() as tx:
                new = reverse(tx, entry.key, at=NOW, by="op", why="x")
            assert new is (entry.key not in undone)
            expected += [-p for p in entry.postings] if new else []
            undone.add(entry.key)
    assert all(each.holds for each in check_ledger(database))
    assert rebuild_balances(database).whole
    with database.read() as tx:
        for sum_ in net(expected):
            kept = store.balance(tx, sum_.account, party=sum_.party, currency=sum_.currency)
            assert kept == sum_.fen
