"""Customers that pay for each other: parents come and go, and pay what their subsidiaries owe.

Dice of their own: a world without families is the one that it was before there were any.
"""

from dataclasses import dataclass, field

from tests.simulate.till import Till
from tests.simulate.world import Actor
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.payments.apportion.draw import draw_down
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.banks.keep import set_parent

STRANGERS = """
    SELECT a.source_customer, a.customer_id, a.amount_fen
    FROM apportionment a
    WHERE a.source_customer <> a.customer_id AND a.undoes IS NULL
      AND a.source_customer IS DISTINCT FROM (
        SELECT p.parent_id FROM customer_parent p
        WHERE p.customer_id = a.customer_id AND p.since <= a.at ORDER BY p.since DESC LIMIT 1)
"""


@dataclass(frozen=True)
class _Stranger:
    source_customer: CustomerId
    customer_id: CustomerId
    amount_fen: int


@dataclass
class Family:
    """Who pays for whom, and the money that goes between them."""

    till: Till
    parents: dict[str, Actor] = field(default_factory=dict)
    """By the name of the subsidiary."""

    def __post_init__(self) -> None:
        self.world, self.deeds = self.till.world, self.till.deeds
        self.random = self.world.family
        self.lives = len(self.world.actors) > 1 and self.random.random() < 0.7
        self.till.kin = self.of

    def of(self, actor: Actor) -> list[Actor]:
        """Return a customer and those whose bills it pays."""
        slugs = [slug for slug, parent in self.parents.items() if parent is actor]
        return [actor, *(each for each in self.world.actors if each.client.slug in slugs)]

    def month(self) -> None:
        """Let parents come and go, and pay."""
        if not self.lives:
            return
        if self.random.random() < 0.4:
            self._regroup()
        for slug, parent in list(self.parents.items()):
            child = next(each for each in self.world.actors if each.client.slug == slug)
            for chance, deed in (
                (0.5, self._transfer),
                (0.3, self._ahead),
                (0.3, self._prepayment),
                (0.15, self._deposit),
                (0.1, self._all),
            ):
                if self.random.random() < chance:
                    deed(parent, child)

    def _regroup(self) -> None:
        """Give some customer another parent, or none."""
        child = self.random.choice(self.world.actors)
        others = [None, *(each for each in self.world.actors if each is not child)]
        parent, now = self.random.choice(others), self.world.tick()

        def say() -> bool:
            above = parent.client.slug if parent else None
            set_parent(self.world.db, child.client.slug, above, by="clerk", now=now)
            return True

        if self.deeds.attempt("parent", say):
            self.parents.pop(child.client.slug, None)
            if parent is not None:
                self.parents[child.client.slug] = parent

    # ── money ───────────────────────────────────────────────────────────────────────────────────

    def _transfer(self, parent: Actor, child: Actor) -> None:
        """Pay a bill of the subsidiary, alone or with one of its own, named or not."""
        bill = self._owed(child)
        if bill is None:
            return
        fen, memo = bill.open_fen, bill.number
        own = self._owed(parent, bill.currency)
        if own is not None and self.random.random() < 0.4:
            fen, memo = fen + own.open_fen, f"{memo}，{own.number}"
        if self.random.random() < 0.2:
            fen = self.random.randrange(1, fen + 1)
        named = self.random.random() < 0.7
        self.till.pay(parent, fen, memo if named else "", bill.currency)

    def _ahead(self, parent: Actor, child: Actor) -> None:
        """Pay ahead, some of what the subsidiary comes to and more than nothing."""
        currency = child.party.customer.currency
        if currency in parent.currencies:
            self.till.pay(parent, self.random.randrange(1, 500_000), "预付", currency)

    def _prepayment(self, parent: Actor, child: Actor) -> None:
        self._draw(Use.PREPAYMENT, parent, child)

    def _deposit(self, parent: Actor, child: Actor) -> None:
        self._draw(Use.DEPOSIT, parent, child)

    def _draw(self, what: Use, parent: Actor, child: Actor) -> None:
        """Pay a bill of the subsidiary from what the parent has with us, by name."""
        bill = self._owed(child)
        if bill is None:
            return
        fen = self.random.randrange(1, bill.open_fen + 1)
        now, bills = self.world.tick(), {bill.number: fen}
        self.deeds.attempt(
            f"parent's {what}",
            lambda: draw_down(
                self.world.db,
                parent.client.slug,
                what,
                bills=bills,
                currency=bill.currency,
                why="代子公司付款",
                by="clerk",
                now=now,
            ),
        )

    def _all(self, parent: Actor, child: Actor) -> None:
        """Pay the oldest bills of all that belong together as far as the prepayment reaches."""
        now, currency = self.world.tick(), child.party.customer.currency
        self.deeds.attempt(
            "family's draw",
            lambda: draw_down(
                self.world.db,
                parent.client.slug,
                Use.PREPAYMENT,
                bills=None,
                currency=currency,
                by="clerk",
                now=now,
            ),
        )

    def _owed(self, actor: Actor, currency: str = "") -> OpenAmount | None:
        owed = [
            each
            for each in self.till.amounts(actor)
            if each.open_fen > 0 and each.currency == (currency or each.currency)
        ]
        return self.random.choice(owed) if owed else None

    # ── what must hold ──────────────────────────────────────────────────────────────────────────

    def always(self) -> None:
        """Check that nobody's money was taken for who was no subsidiary of it then."""
        with self.world.db.read() as tx:
            self._no_strangers(tx)

    @staticmethod
    def _no_strangers(tx: Tx) -> None:
        assert tx.rows(_Stranger, STRANGERS) == []
