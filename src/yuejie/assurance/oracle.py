"""The slow oracle: prices usage a second time, by other means.

Exact fractions instead of picos, a plain search through the book instead of an index, rounding
written out again. It shares no arithmetic with `rating` or `bills`: where both agree to the fen,
neither can be wrong alone. Only the calendar of price windows is common (it is data, not code).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from yuejie.contracts.window import window_of

_PICO: Final = Fraction(1, 10**12)
_FEN: Final = Fraction(1, 100)
_E8: Final = Fraction(1, 10**8)
_PPM: Final = Fraction(1, 10**6)


@dataclass(frozen=True, slots=True)
class BookRow:
    """A rate as it stands in the database, with the start of its revision."""

    rate_id: int
    book_id: str
    revision: int
    starts_us: int
    model: str
    meter: str
    pico: int
    currency: str
    service_tier: str
    context_above: int
    time_window: str


@dataclass(frozen=True, slots=True)
class RawEvent:
    """The newest version of an event, as far as the bill could know it."""

    event_id: str
    month: str
    project_id: str
    model: str
    billable: bool
    state: str
    started_us: int
    sale_book: str
    sale_revision: int
    service_tier: str
    context_tokens: int
    items: list[tuple[str, str, int, int, int]]


class Key(NamedTuple):
    """What makes a bill line."""

    month: str
    project_id: str
    model: str
    meter: str
    rate_id: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which bill and oracle do not agree."""

    what: str
    billed: str
    proved: str


class Oracle:
    """Finds the one rate of an item by searching the whole book, every time it is new."""

    def __init__(self, rows: Iterable[BookRow]) -> None:
        self.rows = {row.rate_id: row for row in rows}
        self._lists: dict[tuple[str, str], list[BookRow]] = {}
        for row in self.rows.values():
            self._lists.setdefault((row.book_id, row.model), []).append(row)

    def rate_of(self, event: RawEvent, model: str, meter: str) -> BookRow | None:
        """Search for the rate: newest started revision, then tier, context and window."""
        visible = [
            row
            for row in self._lists.get((event.sale_book, model), [])
            if row.revision <= event.sale_revision and row.starts_us <= event.started_us
        ]
        if not visible:
            return None
        newest = max(row.revision for row in visible)
        listed = [row for row in visible if row.revision == newest]
        metered = [row for row in listed if row.meter == meter]
        for tier in _tiers(event.service_tier, listed):
            fits = [row for row in metered if row.service_tier == tier]
            if fits:
                return _narrow(fits, event)
        return None


def _tiers(key: str, listed: Sequence[BookRow]) -> list[str]:
    """Return the tiers to try: as answered, then the base with the same marks, then the base."""
    wanted = key or "default"
    if wanted != "default" and all(row.service_tier != wanted for row in listed):
        return []
    marks = wanted.split("+")[1:]
    return [wanted, "+".join(["default", *marks]), "default"]


def _narrow(rows: Sequence[BookRow], event: RawEvent) -> BookRow | None:
    """Choose by whole-request context size, then by the window that holds the start."""
    reached = [row.context_above for row in rows if row.context_above < event.context_tokens]
    level = max([*reached, 0])
    same = [row for row in rows if row.context_above == level]
    inside = [
        row
        for row in same
        if row.time_window and window_of(row.time_window).holds(event.started_us)
    ]
    plain = [row for row in same if not row.time_window]
    return next(iter(inside or plain), None)


def quantities_of(
    events: Iterable[RawEvent], oracle: Oracle
) -> tuple[Counter[Key], list[Difference]]:
    """Sum what the events are worth by line, and name every item priced otherwise than stored."""
    sums: Counter[Key] = Counter()
    wrong: list[Difference] = []
    for event in events:
        if event.state not in {"measured", "partial"} or not event.billable:
            continue
        for model, meter, quantity, stored, _cost in event.items:
            rate = oracle.rate_of(event, model, meter) or oracle.rate_of(event, event.model, meter)
            found = rate.rate_id if rate else 0
            if found != stored:
                what = f"事件 {event.event_id} 的 {model}/{meter} 单价号"
                wrong.append(Difference(what, str(stored), str(found)))
            if found:
                sums[Key(event.month, event.project_id, model, meter, found)] += quantity
    return sums, wrong


def settle(quantity: int, pico: int, fx_e8: int | None) -> int:
    """Return the fen of a line: quantity × rate × exchange rate, half away from zero."""
    worth = quantity * pico * _PICO
    if fx_e8 is not None:
        worth *= fx_e8 * _E8
    return half_away(worth / _FEN)


def totals(amounts: Sequence[int], tax_mode: str, tax_ppm: int) -> tuple[int, int, int]:
    """Return net, tax and gross fen of settled line amounts."""
    amount = sum(amounts)
    rate = tax_ppm * _PPM
    if tax_mode == "inclusive":
        net = half_away(Fraction(amount) / (1 + rate))
        return net, amount - net, amount
    tax = half_away(amount * rate)
    return amount, tax, amount + tax


def half_away(value: Fraction) -> int:
    """Round to a whole number, halves away from zero."""
    size = abs(value)
    whole = size.numerator // size.denominator
    if size - whole >= Fraction(1, 2):
        whole += 1
    return whole if value >= 0 else -whole


def compare(what: str, billed: Mapping[Key, int], proved: Mapping[Key, int]) -> list[Difference]:
    """Name every line whose quantity differs."""
    keys = sorted(billed.keys() | proved.keys())
    return [
        Difference(
            f"{what} {'/'.join(map(str, key))}", str(billed.get(key, 0)), str(proved.get(key, 0))
        )
        for key in keys
        if billed.get(key, 0) != proved.get(key, 0)
    ]
