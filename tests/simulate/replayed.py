"""What-if with nothing changed must be the bill, exactly, whatever happened before and since."""

from dataclasses import dataclass, field

from tests.simulate.deeds import Deeds
from tests.simulate.world import Actor, World
from yuejie.assurance import store
from yuejie.assurance.history import sheets_of
from yuejie.bills.bill import BillState, is_beside
from yuejie.bills.store import whole_bills
from yuejie.db.session import Tx
from yuejie.insights.whatif.replay import NotReplayable, Replay
from yuejie.insights.whatif.suppose import PricedBy, Supposition
from yuejie.insights.whatif.what_if import what_if
from yuejie.kernel.period import BillingMonth


@dataclass
class Replayed:
    """Replays random months and remembers how many could be."""

    world: World
    deeds: Deeds
    exact: int = 0
    refused: list[str] = field(default_factory=list)

    def every(self) -> None:
        """Replay every month of everybody."""
        for actor in self.world.actors:
            living = [b for b in self.deeds.bills(actor) if b.state is not BillState.VOIDED]
            months = {bill.month for bill in living if not is_beside(bill.part)}
            for month in sorted(months):
                self._one(actor, month)

    def _one(self, actor: Actor, month: BillingMonth) -> None:
        """Suppose the book and terms there are; where calls do not tell all, suppose nothing."""
        where, who, now = (actor.client.slug, str(month)), actor.party.customer, self.world.clock.at
        try:
            again = what_if(self.world.db, who, month, self._same, now=now)
        except NotReplayable:
            # Some of the month's usage may be on another bill, since a part was voided.
            self._plainly(actor, month)
            return
        assert again.after == again.before, where
        assert all(line.was == line.became for line in again.lines), where
        assert all(step.gross_fen == 0 for step in again.steps), where
        self.exact += 1

    def _plainly(self, actor: Actor, month: BillingMonth) -> None:
        where, who, now = (actor.client.slug, str(month)), actor.party.customer, self.world.clock.at
        try:
            plain = what_if(self.world.db, who, month, lambda _tx, _known: Supposition(), now=now)
        except NotReplayable:
            assert self._may_refuse(actor, month), where
            self.refused.append(f"{where}")
            return
        assert plain.after == plain.before, where
        assert all(line.was == line.became for line in plain.lines), where

    def _same(self, tx: Tx, known: Replay) -> Supposition:
        """Suppose the book and the contract that there are: priced from calls, drawn anew."""
        contract = known.facts.contract
        return Supposition(
            prices=PricedBy(self.world.book(tx, contract.sale_book), "list"), contract=contract
        )

    def _may_refuse(self, actor: Actor, month: BillingMonth) -> bool:
        """Only where parts were drawn anew behind their closing: together they were never drawn."""
        who = actor.party.customer
        with self.world.db.read() as tx:
            bills = whole_bills(tx, who.customer_id)
            history = store.history_of(tx, who.customer_id, zone=who.zone, bills=bills)
            sheet = sheets_of(history, month)[-1]
        return sheet.redrawn(history)
