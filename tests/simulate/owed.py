"""What must hold of money and fapiao at any time, by sums over rows and by what others wrote down.

The banks know what came in and went out; the tax office's truth log knows what was issued. Rows are
added up here by SQL of its own, and compared with what rooms and ledger say.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from tests.simulate.desk import Desk
from tests.simulate.till import Till
from tests.simulate.world import Actor
from yuejie.bills.bill import FINAL, Bill, BillState
from yuejie.bills.correct.credit import CreditNote, CreditState
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance, balances
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.receipts.receipt import OPEN

PREPAID_KINDS = {"package", "package_purchase"}

MOVED = """
    SELECT customer_id, bill_id, source, use, source_customer, receipt_id, currency,
           sum(amount_fen)::bigint AS fen
    FROM apportionment
    GROUP BY customer_id, bill_id, source, use, source_customer, receipt_id, currency
"""
SENT_BACK = """
    SELECT receipt_id, source, customer_id, currency, state, sum(amount_fen)::bigint AS fen
    FROM refund WHERE state IN ('requested', 'approved', 'paid')
    GROUP BY receipt_id, source, customer_id, currency, state
"""
BLUE = """
    SELECT l.bill_id, l.tax_position, sum(l.gross_fen)::bigint AS fen
    FROM fapiao_line l JOIN fapiao f USING (fapiao_id)
    WHERE f.state <> 'rejected' GROUP BY l.bill_id, l.tax_position
"""
RED = """
    SELECT l.bill_id, l.tax_position, sum(r.gross_fen)::bigint AS fen
    FROM fapiao_red_line r
    JOIN fapiao_red h USING (red_id)
    JOIN fapiao_line l ON l.fapiao_id = h.fapiao_id AND l.position = r.blue_position
    WHERE h.state = 'issued' GROUP BY l.bill_id, l.tax_position
"""
NUMBERED = """
    SELECT number, key, net_fen, tax_fen FROM fapiao WHERE number IS NOT NULL
    UNION ALL
    SELECT number, key, net_fen, tax_fen FROM fapiao_red WHERE number IS NOT NULL
"""


@dataclass(frozen=True)
class _Moved:
    customer_id: CustomerId
    bill_id: str | None
    source: str
    use: str
    source_customer: CustomerId | None
    receipt_id: str | None
    currency: str
    fen: int


@dataclass(frozen=True)
class _SentBack:
    receipt_id: str
    source: str
    customer_id: CustomerId | None
    currency: str
    state: str
    fen: int


@dataclass(frozen=True)
class _OnFapiao:
    bill_id: str
    tax_position: int
    fen: int


@dataclass(frozen=True)
class _Numbered:
    number: str
    key: str
    net_fen: int
    tax_fen: int


@dataclass
class Owed:
    """Checks money and fapiao."""

    till: Till
    desk: Desk

    def always(self) -> None:
        """Check everything that holds at any time."""
        with self.till.world.db.read(consistent=True) as tx:
            moved, back = tx.rows(_Moved, MOVED), tx.rows(_SentBack, SENT_BACK)
            self._banks(tx)
            self._receipts(tx, moved, back)
            for actor in self.till.world.actors:
                bills = self.till.deeds.bills(actor)
                notes = self.till.deeds.credits(actor)
                self._bills(actor, bills, notes, moved)
                self._held(tx, actor, bills, notes, moved, back)
            self._given_up(tx, moved)
            self._fapiao(tx)

    def after_the_clerk(self) -> None:
        """Check what holds once the clerk has made its round: no bill holds too much unseen."""
        for actor in self.till.world.actors:
            for amount in self.till.amounts(actor):
                assert amount.open_fen >= 0, amount
                closed = amount.open_fen == 0
                assert closed == (amount.state in {"paid", "written_off"}), amount

    # ── money ───────────────────────────────────────────────────────────────────────────────────

    def _banks(self, tx: Tx) -> None:
        """The ledger's bank is the bank's own balance: every line of it is booked, once."""
        for currency, bank in self.till.banks.items():
            booked = sum(
                each.fen for each in balances(tx, account=Account.BANK) if each.currency == currency
            )
            assert booked == bank.balance_fen - self.till.opened_with[currency], currency

    def _receipts(self, tx: Tx, moved: list[_Moved], back: list[_SentBack]) -> None:
        """A receipt = apportioned + suspense + refunded, and in no other state than that says."""
        used, straight = Counter[str](), Counter[str]()
        for row in moved:
            if row.receipt_id:
                used[row.receipt_id] += row.fen
        for gone in back:
            if gone.source == "receipt" and gone.state == "paid":
                straight[gone.receipt_id] += gone.fen
        suspense = Counter[str]()
        came = Counter[str]()
        for receipt in self.till.receipts():
            name = receipt.receipt_id
            left = receipt.amount_fen - used[name] - straight[name]
            assert 0 <= left <= receipt.amount_fen, (receipt, left)
            assert (left > 0) == (receipt.state in OPEN), (receipt, left)
            suspense[receipt.currency] += left
            came[receipt.currency] += receipt.amount_fen
        for currency in came:
            booked = [b for b in balances(tx, account=Account.SUSPENSE) if b.currency == currency]
            assert -sum(each.fen for each in booked) == suspense[currency]
            paid_out = sum(g.fen for g in back if g.currency == currency and g.state == "paid")
            on_bills = sum(
                row.fen
                for row in moved
                if row.use == "bill" and row.source in {"receipt", "prepayment", "deposit"}
                if row.currency == currency
            )
            kept = sum(
                self._kept(row, what)
                for row in moved
                if row.currency == currency
                for what in ("prepayment", "deposit")
            )
            kept -= sum(
                g.fen
                for g in back
                if g.currency == currency and g.state == "paid" and g.source != "receipt"
            )
            total = on_bills + kept + suspense[currency] + paid_out
            assert came[currency] == total, (currency, came[currency], total)

    @staticmethod
    def _kept(row: _Moved, what: str) -> int:
        return row.fen * (row.use == what) - row.fen * (row.source == what)

    def _bills(
        self,
        actor: Actor,
        bills: list[Bill],
        notes: list[CreditNote],
        moved: list[_Moved],
    ) -> None:
        """Gross = received + credited + given up + open, and the ledger says the same."""
        taken, onto, bad = Counter[str](), Counter[str](), Counter[str]()
        for note in notes:
            if note.state is CreditState.APPROVED:
                taken[note.bill_id] += note.gross.fen
        for row in moved:
            if row.bill_id:
                onto[row.bill_id] += row.fen
                bad[row.bill_id] += row.fen if row.source == "bad_debt" else 0
        amounts = {each.bill_id: each for each in self.till.amounts(actor)}
        owed = Counter[str]()
        for bill in bills:
            if bill.state not in FINAL:
                assert not onto[bill.bill_id], bill.bill_id
                continue
            left = bill.gross.fen - taken[bill.bill_id] - onto[bill.bill_id]
            owed[bill.currency] += left
            if bill.state is BillState.VOIDED:
                continue
            self._stands(bill, amounts[bill.bill_id], left, bad[bill.bill_id])
        for currency in self.till.banks:
            assert actor.party.owes(currency).fen == owed[currency], actor.client.slug

    @staticmethod
    def _stands(bill: Bill, amount: OpenAmount, left: int, bad: int) -> None:
        """A bill's state says what is open of it, and what was given up."""
        assert (amount.open_fen, amount.bad_debt_fen) == (left, bad), amount
        if bill.state is BillState.PAID:
            assert left <= 0, amount
            assert not bad, amount
        elif bill.state is BillState.WRITTEN_OFF:
            assert left <= 0 < bad, amount
        assert bad >= 0, amount

    def _held(
        self,
        tx: Tx,
        actor: Actor,
        bills: list[Bill],
        notes: list[CreditNote],
        moved: list[_Moved],
        back: list[_SentBack],
    ) -> None:
        """Prepayment and deposit are what came less what went, and never below nothing."""
        slug, who = actor.client.slug, actor.party.customer.customer_id
        for currency in self.till.banks:
            packages = self._packages(bills, notes, currency)
            own = [row for row in moved if row.currency == currency]
            gone = [g for g in back if g.customer_id == who and g.currency == currency]
            for what, account in (("prepayment", Account.PREPAYMENT), ("deposit", Account.DEPOSIT)):
                came = sum(row.fen for row in own if row.use == what and row.customer_id == who)
                went = sum(
                    row.fen for row in own if row.source == what and row.source_customer == who
                )
                asked = [each for each in gone if each.source == what]
                paid = sum(each.fen for each in asked if each.state == "paid")
                free = came - went - sum(each.fen for each in asked)
                assert free >= 0, (slug, what, free)
                booked = -balance(tx, account, party=who, currency=currency)
                more = packages if what == "prepayment" else 0
                assert booked == came - went - paid + more, (slug, what, currency, booked)

    @staticmethod
    def _packages(bills: list[Bill], notes: list[CreditNote], currency: str) -> int:
        """What packages were sold for, less what was drawn of them, on bills less credit notes."""
        lines = {
            line.line_id: line.net_fen
            for bill in bills
            if bill.state in FINAL and bill.currency == currency
            for line in bill.lines
            if line.kind in PREPAID_KINDS
        }
        taken = sum(
            line.net_fen
            for note in notes
            if note.state is CreditState.APPROVED
            for line in note.lines
            if line.line_id in lines
        )
        return sum(lines.values()) - taken

    def _given_up(self, tx: Tx, moved: list[_Moved]) -> None:
        """What was given up is booked as lost, bank's fees and bad debts apart."""
        for source, account in (
            ("bank_charges", Account.BANK_CHARGES),
            ("bad_debt", Account.BAD_DEBT),
        ):
            rows = sum(row.fen for row in moved if row.source == source)
            assert sum(each.fen for each in balances(tx, account=account)) == rows, source
            assert rows >= 0, source

    # ── fapiao ──────────────────────────────────────────────────────────────────────────────────

    def _fapiao(self, tx: Tx) -> None:
        """The tax office issued what we know, once each; no tax line has more on fapiao than it is.

        A bill less its credit notes = fapiao less red fapiao + what is left + parts without fapiao.
        """
        written = {
            row["number"]: (row["key"], row["net"], row["tax"])
            for row in self.desk.platform.issued()
        }
        known = {
            row.number: (
                row.key,
                Money(row.net_fen, "CNY").amount,
                Money(row.tax_fen, "CNY").amount,
            )
            for row in tx.rows(_Numbered, NUMBERED)
        }
        assert known == written
        assert len({key for key, *_ in written.values()}) == len(written), "a key issued twice"
        taken: dict[tuple[str, int], int] = defaultdict(int)
        for row in (*tx.rows(_OnFapiao, BLUE), *tx.rows(_OnFapiao, RED)):
            taken[row.bill_id, row.tax_position] += row.fen
        for actor in self.desk.world.actors:
            if "CNY" in actor.currencies:
                self._bills_on_fapiao(actor, taken)

    def _bills_on_fapiao(self, actor: Actor, taken: dict[tuple[str, int], int]) -> None:
        shares = {each.bill.bill_id: each for each in self.desk.available(actor).bills}
        credited = Counter[str]()
        for note in self.till.deeds.credits(actor):
            if note.state is CreditState.APPROVED:
                for line in note.lines:
                    credited[line.line_id] += line.net_fen + line.tax_fen
        for bill in self.till.deeds.bills(actor):
            if bill.state not in FINAL or bill.currency != "CNY":
                continue
            out = 0
            for tax in bill.tax_lines:
                on = taken[bill.bill_id, tax.position]
                own = [ln for ln in bill.lines if ln.tax_line == tax.position]
                # A discount that was taken back makes the line larger, another credit smaller.
                back = [credited[ln.line_id] for ln in own]
                most = tax.net_fen + tax.tax_fen - sum(fen for fen in back if fen < 0)
                least = tax.net_fen + tax.tax_fen - sum(fen for fen in back if fen > 0)
                assert min(0, least) <= on <= max(0, most), (bill.number, tax, on)
                out += on
            loose = sum(
                line.net_fen + line.tax_fen - credited[line.line_id]
                for line in bill.lines
                if line.tax_line is None
            )
            left = bill.gross.fen - sum(credited[ln.line_id] for ln in bill.lines) - loose - out
            told = shares[bill.bill_id].left_fen if bill.bill_id in shares else 0
            assert told == left, (bill.number, told, left, out, loose)
