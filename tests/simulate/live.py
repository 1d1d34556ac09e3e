"""What the live bill says just before a month is closed must be what closing then draws."""

from dataclasses import dataclass, field

from tests.simulate.deeds import Deeds
from tests.simulate.world import Actor, World
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.live.live import Live, same
from yuejie.bills.live.look import look
from yuejie.bills.live.memory import Remembering
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth


@dataclass
class Watchers:
    """Look at everybody before a closing, with and without a memory, and compare behind it."""

    world: World
    deeds: Deeds
    memory: Remembering = field(default_factory=lambda: Remembering(cheap_seconds=3600))
    """Its clock is the machine's, under which a simulated year passes in a minute: it may never
    rest."""
    compared: int = 0

    def before(self, month: str) -> dict[str, Live]:
        """Look at everybody's live bill of a month that goes on."""
        found: dict[str, Live] = {}
        for actor in self.world.actors:
            live = self._look(actor, None)
            if live is not None and str(live.month) == month:
                again = self._look(actor, self.memory)
                assert again is not None
                both = [(*one.bills, *one.beside) for one in (live, again)]
                assert _all_same(*both), (actor.client.slug, month)
                found[actor.client.slug] = live
        return found

    def behind(self, month: str, seen: dict[str, Live]) -> None:
        """Compare what was seen with what was drawn, to the fen and line by line."""
        label = BillingMonth.parse(month)
        for actor in self.world.actors:
            live = seen.get(actor.client.slug)
            if live is None:
                continue
            drawn = [
                bill
                for bill in self.deeds.bills(actor)
                if bill.month == label and bill.state is BillState.DRAFT and bill.lines
            ]
            assert not live.earlier, (actor.client.slug, month, live.earlier)
            found = (*live.bills, *live.beside)
            assert _all_same(found, drawn), (actor.client.slug, month, found, drawn)
            self.compared += len(drawn)

    def _look(self, actor: Actor, memory: Remembering | None) -> Live | None:
        who = actor.party.customer.customer_id
        try:
            return look(self.world.db, who, now=self.world.clock.now(), memory=memory)
        except NotFound:
            return None


def _all_same(seen: tuple[Bill, ...] | list[Bill], drawn: tuple[Bill, ...] | list[Bill]) -> bool:
    one, other = ({bill.part: bill for bill in bills if bill.lines} for bills in (seen, drawn))
    return one.keys() == other.keys() and all(same(one[part], other[part]) for part in one)
