"""The proof that a house is whole: books, projections, caps and bills, each by its own check."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.assurance.prove import prove_month
from yuejie.budgets.check import check_budgets
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import Check, check_ledger
from yuejie.recovery import store
from yuejie.usage.rebuild import rebuild

SHOWN: Final = 20
"""Findings that are listed of each check."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check, what it looked at, and what it found wrong; nothing wrong means that it holds."""

    check: str
    looked_at: str
    wrong: tuple[str, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


def prove_house(
    db: Database,
    checks: Sequence[Check],
    *,
    months: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Finding]:
    """Check everything that must hold of a house; `months` looks at the newest ones only."""
    with db.read() as tx:
        labels = store.months(tx)[:months]
    asked: tuple[tuple[str, Callable[[], tuple[str, list[str]]]], ...] = (
        ("账簿平衡", lambda: _ledger(db, checks)),
        ("汇总与事件一致", lambda: _rollups(db, labels)),
        ("额度与用量一致", lambda: _budgets(db)),
        ("账单可重算、封存未改", lambda: _bills(db, labels)),
    )
    found = []
    for name, ask in asked:
        progress(f"正在验证：{name}")
        began = time.monotonic()
        looked_at, wrong = ask()
        found.append(Finding(name, looked_at, tuple(wrong[:SHOWN]), time.monotonic() - began))
    return found


def _ledger(db: Database, checks: Sequence[Check]) -> tuple[str, list[str]]:
    found = check_ledger(db, checks)
    return f"{len(found)} 项承诺", [sentence for each in found for sentence in each.findings]


def _rollups(db: Database, labels: Sequence[str]) -> tuple[str, list[str]]:
    same, wrong = 0, []
    for label in labels:
        rebuilt = rebuild(db, BillingMonth.parse(label))
        same += rebuilt.same
        if not rebuilt.agrees:
            wrong.append(
                f"{label}：汇总 {rebuilt.different} 行、合计 {rebuilt.sums.different} 行不符；"
                f"请执行 yuejie usage rebuild {label} --check"
            )
    return f"{len(labels)} 个月 {same:,} 行", wrong


def _budgets(db: Database) -> tuple[str, list[str]]:
    with db.read() as tx:
        all_customers = customers(tx)
    wrong = [
        f"额度“{each.allowance.name}”的{each.what}记为 {each.stored}，应为 {each.computed}"
        for each in check_budgets(db, all_customers)
    ]
    return f"{len(all_customers)} 个客户", wrong


def _bills(db: Database, labels: Sequence[str]) -> tuple[str, list[str]]:
    bills, events, wrong = 0, 0, []
    for label in labels:
        proofs = prove_month(db, BillingMonth.parse(label))
        bills += len(proofs)
        events += sum(proof.events for proof in proofs)
        wrong += [
            f"{proof.customer} {proof.bill.number or proof.bill.bill_id}：{each.what}"
            for proof in proofs
            for each in proof.differences
        ]
    return f"{bills} 张账单 {events:,} 个事件", wrong
