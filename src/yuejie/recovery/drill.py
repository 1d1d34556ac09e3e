"""The drill: restore the newest backup beside the house, prove it, and measure both promises.

RPO: how old the newest commit was when the log was cut, as if the disk had died at that moment.
What journals hold on top is read in as well and counted, so usage loses less.
RTO: seconds until the restored house takes connections, has read the journals, and is proved.
"""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yuejie.app import Say
from yuejie.db.backup.lay_down import LaidDown
from yuejie.db.session import Database
from yuejie.kernel.clock import Clock
from yuejie.ledger.check import Check
from yuejie.recovery.proof import Finding, prove_house
from yuejie.recovery.restore import Restored, Wanted, restore_house, scratch
from yuejie.recovery.vault import PASSWORDS
from yuejie.settings import Settings


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found and how long everything took."""

    restored: Restored
    findings: tuple[Finding, ...]
    rpo_seconds: float | None
    """None where the backup's newest commit is unknown."""
    ready_seconds: float
    """Until the database took connections."""
    rto_seconds: float
    """Until everything was proved."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return all(each.holds for each in self.findings)


def drill(
    settings: Settings,
    wanted: Wanted,
    checks: Sequence[Check],
    *,
    clock: Clock,
    say: Say,
    months: int | None = None,
    where: Path | None = None,
) -> Drilled:
    """Restore into a scratch folder, prove it, throw it away; the house itself is not touched."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yuejie-drill-", dir=where) as folder:
        home = Path(folder)
        home.chmod(0o711)
        _passwords(settings, home)
        beside = scratch(settings, home)
        restored, server = restore_house(
            beside, replace(wanted, is_alone=True), clock=clock, say=say
        )
        try:
            with Database.open(server.url("app"), size=2, name="drill") as db:
                findings = prove_house(db, checks, months=months, progress=say)
        finally:
            server.stop()
            _remove_annex(home)
    rto = time.monotonic() - began
    return Drilled(
        restored,
        tuple(findings),
        _age(restored.laid_down),
        restored.laid_down.seconds,
        rto,
    )


def _passwords(settings: Settings, home: Path) -> None:
    """Give the scratch home the passwords of ours, where it has them."""
    own = settings.home / PASSWORDS
    if own.exists():
        (home / "postgres").mkdir(mode=0o711)
        shutil.copy(own, home / PASSWORDS)


def _age(laid_down: LaidDown) -> float | None:
    if laid_down.reached is None:
        return None
    return max((laid_down.cut_at - laid_down.reached).total_seconds(), 0.0)


def _remove_annex(home: Path) -> None:
    """Remove data that had to lie elsewhere because the server's user may not enter the scratch."""
    data = home / "postgres" / "data"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent, ignore_errors=True)
