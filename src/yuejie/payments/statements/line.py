"""A statement as a bank wrote it, line by line, after reading and before anybody judges it. Pure.

Amounts are fen, never negative: `direction` says which way the money went. Banks book from
their own side, so 贷 (credit) is money in.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar, Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import STATEMENT_WORD
from yuejie.kernel.money import FEN, plain

SURE: Final = "serial:"
"""What begins the name of a line that its bank's serial number names."""
SHOWN: Final = 20
"""So many problems are told at once; the rest is counted."""


class Direction(StrEnum):
    """Which way the money went, as we see it."""

    IN = "in"
    OUT = "out"

    @property
    def turned(self) -> "Direction":
        """The other way: what a negative amount means."""
        return Direction.OUT if self is Direction.IN else Direction.IN


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line. `row` is where it stands in the file, counted from 1, as a person would count.

    `into` is the number it was paid into where the bank names it (a virtual account). `sure` says
    that the bank's serial number is one, not a voucher number that any lines of a day may share.
    """

    row: int
    booked_on: date
    direction: Direction
    amount_fen: int
    balance_fen: int | None = None
    booked_time: str = ""
    serial: str = ""
    sure: bool = False
    payer_name: str = ""
    payer_number: str = ""
    payer_bank: str = ""
    into: str = ""
    memo: str = ""

    @property
    def signed_fen(self) -> int:
        """What it does to the balance."""
        return self.amount_fen if self.direction is Direction.IN else -self.amount_fen


@dataclass(frozen=True, slots=True)
class Statement:
    """A file that was read whole: its lines in the order of the file, and what it says of itself.

    `number` and `currency` are the account's as the file names them, "" where it does not.
    """

    format: str
    lines: tuple[StatementLine, ...]
    number: str = ""
    currency: str = ""
    opening_fen: int | None = None
    closing_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, and in which row; 0 is the file as a whole."""

    row: int
    what: str

    def __str__(self) -> str:
        return f"第 {self.row} 行：{self.what}" if self.row else self.what


class StatementRefused(Invalid):
    """A file that cannot be taken as it is; nothing of it was imported."""

    code: ClassVar[str] = "statement_refused"

    def __init__(self, problems: Sequence[Problem], name: str = "") -> None:
        shown = "；".join(str(problem) for problem in problems[:SHOWN])
        more = f"；等共 {len(problems)} 处" if len(problems) > SHOWN else ""
        where = f"流水文件 {name} " if name else "流水文件"
        super().__init__(f"{where}未导入：{shown}{more}")
        self.problems = tuple(problems)

    def named(self, name: str) -> "StatementRefused":
        """Return the same refusal with the file's name in it."""
        return StatementRefused(self.problems, name)


def identities(lines: Iterable[StatementLine]) -> list[str]:
    """Name each line so that the same line of another file gets the same name.

    A sure serial number names it alone, the first that has it; a fee that has its transfer's is
    named by side, amount and balance as well. Else everything the bank prints of it does, the
    balance behind it included; where there is no balance either, equal lines of one day are
    counted. So are those whose balances follow only if all of them are there: paid, given back,
    paid again.
    """
    lines = list(lines)
    follow = _all_follow(lines)
    counted: Counter[str] = Counter()
    firsts: dict[str, StatementLine] = {}
    found = []
    for line in lines:
        if line.sure:
            first = firsts.setdefault(line.serial, line)
            alone = prints_alike(first, line)
            found.append(f"{SURE}{line.serial}" if alone else name_beside(line))
            continue
        parts = (
            line.booked_on.isoformat(),
            line.booked_time,
            str(line.direction),
            str(line.amount_fen),
            line.payer_number,
            "" if line.balance_fen is None else str(line.balance_fen),
            line.serial,
        )
        name = "line:" + "|".join(parts)
        counted[name] += 1
        if line.balance_fen is None or (follow and counted[name] > 1):
            name = f"{name}|{counted[name]}"
        found.append(name)
    return found


def prints_alike(one: StatementLine, other: StatementLine) -> bool:
    """Say whether two lines of one serial may be the same: by side, amount and balance."""
    balances = {one.balance_fen, other.balance_fen} - {None}
    moved = (one.direction, one.amount_fen) == (other.direction, other.amount_fen)
    return moved and len(balances) <= 1


def name_beside(line: StatementLine) -> str:
    """Name a line whose serial another line has as well."""
    balance = "" if line.balance_fen is None else line.balance_fen
    return f"{SURE}{line.serial}|{line.direction}|{line.amount_fen}|{balance}"


def _all_follow(lines: Sequence[StatementLine]) -> bool:
    """Say whether every balance follows from the one before, with nothing left out."""
    known = len(lines) > 1 and all(line.balance_fen is not None for line in lines)
    return known and not (_breaks(lines) and _breaks(lines[::-1]))


def differences(was: StatementLine, became: StatementLine) -> list[str]:
    """Say in what two lines of one serial number differ; what one of them does not say is equal."""
    found = []
    for what, one, other in (
        ("记账日期", was.booked_on.isoformat(), became.booked_on.isoformat()),
        ("收付方向", str(was.direction), str(became.direction)),
        ("金额", plain(was.amount_fen, FEN), plain(became.amount_fen, FEN)),
        ("余额", _fen(was.balance_fen), _fen(became.balance_fen)),
        ("对方账号", was.payer_number, became.payer_number),
        ("对方户名", was.payer_name, became.payer_name),
    ):
        if one and other and one != other:
            found.append(f"{what} {one} → {other}")
    return found


def may_be_same(was: StatementLine, became: StatementLine, *, one_bank: bool) -> bool:
    """Say whether two lines of different names may be one: nothing that both say tells them apart.

    `one_bank` says that their serial numbers are of one series: websites print another than
    camt.053 and MT940 do.
    """
    told = (
        (was.booked_time, became.booked_time),
        (was.payer_name, became.payer_name),
        (was.payer_number, became.payer_number),
        (_fen(was.balance_fen), _fen(became.balance_fen)),
        (was.serial, became.serial) if one_bank and was.sure == became.sure else ("", ""),
    )
    moved = (was.booked_on, was.direction, was.amount_fen)
    apart = any(one and other and one != other for one, other in told)
    return not apart and moved == (became.booked_on, became.direction, became.amount_fen)


def _fen(fen: int | None) -> str:
    return "" if fen is None else plain(fen, FEN)


def oversized(lines: Iterable[StatementLine]) -> list[Problem]:
    """Find names and numbers that no bank prints: what names a line or a payer is looked up."""
    return [
        Problem(line.row, f"{what}超过 {STATEMENT_WORD} 个字，不是网银导出的流水")
        for line in lines
        for what, word in (
            ("流水号", line.serial),
            ("对方账号", line.payer_number),
            ("子账号", line.into),
            ("对方户名", line.payer_name),
        )
        if len(word) > STATEMENT_WORD
    ]


def broken_balances(statement: Statement) -> list[Problem]:
    """Check that each balance follows from the one before, in whichever order the file runs.

    Lines that are printed twice are looked at once. A file without balances has nothing to check
    but its own opening and closing.
    """
    lines = _once(statement.lines)
    upward, downward = _breaks(lines), _breaks(lines[::-1])
    problems = min((upward, downward), key=len)
    if problems:
        return problems
    ordered = lines if not upward else lines[::-1]
    return _ends(statement, ordered)


def in_order(statement: Statement) -> tuple[StatementLine, ...]:
    """Return the lines the oldest first, as the balances (or else the dates) say."""
    lines = statement.lines
    if _breaks(_once(lines)) and not _breaks(_once(lines)[::-1]):
        return lines[::-1]
    if len(lines) > 1 and lines[0].booked_on > lines[-1].booked_on:
        return lines[::-1]
    return lines


def _once(lines: Sequence[StatementLine]) -> list[StatementLine]:
    """Leave out what is printed twice: the same name, and a balance or serial that proves it."""
    return list(dict(zip(reversed(identities(lines)), reversed(lines), strict=True)).values())[::-1]


def _breaks(lines: Sequence[StatementLine]) -> list[Problem]:
    problems = []
    for before, line in pairwise(lines):
        if before.balance_fen is None or line.balance_fen is None:
            continue
        expected = before.balance_fen + line.signed_fen
        if expected != line.balance_fen:
            problems.append(
                Problem(
                    line.row,
                    f"余额 {plain(line.balance_fen, FEN)} 与上一笔推算的 {plain(expected, FEN)} "
                    "不连续，请从网银重新导出完整流水",
                )
            )
    return problems


def _ends(statement: Statement, ordered: Sequence[StatementLine]) -> list[Problem]:
    """Check what the file says of its opening and closing against its lines."""
    opening, closing = statement.opening_fen, statement.closing_fen
    moved = sum(line.signed_fen for line in ordered)
    if opening is not None and closing is not None and opening + moved != closing:
        return [
            Problem(
                0,
                f"期初 {plain(opening, FEN)} 加发生额 {plain(moved, FEN)} 不等于期末 "
                f"{plain(closing, FEN)}，请从网银重新导出完整流水",
            )
        ]
    first = ordered[0] if ordered else None
    if opening is not None and first is not None and first.balance_fen is not None:
        expected = opening + first.signed_fen
        if expected != first.balance_fen:
            return [Problem(first.row, f"余额与期初 {plain(opening, FEN)} 不连续，请核对文件")]
    return []


def joined(parts: Sequence[Statement]) -> Statement:
    """Join the statements of one file, in whichever order it runs.

    Raises StatementRefused where one does not come from its own opening to its closing, or does not
    begin where the one before ended: a total may hide what is wrong in two of them.
    """
    problems = [
        Problem(0, f"第 {place} 份对账单：{problem.what}")
        for place, part in enumerate(parts, 1)
        for problem in _ends(part, _once(part.lines))
    ]
    ordered = parts[::-1] if _gaps(parts) and not _gaps(parts[::-1]) else parts
    problems = problems or _gaps(ordered)
    if problems and len(parts) > 1:
        raise StatementRefused(problems)
    return replace(
        ordered[0],
        lines=tuple(line for part in ordered for line in part.lines),
        closing_fen=ordered[-1].closing_fen,
    )


def _gaps(parts: Sequence[Statement]) -> list[Problem]:
    return [
        Problem(
            0,
            f"第 {place} 份对账单的期初 {plain(after.opening_fen, FEN)} "
            f"与上一份的期末 {plain(before.closing_fen, FEN)} 不衔接，请从网银重新导出完整流水",
        )
        for place, (before, after) in enumerate(pairwise(parts), 2)
        if before.closing_fen is not None
        and after.opening_fen is not None
        and before.closing_fen != after.opening_fen
    ]


def span(statement: Statement) -> tuple[int | None, int | None]:
    """Return the balance before the first and behind the last line, where it is known."""
    ordered = in_order(statement)
    opening, closing = statement.opening_fen, statement.closing_fen
    if ordered and opening is None and ordered[0].balance_fen is not None:
        opening = ordered[0].balance_fen - ordered[0].signed_fen
    if ordered and closing is None:
        closing = ordered[-1].balance_fen
    return opening, closing
