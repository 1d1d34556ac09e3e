"""Fapiao at random, by the real verbs, from a tax platform in this process that goes wrong."""

from dataclasses import dataclass
from datetime import datetime

from tests.rooms.fapiao.shop import SELLING, nuonuo_at
from tests.simulate.deeds import Deeds
from tests.simulate.world import Actor
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.amounts import LineNature
from yuejie.fapiao.available import Available, BillShare
from yuejie.fapiao.fapiao import Fapiao, find_red
from yuejie.fapiao.issuing.store import open_errands
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.life import STANDING, RedState
from yuejie.fapiao.request import (
    Pick,
    Wish,
    approve_fapiao,
    decline_fapiao,
    request_fapiao,
    what_is_available,
)
from yuejie.fapiao.reversing.form import RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.fapiao.store import fapiao_of_customer
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title

FAULTS = ("lost", "unheard", "500_before", "500_after", "seal", "fail")
ROUNDS = 60
"""Most rounds until nothing is left to be done."""


@dataclass
class Desk:
    """The operator's desk for fapiao, and the tax office it talks to."""

    deeds: Deeds
    platform: TaxPlatform

    def __post_init__(self) -> None:
        self.world, self.random = self.deeds.world, self.deeds.random
        self.nuonuo = nuonuo_at(self.world.db, self.platform.url)
        for actor in self.world.actors:
            draft = TitleDraft(
                name=actor.party.customer.legal_name, tax_number="91440300708461136T"
            )
            now = self.world.tick()
            open_title(self.world.db, actor.client.slug, draft, by="customer", now=now)

    def month(self) -> None:
        """Let everybody who is billed in yuan ask, take back, and wait for the tax office."""
        if self.random.random() < 0.5:
            fault = self.random.choice(FAULTS)
            self.platform.tell("faults", faults=[{"fault": fault}])
        for actor in self.world.actors:
            if "CNY" in actor.currencies:
                self._visit(actor)
        self.calm()

    def _visit(self, actor: Actor) -> None:
        available = self.available(actor)
        if available.owed_back_fen or self.random.random() < 0.15:
            self.take_back(actor, available)
        if self.random.random() < 0.6:
            self.ask(actor, available)

    # ── blue ────────────────────────────────────────────────────────────────────────────────────

    def ask(self, actor: Actor, available: Available) -> None:
        """Request fapiao of some bills: whole, by tax line, or an amount; somebody else decides."""
        open_now = [each for each in available.bills if each.may_request and each.left_fen > 0]
        if not open_now:
            return
        some = self.random.sample(open_now, min(len(open_now), self.random.randrange(1, 4)))
        wish = Wish(picks=tuple(self._pick(share) for share in some))
        owner, now = actor.party.customer.customer_id, self.world.tick()
        asked: list[Fapiao] | None = self.deeds.attempt(
            "fapiao requested",
            lambda: request_fapiao(self.world.db, owner, wish, SELLING, by="customer", now=now),
        )
        for fapiao in asked or ():
            self._decide(fapiao.key)

    def _pick(self, share: BillShare) -> Pick:
        bill, way = share.bill.number, self.random.choice(("bill", "bill", "line", "amount"))
        lines = [each for each in share.lines if each.left_fen > 0]
        if way == "line" and lines:
            line = self.random.choice(lines)
            fen = self.random.choice((None, self.random.randrange(1, line.left_fen + 1)))
            return Pick(bill, line.line.position, fen)
        if way == "amount":
            return Pick(bill, None, self.random.randrange(1, share.left_fen + 1))
        return Pick(bill)

    def _decide(self, key: str) -> None:
        db, now = self.world.db, self.world.tick()
        if self.random.random() < 0.85:
            self.deeds.do(lambda: approve_fapiao(db, key, provider="nuonuo", by="finance", now=now))
        else:
            self.deeds.do(lambda: decline_fapiao(db, key, why="抬头不对", by="finance", now=now))

    # ── red ─────────────────────────────────────────────────────────────────────────────────────

    def take_back(self, actor: Actor, available: Available) -> None:
        """Reverse fapiao: those of which more is out than is owed, or one at random."""
        owner = actor.party.customer.customer_id
        with self.world.db.read() as tx:
            standing = [f for f in fapiao_of_customer(tx, owner) if f.state in STANDING]
        over = {each.bill.bill_id for each in available.bills if each.left_fen < 0}
        wanted = [each for each in standing if over & set(each.bills)]
        if not wanted and standing:
            wanted = [self.random.choice(standing)]
        for blue in wanted:
            self._reverse(blue)

    def _reverse(self, blue: Fapiao) -> None:
        random, db, now = self.random, self.world.db, self.world.tick()
        picks: tuple[RedPick, ...] = ()
        if random.random() < 0.6:
            lines = [line for line in blue.lines if line.nature is not LineNature.DISCOUNT]
            some = random.sample(lines, random.randrange(1, len(lines) + 1))
            part = random.choice((None, 2, 3))
            picks = tuple(
                RedPick(line.position, part and -(-line.gross_fen // part)) for line in some
            )
        reason = RedReason.ALLOWANCE if picks else random.choice(list(RedReason))
        wish = RedWish(fapiao=blue.key, reason=reason, why="按冲减单", picks=picks)
        if random.random() < 0.3:
            self.platform.tell("use", number=blue.number)
        red = self.deeds.attempt(
            "red requested", lambda: request_red(db, wish, by="finance", now=now)
        )
        if red is None:
            return
        then = self.world.tick()
        if random.random() < 0.1:
            self.deeds.do(lambda: withdraw_red(db, red.key, why="算错了", by="finance", now=then))
            return
        self.deeds.do(lambda: approve_red(db, red.key, by="boss", now=then))
        self.rounds(4)
        # A blue fapiao that its buyer used at any time before asks for the buyer's word.
        if self._waits(red.key):
            self.platform.tell("confirm", key=red.key, agree=random.random() < 0.7)
        self.calm()

    def _waits(self, key: str) -> bool:
        """Follow a form until it waits for the buyer, or came to its end some other way."""
        for _ in range(ROUNDS):
            with self.world.db.read() as tx:
                red = find_red(red_by_name(tx, key), key)
            if red.state is not RedState.APPROVED or self.rounds(1):
                break
        return red.state is RedState.WAITING

    # ── the tax office ──────────────────────────────────────────────────────────────────────────

    def rounds(self, most: int) -> bool:
        """Let the clerk do what is due, each time something is, and say whether all is done."""
        for _ in range(most):
            due = self._next()
            if due is None:
                return True
            self.world.clock.at = max(self.world.tick(), due)
            now = self.world.clock.at
            self.platform.tell("clock", at=now.isoformat())
            self.deeds.do(lambda now=now: tend(self.world.db, self.nuonuo, now=now))  # type: ignore[misc]  # why: bound now
        return self._next() is None

    def calm(self) -> None:
        """Wait until the tax office has answered everything."""
        assert self.rounds(ROUNDS), "errands that never end"

    def _next(self) -> datetime | None:
        with self.world.db.read() as tx:
            errands = open_errands(tx)
        assert all(each.state != "parked" for each in errands), errands
        return min((each.next_at for each in errands), default=None)

    def available(self, actor: Actor) -> Available:
        """Return what a customer may request."""
        with self.world.db.read() as tx:
            return what_is_available(tx, actor.party.customer.customer_id)
