"""Replay what a prospect handed in, under every plan, without a quote: a read, nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.presales import store as presales
from yuejie.presales.ask import Ask, Replayed
from yuejie.presales.prospects import find_prospect
from yuejie.presales.quote import MonthCost
from yuejie.presales.reckon.gather import Gathered, gather, past_fx
from yuejie.presales.reckon.month import Agreed, Reckoned
from yuejie.presales.reckon.propose import credit_class
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.replay import store
from yuejie.presales.replay.run import Past, held_from, rerun_traced
from yuejie.presales.requirement import Requirement
from yuejie.presales.trace import Figure, Tracing


@dataclass(frozen=True, slots=True)
class PastUsage:
    """Past usage with what prices it."""

    past: Past
    book: Pricebook


@dataclass(frozen=True, slots=True)
class Column:
    """What past usage comes to under one plan, on its own models or on others (`switch`)."""

    plan: str
    switch: str
    months: tuple[MonthCost, ...]
    unpriced: tuple[str, ...]
    bills: Mapping[BillingMonth, Reckoned]
    """The months line by line, as their bills would stand."""

    @property
    def total_fen(self) -> int:
        """All months together; a floor where something is unpriced."""
        return sum(each.gross_fen for each in self.months)


@dataclass(frozen=True, slots=True)
class Again:
    """A replay: its columns, and where each figure comes from."""

    currency: str
    columns: tuple[Column, ...]
    trace: tuple[Figure, ...]


def replay_usage(db: Database, named: str, ask: Ask, *, now: datetime) -> Again:
    """Price a prospect's past usage under every plan, month by month.

    Currency, regions and credit class are those of its newest form. Raises NotFound, Conflict,
    Invalid as a quote does; the number of months does not matter here.
    """
    if ask.replay is None:
        raise Invalid("重放须写明历史用量，请在报价要求的 [usage] 写 import = 导入编号")
    with db.read(consistent=True) as tx:
        prospect = find_prospect(tx, named)
        form = presales.newest_form(tx, prospect.prospect_id)
        if form is None:
            raise Conflict(f"{prospect.slug} 还没有需求表，请先用 yuejie presales form 填写")
        need = form.requirement
        found = gather(tx, ask.book, need, now=now)
        known = read_past(tx, prospect.prospect_id, ask, found, need)
    assert known is not None, "what is replayed was asked for"
    today = now.astimezone(zone_of(need.zone)).date()
    rule = found.rules[ask.credit_class or credit_class(need, today)[0]]
    tracing = Tracing()
    columns = []
    switches: list[tuple[str, Mapping[str, str]]] = [("", {})]
    switches += [(each.name, each.models) for each in ask.replay.switches]
    for plan in ask.plans_of(rule, need.first_month, found.sale.currency):
        since = need.first_month.first_day
        agreed = Agreed(plan.terms, ask.tax_mode, ask.tax_ppm, since, need.currency)
        held = held_from(agreed, known.past.months[0])
        for name, models in switches:
            prefix = f"ours.{plan.name}[{name}]" if name else f"ours.{plan.name}"
            run = rerun_traced(known.past, known.book, held, plan, models, tracing, prefix)
            columns.append(Column(plan.name, name, run.costs, run.unpriced, run.months))
    return Again(need.currency, tuple(columns), tracing.all())


def read_past(
    tx: Tx, prospect_id: str, ask: Ask, found: Gathered, need: Requirement
) -> PastUsage | None:
    """Return the past usage that is asked for, with its prices; None where none is.

    Raises NotFound for a file that is not the prospect's.
    """
    if ask.replay is None:
        return None
    usage = store.usage_by_id(tx, ask.replay.import_id)
    if usage is None or usage.prospect_id != prospect_id:
        raise NotFound(
            f"没有历史用量 {ask.replay.import_id}，请用 yuejie presales usage 导入后填写其编号"
        )
    cells = Past.of(store.cells_of(tx, usage.import_id), usage.sha256, usage.name)
    return PastUsage(cells, _book(tx, ask.replay, cells, found, need))


def _book(tx: Tx, asked: Replayed, cells: Past, found: Gathered, need: Requirement) -> Pricebook:
    """Return what prices past usage: now's lists and rate, or those of each month."""
    if asked.basis == "then":
        rates = past_fx(tx, found.sale.currency, need.currency, cells.months)
        return found.then_priced(need, rates)
    book = found.now_priced(need)
    rates = {month: fx for month in cells.months if (fx := found.month_fx(month)) is not None}
    return replace(book, fx={**book.fx, **rates})
