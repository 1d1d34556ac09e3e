"""The books on the wire."""

from pydantic import Field

from yuejie.kernel.money import Money
from yuejie.ledger.check import Checked
from yuejie.ledger.handover.accrue import Accrued
from yuejie.ledger.handover.layouts import System
from yuejie.ledger.handover.store import BatchRow
from yuejie.ledger.posting import ACCOUNT_NAMES, Account
from yuejie.ledger.show import TrialBalance
from yuejie.ledger.statement import Movement, Statement, TrialLine, Written
from yuejie.ledger.store import Balance
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Out


def _amount(fen: int, currency: str) -> Amount:
    return Amount.of(Money(fen, currency))


class BalanceOut(Out):
    """一个科目对一个往来方的余额。"""

    account: str = Field(description="科目代码", examples=["receivable"])
    name: str = Field(description="科目名称", examples=["应收账款"])
    party: str = Field(description="往来方：客户编号、account:<供应商账号> 或银行账户编号")
    balance: Amount = Field(description="借方为正，贷方为负")

    @classmethod
    def of(cls, row: Balance) -> "BalanceOut":
        """Write a balance."""
        name = ACCOUNT_NAMES[Account(row.account)]
        return cls(
            account=row.account,
            name=name,
            party=row.party,
            balance=_amount(row.fen, row.currency),
        )


class TrialLineOut(Out):
    """试算平衡表的一行。"""

    account: str = Field(description="科目代码")
    name: str = Field(description="科目名称")
    opening: Amount = Field(description="期初，借方为正")
    debit: Amount = Field(description="本期借方发生额")
    credit: Amount = Field(description="本期贷方发生额")
    closing: Amount = Field(description="期末，借方为正")

    @classmethod
    def of(cls, line: TrialLine) -> "TrialLineOut":
        """Write a line."""
        return cls(
            account=line.account,
            name=ACCOUNT_NAMES[Account(line.account)],
            opening=_amount(line.opening_fen, line.currency),
            debit=_amount(line.debit_fen, line.currency),
            credit=_amount(line.credit_fen, line.currency),
            closing=_amount(line.closing_fen, line.currency),
        )


class TrialBalanceOut(Out):
    """试算平衡表。"""

    lines: list[TrialLineOut] = Field(description="各科目")
    balances: bool = Field(description="各币种借贷是否相等")

    @classmethod
    def of(cls, trial: TrialBalance) -> "TrialBalanceOut":
        """Write a trial balance."""
        return cls(
            lines=[TrialLineOut.of(line) for line in trial.lines],
            balances=not any(trial.differences.values()),
        )


class MovementOut(Out):
    """明细账的一行。"""

    at: Instant = Field(description="记账时间")
    key: str = Field(description="分录编号", examples=["bill:bill_019aa0…:issue"])
    kind: str = Field(description="分录种类")
    refers_to: str = Field(description="对应的另一笔分录")
    memo: str = Field(description="摘要")
    amount: Amount = Field(description="借方为正，贷方为负")
    balance: Amount = Field(description="该笔之后的余额")

    @classmethod
    def of(cls, move: Movement) -> "MovementOut":
        """Write a movement."""
        return cls(
            at=move.at,
            key=move.key,
            kind=move.kind,
            refers_to=move.refers_to,
            memo=move.memo,
            amount=_amount(move.fen, move.currency),
            balance=_amount(move.balance_fen, move.currency),
        )


class StatementOut(Out):
    """一个往来方在一个科目上的明细账。"""

    party: str = Field(description="往来方")
    account: str = Field(description="科目代码")
    opening: list[Amount] = Field(description="期初余额，按币种")
    movements: list[MovementOut] = Field(description="各笔，按时间")
    closing: list[Amount] = Field(description="期末余额，按币种")

    @classmethod
    def of(cls, statement: Statement) -> "StatementOut":
        """Write a statement."""
        return cls(
            party=statement.party,
            account=statement.account.value,
            opening=[_amount(fen, name) for name, fen in sorted(statement.opening.items())],
            movements=[MovementOut.of(move) for move in statement.movements],
            closing=[_amount(fen, name) for name, fen in sorted(statement.closing.items())],
        )


class PostingOut(Out):
    """分录的一行。"""

    account: str = Field(description="科目代码")
    name: str = Field(description="科目名称")
    party: str = Field(description="往来方")
    amount: Amount = Field(description="借方为正，贷方为负")


class EntryOut(Out):
    """一笔分录。"""

    entry_id: int = Field(description="序号")
    key: str = Field(description="分录编号，同一编号只入账一次")
    kind: str = Field(description="种类")
    at: Instant = Field(description="记账时间")
    by: str = Field(description="谁")
    refers_to: str = Field(description="对应的另一笔分录")
    memo: str = Field(description="摘要")
    postings: list[PostingOut] = Field(description="各行，每个币种合计为零")

    @classmethod
    def of(cls, written: Written) -> "EntryOut":
        """Write an entry."""
        entry = written.entry
        return cls(
            entry_id=written.entry_id,
            key=entry.key,
            kind=entry.kind,
            at=entry.at,
            by=entry.by,
            refers_to=entry.refers_to,
            memo=entry.memo,
            postings=[
                PostingOut(
                    account=p.account.value,
                    name=ACCOUNT_NAMES[p.account],
                    party=p.party,
                    amount=_amount(p.fen, p.currency),
                )
                for p in entry.postings
            ],
        )


class CheckOut(Out):
    """一项检查。"""

    promise: str = Field(description="应当成立的事")
    holds: bool = Field(description="是否成立")
    findings: list[str] = Field(description="不成立之处，至多 20 条")

    @classmethod
    def of(cls, checked: Checked) -> "CheckOut":
        """Write what a check found."""
        return cls(promise=checked.promise, holds=checked.holds, findings=list(checked.findings))


class ChecksOut(Out):
    """账簿检查。"""

    whole: bool = Field(description="是否全部成立")
    checks: list[CheckOut] = Field(description="各项")


class AccrueIn(In):
    """对哪个月暂估。"""

    month: Month
    commit: bool = Field(default=False, description="真正入账；否则只试算")


class AccruedOut(Out):
    """一个客户本次暂估的金额，与已暂估之差，不含税。"""

    party: str = Field(description="客户")
    amount: Amount = Field(description="金额")

    @classmethod
    def of(cls, each: Accrued) -> "AccruedOut":
        """Write what was accrued."""
        return cls(party=each.party, amount=_amount(each.fen, each.currency))


class HandoverIn(In):
    """把截至哪个月末的分录移交给哪个系统。"""

    month: Month
    system: System = Field(description="用友 yonyou，金蝶 kingdee")
    codes: str = Field(description="科目对照（TOML）", max_length=1_000_000)
    commit: bool = Field(default=False, description="真正移交；否则只试算")


class BatchOut(Out):
    """一个移交批次。"""

    batch_id: str = Field(description="编号")
    month: str = Field(description="截至的月份")
    system: str = Field(description="系统")
    entries: int = Field(description="分录数")
    vouchers: int = Field(description="凭证数")
    debit: Amount = Field(description="借方合计，折合人民币")
    at: Instant = Field(description="时间")
    by: str = Field(description="谁")

    @classmethod
    def of(cls, row: BatchRow) -> "BatchOut":
        """Write a batch."""
        return cls(
            batch_id=row.batch_id,
            month=row.month,
            system=row.system,
            entries=row.entries,
            vouchers=row.vouchers,
            debit=_amount(row.debit_fen, "CNY"),
            at=row.at,
            by=row.by,
        )
