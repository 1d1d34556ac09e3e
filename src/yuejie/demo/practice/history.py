"""The months of the practice house, each at its own hour, by the verbs of every day.

Of the main customer: two months settled and paid, one disputed and then paid, one issued that
waits for fapiao and money, one that waits for its word, and the present month with a budget that
is nearly used up. So whatever finance does in a month, there is something left to do it to.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zlib import crc32

from yuejie.app import fapiao_provider, selling
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.issue import issue_bill
from yuejie.bills.review.ask import confirm_bill, propose_bill
from yuejie.bills.review.disputes import Objection, raise_dispute, reject_dispute
from yuejie.bills.store import bill_of_month
from yuejie.budgets.allowance import Measure, Mode
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.budgets.watch.tell import watch_budgets
from yuejie.clerk import Clerk, keep_partitions
from yuejie.customers.customer import Customer
from yuejie.db.session import Database
from yuejie.demo.practice.furnish import BANK, BY, Enrolled, enrol, offer
from yuejie.demo.practice.parties import MAIN, Party
from yuejie.demo.practice.usage import CHINA, events_of
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.request import Pick, Wish, approve_fapiao, request_fapiao
from yuejie.insights.anomaly.scan import watch_usage
from yuejie.intake.push import push_events
from yuejie.kernel.errors import Unavailable
from yuejie.kernel.limits import PUSH_EVENTS
from yuejie.kernel.money import FEN, PICO_PER_FEN, plain
from yuejie.kernel.period import BillingMonth
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.match import match_open
from yuejie.settings import Settings
from yuejie.usage.show import Question, show_usage
from yuejie.usage.sums.fold import fold_usage

MONTHS: Final = 5
_SOURCE: Final = "practice"
_FINANCE: Final = "练习客户财务"
_OURS: Final = "练习运营财务"
_BOSS: Final = "练习运营管理员"
_TAX_SECONDS: Final = 3
_TAX_ROUNDS: Final = 60
_BUDGET_FEN_LEAST: Final = 500_00
_USED_PERCENT: Final = 86
_UNPLACED_FEN: Final = 1_000_00
_SETTLED_FROM: Final = 3
"""Months back from which on everything is settled."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Past:
    """The practice house while its months are made."""

    db: Database
    settings: Settings
    tax: TaxPlatform
    now: datetime
    say: Say

    def make(self, upstream: str) -> None:
        """Make every month up to now."""
        months = self._months()
        before = _at(months[0], 1, 0) - timedelta(days=20)
        offer(self.db, self.settings, upstream, now=before)
        for month in (*months, months[-1].next):
            keep_partitions(self.db, _at(month, 15, 12))
        customers = enrol(self.db, self.settings, now=_at(months[0], 1, 0))
        for back, month in zip(range(len(months), 0, -1), months, strict=True):
            self.say(f"{month}：用量、关账、账单、发票、到账")
            self._use(month, customers, growth=len(months) - back)
            self._bill(month, customers, back)
        self.say(f"{months[-1].next}：用量、额度提醒、优化建议")
        self._use(months[-1].next, customers, growth=len(months), runs_away=True)
        self._budget(months[-1].next, customers[MAIN].customer)
        self._catch_up()

    def _months(self) -> list[BillingMonth]:
        """Return the months that are over for long enough to be closed, the oldest first."""
        month = BillingMonth.of(self.now - timedelta(days=1), CHINA).previous
        found = [month]
        while len(found) < MONTHS:
            found.append(found[-1].previous)
        return found[::-1]

    def _use(
        self,
        month: BillingMonth,
        customers: dict[Party, Enrolled],
        *,
        growth: int,
        runs_away: bool = False,
    ) -> None:
        until = min(self.now, month.span(CHINA).end)
        odd = (self.now - timedelta(days=2)).astimezone(CHINA).date() if runs_away else None
        events = [
            event
            for party, known in customers.items()
            for event in events_of(party, known.keys, month, until, growth=growth, runaway=odd)
        ]
        for start in range(0, len(events), PUSH_EVENTS):
            push_events(self.db, None, _SOURCE, events[start : start + PUSH_EVENTS], now=until)

    def _bill(self, month: BillingMonth, customers: dict[Party, Enrolled], back: int) -> None:
        after = month.next
        closed = close_month(
            self.db, month, customer=None, commit=True, by=BY, now=self._when(after, 1, 9)
        )
        failed = [each for each in closed if each.done is Done.FAILED]
        if failed:
            raise Unavailable("；".join(f"{each.customer}：{each.why}" for each in failed))
        for party, known in customers.items():
            customer = known.customer
            bill = self._found(customer, month)
            propose_bill(self.db, bill.bill_id, by=_OURS, now=self._when(after, 2, 10))
            if party == MAIN and back == 1:
                continue  # waits for the word of whoever practises
            if party == MAIN and back == _SETTLED_FROM:
                self._dispute(bill, customer, after)
            confirm_bill(
                self.db,
                bill.bill_id,
                by=_FINANCE,
                now=self._when(after, 5, 10),
                customer_id=customer.customer_id,
            )
            issue_bill(self.db, bill.bill_id, by=_OURS, now=self._when(after, 5, 15))
            if party == MAIN and back < _SETTLED_FROM:
                continue  # waits for fapiao and money
            self._fapiao(self._found(customer, month), customer, self._when(after, 6, 9))
            self._pay(party, self._found(customer, month), self._when(after, 20, 10))
        Clerk().make_round(self.db, self._when(after, 21, 9))

    def _dispute(self, bill: Bill, customer: Customer, after: BillingMonth) -> None:
        raised = raise_dispute(
            self.db,
            bill.bill_id,
            Objection(1, "这一行比上月多了三成，请说明原因"),
            by=_FINANCE,
            now=self._when(after, 3, 10),
            customer_id=customer.customer_id,
        )
        reject_dispute(
            self.db,
            raised.dispute_id,
            answer="已核对：该项目工作日调用增加约三成，逐日用量见账单明细，单价未变。",
            by=_OURS,
            now=self._when(after, 4, 10),
        )

    def _fapiao(self, bill: Bill, customer: Customer, now: datetime) -> None:
        wish = Wish(picks=(Pick(bill.name),))
        made = request_fapiao(
            self.db, customer.customer_id, wish, selling(self.settings), by=_FINANCE, now=now
        )
        for each in made:
            approve_fapiao(self.db, each.key, provider="nuonuo", by=_OURS, now=now)
        provider = fapiao_provider(self.settings, self.db)
        for _ in range(_TAX_ROUNDS):
            now += timedelta(seconds=_TAX_SECONDS)
            self.tax.tell("clock", at=now.isoformat())
            if not tend(self.db, provider, now=now):
                return

    def _pay(self, party: Party, bill: Bill, now: datetime) -> None:
        self._receive(party.legal_name, bill.gross.fen, bill.number or "", now)
        match_open(self.db, now=now + timedelta(hours=1))

    def _receive(self, payer: str, fen: int, memo: str, now: datetime) -> None:
        text = io.StringIO()
        on = now.astimezone(CHINA).date()
        heads = ("交易日期", "交易流水号", "贷方发生额", "对方户名", "对方账号", "摘要")
        account = f"62220000{crc32(payer.encode()) % 10**8:08d}"
        row = (on, f"LX{now:%Y%m%d}{fen}", plain(fen, FEN), payer, account, memo)
        csv.writer(text).writerows([heads, row])
        import_statement(
            self.db, BANK, text.getvalue().encode("gbk"), f"{on}.csv", by=_OURS, now=now
        )

    def _budget(self, month: BillingMonth, customer: Customer) -> None:
        """Cap a project so that its month is nearly used up, and a stranger's money to place."""
        project = MAIN.projects[0]
        asked = Question(first=month, last=month, project=project)
        lines = show_usage(self.db, customer.customer_id, asked)
        spent = sum(charge.settle().fen for line in lines for charge in line.charges.values())
        cap = max(spent * 100 // _USED_PERCENT, _BUDGET_FEN_LEAST)
        draft = AllowanceDraft(
            name=f"{project}月度预算",
            measure=Measure.MONEY,
            cap=cap * PICO_PER_FEN,
            currency="CNY",
            mode=Mode.SOFT,
            project=project,
        )
        add_allowance(self.db, customer, draft, by=_FINANCE, now=self.now)
        self._receive("某某贸易有限公司", _UNPLACED_FEN, "货款", self.now)

    def _catch_up(self) -> None:
        """Do what a clerk of these months would have done by now.

        Usage is watched two days a round, once a minute: a past that was written in one go would
        keep the watch behind for more than an hour, and today's jump out of sight as long.
        """
        fold_usage(self.db, self.now)
        watch_budgets(self.db, self.now)
        while watch_usage(self.db, self.now).hours:
            pass
        Clerk().make_round(self.db, self.now)

    def _found(self, customer: Customer, month: BillingMonth) -> Bill:
        with self.db.read() as tx:
            bill = bill_of_month(tx, customer.customer_id, month)
        if bill is None or bill.state is BillState.VOIDED:
            raise Unavailable(f"练习环境的 {month} 没有账单，请移除后重新开始")
        return bill

    def _when(self, month: BillingMonth, day: int, hour: int) -> datetime:
        """Return a moment of a month, or now where that is still to come."""
        return min(_at(month, day, hour), self.now)


def _at(month: BillingMonth, day: int, hour: int) -> datetime:
    on = month.first_day + timedelta(days=day - 1)
    return datetime.combine(on, time(hour), CHINA).astimezone(UTC)
