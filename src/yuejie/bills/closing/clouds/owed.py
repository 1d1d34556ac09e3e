"""Lines of cloud bills: what a cloud asks for, less what was billed of it, marked up as agreed.

Pure. A line is service month × project × source × category × service × currency. As with usage,
what differs is a difference of *cost*, settled on a line of its own: neither another exchange rate
nor another mark-up moves what stands on a bill. A line's amount is its cost settled to the bill's
currency, then × (1 + mark-up), each rounded once, half away from zero (HOUSE 9); so whoever holds
the bill can compute it again. Cloud lines count towards no discount, package, minimum or voucher.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from yuejie.bills.bill import Bill, BillLine, LineKind
from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, agreed_of
from yuejie.contracts.fx import MonthFx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import FX_SCALE, PICO, PPM, Charge, FxRate, divide, plain
from yuejie.kernel.period import BillingMonth

_PERCENT: Final = PPM // 100
_APART: Final = "/"

CATEGORIES: Final[Mapping[CloudCategory, str]] = {
    CloudCategory.USAGE: "",
    CloudCategory.PURCHASE: "订购",
    CloudCategory.MARKETPLACE: "云市场",
    CloudCategory.TAX: "税费",
    CloudCategory.CREDIT: "抵扣",
    CloudCategory.REFUND: "退款",
    CloudCategory.ADJUSTMENT: "调整",
}
"""What a line says of its category; plain usage needs no word."""


class CloudRef(NamedTuple):
    """What a cloud line comes from, as it stands in its `refers_to`."""

    source: str
    category: CloudCategory
    service: str

    def __str__(self) -> str:
        return f"{self.source}{_APART}{self.category}{_APART}{self.service}"


def read_ref(text: str) -> CloudRef:
    """Read a line's `refers_to` back; a source has no slash, a service may."""
    source, category, service = text.split(_APART, 2)
    return CloudRef(source, CloudCategory(category), service)


class CloudKey(NamedTuple):
    """What makes a cloud line."""

    month: BillingMonth
    project_id: str
    refers_to: str
    currency: str


@dataclass(frozen=True, slots=True)
class Charged:
    """What a source asks for in a month, of one customer; None: no file stated that amount."""

    month: BillingMonth
    project_id: str
    source: str
    source_name: str
    category: CloudCategory
    service: str
    currency: str
    billed_pico: int | None
    effective_pico: int | None

    @property
    def ref(self) -> CloudRef:
        """What a line of it refers to."""
        return CloudRef(self.source, self.category, self.service)


@dataclass(frozen=True, slots=True)
class CloudOwed:
    """A cost that is still to bill, and what turns it into an amount."""

    key: CloudKey
    cost_pico: int
    times_ppm: int
    """1 + mark-up."""
    fx: FxRate | None
    fx_id: int | None
    item: str


Agreed = Callable[[BillingMonth], Sequence[CloudTerms]]
"""Which cloud bills are passed on under the contract of a month."""


def targets_of(charged: Iterable[Charged], agreed: Agreed) -> Counter[CloudKey]:
    """Return the cost that should stand on bills; what nobody agreed about does not.

    Raises Invalid where the agreed amount is not stated by the files.
    """
    found: Counter[CloudKey] = Counter()
    for each in charged:
        terms = agreed_of(agreed(each.month), each.source)
        if terms is None or each.category in terms.leave_out:
            continue
        effective = terms.basis is CloudBasis.EFFECTIVE
        cost = each.effective_pico if effective else each.billed_pico
        if cost is None:
            words = "摊销（effective）" if effective else "账单（billed）"
            raise Invalid(
                f"云账单 {each.source} {each.month} 的文件未写明{words}金额，"
                "与合同约定的口径不符；请按约定口径重新导出并导入，或修订合同"
            )
        found[CloudKey(each.month, each.project_id, str(each.ref), each.currency)] += cost
    return found


def owed_of(
    charged: Sequence[Charged],
    billed: Mapping[CloudKey, int],
    agreed: Agreed,
    fx_of: Callable[[str, BillingMonth], MonthFx | None],
) -> list[CloudOwed]:
    """Return what is still to bill, never zero, in the order of the printed lines.

    What was billed of a source that the contract of its month does not name stays as it is.
    """
    targets = targets_of(charged, agreed)
    names = {each.source: each.source_name for each in charged}
    found: list[CloudOwed] = []
    for key in sorted({*targets, *billed}):
        ref = read_ref(key.refers_to)
        terms = agreed_of(agreed(key.month), ref.source)
        cost = targets[key] - billed.get(key, 0)
        if not cost or terms is None:
            continue
        fx = fx_of(key.currency, key.month)
        times = PPM + terms.markup(ref.service)
        item = _item(names.get(ref.source, ref.source), key, cost, times, corrects=key in billed)
        found.append(
            CloudOwed(key, cost, times, fx.rate if fx else None, fx.fx_id if fx else None, item)
        )
    return found


def _item(name: str, key: CloudKey, cost: int, times: int, *, corrects: bool) -> str:
    """Name a line so that its amount can be computed again from what it says."""
    ref = read_ref(key.refers_to)
    category = CATEGORIES[ref.category]
    what = f"{name} {ref.service}{f' {category}' if category else ''}"
    words = [f"原价 {key.currency} {plain(cost, PICO)}"]
    if times != PPM:
        words.append(f"加价 {plain(times - PPM, _PERCENT, 0)}%")
    if corrects:
        words.insert(0, "云厂商更正")
    return f"{what}（{'，'.join(words)}）"


def amount_of(owed: CloudOwed, currency: str) -> int:
    """Return the fen of a line: the cost settled, then marked up; two roundings, both printed."""
    settled = Charge(owed.cost_pico, owed.key.currency).settle(owed.fx)
    assert settled.currency == currency, "a cost is settled in the currency of the bill"
    return divide(settled.fen * owed.times_ppm, PPM)


def draw_cloud(line_id: LineId, owed: CloudOwed, currency: str, place: tuple[str, str]) -> BillLine:
    """Turn a cost into a line; `place` is how its project and department are called.

    `quantity` is the cost in picos of `rate_currency`, `rate_pico` is 1 + mark-up in ppm.
    """
    fen = amount_of(owed, currency)
    both = {currency: fen}
    if owed.fx is not None:
        both[owed.fx.base] = divide(fen * FX_SCALE, owed.fx.e8)
    return BillLine(
        line_id=line_id,
        position=0,
        kind=LineKind.CLOUD,
        service_month=owed.key.month,
        project_id=owed.key.project_id,
        project_name=place[0],
        department=place[1],
        model="",
        meter="",
        sale_rate=0,
        quantity=owed.cost_pico,
        rate_pico=owed.times_ppm,
        rate_currency=owed.key.currency,
        charge_pico=owed.cost_pico,
        fx_id=owed.fx_id,
        fx_e8=owed.fx.e8 if owed.fx else None,
        amount_fen=fen,
        usd_fen=both.get("USD"),
        cny_fen=both.get("CNY"),
        item=owed.item,
        refers_to=owed.key.refers_to,
    )


def key_of(line: BillLine) -> CloudKey:
    """Return what makes a line that stands on a bill."""
    return CloudKey(line.service_month, line.project_id, line.refers_to, line.rate_currency)


def billed_on(bills: Iterable[Bill]) -> Counter[CloudKey]:
    """Return the cost that stands on bills at hand."""
    found: Counter[CloudKey] = Counter()
    for bill in bills:
        for line in bill.lines:
            if line.kind is LineKind.CLOUD:
                found[key_of(line)] += line.quantity
    return found


def kept_on(bills: Iterable[Bill]) -> list[CloudOwed]:
    """Return the cloud lines of bills as they stand, to be drawn again as they are."""
    return [
        CloudOwed(
            key_of(line),
            line.quantity,
            line.rate_pico,
            FxRate(line.rate_currency, bill.currency, line.fx_e8) if line.fx_e8 else None,
            line.fx_id,
            line.item,
        )
        for bill in bills
        for line in bill.lines
        if line.kind is LineKind.CLOUD
    ]
