"""Two people, or a person and the clerk, do things to one bill or contract in the same moment."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.pool import Pool

import pytest

from tests.scenarios import bills_rival
from tests.scenarios.books import Books, Party
from yuejie.assurance.export import export_seals
from yuejie.assurance.verifier.yuejie_verify import verify
from yuejie.bills.bill import BillState, LineKind
from yuejie.bills.correct.adjust import propose_adjustment
from yuejie.bills.correct.adjustment import Wanted
from yuejie.bills.correct.store import adjustments_of, credits_of
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import propose_bill
from yuejie.bills.review.disputes import Objection, accept_dispute, raise_dispute
from yuejie.bills.review.store import disputes_of
from yuejie.contracts.life.approve import review_draft
from yuejie.contracts.life.draft import DraftBody, DraftKind, Review
from yuejie.contracts.life.drafting import draft_contract, submit_draft
from yuejie.contracts.life.ending import Wish, ask_end
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import STANDARD, Confirmation, ContractType
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
ROUNDS = 6
LATER = datetime(2026, 12, 20, 4, tzinfo=UTC)


@dataclass
class Rivals:
    """Two processes with a connection each, and a house with a customer for every round."""

    books: Books
    pool: Pool

    def both(
        self, left: tuple[str, str], right: tuple[str, str], *, ahead: int = 0
    ) -> tuple[str, str]:
        """Let two deeds begin in the same moment; return why each was refused, "" for done.

        The clock of the first may be some seconds ahead of the other's, or behind.
        """
        asked = [(*left, LATER + timedelta(seconds=ahead)), (*right, LATER)]
        one, other = self.pool.starmap(bills_rival.do, asked, chunksize=1)
        return one, other

    def parties(self, asks: Confirmation = Confirmation.NONE) -> list[Party]:
        self.books.prices(YUAN, currency="CNY")
        commercial = replace(STANDARD, confirmation=asks)
        found = [self.books.customer(f"c{n}", commercial=commercial) for n in range(ROUNDS)]
        for party in found:
            party.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M, output=2 * M)
        self.books.close("2026-10")
        return found

    def holds(self) -> None:
        """Nothing of the house contradicts anything else of it."""
        assert all(each.holds for each in check_ledger(self.books.db))
        assert self.books.unproved() == []


@pytest.fixture
def rivals(books: Books, database_url: str) -> Iterator[Rivals]:
    spawn = get_context("spawn")
    with spawn.Pool(2, bills_rival.enter, (database_url, spawn.Barrier(2))) as pool:
        yield Rivals(books, pool)
        pool.map(bills_rival.leave, range(2), chunksize=1)


def put(party: Party) -> str:
    """Put the bill of October to its customer on the day it was drawn."""
    bill = party.bill("2026-10")
    propose_bill(party.books.db, bill.bill_id, by="a", now=party.books.clock.at)
    return bill.bill_id


ANSWERS = [
    (Confirmation.REQUIRED, "confirm", BillState.CONFIRMED),
    (Confirmation.DEEMED, "deem", BillState.CONFIRMED),
    (Confirmation.NONE, "issue", BillState.ISSUED),
]


@pytest.mark.parametrize(("asks", "deed", "became"), ANSWERS)
def test_a_bill_is_doubted_or_goes_on_and_never_both(
    rivals: Rivals, asks: Confirmation, deed: str, became: BillState
) -> None:
    """Its customer doubts a line while somebody says yes, its silence does, or it is issued."""
    for party in rivals.parties(asks):
        name = put(party)
        doubted, gone = rivals.both(("dispute", name), (deed, name))
        assert bool(doubted) != bool(gone), (doubted, gone)
        bill = party.bill("2026-10")
        assert bill.state is (became if doubted else BillState.DISPUTED)
        with rivals.books.db.read() as tx:
            assert len(disputes_of(tx, party.customer.customer_id)) == (0 if doubted else 1)
    rivals.holds()


def test_a_credit_note_is_decided_once_and_the_chain_has_no_fork(rivals: Rivals) -> None:
    """Approved twice, approved and rejected, and two notes of one bill approved at once."""
    parties = rivals.parties()
    for number, party in enumerate(parties):
        bill = rivals.books.issue(party.bill("2026-10"))
        first, second = (_asked(rivals.books, bill.bill_id, {n: 100 * n}) for n in (1, 2))
        if number % 3 == 2:
            assert rivals.both(("approve", first), ("approve", second)) == ("", "")
        else:
            said = rivals.both(("approve", first), (("approve", "reject")[number % 3], first))
            assert sorted(map(bool, said)) == [False, True], said
            assert "已有审批结果" in "".join(said)
            decide_credit(rivals.books.db, second, approve=True, by="b", now=LATER)
        assert verify(export_seals(rivals.books.db, party.customer.slug)) == []
    rivals.holds()


def _asked(books: Books, bill_id: str, amounts: dict[int, int] | None) -> str:
    note = request_credit(books.db, bill_id, amounts=amounts, why="更正", by="c", now=LATER)
    return note.credit_note_id


def test_what_is_voided_has_no_other_note(rivals: Rivals) -> None:
    """Asked for whole and in part at once, one is; voided while a part is asked for, none is."""
    for number, party in enumerate(rivals.parties()):
        bill = rivals.books.issue(party.bill("2026-10"))
        if number % 2:
            said = rivals.both(("void", bill.bill_id), ("credit", bill.bill_id))
            assert sorted(map(bool, said)) == [False, True], said
        else:
            whole = _asked(rivals.books, bill.bill_id, None)
            voided, taken = rivals.both(("approve", whole), ("credit", bill.bill_id))
            assert not voided
            assert taken
            assert party.owes().fen == 0
        with rivals.books.db.read() as tx:
            assert len(credits_of(tx, party.customer.customer_id)) == 1
    rivals.holds()


def test_an_adjustment_stands_on_one_bill_whoever_is_first(rivals: Rivals) -> None:
    """It is approved while its bill is issued, drawn anew, or the next month is closed."""
    parties = rivals.parties()
    for number, party in enumerate(parties):
        waits = _adjustment(rivals.books, party)
        bill = party.bill("2026-10").bill_id
        deed = [("issue", bill), ("reopen", bill), ("close", "2026-11")][number % 3]
        if deed[0] == "reopen":
            put(party)
        adjusted, _ = rivals.both(("adjust", waits), deed, ahead=(-1, 1)[number // 3])
        assert not adjusted
    for month in ("2026-11", "2026-12"):
        rivals.books.close(month)
    for party in parties:
        with rivals.books.db.read() as tx:
            (found,) = adjustments_of(tx, party.customer.customer_id)
        lines = [
            line
            for month in ("2026-10", "2026-11", "2026-12")
            if party.has_bill(month)
            for line in party.bill(month).lines
            if line.refers_to == found.adjustment_id
        ]
        assert [(line.kind, line.amount_fen) for line in lines] == [(LineKind.ADJUSTMENT, -500)]
    rivals.holds()


def _adjustment(books: Books, party: Party) -> str:
    wanted = Wanted(
        customer_id=party.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-500,
        currency="CNY",
        item="减免",
        why="更正",
    )
    return propose_adjustment(books.db, wanted, by="a", now=LATER).adjustment_id


def test_an_answer_that_is_turned_down_holds_the_bill(rivals: Rivals) -> None:
    """
    A dispute was accepted and the bill put back; the adjustment is turned down in the moment in
    which the customer confirms or the bill is put to it. It is never issued over the doubt.
    """
    for number, party in enumerate(rivals.parties(Confirmation.REQUIRED)):
        name = put(party)
        doubt = raise_dispute(rivals.books.db, name, Objection(1, "不对"), by="acme", now=LATER)
        accept_dispute(
            rivals.books.db, doubt.dispute_id, amount_fen=-500, answer="是", by="a", now=LATER
        )
        with rivals.books.db.read() as tx:
            (found,) = adjustments_of(tx, party.customer.customer_id)
        rivals.both(("reopen", name), ("reopen", name))
        if number % 2:
            rivals.both(("propose", name), ("refuse", found.adjustment_id))
        else:
            put(party)
            rivals.both(("confirm", name), ("refuse", found.adjustment_id))
        said, _ = rivals.both(("issue", name), ("issue", name))
        assert said, party.bill("2026-10").state


def _amended(rivals: Rivals, party: Party, payment_days: int) -> str:
    """Draft an amendment that begins next month, and have it reviewed."""
    with rivals.books.db.read() as tx:
        held = contracts_of(tx, party.customer.customer_id)[-1]
        said = terms_of(tx, held)
    body = DraftBody(
        sale_book=said.sale_book,
        currency=said.currency,
        zone=said.zone,
        starts_at=datetime(2027, 1, 31, 16, tzinfo=UTC),
        commercial=replace(said.commercial, payment_days=payment_days),
    )
    draft = draft_contract(
        rivals.books.db,
        party.customer.customer_id,
        body,
        by="a",
        now=LATER,
        kind=DraftKind.AMEND,
        contract_id=held.contract_id,
    )
    submit_draft(rivals.books.db, draft.draft_id, by="a", now=LATER)
    verdict = Review(grade="A", limit_fen=1000_00, deposit_fen=0, comment="")
    review_draft(rivals.books.db, draft.draft_id, verdict, by="b", now=LATER)
    return draft.draft_id


def test_of_two_amendments_one_is_signed(rivals: Rivals) -> None:
    """Two people sign one draft, or one each; the second is told that there is a newer version."""
    for number, party in enumerate(rivals.parties()):
        one = _amended(rivals, party, 10)
        other = one if number % 2 else _amended(rivals, party, 20)
        said = rivals.both(("sign", one), ("sign", other))
        assert sorted(map(bool, said)) == [False, True], said
        with rivals.books.db.read() as tx:
            assert len(contracts_of(tx, party.customer.customer_id)) == 2


def test_a_contract_is_renewed_or_left(rivals: Rivals) -> None:
    """It is renewed twice at once, or renewed while its end is approved."""
    terms = replace(STANDARD, type=ContractType.ONE_YEAR, ends_on=date(2027, 1, 1))
    for number in range(ROUNDS):
        if not number:
            rivals.books.prices(YUAN, currency="CNY")
        party = rivals.books.customer(f"t{number}", commercial=terms)
        with rivals.books.db.read() as tx:
            (held,) = contracts_of(tx, party.customer.customer_id)
        if number % 2:
            wish = Wish(contract_id=held.contract_id, wished_on=date(2026, 12, 25), why="不用了")
            end = ask_end(rivals.books.db, wish, by="a", now=LATER)
            left, renewed = rivals.both(("end", end.end_id), ("renew", held.contract_id))
            assert (left, bool(renewed)) == ("", True)
        else:
            rivals.both(("renew", held.contract_id), ("renew", held.contract_id))
        with rivals.books.db.read() as tx:
            versions = contracts_of(tx, party.customer.customer_id)
        assert all(v.ends_at is None or v.ends_at > v.starts_at for v in versions)
