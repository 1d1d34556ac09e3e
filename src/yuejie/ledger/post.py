"""Post entries, and reverse them. Both join the transaction of the deed they belong to."""

from collections.abc import Iterable
from datetime import datetime

from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.ledger import store
from yuejie.ledger.posting import REVERSED, Account, Entry, net


def post(tx: Tx, entry: Entry) -> bool:
    """Write an entry and move its balances; say whether it was written now.

    The same key again with the same body changes nothing and answers False, also when another
    process posts it at this moment; another body under a known key is refused.
    """
    return post_all(tx, (entry,)) == 1


def post_all(tx: Tx, entries: Iterable[Entry]) -> int:
    """Write several entries of one deed and move every balance once; return how many are new.

    Balances are locked in one order, so deeds that post once each cannot deadlock; one that posts
    more often holds first what others may hold before it (`hold`).
    """
    written: list[Entry] = []
    for entry in entries:
        entry_id = store.insert_entry(tx, entry)
        if entry_id is None:
            _refuse_other_body(tx, entry)
            continue
        store.insert_postings(tx, entry_id, entry.postings)
        written.append(entry)
    store.move_balances(tx, net(p for entry in written for p in entry.postings))
    return len(written)


def hold(tx: Tx, account: Account, *, party: str, currency: str) -> None:
    """Let nobody else move a balance until the transaction ends.

    A deed that posts several entries takes the first balance, in everybody's order, of all that it
    is going to move and that other deeds may move as well.
    """
    store.hold_balance(tx, account, party=party, currency=currency)


def reverse(tx: Tx, key: str, *, at: datetime, by: str, why: str) -> bool:
    """Write the mirror of an entry, once; say whether it was written now."""
    if key.startswith(REVERSED):
        raise Conflict(f"分录 {key} 本身是冲销分录，不能再冲销；请按正确的内容另记一笔", key=key)
    if not why.strip():
        raise Invalid(f"冲销分录 {key} 必须写明原因", key=key)
    entry = store.entry_of(tx, key)
    if entry is None:
        raise NotFound(f"没有编号为 {key} 的分录，请核对后再冲销", key=key)
    return post(tx, entry.mirror(at=at, by=by, why=why))


def _refuse_other_body(tx: Tx, entry: Entry) -> None:
    if store.body_hash_of(tx, entry.key) != entry.body_hash:
        raise Conflict(
            f"编号 {entry.key} 已记过一笔内容不同的分录，本次未入账；请核对金额与科目，"
            "更正请先冲销原分录",
            key=entry.key,
        )
