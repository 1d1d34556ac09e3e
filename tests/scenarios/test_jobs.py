"""Long work as the person who started it sees it: begun, left, killed, gone on with, over."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.books import Books, Party, cny
from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import MonthNotOver, close_month
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.disputes import Objection, raise_dispute
from yuejie.bills.store import bills_of_month
from yuejie.contracts.terms import STANDARD, Confirmation
from yuejie.db.session import Database, Tx
from yuejie.insights.reports.keep import add_report
from yuejie.insights.reports.report import ReportDraft, Spec
from yuejie.insights.reports.store import runs
from yuejie.jobs import store
from yuejie.jobs.job import Job, JobKind, JobState, Order, Piece, PieceState, Upload
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.kinds.issue import order_move
from yuejie.jobs.kinds.make_report import order_report_run
from yuejie.jobs.kinds.prove import order_proof
from yuejie.jobs.kinds.statement import order_statement
from yuejie.jobs.kinds.usage import MOST_TOLD, order_usage
from yuejie.jobs.kinds.what_if import order_what_if, told_of
from yuejie.jobs.start import cancel_job, find_job, start_job
from yuejie.jobs.worker import LEASE, MOST_RUNS, Worker
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.store import receipts
from yuejie.usage.show import By, Question, show_usage

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "5"
output = "15"
"""
OCTOBER = BillingMonth.parse("2026-10")
FIFTH = datetime(2026, 11, 5, 2, tzinfo=UTC)
WANG = "member:王财务"
DRAFTED = """
    SELECT count(*) FROM bill_transition WHERE event = 'draft' AND by = %(by)s
"""
RECOMPUTED = "SELECT count(*) FROM bill_transition WHERE event = 'recompute'"
ENDED = "SELECT count(*) FROM epoch_closing WHERE why = 'close 2026-10'"
FILES = "SELECT count(*) FROM job_file"
DEEDS = "SELECT count(*) FROM deed WHERE noun = 'job' AND verb = %(verb)s AND by = %(by)s"


class Killed(BaseException):
    """What no handler of ours catches, as nothing runs after a kill -9."""


class Mortal(Database):
    """A database whose user dies just before, or just after, a commit."""

    commits = 0
    dies_at = 0
    after = False

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield tx
            self.commits += 1
            if self.commits == self.dies_at and not self.after:
                raise Killed
        if self.commits == self.dies_at and self.after:
            raise Killed


@pytest.fixture
def mortal(database: Database, database_url: str) -> Iterator[Mortal]:
    with Mortal.open(database_url) as db:
        assert isinstance(db, Mortal)
        yield db


@dataclass
class Desk:
    """A house with customers, and whoever works on its jobs."""

    books: Books
    parties: list[Party]

    def start(self, order: Order) -> str:
        return start_job(self.books.db, order, by=WANG, now=self.books.clock.now()).job_id

    def work(self, db: Database | None = None, *, beat: float = 60.0) -> int:
        return Worker(db or self.books.db, self.books.clock, beat_seconds=beat).work()

    def job(self, job_id: str) -> Job:
        with self.books.db.read() as tx:
            return find_job(tx, job_id)

    def pieces(self, job_id: str, state: PieceState | None = None) -> list[Piece]:
        with self.books.db.read() as tx:
            return store.pieces(tx, job_id, state=state)

    def count(self, sql: str, **params: object) -> int:
        with self.books.db.read() as tx:
            return int(tx.value(sql, **params))


def opened(books: Books, customers: int) -> Desk:
    books.prices(PRICES, currency="CNY")
    parties = [books.customer(f"c{number:02}") for number in range(customers)]
    for number, party in enumerate(parties):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000 * (number + 1))
    books.clock.at = FIFTH
    return Desk(books, parties)


def closing(desk: Desk, *, commit: bool = True) -> Order:
    return order_close(desk.books.db, OCTOBER, commit=commit, now=desk.books.clock.now())


def test_a_month_of_twenty_customers_is_closed_once_though_its_worker_dies_again_and_again(
    books: Books, mortal: Mortal
) -> None:
    """
    Finance starts the closing and leaves. The worker dies before its plan, before and after a
    customer's commit; each next one goes on. Everybody has one draft, drawn once, up to one epoch.
    """
    desk = opened(books, 20)
    job_id = desk.start(closing(desk))
    assert desk.job(job_id).state is JobState.WAITING
    for dies_at, after in ((3, False), (4, True), (7, True), (9, False), (12, False), (15, True)):
        mortal.commits, mortal.dies_at, mortal.after = 0, dies_at, after
        with pytest.raises(Killed):
            desk.work(mortal)
        assert desk.job(job_id).state is JobState.RUNNING
        assert desk.work() == 0, "the lease of the dead still runs"
        books.clock.at += LEASE
        late = desk.parties[0]  # what comes in meanwhile belongs to the next closing
        late.uses("2026-10-20 10:00:00", "gpt-4o", input=7)
    assert desk.work() == 1
    done = desk.job(job_id)
    assert (done.state, done.done, done.total, done.failed) == (JobState.DONE, 20, 20, 0)
    assert done.percent == 100
    assert desk.count(DRAFTED, by=WANG) == 20
    assert desk.count(RECOMPUTED) == 0
    with books.db.read() as tx:
        bills = bills_of_month(tx, OCTOBER)
    assert len({bill.epoch for bill in bills}) == 1
    assert Counter(bill.customer_id for bill in bills).most_common(1)[0][1] == 1
    assert desk.parties[0].bill("2026-10").gross == cny("5.00"), "without what came in later"
    assert {piece.said for piece in desk.pieces(job_id)} <= {"已出草稿", "没有变化"}
    assert desk.work() == 0


def test_closing_and_issuing_by_jobs_is_closing_and_issuing(books: Books) -> None:
    """The same bills to the fen as by hand, issued once, proved; the second 'issue' finds none."""
    desk = opened(books, 4)
    tried = desk.start(closing(desk, commit=False))
    desk.work()
    sums = sorted(piece.sums[0].fen for piece in desk.pieces(tried))
    assert sums == [500, 1000, 1500, 2000]
    assert not desk.parties[0].has_bill("2026-10")
    desk.start(closing(desk))
    desk.work()
    again = close_month(
        books.db, OCTOBER, customer=None, commit=True, by="x", now=books.clock.now()
    )
    assert {each.done.value for each in again} == {"unchanged"}
    issued = desk.start(order_move(JobKind.ISSUE, OCTOBER))
    desk.work()
    assert [piece.said for piece in desk.pieces(issued)] == [
        f"已出账，YJ202600000{n}" for n in range(1, 5)
    ]
    assert {party.bill("2026-10").state for party in desk.parties} == {BillState.ISSUED}
    nothing = desk.start(order_move(JobKind.ISSUE, OCTOBER))
    desk.work()
    assert (desk.job(nothing).state, desk.job(nothing).total) == (JobState.DONE, 0)
    proof = desk.start(order_proof(books.db, OCTOBER, None))
    desk.work()
    assert desk.job(proof).outcome["said"] == "全部一致"
    assert all(piece.said.startswith("一致：1 张账单") for piece in desk.pieces(proof))
    assert not any(each.differences for each in prove_month(books.db, OCTOBER))


def test_issuing_dies_between_a_number_and_its_note_and_no_bill_gets_two(
    books: Books, mortal: Mortal
) -> None:
    """The worker dies right after a bill was issued: whoever comes next finds it issued."""
    desk = opened(books, 5)
    books.close("2026-10")
    job_id = desk.start(order_move(JobKind.ISSUE, OCTOBER))
    mortal.dies_at, mortal.after = 5, True  # claim, plan, issue, note, issue
    with pytest.raises(Killed):
        desk.work(mortal)
    assert len(desk.pieces(job_id, PieceState.WAITING)) == 4
    books.clock.at += LEASE
    desk.work()
    numbers = sorted(str(party.bill("2026-10").number) for party in desk.parties)
    assert numbers == [f"YJ202600000{n}" for n in range(1, 6)]
    assert desk.job(job_id).failed == 0
    assert {piece.said[:3] for piece in desk.pieces(job_id)} == {"已出账"}


def test_what_people_did_behind_a_dead_worker_is_no_failure_of_its_job(
    books: Books, mortal: Mortal
) -> None:
    """A bill is issued, then the worker dies; it is voided before another worker goes on."""
    desk = opened(books, 3)
    books.close("2026-10")
    job_id = desk.start(order_move(JobKind.ISSUE, OCTOBER))
    mortal.dies_at, mortal.after = 3, True  # claim, plan, issue
    with pytest.raises(Killed):
        desk.work(mortal)
    bills = [party.bill("2026-10") for party in desk.parties]
    (first,) = [bill for bill in bills if bill.state is BillState.ISSUED]
    note = request_credit(
        books.db, first.bill_id, amounts=None, why="开错", by="a", now=books.tick()
    )
    decide_credit(books.db, note.credit_note_id, approve=True, by="b", now=books.tick())
    books.clock.at += LEASE
    desk.work()
    assert desk.job(job_id).failed == 0
    assert [piece.said for piece in desk.pieces(job_id)] == [
        "已出账，YJ2026000001，后作废",
        "已出账，YJ2026000002",
        "已出账，YJ2026000003",
    ]
    owed = cny("30.00") - first.gross
    assert desk.job(job_id).outcome["said"] == f"价税合计 {owed} CNY", "a voided bill is not owed"


def test_a_proposal_that_was_disputed_behind_a_dead_worker_is_no_failure(
    books: Books, mortal: Mortal
) -> None:
    books.prices(PRICES, currency="CNY")
    asks = replace(STANDARD, confirmation=Confirmation.REQUIRED)
    acme = books.customer("acme", commercial=asks)
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    desk = Desk(books, [acme])
    books.close("2026-10")
    job_id = desk.start(order_move(JobKind.PROPOSE, OCTOBER))
    mortal.dies_at, mortal.after = 3, True  # claim, plan, propose
    with pytest.raises(Killed):
        desk.work(mortal)
    bill = acme.bill("2026-10")
    raise_dispute(
        books.db,
        bill.bill_id,
        Objection(bill.lines[0].position, "不对"),
        by="cfo",
        now=books.tick(),
        customer_id=acme.customer.customer_id,
    )
    assert acme.bill("2026-10").state is BillState.DISPUTED
    books.clock.at += LEASE
    desk.work()
    assert [piece.said for piece in desk.pieces(job_id)] == ["已提交"]
    assert desk.job(job_id).failed == 0


def test_whoever_cannot_be_closed_is_named_and_the_others_are_closed(books: Books) -> None:
    """September of one customer was never closed: its October says so, the rest goes on."""
    desk = opened(books, 3)
    desk.parties[1].uses("2026-09-15 10:00:00", "gpt-4o", input=1)
    job_id = desk.start(closing(desk))
    desk.work()
    job = desk.job(job_id)
    assert (job.state, job.done, job.failed) == (JobState.DONE, 3, 1)
    (failed,) = desk.pieces(job_id, PieceState.FAILED)
    assert (failed.name, "请先关 2026-09" in failed.said) == ("c01", True)
    assert [party.has_bill("2026-10") for party in desk.parties] == [True, False, True]


def test_a_closing_is_cancelled_between_two_customers_and_what_is_closed_stays(
    books: Books, mortal: Mortal
) -> None:
    """The worker is between two customers when finance cancels; the next one ends the job."""
    desk = opened(books, 4)
    job_id = desk.start(closing(desk))
    mortal.dies_at, mortal.after = 6, True  # claim, epoch, plan, draft, note, draft
    with pytest.raises(Killed):
        desk.work(mortal)
    cancelled = cancel_job(books.db, job_id, by="member:李主管", now=books.clock.now())
    assert cancelled.is_stopping
    books.clock.at += LEASE
    desk.work()
    assert desk.job(job_id).state is JobState.CANCELLED
    assert sum(party.has_bill("2026-10") for party in desk.parties) == 2
    with pytest.raises(Conflict, match="无法取消"):
        cancel_job(books.db, job_id, by=WANG, now=books.clock.now())
    assert desk.count(DEEDS, verb="cancel", by="member:李主管") == 1
    assert desk.start(closing(desk)) != job_id, "and may be begun anew"


def test_what_nobody_has_begun_is_cancelled_at_once(books: Books) -> None:
    desk = opened(books, 1)
    job_id = desk.start(closing(desk))
    cancel_job(books.db, job_id, by=WANG, now=books.clock.now())
    assert desk.job(job_id).state is JobState.CANCELLED
    assert desk.work() == 0
    assert not desk.parties[0].has_bill("2026-10")


def test_the_same_work_is_open_once(books: Books) -> None:
    """Pressed twice, it is one job; over, it may be begun again. Not over yet: refused at once."""
    desk = opened(books, 1)
    first = desk.start(closing(desk))
    again = start_job(books.db, closing(desk), by="x", now=books.clock.now())
    assert (again.job_id, again.fresh) == (first, False)
    assert desk.count(DEEDS, verb="start", by=WANG) == 1
    desk.work()
    assert desk.start(closing(desk)) != first
    with pytest.raises(MonthNotOver, match="尚未结束"):
        order_close(books.db, OCTOBER.next, commit=True, now=books.clock.now())


def test_two_workers_never_have_the_same_job(books: Books, mortal: Mortal) -> None:
    """One is taken for dead and is not: what it still does is harmless, what it notes is refused.

    Its database stands still over a customer's commit while another worker finishes the job.
    """
    desk = opened(books, 4)
    job_id = desk.start(closing(desk))
    overtaken = []

    class Slow(Mortal):
        @contextmanager
        def begin(self) -> Iterator[Tx]:
            with Database.begin(self) as tx:
                yield tx
            self.commits += 1
            if self.commits == 4:  # claim, epoch, plan, draft
                books.clock.at += LEASE
                overtaken.append(desk.work())

    mortal.__class__ = Slow
    desk.work(mortal)
    assert overtaken == [1]
    job = desk.job(job_id)
    assert (job.state, job.done, job.failed) == (JobState.DONE, 4, 0)
    assert desk.count(DRAFTED, by=WANG) == 4
    assert desk.count(RECOMPUTED) == 0


def test_a_job_that_kills_its_worker_again_and_again_is_given_up(
    books: Books, mortal: Mortal
) -> None:
    desk = opened(books, 1)
    job_id = desk.start(closing(desk))
    for _ in range(MOST_RUNS):
        mortal.commits, mortal.dies_at, mortal.after = 0, 2, False
        with pytest.raises(Killed):
            desk.work(mortal)
        books.clock.at += LEASE
    assert desk.work() == 1
    assert (desk.job(job_id).state, "反复中断" in desk.job(job_id).why) == (JobState.FAILED, True)
    assert desk.work() == 0


def test_reading_that_kills_its_worker_at_its_end_is_given_up_as_well(
    books: Books, mortal: Mortal
) -> None:
    """How far a replay had come is lost with its worker: to have said so is nothing done."""
    desk = opened(books, 1)
    words = {"discount": [{"models": "*", "discount": "10%"}]}
    job_id = desk.start(order_what_if(desk.parties[0].customer, OCTOBER, words, None, None))
    for _ in range(MOST_RUNS):
        mortal.commits, mortal.dies_at, mortal.after = 0, 3, False
        with pytest.raises(Killed):
            desk.work(mortal)
        assert desk.job(job_id).total is not None, "it had said how far it was"
        books.clock.at += LEASE
    assert desk.work() == 1
    assert (desk.job(job_id).state, "反复中断" in desk.job(job_id).why) == (JobState.FAILED, True)


def usage_file(rows: int, *, wrong: int) -> Upload:
    head = "id,customer,project,model,started_at,input"
    good = [f"r{n},c00,main,gpt-4o,2026-10-16T00:00:00+08:00,10" for n in range(rows)]
    bad = [f"w{n},c00,nowhere,gpt-4o,2026-10-16T00:00:00+08:00,10" for n in range(wrong)]
    return Upload("usage.csv", "\n".join([head, *good, *bad]).encode())


MAPPING = 'source = "erp"'


def test_a_file_of_usage_is_imported_once_and_says_which_lines_it_refused(
    books: Books, mortal: Mortal
) -> None:
    """11,000 rows in three batches, the worker dies after the second; nothing counts twice."""
    desk = opened(books, 1)
    job_id = desk.start(order_usage(usage_file(11_000, wrong=2), MAPPING))
    mortal.dies_at, mortal.after = 4, True  # claim, batch, far, batch
    with pytest.raises(Killed):
        desk.work(mortal)
    books.clock.at += LEASE
    desk.work()
    job = desk.job(job_id)
    assert job.state is JobState.DONE, job.why
    assert job.outcome["said"].startswith("共 11,002 行：")
    assert job.outcome["said"].endswith("拒绝 2")
    assert [piece.name for piece in desk.pieces(job_id)] == ["第 11002 行", "第 11003 行"]
    assert "nowhere" in desk.pieces(job_id)[0].said
    question = Question(by=(By.CUSTOMER,), first=OCTOBER, last=OCTOBER)
    (line,) = show_usage(books.db, desk.parties[0].customer.customer_id, question)
    assert line.quantities["input"] == 1_000_000 + 11_000 * 10
    assert desk.count(FILES) == 0, "what was uploaded goes with the end"
    assert MOST_TOLD > 2
    with pytest.raises(Invalid, match="看不出"):
        order_usage(Upload("usage.dat", b"x"), "")


def test_a_large_statement_is_taken_in_and_matched_once(books: Books, mortal: Mortal) -> None:
    """The worker dies after the import and before its note: no line is a receipt twice."""
    desk = opened(books, 1)
    ours = open_account(
        books.db, holder="月结", bank="招商银行", number="110900000001", currency="CNY", by="x",
        now=FIFTH,
    )  # fmt: skip
    head = "交易日期,交易流水号,贷方发生额,对方户名"
    rows = [f"2026-11-03,S{n},3.00,c00 有限公司" for n in range(40)]
    file = Upload("nov.csv", "\n".join([head, *rows]).encode("gb18030"))
    job_id = desk.start(order_statement(books.db, ours.number, file))
    mortal.dies_at, mortal.after = 3, True  # claim, plan, import
    with pytest.raises(Killed):
        desk.work(mortal)
    books.clock.at += LEASE
    desk.work()
    job = desk.job(job_id)
    assert (job.state, job.done) == (JobState.DONE, 2), job.why
    with books.db.read() as tx:
        assert len(receipts(tx)) == 40
    assert "40 笔" in desk.pieces(job_id)[0].said
    broken = desk.start(order_statement(books.db, ours.number, Upload("x.csv", b"not a statement")))
    desk.work()
    assert desk.job(broken).state is JobState.FAILED
    assert desk.job(broken).why, "the refusal's own sentence"
    assert desk.count(FILES) == 0


def test_how_long_it_takes_and_how_long_it_will(books: Books) -> None:
    """A quarter done in a minute: three minutes are left, by the pace of this run alone."""
    desk = opened(books, 1)
    job_id = desk.start(closing(desk))
    assert not desk.job(job_id).is_late(FIFTH + timedelta(seconds=15))
    assert desk.job(job_id).is_late(FIFTH + timedelta(seconds=16))
    worker = mint("w", FIFTH)
    with books.db.begin() as tx:
        store.claim(tx, worker, now=FIFTH, until=FIFTH + LEASE)
        store.move(tx, job_id, worker, done=250, total=1000, stood={"epoch": 1})
    job = desk.job(job_id)
    now = FIFTH + timedelta(minutes=1)
    assert (job.percent, job.took(now), job.left(now)) == (
        25,
        timedelta(minutes=1),
        timedelta(minutes=3),
    )
    with books.db.begin() as tx:
        store.put_down(tx, job_id, worker, until=now, willing=True)
        store.claim(tx, "next", now=now, until=now + LEASE)
    assert desk.job(job_id).left(now + timedelta(minutes=1)) is None, "nothing done in this run yet"


def test_a_report_whose_worker_dies_at_any_commit_is_kept_once(
    books: Books, mortal: Mortal
) -> None:
    """Before and after each commit: whoever goes on reads anew, and what was kept stays."""
    desk = opened(books, 1)
    made = []
    for dies_at in range(2, 6):
        for after in (False, True):
            report = add_report(
                books.db,
                desk.parties[0].customer.customer_id,
                ReportDraft(name=f"用量 {dies_at} {after}", spec=Spec()),
                by=WANG,
                now=books.clock.at,
            )
            job_id = desk.start(order_report_run(report, books.clock.at, None))
            mortal.commits, mortal.dies_at, mortal.after = 0, dies_at, after
            with suppress(Killed):
                desk.work(mortal)
            books.clock.at += LEASE
            desk.work()
            assert desk.job(job_id).state is JobState.DONE
            with books.db.read() as tx:
                made.append(len(runs(tx, report.customer_id, report.report_id, limit=9)))
    assert made == [1] * 8


def test_a_replay_is_left_between_two_days_by_whoever_cancels_it(books: Books) -> None:
    """Cancelled while a day is read: no further day is, and there is no answer."""
    desk = opened(books, 1)
    party = desk.parties[0]
    month = BillingMonth.parse("2026-10")
    words = {"discount": [{"models": "*", "discount": "10%"}]}
    job_id = desk.start(order_what_if(party.customer, month, words, None, None))
    asked: list[int] = []

    def leaving() -> bool:
        asked.append(1)
        if len(asked) == 5:
            cancel_job(books.db, job_id, by=WANG, now=books.clock.at)
        return False

    Worker(books.db, books.clock, leaving).work()
    job = desk.job(job_id)
    assert (job.state, len(asked)) == (JobState.CANCELLED, 5)
    with books.db.read() as tx, pytest.raises(Conflict, match="没有结果"):
        told_of(tx, job)
