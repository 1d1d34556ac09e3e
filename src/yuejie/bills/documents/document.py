"""What a bill's documents are made from: the bill, the two parties, and the facts behind it.

Pure. Subtotals are sums of printed lines and of nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby

from yuejie.bills.bill import Bill, BillLine, LineKind
from yuejie.bills.documents.focus.facts import NOTHING_MORE, Facts
from yuejie.bills.documents.stamp.picture import Stamp
from yuejie.bills.seal import seal_of
from yuejie.customers.customer import Customer
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge, FxRate, Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.meters import UNIT_METERS


class DocumentKind(StrEnum):
    """The files a bill can be had as."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    TXT = "txt"
    FOCUS = "focus"
    """FinOps Open Cost and Usage Specification 1.2, as CSV."""
    FOCUS_1_4 = "focus-1.4"
    """Its version 1.4: a ZIP of four datasets."""

    @property
    def extension(self) -> str:
        """What the file's name ends in."""
        special = {DocumentKind.FOCUS: "focus.csv", DocumentKind.FOCUS_1_4: "focus-1.4.zip"}
        return special.get(self, self.value)


@dataclass(frozen=True, slots=True)
class Seller:
    """The operator's legal entity, and the account that the customer pays into."""

    legal_name: str
    uscc: str
    bank_name: str
    bank_account: str


TERMS = "合同费用与抵扣"
CLOUDS = "云账单"
"""What the lines that are not usage are called together."""


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """What one project used of one model and meter on one day in the customer's zone.

    `charge` is exact and not yet money; None where there is no price.
    """

    day: date
    project_id: str
    project_name: str
    model: str
    meter: str
    quantity: int
    charge: Charge | None


@dataclass(frozen=True, slots=True)
class Priced:
    """Where a line's rate stands: under which list rate, in which tier, whose model it is.

    `list_id` is the rate itself where it was derived from no other.
    """

    rate_id: int
    list_id: int
    list_pico: int
    list_currency: str
    service_tier: str
    context_above: int
    time_window: str
    owner: str


@dataclass(frozen=True, slots=True)
class FxUsed:
    """An exchange rate that joins the bill's two currency columns, and where it comes from."""

    rate: FxRate
    on_date: date
    source: str


@dataclass(frozen=True, slots=True)
class Subtotal:
    """A sum of printed lines; a currency in which one of them has no amount has none either.

    `requests` is None where nobody counted them, as for a single project.
    """

    name: str
    requests: int | None
    tokens: int
    amount_fen: int
    usd_fen: int | None
    cny_fen: int | None
    net_fen: int
    tax_fen: int


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Neighbouring lines of one project and one service month, as they are printed together."""

    kind: LineKind
    service_month: BillingMonth
    department: str
    lines: tuple[BillLine, ...]
    subtotal: Subtotal


@dataclass(frozen=True, slots=True)
class BillDocument:
    """A bill with everything that its documents say.

    `requests` counts calls per model. `sealed_form` is the canonical form whose SHA-256 is the
    bill's seal; a draft has neither. `due_on` is None where the contract names no day.
    `priced` is by sale rate; `packages` says of each package what it is good for and what was paid
    for it, in fen. `stamp` is printed over the seller's name; a draft is never stamped.
    `contract_number` is empty where the contract is called by its id. `facts` is what only FOCUS
    1.4 asks for.
    """

    bill: Bill
    customer: Customer
    seller: Seller
    daily: tuple[DailyUsage, ...] = ()
    fx: tuple[FxUsed, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    sealed_form: bytes | None = None
    due_on: date | None = None
    priced: Mapping[int, Priced] = field(default_factory=dict)
    packages: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    stamp: Stamp | None = None
    contract_number: str = ""
    facts: Facts = NOTHING_MORE

    def __post_init__(self) -> None:
        """Refuse what no document may say: no lines, a wrong sum, a seal of something else."""
        bill = self.bill
        name = bill.number or bill.bill_id
        if not bill.lines:
            raise Invalid(f"账单 {name} 没有明细行，无法生成文件，请先关账")
        if sum(line.net_fen + line.tax_fen for line in bill.lines) != bill.gross.fen:
            raise Invalid(f"账单 {name} 的明细之和与合计不符，未生成文件，请重新关账")
        if self.stamp is not None and not bill.is_final:
            raise Invalid(f"账单 {name} 尚未出账，不能盖章，请出账后再下载")
        if self.sealed_form is not None and seal_of(self.sealed_form) != bill.seal:
            raise Invalid(f"账单 {name} 的封存内容与封印不符，未生成文件，请核查账单是否被改动")

    @property
    def contract(self) -> str:
        """Return what the bill's contract is called, with its version."""
        return f"{self.contract_number or self.bill.contract_id} 第 {self.bill.contract_version} 版"

    @property
    def is_draft(self) -> bool:
        """Whether the bill may still change: it has no number and no seal."""
        return not self.bill.is_final

    @property
    def dated(self) -> datetime:
        """The moment the document speaks of, in the customer's zone: issued, else closed."""
        moment = self.bill.issued_at or self.bill.closed_at
        return moment.astimezone(zone_of(self.customer.zone))

    @property
    def charged(self) -> Money:
        """What the lines come to: before tax when tax is added on top, else with it."""
        return Money(sum(line.amount_fen for line in self.bill.lines), self.bill.currency)

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which at least one line has an amount: USD before CNY."""
        columns = {
            "USD": any(line.usd_fen is not None for line in self.bill.lines),
            "CNY": any(line.cny_fen is not None for line in self.bill.lines),
        }
        return tuple(currency for currency, known in columns.items() if known)

    @property
    def late(self) -> tuple[BillLine, ...]:
        """The lines that bill usage of an earlier month."""
        return tuple(line for line in self.bill.lines if line.kind is LineKind.LATE)

    @property
    def usage(self) -> tuple[BillLine, ...]:
        """The lines that are usage."""
        return tuple(line for line in self.bill.lines if line.metered)

    @property
    def terms(self) -> tuple[BillLine, ...]:
        """The lines that the contract adds to usage, or takes off."""
        return tuple(line for line in self.bill.lines if not line.metered)

    def total(self) -> Subtotal:
        """Return the sum of all lines."""
        models = {line.model for line in self.usage}
        calls = [self.requests.get(model) for model in models]
        return replace(_sum_of("合计", self.bill.lines), requests=_sum_if_all(calls))

    def by_project(self) -> list[Subtotal]:
        """Return a subtotal per project, in the order of the lines."""
        return self._subtotals(
            lambda line: line.project_id or _heading(line),
            lambda line: line.project_name or _heading(line),
        )

    def by_model(self) -> list[Subtotal]:
        """Return a subtotal per model, the largest first."""
        parts = self._subtotals(_model, _model)
        counted = [replace(part, requests=self.requests.get(part.name)) for part in parts]
        return sorted(counted, key=lambda part: (-part.amount_fen, part.name))

    def groups(self) -> Iterator[LineGroup]:
        """Yield the lines in print order, cut where project or service month changes."""
        for (month, _, late, _), run in groupby(self.bill.lines, key=_place):
            lines = tuple(run)
            subtotal = _sum_of(_heading(lines[0]), lines)
            kind = LineKind.LATE if late else LineKind.USAGE
            yield LineGroup(kind, month, lines[0].department, lines, subtotal)

    def _subtotals(
        self, key: Callable[[BillLine], str], name: Callable[[BillLine], str]
    ) -> list[Subtotal]:
        parts: dict[str, list[BillLine]] = {}
        for line in self.bill.lines:
            parts.setdefault(key(line), []).append(line)
        return [_sum_of(name(lines[0]), lines) for lines in parts.values()]


def _model(line: BillLine) -> str:
    return line.model if line.metered else CLOUDS if line.kind is LineKind.CLOUD else TERMS


def _heading(line: BillLine) -> str:
    """Say under which words a line is printed: its project, a cloud's bill, or the contract."""
    if line.kind is LineKind.CLOUD:
        return f"{CLOUDS} · {line.project_name}" if line.project_name else CLOUDS
    return line.project_name if line.metered else TERMS


def _place(line: BillLine) -> tuple[BillingMonth, str, bool, bool]:
    """Return what neighbouring lines share that are printed under one heading."""
    late, cloud = line.kind is LineKind.LATE, line.kind is LineKind.CLOUD
    return line.service_month, line.project_id, late, cloud


def _sum_of(name: str, lines: list[BillLine] | tuple[BillLine, ...]) -> Subtotal:
    return Subtotal(
        name=name,
        requests=None,
        tokens=sum(
            line.quantity for line in lines if line.metered and line.meter not in UNIT_METERS
        ),
        amount_fen=sum(line.amount_fen for line in lines),
        usd_fen=_sum_if_all([line.usd_fen for line in lines]),
        cny_fen=_sum_if_all([line.cny_fen for line in lines]),
        net_fen=sum(line.net_fen for line in lines),
        tax_fen=sum(line.tax_fen for line in lines),
    )


def _sum_if_all(amounts: list[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
