"""What happens to a customer's money, at random, by the real verbs, against banks of its own.

The bank is the truth: its balance moves by what was paid in and by what it carried out, and every
line of it is imported. What the house makes of that is for `owed.py` to check.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from tests.scenarios.bank import Bank
from tests.simulate.deeds import Deeds
from tests.simulate.world import Actor
from yuejie.fapiao.request import owed_back
from yuejie.kernel.money import CURRENCIES, FEN, plain
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refund import Refund, RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.store import held, of_bill
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.banks.keep import Paper, file_authorisation
from yuejie.payments.dunning.dun import daily_dunning
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import OPEN, Receipt
from yuejie.payments.receipts.store import receipts

SHANGHAI = ZoneInfo("Asia/Shanghai")
USD_NUMBER = "110912345610802"
STRANGER = "路人甲贸易有限公司"
LINE = """
    SELECT line_id FROM statement_line WHERE serial = %(serial)s AND direction = 'out'
      AND account_id = (SELECT account_id FROM bank_account WHERE number = %(number)s)
"""


@dataclass
class Till:
    """The operator's desk for money, and the two banks it has accounts at."""

    deeds: Deeds
    refunds: list[Refund] = field(default_factory=list)
    """Asked for, and not yet at an end."""
    waivers: list[str] = field(default_factory=list)
    kin: Callable[[Actor], list[Actor]] = lambda actor: [actor]
    """Whose bills a customer pays: its own, and those of its subsidiaries."""

    def __post_init__(self) -> None:
        self.world, self.random = self.deeds.world, self.deeds.random
        usd = Bank(self.world, number=USD_NUMBER, currency="USD")
        self.banks = {"CNY": Bank(self.world), "USD": usd}
        self.opened_with = {name: bank.balance_fen for name, bank in self.banks.items()}

    def month(self) -> None:
        """Let everybody pay and change its mind, and the clerk make a day's round."""
        random = self.random
        for actor in self.world.actors:
            if random.random() < 0.7:
                self.transfer(actor)
            for chance, deed in (
                (0.3, self.draw),
                (0.15, self.put_aside),
                (0.25, self.ask_back),
                (0.15, self.give_up),
                (0.1, self.undo),
                (0.1, self.bounce),
            ):
                if random.random() < chance:
                    deed(actor)
        now = self.world.tick()
        self.deeds.do(lambda: match_open(self.world.db, now=now))
        for receipt in self.receipts():
            if receipt.state in OPEN and random.random() < 0.6:
                self.place(receipt)
        self.decide()
        self.round()

    def round(self) -> None:
        """Let the clerk make its daily round."""
        now = self.world.tick()
        dunned = self.deeds.do(lambda: daily_dunning(self.world.db, now))
        assert not dunned.failed, dunned

    # ── money that comes in ─────────────────────────────────────────────────────────────────────

    def transfer(self, actor: Actor) -> None:
        """Pay a bill, a part of it, more than it, several at once, or nothing in particular."""
        random = self.random
        owed = [each for each in self.amounts(actor) if each.open_fen > 0]
        way = random.choice(("whole", "whole", "part", "over", "merged", "silent", "stranger"))
        if not owed:
            if random.random() < 0.2:
                self.pay(actor, random.randrange(1, 200_000), "预付", "")
            return
        bill = random.choice(owed)
        fen, memo = bill.open_fen, bill.number
        if way == "part":
            fen = random.randrange(1, fen + 1)
        elif way == "over":
            fen += random.randrange(1, 100_000)
        elif way == "merged":
            same = [each for each in owed if each.currency == bill.currency]
            some = random.sample(same, random.randrange(1, len(same) + 1))
            fen, memo = sum(each.open_fen for each in some), "，".join(e.number for e in some)
        elif way == "silent":
            memo = ""
        name = STRANGER if way == "stranger" else ""
        self.pay(actor, fen, memo if len(memo) < 200 else "", bill.currency, name=name)

    def pay(self, actor: Actor, fen: int, memo: str, currency: str, *, name: str = "") -> None:
        """Let money come in, and import the line; now and then its file comes twice."""
        bank = self.banks[currency or actor.party.customer.currency]
        self.world.tick()
        number = "6222000099999999" if name else f"62220000{int(actor.client.slug[1:]):08d}"
        who = name or actor.party.customer.legal_name
        row = bank.row(str(self.today()), plain(fen, FEN), who, number=number, memo=memo)
        for _ in range(self.random.choice((1, 1, 2))):
            self.deeds.do(lambda: bank.imports(row))
        self.deeds.done["receipt"] += 1

    def place(self, receipt: Receipt) -> None:
        """Say by hand whose a receipt is and what it pays, or send a stranger's money back."""
        random = self.random
        of_currency = [actor for actor in self.world.actors if receipt.currency in actor.currencies]
        actor = next(
            (a for a in of_currency if a.party.customer.legal_name == receipt.payer_name), None
        )
        if actor is None:
            if random.random() < 0.3:
                self.ask_for_refund(receipt, Source.RECEIPT, None, receipt.amount_fen)
                return
            actor = random.choice(of_currency)
            self.authorise(actor, receipt)
        placing = Placing(
            customer=actor.client.slug,
            bills=self._named(actor, receipt) if random.random() < 0.4 else None,
            deposit_fen=receipt.amount_fen // 4 if random.random() < 0.2 else 0,
            rest=random.choice((Use.PREPAYMENT, Use.PREPAYMENT, Use.DEPOSIT, None)),
        )
        now = self.world.tick()
        self.deeds.attempt(
            "place",
            lambda: apportion_receipt(
                self.world.db, receipt.receipt_id, placing, by="clerk", now=now
            ),
        )

    def _named(self, actor: Actor, receipt: Receipt) -> dict[str, int]:
        owed = [
            each
            for kin in self.kin(actor)
            for each in self.amounts(kin)
            if each.payable_fen > 0 and each.currency == receipt.currency
        ]
        left, found = receipt.amount_fen, dict[str, int]()
        for each in self.random.sample(owed, min(2, len(owed))):
            fen = min(left, self.random.randrange(1, each.payable_fen + 1))
            if fen > 0:
                found[each.number] = fen
                left -= fen
        return found

    def authorise(self, actor: Actor, receipt: Receipt) -> None:
        """File the paper by which somebody else pays for a customer."""
        paper = Paper(
            payer_name=receipt.payer_name,
            document_name="代付协议.pdf",
            document=b"scan",
            starts_on=date(2026, 1, 1),
        )
        now = self.world.tick()
        self.deeds.do(
            lambda: file_authorisation(self.world.db, actor.client.slug, paper, by="clerk", now=now)
        )

    # ── money that is here ──────────────────────────────────────────────────────────────────────

    def draw(self, actor: Actor) -> None:
        """Pay the oldest bills from the prepayment, or one from the deposit."""
        world, slug, now = self.world, actor.client.slug, self.world.tick()
        if self.random.random() < 0.6:
            self.deeds.attempt(
                "draw",
                lambda: draw_down(world.db, slug, Use.PREPAYMENT, bills=None, by="clerk", now=now),
            )
            return
        currency = actor.party.customer.currency
        owed = [
            each for each in self.amounts(actor) if each.open_fen > 0 and each.currency == currency
        ]
        free = self.free(actor, Use.DEPOSIT)
        if not owed or free <= 0:
            return
        bill = self.random.choice(owed)
        bills = {bill.number: min(free, bill.open_fen)}
        self.deeds.attempt(
            "deposit drawn",
            lambda: draw_down(
                world.db, slug, Use.DEPOSIT, bills=bills, why="逾期", by="clerk", now=now
            ),
        )

    def put_aside(self, actor: Actor) -> None:
        """Turn some of a prepayment into a deposit."""
        free, now = self.free(actor, Use.PREPAYMENT), self.world.tick()
        if free > 0:
            fen = self.random.randrange(1, free + 1)
            self.deeds.attempt(
                "set aside",
                lambda: set_aside(
                    self.world.db, actor.client.slug, fen, why="押金", by="clerk", now=now
                ),
            )

    def give_up(self, actor: Actor) -> None:
        """Ask to give up what is open of a bill; somebody else decides, perhaps later."""
        owed = [each for each in self.amounts(actor) if each.open_fen > 0]
        if not owed:
            return
        bill, now = self.random.choice(owed), self.world.tick()
        kind = self.random.choice(list(WaiverKind))
        asked = self.deeds.attempt(
            str(kind),
            lambda: request_waiver(
                self.world.db,
                bill.number,
                kind,
                why="收不回",
                by="a",
                now=now,
                short_pay_fen=dict.fromkeys(CURRENCIES, 10**6),
            ),
        )
        if asked is not None:
            self.waivers.append(asked.waiver_id)

    def undo(self, actor: Actor) -> None:
        """Take some apportionment to a bill back, whatever it came from."""
        amounts = self.amounts(actor)
        if not amounts:
            return
        bill, now = self.random.choice(amounts), self.world.tick()
        with self.world.db.read() as tx:
            rows = of_bill(tx, bill.customer_id, bill.bill_id)
        if rows:
            batch = self.random.choice(rows).batch_id
            self.deeds.attempt(
                "undo",
                lambda: undo_batch(self.world.db, batch, why="认错了", by="clerk", now=now),
            )

    # ── money that leaves ───────────────────────────────────────────────────────────────────────

    def ask_back(self, actor: Actor) -> None:
        """Ask for a part of a prepayment or deposit to go back to whom it came from."""
        owner, random = actor.party.customer.customer_id, self.random
        mine = [each for each in self.receipts() if each.customer_id == owner]
        what = random.choice((Use.PREPAYMENT, Use.DEPOSIT))
        free = self.free(actor, what)
        if mine and free > 0:
            fen = random.randrange(1, free + 1)
            self.ask_for_refund(random.choice(mine), Source(str(what)), actor, fen)

    def ask_for_refund(
        self, receipt: Receipt, source: Source, actor: Actor | None, fen: int
    ) -> None:
        """Ask; a second person decides, perhaps later."""
        wanted = Wanted(
            receipt_id=receipt.receipt_id,
            source=source,
            customer=actor.client.slug if actor else None,
            amount_fen=fen,
            why="多付",
        )
        now = self.world.tick()
        asked = self.deeds.attempt(
            "refund",
            lambda: request_refund(self.world.db, wanted, by="a", now=now, owes_fapiao=owed_back),
        )
        if asked is not None:
            self.refunds.append(asked)

    def decide(self) -> None:
        """Let second persons decide what waits for them, and the bank carry refunds out."""
        for waiver in list(self.waivers):
            if self.random.random() < 0.7:
                self._decide_waiver(waiver)
        for refund in list(self.refunds):
            if self.random.random() < 0.7:
                self._decide_refund(refund)

    def _decide_waiver(self, waiver: str) -> None:
        approve, now = self.random.random() < 0.8, self.world.tick()
        became = self.deeds.attempt(
            "waiver approved" if approve else "waiver rejected",
            lambda: decide_waiver(
                self.world.db, waiver, approve=approve, by="b", now=now, why="请先催收"
            ),
        )
        if became is not None:
            self.waivers.remove(waiver)

    def _decide_refund(self, refund: Refund) -> None:
        world, random, now = self.world, self.random, self.world.tick()
        name = refund.refund_id
        self.refunds.remove(refund)
        if refund.state is RefundState.REQUESTED:
            approve = random.random() < 0.8
            became = self.deeds.attempt(
                "refund approved" if approve else "refund rejected",
                lambda: decide_refund(
                    world.db,
                    name,
                    approve=approve,
                    by="b",
                    now=now,
                    why="抵下月",
                    owes_fapiao=owed_back,
                ),
            )
            if became is None or became.state is RefundState.APPROVED:
                self.refunds.append(became or refund)
        elif random.random() < 0.2:
            self.deeds.do(lambda: refund_failed(world.db, name, why="户名不符", by="a", now=now))
        else:
            line = self._leaves(refund.currency, refund.amount_fen, refund.to_name)
            self.deeds.do(
                lambda: refund_paid(
                    world.db, name, line=line, paid_on=self.today(), by="a", now=now
                )
            )
            self.deeds.done["refund paid"] += 1

    def bounce(self, actor: Actor) -> None:
        """Let the bank take a receipt back."""
        owner, now = actor.party.customer.customer_id, self.world.tick()
        mine = [each for each in self.receipts() if each.customer_id == owner]
        if not mine:
            return
        receipt = self.random.choice(mine)
        gone = self.deeds.attempt(
            "bounce",
            lambda: bounce(
                self.world.db, receipt.receipt_id, line=None, why="退票", by="clerk", now=now
            ),
        )
        if gone is not None:
            self._leaves(receipt.currency, receipt.amount_fen, receipt.payer_name)

    def _leaves(self, currency: str, fen: int, to: str) -> str:
        """Let money leave the bank, import that line, and return its id."""
        bank = self.banks[currency]
        row = bank.row(str(self.today()), plain(fen, FEN), to, out=True, memo="退款")
        self.deeds.do(lambda: bank.imports(row))
        with self.world.db.read() as tx:
            return str(tx.value(LINE, serial=row[1], number=bank.number))

    # ── what is known ───────────────────────────────────────────────────────────────────────────

    def today(self) -> date:
        """Return the day it is at the banks."""
        return self.world.clock.now().astimezone(SHANGHAI).date()

    def amounts(self, actor: Actor) -> list[OpenAmount]:
        """Return what is open of a customer's bills."""
        with self.world.db.read() as tx:
            return amounts_of(tx, actor.party.customer.customer_id)

    def free(self, actor: Actor, what: Use) -> int:
        """Return what a customer may use of its prepayment or deposit."""
        customer = actor.party.customer
        with self.world.db.read() as tx:
            return held(tx, customer.customer_id, what, customer.currency)

    def receipts(self) -> list[Receipt]:
        """Return every receipt, the oldest first."""
        with self.world.db.read() as tx:
            return receipts(tx, limit=10_000)
