"""A transfer and its fee under one serial number of the bank's: two lines, each taken once."""

from dataclasses import dataclass

import pytest

from tests.rooms.payments.test_hostile_statements import FILES
from tests.rooms.payments.test_load import bank, take
from tests.scenarios.bank import Bank
from yuejie.payments.statements.line import StatementRefused

__all__ = ["bank"]

ICBC = "交易日期,借方发生额,贷方发生额,余额,对方户名,对方账号,摘要,交易流水号"
IN = "2026-09-10,,1000.00,2000.00,甲公司,6222,货款,A1"
PAID = "2026-09-10,300.00,,1700.00,乙公司,6333,货款,S7"
FEE = "2026-09-10,5.00,,1695.00,,,手续费,S7"
NEXT = "2026-09-11,,10.00,1705.00,甲公司,6222,货款,A2"
CCB = (
    "交易时间,借方发生额（支取）,贷方发生额（收入）,余额,币种,对方户名,对方账号,摘要,"
    "账户明细编号-交易流水号"
)


@dataclass(frozen=True, slots=True)
class _Line:
    direction: str
    amount_fen: int


def rows(head: str, *lines: str) -> str:
    return "\n".join([head, *lines]) + "\n"


def kept(bank: Bank) -> list[tuple[str, str]]:
    """Return direction and amount of every line that is kept, as the bank booked them."""
    with bank.books.db.read() as tx:
        return [
            (each.direction, f"{each.amount_fen / 100:.2f}")
            for each in tx.rows(
                _Line, "SELECT direction, amount_fen FROM statement_line ORDER BY sequence"
            )
        ]


ALL = [("in", "1000.00"), ("out", "300.00"), ("out", "5.00"), ("in", "10.00")]


@pytest.mark.parametrize("order", [1, -1])
def test_a_transfer_and_its_fee_are_two_lines(bank: Bank, order: int) -> None:
    """Oldest first or newest first; and the same days again, in whichever order, add nothing."""
    lines = [IN, PAID, FEE, NEXT]
    done = take(bank, rows(ICBC, *lines[::order]), "a.csv")
    assert (done.lines, done.repeated, done.receipts) == (4, 0, 2)
    assert kept(bank) == ALL
    again = take(bank, rows(ICBC, *lines[::-order]), "b.csv")
    assert (again.lines, again.repeated) == (0, 4)
    only = take(bank, rows(ICBC, FEE), "c.csv")
    assert (only.lines, only.repeated) == (0, 1)


@pytest.mark.parametrize("first", [PAID, FEE])
def test_the_other_line_of_a_serial_that_comes_later_is_taken(bank: Bank, first: str) -> None:
    """The days were cut between the two; the balances say that both are there."""
    take(bank, rows(ICBC, first), "a.csv")
    done = take(bank, rows(ICBC, PAID, FEE), "b.csv")
    assert (done.lines, done.repeated) == (1, 1)
    assert sorted(kept(bank)) == [("out", "300.00"), ("out", "5.00")]
    assert take(bank, rows(ICBC, IN, PAID, FEE), "c.csv").lines == 1


def test_alone_it_is_taken_where_its_balance_follows(bank: Bank) -> None:
    take(bank, rows(ICBC, IN, PAID), "a.csv")
    assert take(bank, rows(ICBC, FEE, NEXT), "b.csv").lines == 2
    assert kept(bank) == ALL


def test_where_nothing_proves_it_the_serial_with_another_amount_is_refused(bank: Bank) -> None:
    """A line that the bank corrected, or somebody did, is not another line."""
    take(bank, rows(ICBC, IN, PAID), "a.csv")
    with pytest.raises(StatementRefused, match=r"流水号 S7 与已有的.*不同（金额 300\.00 → 5\.00"):
        take(bank, rows(ICBC, FEE.replace("1695.00", "1600.00")), "b.csv")
    assert len(kept(bank)) == 2


def test_a_fee_of_the_transfers_very_amount_is_a_line_of_its_own(bank: Bank) -> None:
    """5.00 transferred for 5.00: only the balances tell them apart."""
    paid = "2026-09-10,5.00,,1700.00,乙公司,6333,货款,S7"
    assert take(bank, rows(ICBC, paid, FEE), "a.csv").lines == 2
    assert take(bank, rows(ICBC, paid, FEE, NEXT), "b.csv").repeated == 2
    assert kept(bank)[:2] == [("out", "5.00"), ("out", "5.00")]


def test_other_columns_of_the_same_days_add_nothing(bank: Bank) -> None:
    """Without its column of balances the export is known again by serial, side and amount."""
    take(bank, rows(ICBC, IN, PAID, FEE, NEXT), "a.csv")
    head = "交易日期,借方发生额,贷方发生额,对方户名,对方账号,摘要,交易流水号"
    lines = [",".join([*line.split(",")[:3], *line.split(",")[4:]]) for line in (IN, PAID, FEE)]
    done = take(bank, rows(head, *lines), "b.csv")
    assert (done.lines, done.repeated) == (0, 3)


def test_as_construction_bank_writes_it(bank: Bank) -> None:
    lines = (
        "20260910 09:30:00,300.00,0.00,1700.00,人民币元,乙公司,6333,转账,1234-7",
        "20260910 09:30:00,5.00,0.00,1695.00,人民币元,,,手续费,1234-7",
    )
    assert take(bank, rows(CCB, *lines), "a.csv").lines == 2
    assert take(bank, rows(CCB, *lines[::-1]), "b.csv").repeated == 2


def test_as_mt940_and_camt_write_it(bank: Bank) -> None:
    """Neither has balances behind lines: opening and closing prove that both are there."""
    text = (FILES / "cmb.mt940").read_text()
    shared = text.replace("CMB20261012B2", "CMB20261010A1")
    assert shared != text
    done = take(bank, shared, "a.mt940")
    assert (done.lines, done.repeated) == (3, 0)
    camt = (FILES / "ccb.camt.xml").read_text().replace("CCB0002", "CCB0001")
    done = take(bank, camt, "b.xml")
    assert (done.lines, done.repeated) == (2, 0)
    assert take(bank, camt.replace("<MsgId>M1<", "<MsgId>M2<"), "c.xml").repeated == 2
