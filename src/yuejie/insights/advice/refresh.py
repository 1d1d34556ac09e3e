"""Take a customer's month and advise: new advice, new figures for what waits, and what lapsed.

A round looks at the last month that is over, or, where nothing was used in it, at the present one
so far. Whatever a round finds it finds again, and writes nothing that is written already.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.contracts import store as contracts
from yuejie.contracts.catalog import Model
from yuejie.contracts.life.store import drafts_of
from yuejie.contracts.prices import Book
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.gateway.publish import load
from yuejie.gateway.snapshot import Snapshot
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import (
    HELD,
    Advice,
    AdviceEvent,
    AdviceId,
    AdviceState,
    Proposal,
    advance,
)
from yuejie.insights.advice.answer import SILENT
from yuejie.insights.advice.joint import Joint, joint_of
from yuejie.insights.advice.kinds import agreed, caching, idle, models, shape, tiers
from yuejie.insights.advice.measure import measure_advice
from yuejie.insights.advice.terms import TermsNow, terms_now
from yuejie.insights.advice.traffic import store as traffic
from yuejie.insights.advice.traffic.cells import SIZES, Tariff, cells_of, slot_seconds
from yuejie.insights.advice.traffic.scene import Scene
from yuejie.insights.advice.traffic.servable import Servable
from yuejie.insights.advice.traffic.store import Asked
from yuejie.insights.advice.words import CHEAPER, PREFIX, WAITS
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, Span, zone_of
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us

log = structlog.get_logger()

CUSTOMERS: Final = 20
"""Customers of one round of the clerk's, which comes once a minute."""
EVERY: Final = timedelta(hours=20)
"""How long a customer's advice stands before it is looked at again: a day, whatever the hour."""
BACK_MONTHS: Final = 4
"""So far back a key's last use is looked for; longer than `idle.IDLE`."""
HELD_MAX: Final = 500
"""Advice of one customer that is held at once; the largest savings come first."""
CLERK: Final = "clerk"


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to."""

    customer_id: CustomerId
    month: BillingMonth
    found: int = 0
    lapsed: int = 0
    measured: int = 0
    joint: Money | None = None
    fresh: bool = True
    """False: nothing had changed since the last round, and nothing was done."""


def refresh_advice(db: Database, now: datetime, *, customers: int = CUSTOMERS) -> list[Round]:
    """Advise the customers whose last round is oldest, once a day each.

    A customer that fails is logged and left for the next round; the others go on.
    """
    since = BillingMonth.of(now - timedelta(days=62), zone_of("UTC"))
    with db.read(consistent=True) as tx:
        due = store.due(tx, month=str(since), since=now - EVERY, limit=customers)
        snapshot = load(tx) if due else None
    rounds = []
    for customer_id in due:
        try:
            rounds.append(refresh_customer(db, customer_id, now=now, snapshot=snapshot))
        except DomainError as error:
            log.warning("advice.round_failed", customer=customer_id, why=error.sentence)
    return rounds


def refresh_customer(
    db: Database,
    customer_id: CustomerId,
    *,
    now: datetime,
    month: BillingMonth | None = None,
    snapshot: Snapshot | None = None,
    anew: bool = False,
) -> Round:
    """Look at a customer's month and write down what it says; `anew` even if nothing changed."""
    with db.begin() as tx:
        tx.lock_exclusive(f"advice {customer_id}")
        traffic.prefer_hashing(tx)
        customer = find_customer(tx, customer_id)
        return _Refresh(tx, customer, now, snapshot).run(month, anew=anew)


class _Refresh:
    """One round, within its transaction."""

    def __init__(
        self, tx: Tx, customer: Customer, now: datetime, snapshot: Snapshot | None
    ) -> None:
        self._tx = tx
        self._customer = customer
        self._customer_id = customer.customer_id
        self._now = now
        self._snapshot = snapshot
        self._zone = zone_of(customer.zone)

    def run(self, asked: BillingMonth | None, *, anew: bool) -> Round:
        """Look, write down what was found, and measure what was accepted."""
        month = asked or self._month()
        mark = self._mark(month)
        last = store.last_round(self._tx, self._customer_id)
        if not anew and last is not None and (last.month, last.mark) == (str(month), mark):
            store.insert_round(self._tx, self._customer_id, replace(last, at=self._now))
            measured = measure_advice(self._tx, self._customer, now=self._now)
            told = Money(last.joint_fen, last.currency)
            return Round(self._customer_id, month, 0, 0, measured, told, fresh=False)
        whole = month.span(self._zone).end <= self._now
        today = self._now.astimezone(self._zone).date()
        terms = terms_now(self._tx, self._customer, month, whole=whole, today=today)
        scene = None if terms is None else self._scene(month, terms)
        if terms is None or scene is None:
            gap = f"{month} 没有生效的合同、现行的销售价目或所需的汇率，无法计算"
            self._note(month, mark, Joint(Money(0, self._customer.currency), {}, {}), (gap,))
            return Round(self._customer_id, month)
        proposals, gaps = self._look(scene, terms)
        joint = joint_of(scene, proposals)
        found, lapsed = self._write(month, proposals)
        residue = {(each.kind, each.slice): each.saving_pico for each in proposals}
        measured = measure_advice(
            self._tx, self._customer, now=self._now, scene=scene, residue=residue
        )
        self._note(month, mark, joint, gaps)
        return Round(self._customer_id, month, found, lapsed, measured, joint.saving)

    def _month(self) -> BillingMonth:
        present = BillingMonth.of(self._now, self._zone)
        over = present.previous
        return over if traffic.mark(self._tx, self._customer_id, str(over)).requests else present

    def _mark(self, month: BillingMonth) -> str:
        mark = traffic.mark(self._tx, self._customer_id, str(month))
        return f"{mark.requests}/{mark.epoch}/{mark.revision}"

    def _scene(self, month: BillingMonth, terms: TermsNow) -> Scene | None:
        """Read everything that the kinds look at; None where nothing could be priced."""
        now_us = unix_us(self._now)
        row = contracts.book(self._tx, terms.contract.sale_book)
        if row is None:
            return None
        tariff = Tariff(Book(contracts.book_rows(self._tx, row)), now_us)
        foreign = tariff.currency != terms.contract.currency
        if not tariff.models or (foreign and terms.fx is None):
            return None
        known = {model.model_id: model for model in contracts.models(self._tx)}
        windows = tariff.windows()
        rows = traffic.cell_rows(
            self._tx, self._customer_id, self._asked(month, tariff, list(known.values()))
        )
        words = store.words(self._tx, self._customer_id)
        snapshot = self._snapshot or load(self._tx)
        back = _months_back(month, BACK_MONTHS)
        held = traffic.keys(self._tx, self._customer_id, now=self._now, first_month=str(back))
        return Scene(
            month=month,
            whole=terms.whole,
            cells=cells_of(rows, windows),
            keys={key.key_id: key for key in held},
            models=known,
            cheaper=frozenset(each.name for each in words if each.what == CHEAPER),
            waits=frozenset(each.name for each in words if each.what == WAITS),
            tariff=tariff,
            servable=Servable(snapshot, self._customer_id, now_us),
            open_calls=traffic.open_calls(self._tx, self._customer_id, str(month)),
            fx=terms.fx if foreign else None,
            bill_currency=terms.contract.currency,
            net=lambda pico: terms.net(pico, tariff.currency),
            terms_said=terms.said,
        )

    def _asked(self, month: BillingMonth, tariff: Tariff, models: Sequence[Model]) -> Asked:
        """Cut calls at every size that prices them or that a model can take, no finer."""
        steps = {step for found in tariff.steps().values() for step in found}
        span = month.span(self._zone)
        return Asked(
            zone=self._customer.zone,
            since=span.start,
            until=span.end,
            contexts=_above({*steps, *SIZES}),
            reaches=_above(m.context_window for m in models if m.context_window),
            outputs=_above(m.max_output for m in models if m.max_output),
            slot_s=slot_seconds(tariff.windows()),
        )

    def _look(self, scene: Scene, terms: TermsNow) -> tuple[list[Proposal], tuple[str, ...]]:
        """Ask every kind; the largest savings first."""
        span = scene.month.span(self._zone)
        hashed = store.ever_said(self._tx, self._customer_id, PREFIX)
        repeated = (
            traffic.repeated(
                self._tx,
                self._customer_id,
                span,
                zone=self._customer.zone,
                contexts=_above(SIZES),
            )
            if hashed
            else []
        )
        found: list[Proposal] = [
            *models.cheaper_models(scene),
            *tiers.slower_tiers(scene),
            *tiers.default_tier(scene),
            *tiers.off_peak(scene),
            *caching.drop_caches(scene),
            *caching.use_caches(scene, repeated),
            *self._steep(scene, span),
            *self._small(scene, span, hashed=hashed),
            *self._agreed(scene, terms),
            *idle.idle_keys(scene.keys, scene.bill_currency, self._now),
        ]
        found.sort(key=lambda each: (-each.saving.fen, each.kind, each.slice))
        return found[:HELD_MAX], tuple(caching.caching_gaps(scene, repeated))

    def _steep(self, scene: Scene, span: Span) -> Iterator[Proposal]:
        """Look for calls just above a step, where some calls are above one at all."""
        used = {
            model: steps
            for model, steps in scene.tariff.steps().items()
            if any(cell.model == model and cell.context > steps[0] for cell in scene.cells)
        }
        if used:
            above = traffic.just_above(
                self._tx,
                self._customer_id,
                span,
                zone=self._customer.zone,
                slot_s=slot_seconds(scene.tariff.windows()),
                steps=used,
                bands=shape.BANDS,
            )
            yield from shape.context_steps(scene, above)

    def _small(self, scene: Scene, span: Span, *, hashed: bool) -> Iterator[Proposal]:
        """Look for small calls of a minute, where merging them could save anything."""
        keys = sorted(
            {
                cell.key_id
                for cell in scene.cells
                if cell.context <= shape.SMALL
                and scene.can_wait(cell.key_id)
                and (hashed or not scene.tariff.borrowed(cell.model, Meter.REQUESTS))
            }
        )
        if keys:
            small = traffic.merged(
                self._tx,
                self._customer_id,
                span,
                zone=self._customer.zone,
                keys=keys,
                small=shape.SMALL,
                most=shape.TOGETHER,
            )
            yield from shape.merge_small(scene, small)

    def _agreed(self, scene: Scene, terms: TermsNow) -> Iterator[Proposal]:
        yield from agreed.unused_commitment(terms)
        yield from agreed.unused_packages(terms)
        drafts = drafts_of(self._tx, self._customer_id)
        books: dict[str, Book] = {}
        for name in sorted({draft.body.sale_book for draft in drafts}):
            row = contracts.book(self._tx, name)
            if row is not None:
                books[name] = Book(contracts.book_rows(self._tx, row))
        at_us = unix_us(self._now)
        yield from agreed.better_terms(scene, terms, drafts, books, at_us)

    def _write(self, month: BillingMonth, proposals: Sequence[Proposal]) -> tuple[int, int]:
        """Write new advice and new figures; what nobody answered and saves no more lapses."""
        held = {
            (each.kind, each.slice): each
            for each in store.advice_of(
                self._tx, self._customer_id, states=HELD, before=None, limit=10 * HELD_MAX
            )
        }
        silent = {
            (each.kind, each.slice)
            for each in store.dismissed(self._tx, self._customer_id, self._now - SILENT)
        }
        new = 0
        for found in proposals:
            known = held.pop((found.kind, found.slice), None)
            if known is not None:
                self._renew(known, found, month)
            elif (found.kind, found.slice) not in silent:
                self._propose(found, month)
                new += 1
        lapsed = [each for each in held.values() if each.state is AdviceState.PROPOSED]
        for each in lapsed:
            self._lapse(each, month)
        return new, len(lapsed)

    def _propose(self, found: Proposal, month: BillingMonth) -> None:
        advice_id = AdviceId(mint("adv", self._now))
        store.insert(self._tx, self._customer_id, advice_id, found, self._now)
        store.insert_figure(self._tx, advice_id, found, month=str(month), at=self._now)

    def _renew(self, known: Advice, found: Proposal, month: BillingMonth) -> None:
        """Write what the month says of an advice that waits; what was accepted stays as it was."""
        same = (known.month, known.saving_pico, known.saving, known.figure) == (
            str(month),
            found.saving_pico,
            found.saving,
            found.figure,
        )
        if known.state is AdviceState.PROPOSED and not same:
            store.insert_figure(self._tx, known.advice_id, found, month=str(month), at=self._now)

    def _lapse(self, known: Advice, month: BillingMonth) -> None:
        became = advance(known.state, AdviceEvent.LAPSE)
        why = f"按 {month} 的用量不再节省"
        step = Transition(self._now, AdviceEvent.LAPSE, known.state, became, CLERK, why)
        store.move(self._tx, self._customer_id, known.advice_id, step)

    def _note(self, month: BillingMonth, mark: str, joint: Joint, gaps: Sequence[str]) -> None:
        parts = [
            {"kind": str(kind), "slice": slice_, "pico": str(pico)}
            for (kind, slice_), pico in sorted(joint.parts.items())
        ]
        agreed_parts = [
            {"kind": str(kind), "slice": slice_, "fen": str(fen)}
            for (kind, slice_), fen in sorted(joint.agreed.items())
        ]
        row = store.RoundRow(
            month=str(month),
            at=self._now,
            mark=mark,
            joint_fen=joint.saving.fen,
            currency=joint.saving.currency,
            body={"parts": parts, "agreed": agreed_parts, "gaps": list(gaps)},
        )
        store.insert_round(self._tx, self._customer_id, row)


def _above(bounds: Iterable[int]) -> tuple[int, ...]:
    """Return the least token counts above each bound: what the store cuts at."""
    return tuple(sorted({bound + 1 for bound in bounds})) or (1 << 62,)


def _months_back(month: BillingMonth, months: int) -> BillingMonth:
    for _ in range(months):
        month = month.previous
    return month
