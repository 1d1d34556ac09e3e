"""A builder that reads like a clerk's notes: one house, its customers, their calls, their bills.

Everything goes through the real verbs and a real PostgreSQL; only the clock is fixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.closing.close import GRACE, Closed, close_month
from yuejie.bills.issue import issue_bill
from yuejie.bills.store import bill_of_month, bills_of_customer_month, bills_of_month
from yuejie.budgets.lending.count import Spending
from yuejie.contracts.contract import Terms
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.prices import Book
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import book, book_rows, contract_at
from yuejie.contracts.terms import STANDARD, CommercialTerms
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.store import project_by_name
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import BookId, uuid7_at
from yuejie.kernel.money import FxRate, Money
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance
from yuejie.rating.price import rate_items
from yuejie.usage.event import Item
from yuejie.usage.journal import Begun, Ended, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.record import Recorder, unix_us
from yuejie.usage.store import enter_epoch

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
CLERK = "clerk"
_SEEN: Final = "SELECT pg_current_snapshot()::text"
"""Which transactions a reader sees: where it is the same, so is everything that is stored."""


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


@dataclass
class FixedClock:
    """A clock that stands until it is moved."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class Party:
    """A customer of the scenario."""

    def __init__(self, books: "Books", customer: Customer) -> None:
        self.books = books
        self.customer = customer
        self.zone = zone_of(customer.zone)

    def uses(
        self,
        when: str,
        model: str,
        *,
        project: str = "main",
        state: str = "measured",
        **meters: int,
    ) -> Ended:
        """Record a call that began at a local wall-clock time."""
        started = datetime.fromisoformat(when).replace(tzinfo=self.zone).astimezone(UTC)
        return self.books.record(self, started, model, project, state, meters)

    def bill(self, month: str, part: str = "") -> Bill:
        """Return the bill of a month; there must be one."""
        with self.books.db.read() as tx:
            label = BillingMonth.parse(month)
            found = bill_of_month(tx, self.customer.customer_id, label, part)
        assert found is not None, f"no bill {month} of {self.customer.slug}"
        return found

    def has_bill(self, month: str) -> bool:
        with self.books.db.read() as tx:
            return bool(bill_of_month(tx, self.customer.customer_id, BillingMonth.parse(month)))

    def bills(self, month: str) -> list[Bill]:
        """Return the parts of a month that owe something, the head bill first."""
        with self.books.db.read() as tx:
            label = BillingMonth.parse(month)
            found = bills_of_customer_month(tx, self.customer.customer_id, label)
        return [bill for bill in found if bill.lines]

    def owes(self, currency: str = "CNY") -> Money:
        """Return what the ledger says the customer owes."""
        with self.books.db.read() as tx:
            fen = balance(
                tx, Account.RECEIVABLE, party=self.customer.customer_id, currency=currency
            )
        return Money(fen, currency)

    def lines(self, month: str, part: str = "") -> list[str]:
        """Return the lines of a bill as a clerk reads them."""
        return [
            f"{'' if line.service_month == bill.month else f'{line.service_month} late  '}"
            f"{_words(line)} = {Money(line.amount_fen, bill.currency)}"
            for bill in [self.bill(month, part)]
            for line in bill.lines
        ]


def _words(line: BillLine) -> str:
    if not line.metered:
        return line.item
    return f"{line.project_name}  {line.model}  {line.meter}  {line.quantity:,}"


class Books:
    """The house of the scenario."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.clock = FixedClock(FOUNDED)
        self._recorder = Recorder()
        self._spending = Spending()
        self._read: dict[str, tuple[str, Book]] = {}

    def prices(self, toml: str, *, currency: str = "USD", starts: datetime = FOUNDED) -> None:
        """Publish the sale book “list”, and a cost book that says the same."""
        for book_id, kind in (("list", "sale"), ("cost", "cost")):
            open_book(self.db, book_id, kind=kind, currency=currency, by=CLERK, now=FOUNDED)
            text = toml if kind == "sale" else toml.replace('"gpt', '"openai/gpt')
            wanted = PriceImport(
                book_id=book_id,
                name="prices.toml",
                body=text.encode(),
                starts_at=starts,
                approve=True,
            )
            report = import_prices(self.db, wanted, by=CLERK, now=max(self.clock.now(), FOUNDED))
            assert not report.refused, report.lines()

    def fx(self, rate: str, on: str) -> None:
        """Publish a USD→CNY rate of a day."""
        publish_fx(
            self.db,
            FxRate.parse(rate, "USD", "CNY"),
            date.fromisoformat(on),
            source="中国外汇交易中心中间价",
            by=CLERK,
            now=self.clock.now(),
        )

    def customer(
        self,
        slug: str,
        *,
        zone: str = "Asia/Shanghai",
        currency: str = "CNY",
        fx_policy: str = "none",
        tax_mode: str = "inclusive",
        projects: Sequence[str] = ("main",),
        commercial: CommercialTerms = STANDARD,
        starts: datetime = FOUNDED,
    ) -> Party:
        """Enrol a customer with a contract on the sale book, and its projects."""
        customer = enrol_customer(
            self.db,
            Particulars(slug=slug, legal_name=f"{slug} 有限公司", zone=zone, currency=currency),
            by=CLERK,
            now=FOUNDED,
        )
        terms = Terms(
            customer_id=customer.customer_id,
            sale_book=BookId("list"),
            currency=currency,
            zone=zone,
            fx_policy=fx_policy,
            tax_mode=tax_mode,
            starts_at=starts,
            commercial=commercial,
        )
        sign_contract(self.db, terms, by=CLERK, now=self.clock.now())
        for name in projects:
            add_project(
                self.db, customer.customer_id, ProjectDraft(name=name), by=CLERK, now=FOUNDED
            )
        return Party(self, customer)

    def amend(self, party: Party, commercial: CommercialTerms, *, starts: datetime) -> None:
        """Sign the next version of a party's contract."""
        customer = party.customer
        with self.db.read() as tx:
            was = contract_at(tx, customer.customer_id, starts)
        assert was is not None
        terms = Terms(
            customer_id=customer.customer_id,
            sale_book=BookId("list"),
            currency=was.currency,
            zone=was.zone,
            fx_policy=was.fx_policy,
            tax_mode=was.tax_mode,
            tax_ppm=was.tax_ppm,
            starts_at=starts,
            commercial=commercial,
        )
        now = self.clock.now()
        sign_contract(self.db, terms, by=CLERK, now=now, contract_id=was.contract_id)

    def record(
        self,
        party: Party,
        started: datetime,
        model: str,
        project: str,
        state: str,
        meters: dict[str, int],
    ) -> Ended:
        """Rate a call as the gateway does and record it as the ingest does."""
        ended = self.ended(party, started, model, project, state, meters)
        self.ingest([ended])
        return ended

    def ended(
        self,
        party: Party,
        started: datetime,
        model: str,
        project: str,
        state: str,
        meters: dict[str, int],
    ) -> Ended:
        """Rate a call as the gateway does."""
        customer = party.customer
        with self.db.read() as tx:
            contract = contract_at(tx, customer.customer_id, started)
            assert contract is not None
            place = project_by_name(tx, customer.customer_id, project)
            assert place is not None
            sale, cost = (self.book(tx, name) for name in (contract.sale_book, "cost"))
        started_us = unix_us(started)
        items = [Item(model, Meter(name), quantity) for name, quantity in meters.items()]
        revisions = sale.revision_at(started_us), cost.revision_at(started_us)
        assert revisions[0] is not None
        assert revisions[1] is not None
        rated = rate_items(
            items,
            sale=sale,
            cost=cost,
            sale_model=model,
            cost_prefix="openai/",
            sale_revision=revisions[0],
            cost_revision=revisions[1],
            started_us=started_us,
            service_tier="default",
            context_tokens=sum(meters.values()),
            billable=True,
        )
        assert not rated.unpriced, rated.unpriced
        begun = Begun(
            event=uuid7_at(started_us // 1000),
            operation=uuid7_at(started_us // 1000),
            attempt=1,
            started_us=started_us,
            month=str(BillingMonth.of(started, party.zone)),
            hour_s=int(local_hour(started, party.zone).timestamp()),
            customer=customer.customer_id,
            project=place.project_id,
            key="key_scenario",
            tags="",
            deployment="sim",
            api="openai.chat",
            model=model,
            stream=False,
            contract=contract.contract_id,
            contract_version=contract.version,
            sale_book=contract.sale_book,
            sale_revision=revisions[0],
            cost_book="cost",
            cost_revision=revisions[1],
        )
        return Ended(
            begun=begun,
            ended_us=started_us + 1_000_000,
            state=state,
            reason="",
            billable=True,
            items=tuple(
                EndedItem(i.model, i.meter, i.quantity, i.sale_rate, i.cost_rate)
                for i in rated.items
            ),
            context_tokens=sum(meters.values()),
            service_tier="default",
        )

    def book(self, tx: Tx, name: str) -> Book:
        """Return a book, whole: read anew as soon as anything at all was written since."""
        seen = tx.value(_SEEN)
        if self._read.get(name, ("",))[0] != seen:
            row = book(tx, name)
            assert row is not None
            self._read[name] = (seen, Book(book_rows(tx, row)))
        return self._read[name][1]

    def ingest(self, records: list[Ended]) -> None:
        """Store ended attempts in one transaction, as the ingest does."""
        entries = self._recorder.prepare(self.db, records)
        with self.db.begin() as tx:
            self._recorder.append(
                tx, entries, epoch=enter_epoch(tx), source="gateway", count=self._spending.count
            )

    def close(
        self, month: str, *, customer: str | None = None, commit: bool = True
    ) -> list[Closed]:
        """Close a month as soon as it may be closed everywhere."""
        label = BillingMonth.parse(month)
        over = label.span(ZoneInfo("America/New_York")).end + GRACE + timedelta(minutes=1)
        self.clock.at = max(self.clock.at, over)
        return close_month(
            self.db, label, customer=customer, commit=commit, by=CLERK, now=self.clock.now()
        )

    def tick(self, seconds: int = 1) -> datetime:
        """Let a moment pass, and return the instant it is then."""
        self.clock.at += timedelta(seconds=seconds)
        return self.clock.at

    def unproved(self) -> list[str]:
        """Prove every bill of the house and return what does not agree."""
        with self.db.read() as tx:
            months = sorted({bill.month for bill in bills_of_month(tx, None)})
        return [
            f"{proof.customer} {proof.bill.month} {proof.bill.part or 'head'} {difference}"
            for month in months
            for proof in prove_month(self.db, month)
            for difference in proof.differences
        ]

    def issue(self, bill: Bill) -> Bill:
        """Issue a drafted bill."""
        return issue_bill(self.db, bill.bill_id, by=CLERK, now=self.clock.now())
