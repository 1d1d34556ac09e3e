"""Check the ledger: what must always hold, by the ledger's own checks and those of other rooms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.kernel.money import Money
from yuejie.ledger import store

SHOWN: Final = 20
"""Findings that are listed per check; the first few say what is wrong."""


@dataclass(frozen=True, slots=True)
class Check:
    """A promise about the books, and the question that finds where it is broken.

    A room that posts adds its own: `Check("每张已出账账单都有分录", bills_without_entry)`.
    """

    promise: str
    broken: Callable[[Tx], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Checked:
    """A promise, and the sentences that say where it is broken; none means that it holds."""

    promise: str
    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def check_ledger(db: Database, more: Sequence[Check] = ()) -> list[Checked]:
    """Ask every check of one moment of the books; nothing is changed."""
    with db.read(consistent=True) as tx:
        return [
            Checked(each.promise, tuple(islice(each.broken(tx), SHOWN))) for each in (*OWN, *more)
        ]


def _entries_that_do_not_balance(tx: Tx) -> Iterator[str]:
    for each in store.unbalanced(tx):
        yield f"分录 {each.key} 借贷不平，差 {Money(each.fen, each.currency)} {each.currency}"


def _balances_that_are_wrong(tx: Tx) -> Iterator[str]:
    for each in store.compared(tx):
        if each.kept != each.rebuilt:
            yield (
                f"科目 {each.account}（{each.party or '无往来方'}，{each.currency}）的余额是"
                f" {each.kept} 分，按分录应为 {each.rebuilt} 分；请执行 yuejie ledger rebuild"
            )


def _entries_that_changed(tx: Tx) -> Iterator[str]:
    for key in store.changed_bodies(tx):
        yield f"分录 {key} 的内容与入账时的摘要不符，已被改动；请从备份核对"


OWN: Final = (
    Check("每笔分录在每个币种内借贷相等", _entries_that_do_not_balance),
    Check("余额等于分录之和", _balances_that_are_wrong),
    Check("分录与入账时一致", _entries_that_changed),
)
"""What the ledger promises by itself."""
