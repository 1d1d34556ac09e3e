"""Publish what the gateways must know: one publisher per node, inside the intake process.

It asks the database for one number several times a second, and reads everything only when that
number has moved. The file is rewritten every few seconds all the same: its date says until when
the database is known to have agreed.
"""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from yuejie.budgets.allowance import Allowance, Mode
from yuejie.budgets.lending.opening import terms_of
from yuejie.budgets.store import leased_allowances
from yuejie.contracts import store as contracts
from yuejie.contracts.auto import store as autos
from yuejie.contracts.auto.policy import AutoModel
from yuejie.contracts.contract import holding
from yuejie.contracts.terms import PaymentMode
from yuejie.customers.customer import CustomerState
from yuejie.db.errors import CommitUncertain
from yuejie.db.session import Database, Tx
from yuejie.gateway import store
from yuejie.gateway.snapshot import (
    AccountRow,
    AllowanceRow,
    AutoRow,
    ContractRow,
    CustomerRow,
    DeploymentRow,
    KeyRow,
    ModelRow,
    PrefixRow,
    ProjectRow,
    RuleRow,
    Snapshot,
    pack,
    write_snapshot,
)
from yuejie.kernel.clock import Clock, SystemClock
from yuejie.kernel.errors import Conflict, Unavailable
from yuejie.kernel.limits import CLOCK_SKEW, SNAPSHOT_POLL_SECONDS
from yuejie.kernel.period import zone_of

log = structlog.get_logger()

REDATE: Final = timedelta(seconds=10)
"""How often the file is dated anew though nothing has changed."""
PAUSE_SECONDS: Final = 2
"""How long to wait when the database does not answer; the gateways serve from the file."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_NONE: Final = timedelta(0)
_MICROSECOND: Final = timedelta(microseconds=1)
_ACTIVE: Final = "active"


def publish_snapshot(db: Database, home: Path, *, now: datetime) -> Snapshot:
    """Write the node's snapshot from the database as it is at this moment."""
    with db.read(consistent=True) as tx:
        snapshot = load(tx)
    write_snapshot(home, pack(snapshot), _us(now))
    return snapshot


class Publisher:
    """Keeps one node's snapshot true."""

    def __init__(
        self, db: Database, home: Path, clock: Clock, *, machine: Clock | None = None
    ) -> None:
        """`machine` is the clock whose skew is told: the machine's own, though time be moved."""
        self._db = db
        self._home = home
        self._clock = clock
        self._machine = machine or SystemClock()
        self._revision = -1
        self._skew_ms = 0
        self._body = b""
        self._dated: datetime | None = None

    @property
    def standing(self) -> tuple[int, datetime | None]:
        """Return which revision the node's file has, and when it was dated; −1, None: none yet."""
        return self._revision, self._dated

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self.step()
                stop.wait(SNAPSHOT_POLL_SECONDS)
            except (Unavailable, Conflict, CommitUncertain) as error:
                log.warning("snapshot.database_away", error=str(error))
                # Back from a backup it may count from an older number, and mean other things by it.
                self._revision = -1
                stop.wait(PAUSE_SECONDS)

    def step(self) -> bool:
        """Look once; say whether the file was written."""
        now = self._clock.now()
        with self._db.read(consistent=True) as tx:
            revision = store.revision(tx)
            changed = revision != self._revision
            if not changed and self._dated is not None and now - self._dated < REDATE:
                return False
            skew_ms = self._skew(tx)
            if changed or skew_ms != self._skew_ms:
                self._body = pack(msgspec.structs.replace(load(tx), skew_ms=skew_ms))
        write_snapshot(self._home, self._body, _us(now))
        if skew_ms and not self._skew_ms:
            log.error("snapshot.clock_skewed", skew_ms=skew_ms)
        self._revision, self._dated, self._skew_ms = revision, now, skew_ms
        if changed:
            log.info("snapshot.published", revision=revision, bytes=len(self._body))
        return True

    def _skew(self, tx: Tx) -> int:
        before = self._machine.now()
        there = store.instant(tx)
        return skew_ms(before, there, self._machine.now())


def skew_ms(before: datetime, there: datetime, after: datetime) -> int:
    """Return by how much another clock, asked between two instants of ours, is certainly off.

    In milliseconds, positive where it is ahead; 0 within CLOCK_SKEW.
    A slow answer is no skew: whatever the other clock says between the two instants is right.
    """
    off = max(there - after, _NONE) or min(there - before, _NONE)
    return off // _MILLISECOND if abs(off) > CLOCK_SKEW else 0


def load(tx: Tx) -> Snapshot:
    """Read everything the gateways must know."""
    return Snapshot(
        revision=store.revision(tx),
        keys=[
            KeyRow(
                key.key_id,
                bytes(key.digest),
                key.customer_id,
                key.project_id,
                key.tags,
                key.models,
                _us(key.expires_at),
                _us(key.revoked_at),
                key.task_type,
            )
            for key in store.keys(tx)
        ],
        projects=narrowed(store.projects(tx)),
        customers=[
            CustomerRow(
                row.customer_id,
                row.state == CustomerState.ACTIVE,
                row.zone,
                row.tag_names,
                row.barred,
                row.covered,
            )
            for row in store.customers(tx)
        ],
        contracts=[
            ContractRow(
                row.contract_id,
                row.version,
                row.customer_id,
                row.sale_book,
                row.currency,
                _us(row.starts_at),
                _us(row.ends_at),
                row.terms.payment_mode is PaymentMode.PREPAID,
            )
            for row in holding(contracts.contracts(tx))
        ],
        models=_models(tx),
        accounts=_accounts(tx),
        deployments=_deployments(tx),
        books=[contracts.book_rows(tx, row) for row in contracts.books(tx)],
        allowances=_allowances(tx),
        workers=max(store.live_journals(tx), 1),
        autos=[_auto(each) for each in autos.versions(tx)],
        prefixes=_prefixes(tx),
    )


def _auto(each: AutoModel) -> AutoRow:
    return AutoRow(
        each.name,
        each.version,
        each.active,
        each.default_model,
        _us(each.starts_at),
        [
            RuleRow(
                rule.tasks, rule.models, rule.choose, rule.first_byte_ms_max, rule.error_ppm_max
            )
            for rule in each.policy.rules
        ],
    )


def _deployments(tx: Tx) -> list[DeploymentRow]:
    return [
        DeploymentRow(
            row.deployment_id,
            row.model_id,
            row.account_id,
            row.upstream_model,
            row.cost_model,
            row.priority,
            row.weight,
            row.state == _ACTIVE,
        )
        for row in contracts.deployments(tx)
    ]


def _prefixes(tx: Tx) -> list[PrefixRow]:
    return [
        PrefixRow(row.customer_id, row.project_id, bytes(row.salt)) for row in store.prefixes(tx)
    ]


def _allowances(tx: Tx) -> list[AllowanceRow]:
    zones = {row.customer_id: zone_of(row.zone) for row in store.customers(tx)}
    return [
        _allowance(each, terms_of(tx, each, zones[each.scope.customer_id]))
        for each in leased_allowances(tx)
    ]


def _allowance(each: Allowance, terms: tuple[int, ...]) -> AllowanceRow:
    scope = each.scope
    return AllowanceRow(
        each.number,
        each.name,
        scope.customer_id,
        scope.project_id or "",
        scope.key_id or "",
        scope.model or "",
        scope.tag or "",
        each.measure,
        each.currency,
        each.period,
        str(each.cap),
        each.mode is Mode.HARD,
        each.output_bound or 0,
        int(each.starts_at.timestamp()),
        each.origin,
        terms,
    )


def _accounts(tx: Tx) -> list[AccountRow]:
    return [
        AccountRow(
            row.account_id,
            row.provider,
            row.platform,
            row.base_url,
            row.region,
            bytes(row.credential),
            row.state == _ACTIVE,
        )
        for row in contracts.accounts(tx)
    ]


def _models(tx: Tx) -> list[ModelRow]:
    return [
        ModelRow(
            row.model_id,
            row.mode,
            row.owner,
            row.context_window,
            row.max_output,
            row.backup_model,
            row.state == _ACTIVE,
            (row.created_at - _EPOCH) // _SECOND,
            row.capabilities,
        )
        for row in contracts.models(tx)
    ]


def narrowed(projects: Iterable[store.ProjectFacts]) -> list[ProjectRow]:
    """Give each project the policy that all its ancestors leave it."""
    by_id = {project.project_id: project for project in projects}
    return [
        ProjectRow(
            project.project_id,
            project.customer_id,
            _common(each.allowed_providers for each in _line(project, by_id)),
            _common(each.allowed_regions for each in _line(project, by_id)),
            [each.project_id for each in _line(project, by_id)],
        )
        for project in by_id.values()
    ]


def _line(
    project: store.ProjectFacts, by_id: dict[str, store.ProjectFacts]
) -> list[store.ProjectFacts]:
    """Return a project and its ancestors; the tree has no loops, and this loop has an end."""
    line = [project]
    while (above := line[-1].parent_id) is not None and len(line) <= len(by_id):
        line.append(by_id[above])
    return line


def _common(policies: Iterable[list[str] | None]) -> list[str] | None:
    common: set[str] | None = None
    for policy in policies:
        if policy is not None:
            common = set(policy) if common is None else common & set(policy)
    return None if common is None else sorted(common)


def _us(instant: datetime | None) -> int:
    return 0 if instant is None else (instant - _EPOCH) // _MICROSECOND
