"""How contracts end and what follows them, at random, by the real verbs.

It draws from a dice of its own, so that a world in which no contract ends stays what it was. A
contract of a term is renewed by hand or goes on by itself, is followed by another, in the other
currency too, is left with notice, or ends. Its turn comes some months ahead, in its last month, or
too late.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from tests.simulate.deeds import Deeds
from tests.simulate.faults import broken_off
from tests.simulate.truth import Deal, first_day, last_day, later
from tests.simulate.world import Actor, World
from yuejie.bills.correct.break_fee import approve_leaving
from yuejie.contracts.life.ending import Wish, ask_end, renew_contract, renew_due
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import Renewal
from yuejie.kernel.ids import ContractId

KINDS = ("renew", "renew", "follow", "follow", "change", "change", "leave", "regret", "end")
AUTO = ("auto", "auto", "follow", "change", "leave")


@dataclass(frozen=True)
class Turn:
    """What is done about a term's end, and how many months before."""

    kind: str
    lead: int


@dataclass
class Signing:
    """Sales, and whoever signs."""

    world: World
    deeds: Deeds
    turns: dict[tuple[str, int, int], Turn] = field(default_factory=dict)
    over: set[tuple[str, int]] = field(default_factory=set)
    """Contracts about which nothing more is done."""

    def __post_init__(self) -> None:
        self.random = self.world.contracts

    def month(self, month: str) -> None:
        """Do what is due about everybody's newest contract."""
        for actor in self.world.actors:
            if not actor.client.deals:
                continue  # its only contract was left before it began
            deal = _newest(actor)
            if deal.ends is None or (actor.client.slug, deal.contract) in self.over:
                continue
            turn = self._turn(actor, deal)
            if month >= str(later(deal.ends.replace(day=1), -turn.lead))[:7]:
                self._take(turn.kind, actor, deal, month)

    def clerk(self, month: str) -> None:
        """Renew what goes on by itself, by the evening of the month's last day."""
        last = last_day(month)
        now = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
        # Whoever looks afterwards knows of it: a drawing knows what was signed by its instant.
        self.world.clock.at = max(self.world.clock.at, now)
        for became in renew_due(self.world.db, by="clerk", now=now):
            (actor,) = (
                each
                for each in self.world.actors
                if each.party.customer.customer_id == became.customer_id
            )
            # It may be one that another follows behind a gap.
            went_on = [
                deal for deal in actor.client.deals if self._name(actor, deal) == became.contract_id
            ]
            deal = max(went_on, key=lambda deal: (deal.term, went_on.index(deal)))
            self._renewed(actor, deal, actor.terms[deal.contract].renewal_months)
            self.deeds.done["auto"] += 1

    def _turn(self, actor: Actor, deal: Deal) -> Turn:
        key = (actor.client.slug, *deal.whose)
        if key not in self.turns:
            kinds = AUTO if actor.terms[deal.contract].renewal is Renewal.AUTO else KINDS
            kind, lead = self.random.choice(kinds), self.random.randrange(4)
            assert deal.ends is not None
            if kind == "renew":
                lead -= 1  # now and then in the month behind
            elif kind in {"leave", "regret"}:
                lead += 2
            self.turns[key] = Turn(kind, lead)
        return self.turns[key]

    def _take(self, kind: str, actor: Actor, deal: Deal, month: str) -> None:
        if kind == "auto":
            return
        self.deeds.done[kind] += 1
        if kind in {"renew", "regret"}:
            self._renew(actor, deal)
        if kind in {"leave", "regret"}:
            self._leave(actor, _newest(actor), month)
        elif kind in {"follow", "change"}:
            self._follow(actor, deal, month, other=kind == "change")
        elif kind == "end":
            self.over.add((actor.client.slug, deal.contract))

    def _renew(self, actor: Actor, deal: Deal) -> None:
        name, months = self._name(actor, deal), self.random.randrange(2, 7)
        now = self.world.tick()
        self._do(lambda: renew_contract(self.world.db, name, by="sales", now=now, months=months))
        self._renewed(actor, deal, months)

    @staticmethod
    def _renewed(actor: Actor, deal: Deal, months: int) -> None:
        assert deal.ends is not None
        again = replace(deal, since=deal.ends, ends=later(deal.ends, months), term=deal.term + 1)
        actor.client.deals.append(again)

    def _follow(self, actor: Actor, deal: Deal, month: str, *, other: bool) -> None:
        """Sign a successor from the last day on, from the next month's first, or ahead of both."""
        assert deal.ends is not None
        starts_on, luck = deal.ends, self.random.random()
        if luck < 0.2:
            starts_on = later(deal.ends.replace(day=1), 1)
        elif luck < 0.4:
            starts_on = self._ahead(deal, month)
        currencies = {"CNY": "USD", "USD": "CNY"} if other else {}
        self.world.follow(actor, starts_on, currencies.get(deal.currency, deal.currency))

    def _ahead(self, deal: Deal, month: str) -> date:
        """Some day within the term, of a month to come."""
        assert deal.ends is not None
        first = max(later(first_day(month), 1), later(deal.since.replace(day=1), 1))
        days = [first + timedelta(days=n) for n in range(max(0, (deal.ends - first).days))]
        return self.random.choice(days) if days else deal.ends

    def _leave(self, actor: Actor, deal: Deal, month: str) -> None:
        """Ask to leave, and let somebody else approve; perhaps another contract follows."""
        self.over.add((actor.client.slug, deal.contract))
        wished = first_day(month) + timedelta(days=self.random.randrange(20, 140))
        now = self.world.tick()
        asked = now.astimezone(actor.party.zone).date()
        assert deal.ends is not None
        if max(wished, asked + timedelta(days=deal.notice)) >= deal.ends:
            return
        wish = Wish(contract_id=self._name(actor, deal), wished_on=wished, why="业务调整")
        end = ask_end(self.world.db, wish, by="sales", now=now)
        self._do(lambda: approve_leaving(self.world.db, end.end_id, by="finance", now=now))
        actor.client.leaves(deal.contract, asked, wished)
        self.deeds.done["left"] += 1
        if self.random.random() < 0.4 and actor.client.deals:
            self._follow(actor, _newest(actor), month, other=False)

    def _name(self, actor: Actor, deal: Deal) -> ContractId:
        """The contract's id; a customer's contracts are numbered as they were signed."""
        with self.world.db.read() as tx:
            versions = contracts_of(tx, actor.party.customer.customer_id)
        signed = sorted(versions, key=lambda each: each.signed_at)
        return list(dict.fromkeys(each.contract_id for each in signed))[deal.contract]

    def _do(self, deed: Callable[[], object]) -> None:
        broken_off(self.world.fused.fuse, self.random, deed, within=15)


def _newest(actor: Actor) -> Deal:
    """The newest version of the newest term."""
    deals = actor.client.deals
    whose = max(deal.whose for deal in deals)
    return [deal for deal in deals if deal.whose == whose][-1]
