"""Take a delivery of cloud bills: all files of the periods they hold, whole or not at all.

Files are read twice: once to judge and sum them, once to write them, so that nothing is written of
a file that is wrong in its last row, and neither reading holds more than its sums. A period that
was delivered before gets another revision; the same rows again, in any order, change nothing.

A FOCUS file may hold several billing accounts. Rows of accounts that are sources of their own are
left to those and counted here; of an account that nobody registered, a row is refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from yuejie.clouds import store
from yuejie.clouds.charge import CloudRow, Metric
from yuejie.clouds.formats.reading import Far, dialect_of, metric_of, read_bill
from yuejie.clouds.formats.words import Dialect
from yuejie.clouds.keep import find_source
from yuejie.clouds.source import Owner, Source, owner_of
from yuejie.clouds.statement import (
    ChargeKey,
    Sum,
    Survey,
    charges_of,
    totals_of,
)
from yuejie.clouds.store import Statement
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth
from yuejie.usage.store import enter_epoch

Tell = Callable[[int, int], None]
"""Is told how many bytes of how many are read; may raise, and nothing is taken in."""
_EVERY: Final = 1_000
"""Rows after which it is told."""


def untold(done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a delivery does to a period: by owner and currency, before and after."""

    period: BillingMonth
    revision: int
    """Of the statement that is new, or of the one that stays."""
    unchanged: bool
    rows: int
    before: dict[tuple[Owner, str], Sum]
    after: dict[tuple[Owner, str], Sum]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was, or would be, taken in."""

    source: str
    dialect: str
    metric: Metric
    files: tuple[str, ...]
    changes: tuple[Change, ...]
    kept: tuple[str, ...]
    """Columns that are kept with their rows and computed from by nothing."""
    dropped: dict[str, str]
    left: dict[str, int]
    """Rows of other sources' accounts, by source: the same file is delivered to each."""
    committed: bool


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of one dialect, read as often as asked."""

    paths: tuple[Path, ...]
    dialect: Dialect
    metric: Metric
    account: str
    others: dict[str, str]
    """Other sources, by their billing accounts."""
    readings: int
    """How often they are read before it is over."""
    tell: Tell

    def rows(self, left: Counter[str], reading: int) -> Iterator[tuple[int, CloudRow]]:
        """Yield each row of the account with its number in the whole delivery; count the others."""
        number, behind = 0, 0
        sizes = [path.stat().st_size for path in self.paths]
        before, whole = reading * sum(sizes), self.readings * sum(sizes)
        for path, size in zip(self.paths, sizes, strict=True):
            far = Far()
            bill = read_bill(path, self.dialect, self.metric, self.account, self.others, far)
            for row in bill:
                number += 1
                if number % _EVERY == 0:
                    self.tell(before + behind + min(far.read, size), whole)
                if row.billing_account == self.account:
                    yield number, row
                else:
                    left[self.others[row.billing_account]] += 1
            behind += size
        self.tell(before + behind, whole)


def deliver(
    db: Database,
    source: str,
    paths: Sequence[Path],
    *,
    metric: Metric | None = None,
    commit: bool,
    by: str,
    now: datetime,
    tell: Tell = untold,
) -> Delivered:
    """Take in every file of one or more periods of a source, or tell what that would change.

    `tell` hears how far the reading is.
    Raises FileWrong naming rows and columns, Conflict where somebody else delivers meanwhile.
    """
    with db.read() as tx:
        known = find_source(tx, source)
        sources = store.sources(tx)
    files = replace(_open(known, sources, paths, metric), readings=1 + commit, tell=tell)
    survey, left = Survey(tuple(known.tag_keys)), Counter[str]()
    for _, row in files.rows(left, 0):
        survey.add(row)
    if not survey.tallies:
        raise Invalid(f"文件中没有账单账号 {known.billing_account} 的行，请核对来源")
    if not commit:
        with db.read() as tx:
            changes = [plan.change for plan in _plans(tx, known, survey)]
        return _told(known, files, survey, left, changes, committed=False)
    with db.begin() as tx:
        tx.lock_exclusive(f"cloud {source}")
        plans = [plan for plan in _plans(tx, known, survey) if not plan.change.unchanged]
        same = [plan.change for plan in _plans(tx, known, survey) if plan.change.unchanged]
        if plans:
            _write(tx, known, files, survey, plans, by=by, now=now)
    changes = sorted([*same, *(plan.change for plan in plans)], key=lambda change: change.period)
    return _told(known, files, survey, left, changes, committed=True)


def _open(
    known: Source, sources: Sequence[Source], paths: Sequence[Path], metric: Metric | None
) -> _Files:
    if not paths:
        raise Invalid("没有要导入的文件")
    if len(set(paths)) != len(paths):
        raise Invalid("同一个文件写了两次，请去掉重复的")
    dialects = {dialect_of(path).name: dialect_of(path) for path in paths}
    if len(dialects) > 1:
        raise Invalid(f"一次交付的文件应为同一种账单，这里有 {'、'.join(sorted(dialects))}")
    (dialect,) = dialects.values()
    own = known.billing_account
    others = {each.billing_account: each.source for each in sources if each.billing_account != own}
    metric = metric_of(dialect, metric, paths[0])
    return _Files(tuple(paths), dialect, metric, own, others, 1, untold)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A period as it will stand: whose each place is, and what is asked for."""

    change: Change
    owners: dict[int, Owner]
    charges: dict[ChargeKey, Sum]
    digest: bytes


def _plans(tx: Tx, known: Source, survey: Survey) -> list[_Plan]:
    rules = store.rules(tx, known.source)
    newest = {each.period: each for each in store.newest(tx, known.source)}
    places = survey.by_number()
    plans: list[_Plan] = []
    for period, tally in sorted(survey.tallies.items()):
        used = {key.place for key in tally.sums}
        owners = {at: owner_of(rules, places[at], period) for at in sorted(used)}
        charges = charges_of(tally.sums, owners.__getitem__)
        was = newest.get(str(period))
        before = store.charges(tx, was.statement_id) if was else {}
        unchanged = was is not None and was.digest == tally.digest
        change = Change(
            period=period,
            revision=(was.revision if was else 0) + (not unchanged),
            unchanged=unchanged,
            rows=tally.rows,
            before=totals_of(before.items()),
            after=totals_of((before if unchanged else charges).items()),
        )
        plans.append(_Plan(change, owners, charges, tally.digest))
    return plans


def _write(
    tx: Tx,
    known: Source,
    files: _Files,
    survey: Survey,
    plans: Sequence[_Plan],
    *,
    by: str,
    now: datetime,
) -> None:
    """Write the rows of what has changed, and last, in the present epoch, the statements."""
    delivery_id = mint("cdel", now)
    names = [path.name for path in files.paths]
    store.insert_delivery(
        tx,
        delivery_id,
        source=known.source,
        dialect=files.dialect.name,
        metric=files.metric,
        files=names,
        by=by,
        at=now,
    )
    wanted = {plan.change.period for plan in plans}
    again = Survey(tuple(known.tag_keys))
    rows = ((number, again.add(row), row) for number, row in files.rows(Counter(), 1))
    store.copy_rows(tx, delivery_id, (each for each in rows if each[2].period in wanted))
    if {p: t.digest for p, t in again.tallies.items()} != {
        p: t.digest for p, t in survey.tallies.items()
    }:
        raise Conflict("文件在导入时被改动，本次未生效；请等文件写完后重试")
    store.copy_places(tx, delivery_id, survey.by_number())
    epoch = enter_epoch(tx)
    for plan in plans:
        made = Statement(
            statement_id=mint("cstm", now),
            source=known.source,
            period=str(plan.change.period),
            revision=plan.change.revision,
            delivery_id=delivery_id,
            digest=plan.digest,
            epoch=epoch,
            why="交付",
            made_by=by,
            made_at=now,
        )
        store.insert_statement(tx, made)
        store.copy_charges(tx, made.statement_id, plan.owners, plan.charges)
        record_deed(
            tx,
            Deed(by, now, "deliver", "cloud_statement", made.statement_id),
            became={"source": known.source, "period": made.period, "revision": made.revision},
        )


def _told(
    known: Source,
    files: _Files,
    survey: Survey,
    left: Counter[str],
    changes: Sequence[Change],
    *,
    committed: bool,
) -> Delivered:
    return Delivered(
        source=known.source,
        dialect=files.dialect.name,
        metric=files.metric,
        files=tuple(path.name for path in files.paths),
        changes=tuple(changes),
        kept=tuple(sorted(survey.columns - files.dialect.used)),
        dropped=dict(files.dialect.dropped),
        left=dict(sorted(left.items())),
        committed=committed,
    )
