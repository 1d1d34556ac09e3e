"""What bills at hand say, as the database would say it of bills that are written. Pure.

Two ask for it: whoever draws several months in one breath, each counting on those before it, and
whoever composes a past month again from the bills that stood when it was drawn.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from yuejie.bills.bill import Bill, LineKind, origin_of
from yuejie.bills.closing.agreed import Extra
from yuejie.bills.closing.lines import LineKey, PrintedRow
from yuejie.kernel.period import BillingMonth


def billed_on(bills: Iterable[Bill], months: Iterable[BillingMonth]) -> Counter[LineKey]:
    """Return the usage of some months that stands on bills."""
    wanted, found = set(months), Counter[LineKey]()
    for bill in bills:
        for line in bill.lines:
            if line.metered and line.service_month in wanted:
                found[
                    LineKey(
                        line.service_month, line.project_id, line.model, line.meter, line.sale_rate
                    )
                ] += line.quantity
    return found


def printed_on(bills: Iterable[Bill], currency: str) -> list[PrintedRow]:
    """Return the amounts on bills in a currency, by service month, kind, reference and place."""
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for bill in bills:
        for line in bill.lines if bill.currency == currency else ():
            key = (str(line.service_month), str(line.kind), line.refers_to)
            found[(*key, line.project_id, line.model)] += line.amount_fen
    return [PrintedRow(*key, amount) for key, amount in found.items()]


def carried_on(bills: Iterable[Bill], currency: str) -> Counter[str]:
    """Return what bills in a currency carry forward and give back, by the part it belongs to."""
    found: Counter[str] = Counter()
    for bill in bills:
        for line in bill.lines if bill.currency == currency else ():
            if line.kind is LineKind.CARRIED:
                found[origin_of(line.refers_to, bill.part)] += line.amount_fen
    return found


def carried_with(known: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add up what is carried; a part of which nothing is left is not named."""
    both = Counter(known)
    both.update(more)
    return {part: amount for part, amount in both.items() if amount}


def waiting_beside(extras: Sequence[Extra], bills: Iterable[Bill]) -> list[Extra]:
    """Leave out the adjustments that bills at hand print whole: they wait no more."""
    printed: Counter[str] = Counter()
    for bill in bills:
        for line in bill.lines:
            if line.refers_to:
                printed[line.refers_to] += line.amount_fen
    return [
        each
        for each in extras
        if not printed[each.adjustment_id] or printed[each.adjustment_id] != each.amount_fen
    ]
