"""Decide about a change of prices: what was looked at becomes a revision, or nothing does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from yuejie.contracts import store as books
from yuejie.contracts.changes import store
from yuejie.contracts.changes.ask import told_of
from yuejie.contracts.changes.change import (
    ChangeDecision,
    ChangeState,
    PriceChange,
    decide,
)
from yuejie.contracts.changes.compare import Difference, proposed_differences
from yuejie.contracts.formats.pricelist import Severity, check
from yuejie.contracts.publish import (
    behind_cards,
    rows_of,
    standing_revisions,
    write_revision,
)
from yuejie.contracts.store import RevisionNote
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Looked:
    """A change beside what holds: every price it touches, and why it could not be approved now."""

    change: PriceChange
    currency: str
    differences: list[Difference]
    hindrance: str


def find_change(tx: Tx, change_id: str) -> PriceChange:
    """Return a change by its id. Raises NotFound."""
    found = store.change_by_id(tx, change_id)
    if found is None:
        raise NotFound(f"调价 {change_id} 不存在，请核对编号")
    return found


def look_at_change(tx: Tx, change_id: str, now: datetime) -> Looked:
    """Return a change with every price that it changes, as it was when it was asked for."""
    change = find_change(tx, change_id)
    book = books.book(tx, change.book_id)
    assert book is not None, "a change names a book by its key"
    return Looked(
        change,
        book.currency,
        proposed_differences(
            books.rates(tx, change.book_id),
            change.stands,
            rows_of(change.lists, 0, book.currency),
        ),
        hindrance(tx, change, now),
    )


def hindrance(tx: Tx, change: PriceChange, now: datetime) -> str:
    """Say why a change cannot be approved any more; nothing where it can, or is decided."""
    if change.state is not ChangeState.ASKED:
        return ""
    model = change.overtaken(standing_revisions(tx, change.book_id))
    if model is not None:
        return (
            f"调价 {change.change_id} 提出后，价目 {change.book_id} 的 {model} 又有新的一版，"
            "对照的旧价已不是现行价；请驳回后按现行价重新提出"
        )
    if change.is_late(now):
        return (
            f"调价 {change.change_id} 的生效时间已过或不足 {change.lead_minutes} 分钟，"
            "批准会改到已放行的调用；请驳回后换一个生效时间重新提出"
        )
    starts_at = change.starts(now)
    late_cards = behind_cards(tx, change.book_id, starts_at)
    behind = (late_cards[model] for model in change.models if model in late_cards)
    return next(chain(behind, _errors(change, starts_at)), "")


def _errors(change: PriceChange, starts_at: datetime) -> Iterator[str]:
    """Yield what forbids lists that start at an instant, such as a calendar that ends before it."""
    for prices in change.lists:
        for remark in check(prices, starts_at):
            if remark.severity is Severity.ERROR:
                yield remark.sentence


def decide_price_change(
    db: Database,
    change_id: str,
    decision: ChangeDecision,
    *,
    why: str = "",
    by: str,
    now: datetime,
) -> PriceChange:
    """Approve or reject a change that somebody else asked for, or withdraw one's own.

    Approved, it is published as it was asked for, to start at its own time. Raises Forbidden for
    the same person twice, Conflict for one decided already, overtaken by another, or too late,
    Invalid for a rejection without a reason.
    """
    if decision is ChangeDecision.REJECT and not why.strip():
        raise Invalid("驳回调价须写明原因，请补全后重试")
    with db.begin() as tx:
        tx.lock_exclusive(f"book {find_change(tx, change_id).book_id}")
        was = find_change(tx, change_id)
        became = replace(
            was,
            state=decide(was, decision, by=by),
            decided_by=by,
            decided_at=now,
            decided_why=why.strip(),
        )
        if became.state is ChangeState.APPROVED:
            became = replace(became, revision=_publish(tx, was, by=by, now=now))
        if not store.decide_change(tx, became):
            raise Conflict(f"调价 {change_id} 正被另一操作处理，请刷新后重试")
        deed = Deed(by, now, str(decision), "price_change", change_id, became.decided_why)
        record_deed(tx, deed, was=told_of(was), became=told_of(became))
        return became


def _publish(tx: Tx, change: PriceChange, *, by: str, now: datetime) -> int:
    """Write the lists of a change as they stand in it, and return their revision."""
    hindered = hindrance(tx, change, now)
    if hindered:
        raise Conflict(hindered)
    book = books.book(tx, change.book_id)
    assert book is not None, "a change names a book by its key"
    note = RevisionNote(
        book_id=change.book_id,
        revision=0,
        starts_at=change.starts(now),
        published_at=now,
        source=change.source,
        body_hash=change.body_hash,
        approved_by=by,
        fx_id=None,
    )
    number, _ = write_revision(tx, book, note, change.lists, by=by)
    return number
