"""Measure what accepted advice really saved, month by month, against the way before.

Where the changed calls can be seen (another model, tier, hour, a cache), their saving is what the
same calls would have cost before, by the book revisions that price them, less what they were
charged. What already ran that way before is the lower end: it is no merit of the advice. Where only
the old way can be seen to be rarer (calls just above a step, small calls), the saving lies between
nothing and what has gone of it, in proportion to the month's traffic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.prices import Book
from yuejie.contracts.tier import DEFAULT
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import (
    MEASURED,
    Advice,
    AdviceEvent,
    AdviceState,
    Kind,
    Line,
    Measure,
    advance,
    worth,
)
from yuejie.insights.advice.kinds.tiers import DEAR
from yuejie.insights.advice.terms import TermsNow, terms_now, true_up
from yuejie.insights.advice.traffic import store as traffic
from yuejie.insights.advice.traffic.cells import SIZES, Cell, cells_of, priced, slot_seconds
from yuejie.insights.advice.traffic.scene import Scene
from yuejie.insights.advice.traffic.store import Asked
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, Span, zone_of

ADVICE_MAX: Final = 1_000
CLERK: Final = "clerk"
SEEN: Final = frozenset(
    {Kind.CHEAPER_MODEL, Kind.BATCH, Kind.SERVICE_TIER, Kind.OFF_PEAK, Kind.PROMPT_CACHE}
)
"""Kinds whose changed calls can be seen."""
GONE: Final = frozenset({Kind.CONTEXT_STEP, Kind.MERGE})
"""Kinds of which only the old way can be seen to be rarer."""
Residue = Mapping[tuple[Kind, str], int]
_WEEK_US: Final = 7 * 86_400 * 10**6


@dataclass(frozen=True, slots=True)
class Seen:
    """Changed calls of a span: what they cost, what they would have cost before; picos."""

    calls: int
    actual_pico: int
    before_pico: int
    currency: str

    @property
    def pico(self) -> int:
        """What they saved."""
        return self.before_pico - self.actual_pico


def measure_advice(
    tx: Tx,
    customer: Customer,
    *,
    now: datetime,
    scene: Scene | None = None,
    residue: Residue | None = None,
) -> int:
    """Measure what was accepted, in this month so far and in the last; return how many.

    `scene` and `residue`, where the round has just looked at a month, tell what is still there to
    be saved.
    """
    found = store.advice_of(
        tx, customer.customer_id, states=MEASURED, before=None, limit=ADVICE_MAX
    )
    work = _Measuring(tx, customer, now, scene, residue or {})
    return sum(work.measure(advice) for advice in found)


class _Measuring:
    def __init__(
        self, tx: Tx, customer: Customer, now: datetime, scene: Scene | None, residue: Residue
    ) -> None:
        self._tx = tx
        self._customer = customer
        self._now = now
        self._scene = scene
        self._residue = residue
        self._zone = zone_of(customer.zone)
        self._books: dict[str, Book] = {}
        self._terms: dict[BillingMonth, TermsNow | None] = {}

    def measure(self, advice: Advice) -> int:
        """Measure the months that are not finally measured; a whole month is measured once."""
        steps = store.steps(self._tx, self._customer.customer_id, advice.advice_id)
        accepted = next(step.at for step in steps if step.event == AdviceEvent.ACCEPT)
        present = BillingMonth.of(self._now, self._zone)
        known = {
            each.month: each
            for each in store.measures(self._tx, self._customer.customer_id, advice.advice_id)
        }
        count = 0
        state = advice.state
        for month in (present.previous, present):
            span = month.span(self._zone)
            was = known.get(str(month))
            if span.end <= accepted or (was is not None and was.whole):
                continue
            measured = self._month(advice, month, Span(max(span.start, accepted), span.end))
            nothing = measured is not None and not measured.whole and not measured.calls
            if measured is None or nothing or _same(measured, was):
                continue
            store.insert_measure(self._tx, advice.advice_id, measured)
            state = self._step(advice, state, measured)
            count += 1
        return count

    def _step(self, advice: Advice, state: AdviceState, measured: Measure) -> AdviceState:
        if not measured.calls and not measured.high.fen:
            return state
        event = AdviceEvent.REALISE if measured.whole else AdviceEvent.TRACK
        done = state is AdviceState.REALISED or (
            state is AdviceState.TRACKED and event is AdviceEvent.TRACK
        )
        if done:
            return state
        became = advance(state, event)
        why = f"{measured.month} {measured.said}"
        step = Transition(self._now, event, state, became, CLERK, why)
        store.move(self._tx, self._customer.customer_id, advice.advice_id, step)
        return became

    def _month(self, advice: Advice, month: BillingMonth, span: Span) -> Measure | None:
        if advice.kind is Kind.UNUSED:
            return self._commitment(advice, month)
        if advice.kind in GONE or advice.figure.change.facts.get("way") == "drop":
            return self._gone(advice, month)
        if advice.kind not in SEEN:
            return None
        seen = self._seen(advice, span)
        base_month = BillingMonth.parse(advice.month)
        base = self._seen(advice, base_month.span(self._zone))
        high = max(0, seen.pico)
        low = min(high, max(0, seen.pico - max(0, base.pico)))
        exact = (
            "与原来的做法逐项重算，精确" if low == high else "其中一部分采纳前已是如此，给出上下限"
        )
        return self._measured(month, seen, low=low, high=high, said=exact)

    def _measured(
        self, month: BillingMonth, seen: Seen, *, low: int, high: int, said: str
    ) -> Measure | None:
        terms = self._terms_of(month)
        if terms is None:
            return None
        return Measure(
            month=str(month),
            at=self._now,
            whole=month.span(self._zone).end <= self._now,
            calls=seen.calls,
            actual_pico=seen.actual_pico,
            before_pico=seen.before_pico,
            low_pico=low,
            currency=seen.currency,
            low=terms.gone(low, seen.currency),
            high=terms.gone(high, seen.currency),
            said=said,
        )

    def _seen(self, advice: Advice, span: Span) -> Seen:
        """Rate the changed calls of a span once more, as they would have been before."""
        change = advice.figure.change
        model = change.to_model or change.model
        calls = actual = before = 0
        for cell in self._cells(advice, span, model):
            if not _changed(advice, cell, self._book(cell.book)):
                continue
            found = _before(advice, cell, self._book(cell.book))
            if found is not None:
                now_pico, then_pico = found
                calls, actual, before = calls + cell.calls, actual + now_pico, before + then_pico
        return Seen(calls, actual, before, advice.currency)

    def _cells(self, advice: Advice, span: Span, model: str) -> Iterable[Cell]:
        books = self._book_of(advice)
        named = [key.key_id for key in advice.figure.change.keys]
        windows = sorted({r.time_window for r in books.rows.rates if r.time_window})
        steps = {r.context_above for r in books.rows.rates if r.context_above}
        asked = Asked(
            zone=self._customer.zone,
            since=span.start,
            until=span.end,
            contexts=sorted(each + 1 for each in {*steps, *SIZES}),
            slot_s=slot_seconds(windows),
            keys=traffic.with_successors(self._tx, self._customer.customer_id, named),
            models=[model],
            pinned=True,
        )
        rows = traffic.cell_rows(self._tx, self._customer.customer_id, asked)
        return cells_of(rows, windows)

    def _book_of(self, advice: Advice) -> Book:
        terms = self._terms_of(BillingMonth.of(self._now, self._zone))
        terms = terms or self._terms_of(BillingMonth.parse(advice.month))
        assert terms is not None, "advice is only given under a contract"
        return self._book(terms.contract.sale_book)

    def _book(self, name: str) -> Book:
        found = self._books.get(name)
        if found is None:
            row = contracts.book(self._tx, name)
            assert row is not None, f"calls were priced by book {name}"
            found = self._books[name] = Book(contracts.book_rows(self._tx, row))
        return found

    def _terms_of(self, month: BillingMonth) -> TermsNow | None:
        if month not in self._terms:
            whole = month.span(self._zone).end <= self._now
            today = self._now.astimezone(self._zone).date()
            self._terms[month] = terms_now(
                self._tx, self._customer, month, whole=whole, today=today
            )
        return self._terms[month]

    def _gone(self, advice: Advice, month: BillingMonth) -> Measure | None:
        """Tell how much of the old way has gone, where the round has just looked at the month."""
        scene = self._scene
        volume = int(advice.figure.change.facts.get("volume", "0"))
        if scene is None or scene.month != month or not scene.whole or not volume:
            return None
        now = volume_of(scene.cells, advice.figure.shares)
        left = self._residue.get((advice.kind, advice.slice), 0)
        high = max(0, advice.saving_pico * now // volume - left)
        seen = Seen(0, 0, 0, advice.currency)
        said = "只能看到原来的做法少了多少，按用量折算为上限，下限为零"
        return self._measured(month, seen, low=0, high=high, said=said)

    def _commitment(self, advice: Advice, month: BillingMonth) -> Measure | None:
        """Tell what the old minimum would have cost a month more than the present one."""
        terms, facts = self._terms_of(month), advice.figure.change.facts
        if terms is None or not terms.whole or "commitment_fen" not in facts:
            return None
        spend = terms.spends[month]
        was = max(0, int(facts["commitment_fen"]) - spend)
        saved = Money(max(0, was - true_up(spend, terms.promise, month)), advice.saving.currency)
        return Measure(
            month=str(month),
            at=self._now,
            whole=True,
            calls=0,
            actual_pico=0,
            before_pico=0,
            low_pico=0,
            currency=advice.currency,
            low=saved,
            high=saved,
            said="按原承诺额与现承诺额各算一遍补足，精确",
        )


def volume_of(cells: Iterable[Cell], shares: Mapping[str, str]) -> int:
    """Return how many units the keys and models of an advice used in all."""
    return sum(
        sum(cell.quantities.values()) for cell in cells if f"{cell.key_id} {cell.model}" in shares
    )


def _changed(advice: Advice, cell: Cell, book: Book) -> bool:
    """Say whether calls run as was advised."""
    change, marks = advice.figure.change, cell.tier.split("+")
    match advice.kind:
        case Kind.BATCH:
            return marks[0] == change.to_tier
        case Kind.SERVICE_TIER:
            return marks[0] == DEFAULT and not DEAR & set(marks)
        case Kind.OFF_PEAK:
            lines = _price(book, cell, cell.model, cell.tier)
            held = {each.time_window for each in lines or ()} - {""}
            return lines is not None and held == ({change.window} - {""})
        case Kind.PROMPT_CACHE:
            return any(_cached(cell).values())
    return True


def _before(advice: Advice, cell: Cell, book: Book) -> tuple[int, int] | None:
    """Return what calls cost, and what they would have cost before, in picos."""
    change = advice.figure.change
    match advice.kind:
        case Kind.CHEAPER_MODEL:
            return _against(cell, _price(book, cell, change.model, cell.tier))
        case Kind.BATCH:
            tier = "+".join([DEFAULT, *cell.tier.split("+")[1:]])
            return _against(cell, _price(book, cell, cell.model, tier))
        case Kind.SERVICE_TIER:
            tiers = change.tier.split("、")
            found = [_price(book, cell, cell.model, tier) for tier in tiers]
            prices = [each for each in found if each is not None]
            return _against(cell, min(prices, key=worth)) if prices else None
        case Kind.OFF_PEAK:
            return _against(cell, _dearest(book, cell))
    cached = _cached(cell)
    now = _price(book, cell, cell.model, cell.tier, cached)
    then = _price(book, cell, cell.model, cell.tier, {"input": sum(cached.values())})
    return None if now is None or then is None else (worth(now), worth(then))


def _against(cell: Cell, lines: Sequence[Line] | None) -> tuple[int, int] | None:
    return None if lines is None else (cell.billed_pico, worth(lines))


def _cached(cell: Cell) -> dict[str, int]:
    return {
        meter: quantity
        for meter, quantity in cell.quantities.items()
        if meter == "cache_read" or meter.startswith("cache_write")
    }


def _dearest(book: Book, cell: Cell) -> Sequence[Line] | None:
    """Return what calls would have cost in the dearest hour of the week before them."""
    windows = sorted({r.time_window for r in book.rows.rates if r.time_window})
    slot_us = slot_seconds(windows) * 10**6
    if not slot_us:
        return None
    best: Sequence[Line] | None = None
    for back in range(_WEEK_US // slot_us):
        instant = cell.started_us - back * slot_us
        lines = _price(book, cell, cell.model, cell.tier, started_us=instant)
        if lines is not None and (best is None or worth(lines) > worth(best)):
            best = lines
    return best


def _price(
    book: Book,
    cell: Cell,
    model: str,
    tier: str,
    quantities: Mapping[str, int] | None = None,
    *,
    started_us: int | None = None,
) -> tuple[Line, ...] | None:
    """Rate a cell by the revision that admission pinned for its calls."""
    return priced(
        book,
        cell.revision,
        model,
        cell.quantities if quantities is None else quantities,
        tier=tier,
        context=cell.context,
        started_us=cell.started_us if started_us is None else started_us,
    )


def _same(measured: Measure, was: Measure | None) -> bool:
    """Say whether a measure says nothing that was not said."""
    return was is not None and replace(measured, at=was.at) == was
