"""Bring a price file the careful way: what changes a price waits for a second person.

Prices that there were not can surprise nobody: a first list, or a new model in a book, is published
at once, unless it starts in the past and calls wait that it would put on bills. Any other list of a
*sale* book changes what customers owe; one of a *cost* book changes what margins say, and waits
where its report has something to approve: a leap, an odd ratio.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from yuejie.contracts.changes import store
from yuejie.contracts.changes.change import PriceChange
from yuejie.contracts.formats.pricelist import Remark, Severity
from yuejie.contracts.import_prices import ImportReport, PriceImport, read_publication
from yuejie.contracts.publish import Judged, Publication, hash_of, judge, publish_judged, stops
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.limits import PUBLICATION_LEAD


def bring_prices(
    db: Database,
    wanted: PriceImport,
    *,
    starts_at: datetime | None,
    by: str,
    now: datetime,
    why: str = "",
    dry_run: bool = False,
) -> ImportReport:
    """Publish a price file, or ask for the change where it changes prices; or only say which.

    `starts_at` None: ten minutes after it is published or approved. Any error changes nothing.
    """
    wanted = replace(wanted, starts_at=starts_at or now + PUBLICATION_LEAD)
    remarks, publication = read_publication(db, wanted)
    if dry_run:
        with db.read() as tx:
            judged = judge(tx, publication, now)
            awaited = _awaited(tx, judged, publication, now)
            return _report(judged, remarks, approve=wanted.approve, awaited=awaited)
    with db.begin() as tx:
        tx.lock_exclusive(f"book {wanted.book_id}")
        judged = judge(tx, publication, now)
        awaited = _awaited(tx, judged, publication, now)
        report = _report(judged, remarks, approve=wanted.approve, awaited=awaited)
        if report.refused:
            return report
        if not report.needs_another:
            return replace(
                report, published=publish_judged(tx, judged, publication, by=by, now=now)
            )
        change = PriceChange(
            change_id=mint("chg", now),
            book_id=wanted.book_id,
            starts_at=starts_at,
            source=publication.source,
            lists=judged.lists,
            stands=judged.stands,
            remarks=report.remarks,
            body_hash=hash_of(judged.lists),
            why=why.strip(),
            asked_by=by,
            asked_at=now,
        )
        _ask(tx, change, publication, now)
        return replace(report, change_id=change.change_id)


def _awaited(tx: Tx, judged: Judged, publication: Publication, now: datetime) -> bool:
    """Tell whether calls that were made without a price would get one by a list of the past."""
    if judged.book.kind != "sale" or publication.starts_at >= now:
        return False
    return store.are_unpriced(tx, judged.report.models, since=publication.starts_at)


def _report(
    judged: Judged, remarks: Sequence[Remark], *, approve: bool, awaited: bool
) -> ImportReport:
    """Return the report; what another person will approve is no reason to refuse it."""
    told = (*remarks, *judged.report.remarks)
    another = awaited or _needs_another(judged, told)
    if stops(remarks, approve=approve or another):
        return ImportReport(told, None)
    refused = stops(judged.report.remarks, approve=approve or another)
    return ImportReport(told, replace(judged.report, refused=refused), needs_another=another)


def _needs_another(judged: Judged, remarks: Sequence[Remark]) -> bool:
    if not judged.alters:
        return False
    grave = any(remark.severity is Severity.APPROVE for remark in remarks)
    return judged.book.kind == "sale" or grave


def _ask(tx: Tx, change: PriceChange, publication: Publication, now: datetime) -> None:
    """Write a change down, unless it could not be approved or waits already."""
    if change.is_late(now):
        minutes = change.lead_minutes
        raise Invalid(
            f"生效时间 {publication.starts_at.isoformat()} 距现在不足 {minutes} 分钟，"
            f"来不及由另一人批准；请推后，或不填：批准后 {minutes} 分钟生效"
        )
    for each in store.open_changes(tx):
        same = (each.book_id, each.body_hash, each.starts_at)
        if same == (change.book_id, change.body_hash, change.starts_at):
            raise Conflict(f"同样的调价 {each.change_id} 已在等待审批，无需再次提出")
    store.insert_change(tx, change)
    deed = Deed(change.asked_by, now, "ask", "price_change", change.change_id, change.why)
    record_deed(tx, deed, became=told_of(change))


def told_of(change: PriceChange) -> dict[str, object]:
    """Return what a deed tells of a change; its lists are kept with it."""
    return {
        "book_id": change.book_id,
        "models": change.models,
        "starts_at": change.starts_at,
        "sha256": change.body_hash.hex(),
        "state": change.state,
        "revision": change.revision,
    }
