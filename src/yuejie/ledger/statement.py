"""What the books look like to a reader: statements, lines of the trial balance, written entries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.ledger.posting import Account, Entry


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting on an account, and what stands there after it, in fen."""

    entry_id: int
    key: str
    kind: str
    at: datetime
    refers_to: str
    memo: str
    currency: str
    fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account of a party in a span: what stood there before, what moved, what stands after."""

    party: str
    account: Account
    opening: Mapping[str, int]
    movements: tuple[Movement, ...]
    closing: Mapping[str, int]

    @classmethod
    def of(
        cls, party: str, account: Account, opening: Mapping[str, int], moves: Iterable[Movement]
    ) -> "Statement":
        """Run the balance of each currency through the movements."""
        running = dict(opening)
        moved = []
        for move in moves:
            running[move.currency] = running.get(move.currency, 0) + move.fen
            moved.append(replace(move, balance_fen=running[move.currency]))
        return cls(party, account, dict(opening), tuple(moved), running)


@dataclass(frozen=True, slots=True)
class TrialLine:
    """An account in one currency over a span, in fen; opening and closing are debit above zero."""

    account: str
    currency: str
    opening_fen: int
    debit_fen: int
    credit_fen: int

    @property
    def closing_fen(self) -> int:
        """What stands there at the end."""
        return self.opening_fen + self.debit_fen - self.credit_fen


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it stands in the database, with its number and the hash it was written with."""

    entry_id: int
    entry: Entry
    body_hash: bytes
