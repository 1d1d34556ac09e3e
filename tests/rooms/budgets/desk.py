"""Workers without sockets: they lease, hold, write journals, crash; the intake reads after them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from tests.rooms.intake.calls import StandingClock, begin, open_journal
from tests.rooms.intake.shop import Shop
from yuejie.budgets.allowance import Allowance, Measure, Slot
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.budgets.lending.hold import is_known, totals_of
from yuejie.budgets.lending.lease import lease
from yuejie.budgets.lending.store import WindowRow, windows_at
from yuejie.db.session import Database
from yuejie.gateway.allow.slices import Hold, Need, Slice, Slices
from yuejie.gateway.publish import load
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.intake.ingest import Ingest
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.arrival import item_tuples
from yuejie.usage.journal import Begun, Ended, EndedItem, Journal, Returned

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
HOUR_S = NOW_MS // 3_600_000 * 3600
INPUT, OUTPUT = 5_000_000, 15_000_000
"""Picos of a dollar per token of gpt-4o in the shop."""


@dataclass
class Desk:
    """A database, its shop, and one intake."""

    db: Database
    shop: Shop
    home: Path
    rates: dict[str, int] = field(default_factory=dict)
    picos: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.home / "journals").mkdir()
        self.ingest = Ingest(self.db, self.home, "test", StandingClock())
        with self.db.read() as tx:
            snapshot = load(tx)
        for book in snapshot.books:
            for rate in book.rates:
                if book.book_id == "sale" and rate.model == "gpt-4o":
                    self.rates[rate.meter] = rate.rate_id
                self.picos[rate.rate_id] = rate.pico
        self.picos[0] = 0

    def cap(self, name: str, amount: int, **narrowed: object) -> Allowance:
        """Cap what acme spends in November, in dollars."""
        facts: dict[str, object] = {"measure": Measure.MONEY, "currency": "USD"} | narrowed
        draft = AllowanceDraft(name=name, cap=amount, **facts)  # type: ignore[arg-type]  # its fields
        return add_allowance(self.db, self.shop.acme, draft, by="test", now=NOW)

    def rows(self) -> list[AllowanceRow]:
        with self.db.read() as tx:
            return load(tx).allowances

    def windows(self, *allowances: Allowance) -> list[WindowRow]:
        with self.db.read() as tx:
            return windows_at(tx, [a.number for a in allowances], NOW_MS // 1000)

    def read_journals(self) -> None:
        self.ingest.step(NOW)
        while self.ingest.behind:
            self.ingest.step(NOW)


@dataclass
class Call:
    """A call under way."""

    begun: Begun
    hold: Hold


class Worker:
    """One process: a journal, and slices of what it was lent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.slices = Slices()
        self.journal: Journal = open_journal(desk.home, UUID(bytes=uuid7_at(NOW_MS)))
        self.calls: list[Call] = []
        self.written: list[Begun | Ended | Returned] = []

    def need(self, row: AllowanceRow, worst: int) -> Need:
        unit = "USD" if row.measure == Measure.MONEY else ""
        slice_ = self.slices.of(row, unit, "Asia/Shanghai", NOW_MS * 1000)
        amount = worst if row.measure == Measure.MONEY else 1
        return Need(slice_, amount if row.hard else 1, amount)

    def begin(self, worst: int, *, ahead: int = 0) -> Call | None:
        """Let a call pass, or not."""
        needs = [self.need(row, worst) for row in self.desk.rows()]
        if not all(_fits(need) for need in needs):
            self.ask(needs, ahead)
        if not all(_fits(need) for need in needs):
            return None
        hold = Hold(needs)
        begun = begin(
            NOW_MS,
            customer=self.desk.shop.acme.customer_id,
            project=self.desk.shop.child.project_id,
            key=self.desk.shop.key_id,
            month="2026-11",
            hour_s=HOUR_S,
            hold_pico=hold.pico,
            lease=hold.lease,
        )
        self.write(begun)
        self.calls.append(Call(begun, hold))
        return self.calls[-1]

    def ask(self, needs: list[Need], ahead: int) -> None:
        demand = {need.slice.slot: need.reserve for need in needs}
        free: dict[Slot, int] = {need.slice.slot: need.slice.free for need in needs}
        told = lease(
            self.desk.db, self.journal.journal_id, [demand], free, like=demand, ahead=ahead, now=NOW
        )
        for need in needs:
            need.slice.told(told[need.slice.slot])

    def end(self, call: Call, *, tokens_in: int, tokens_out: int, state: str = "measured") -> int:
        """Write down how a call ended, and return what it is worth."""
        rates = self.desk.rates
        known = state == "measured"
        items = (
            EndedItem("gpt-4o", "input", tokens_in if known else 0, rates["input"], 0),
            EndedItem("gpt-4o", "output", tokens_out if known else 0, rates["output"], 0),
            EndedItem("gpt-4o", "requests", 1, 0, 0),
        )
        self.write(
            Ended(call.begun, call.begun.started_us + 9, state, "", billable=True, items=items)
        )
        totals = totals_of(item_tuples(items), self.desk.picos)
        call.hold.count(totals, known=is_known(state, billable=True))
        call.hold.release()
        self.calls.remove(call)
        return tokens_in * INPUT + tokens_out * OUTPUT if known else 0

    def give_back(self) -> None:
        """Return everything that no call holds."""
        free: list[Slice] = [each for each in self.slices.present.values() if each.free > 0]
        if free:
            given = tuple((*each.slot, each.free) for each in free)
            self.write(Returned(uuid7_at(NOW_MS), NOW_MS * 1000, given))
            for each in free:
                each.returned += each.free

    def die(self) -> list[Call]:
        """End without a word; the calls under way stay open in the journal."""
        self.journal.close()
        return self.calls

    def write(self, record: Begun | Ended | Returned) -> None:
        self.journal.append(record)
        self.journal.flush()
        self.written.append(record)


def _fits(need: Need) -> bool:
    free = need.slice.free
    return free >= need.reserve if need.slice.row.hard else free > 0
