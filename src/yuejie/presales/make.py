"""Make a quote: from the newest form and what sales asks, to the next version, kept whole.

Read in one moment, computed outside any transaction, written in another; the revisions, the rate
and the day it was computed by are in it, so it stays what it was whatever is published meanwhile.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from yuejie.contracts.life.credit import CreditRule
from yuejie.contracts.terms import CreditClass
from yuejie.db.session import Database
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.presales import store
from yuejie.presales.ask import Ask
from yuejie.presales.compare import Comparison
from yuejie.presales.prospects import FLOOR_PPM, find_prospect
from yuejie.presales.quote import (
    Basis,
    Choice,
    Option,
    Plan,
    Proposal,
    Quote,
    QuoteBody,
    QuoteState,
)
from yuejie.presales.reckon.advise import Subject, advise
from yuejie.presales.reckon.choose import OPTIONS_MAX, Candidate, choose, reasons_for, why_not
from yuejie.presales.reckon.gather import Gathered, gather
from yuejie.presales.reckon.options import BUDGETS, Desk, budget_of, list_cost, option_of
from yuejie.presales.reckon.propose import contract_type, credit_class, note_reasons, reasons_of
from yuejie.presales.replay.again import PastUsage, read_past
from yuejie.presales.replay.beside import Ours, compare
from yuejie.presales.replay.scales import Scales
from yuejie.presales.requirement import Form, Quality, Requirement
from yuejie.presales.trace import Tracing, check_trace
from yuejie.presales.volume import calendar_of, plan_volume


def make_quote(db: Database, named: str, ask: Ask, *, by: str, now: datetime) -> Quote:
    """Compute and keep a prospect's next quote.

    Below the floor margin it waits for another person. Raises NotFound for a prospect, book, rate
    or file that is not there, Conflict where there is no form or nothing can serve the need.
    """
    with db.read(consistent=True) as tx:
        prospect = find_prospect(tx, named)
        form = store.newest_form(tx, prospect.prospect_id)
        if form is None:
            raise Conflict(f"{prospect.slug} 还没有需求表，请先用 yuejie presales form 填写")
        found = gather(tx, ask.book, form.requirement, now=now)
        replayed = read_past(tx, prospect.prospect_id, ask, found, form.requirement)
    body = _compute(form, ask, found, replayed)
    state = QuoteState.WAITING if body.below_floor else QuoteState.READY
    today = now.astimezone(zone_of(form.requirement.zone)).date()
    with db.begin() as tx:
        tx.lock_exclusive(f"prospect {prospect.prospect_id}")
        quote = Quote(
            quote_id=mint("quote", now),
            prospect_id=prospect.prospect_id,
            version=store.next_version(tx, prospect.prospect_id),
            form_version=form.version,
            import_id=ask.replay.import_id if ask.replay else None,
            state=state,
            body=body,
            digest=body.digest,
            valid_until=today + timedelta(days=ask.valid_days),
            made_by=by,
            made_at=now,
        )
        store.insert_quote(tx, quote)
        store.note_quote(tx, quote.quote_id, Transition(now, "make", "", state, by))
    return quote


def _compute(form: Form, ask: Ask, found: Gathered, replayed: PastUsage | None) -> QuoteBody:
    need, today = form.requirement, found.now.astimezone(zone_of(form.requirement.zone)).date()
    proposed, _ = credit_class(need, today)
    rule = found.rules[ask.credit_class or proposed]
    tracing = Tracing()
    volumes = plan_volume(need, tracing)
    book = found.now_priced(need)
    desk = Desk(need, volumes, book, ask.tax_mode, ask.tax_ppm, rule, tracing)
    plans = ask.plans_of(rule, need.first_month, found.sale.currency)
    plan = _proposed_plan(need, plans)
    choices, basic = _choices(desk, found, plan)
    serving = _serving(choices, ask)
    options = tuple(option_of(desk, each.model, plan) for plan in plans for each in serving)
    proposal = _proposal(desk, serving[0], plan, options, rule, ask.credit_class or proposed, found)
    cheaper = basic if basic and basic.model != serving[0].model else None
    advice = advise(Subject(desk, serving[0].model, plan, cheaper.model if cheaper else None))
    comparison = _comparison(desk, ask, replayed, plans, plan.name, options, serving[0].model)
    body = QuoteBody(
        requirement=need,
        basis=_basis(ask, found, need),
        volumes=volumes,
        choices=choices,
        plans=plans,
        options=options,
        proposal=proposal,
        advice=advice,
        comparison=comparison,
        floor_ppm=FLOOR_PPM if found.floor is None else found.floor.ppm,
        trace=tracing.all(),
    )
    check_trace(body.trace)
    return body


def _choices(
    desk: Desk, found: Gathered, plan: Plan
) -> tuple[tuple[Choice, ...], Candidate | None]:
    """Return every model with its verdict, and the cheapest that would do for what is simple."""
    excluded: dict[str, str] = {}
    candidates = []
    for name in sorted(found.catalogue.models):
        candidate, why = _candidate(desk, found, plan, name, desk.need)
        if candidate is None:
            excluded[name] = why
        else:
            candidates.append(candidate)
    for name in desk.need.models:
        if name not in found.catalogue.models:
            excluded[name] = "不在本店目录里"
    easy = replace(desk.need, quality=Quality.BASIC, models=())
    simple = [
        each
        for name in sorted(found.catalogue.models)
        if (each := _candidate(desk, found, plan, name, easy)[0]) is not None
    ]
    basic = min(simple, key=lambda each: (each.cost.fen, each.model), default=None)
    choices = choose(candidates, excluded, desk.need, found.catalogue, desk.tracing)
    return choices, basic


def _serving(choices: Sequence[Choice], ask: Ask) -> list[Choice]:
    """Return the models that are quoted, the proposed one first. Raises Conflict without any."""
    known = {each.model: each for each in choices}
    for name in ask.models:
        each = known.get(name)
        if each is None or each.excluded:
            why = each.excluded if each else "不在本店目录里"
            raise Conflict(f"报价要求点名的模型 {name} 不能报价：{why}")
    serving = [c for c in choices if not c.excluded and (not ask.models or c.model in ask.models)]
    if not serving:
        why = "；".join(f"{each.model} {each.excluded}" for each in choices) or "目录里没有模型"
        raise Conflict(f"没有能满足需求的模型：{why}")
    return serving[:OPTIONS_MAX]


def _candidate(
    desk: Desk, found: Gathered, plan: Plan, name: str, need: Requirement
) -> tuple[Candidate | None, str]:
    """Return a model as a candidate with its cost, or the sentence that says why it is none."""
    model = found.catalogue.models[name]
    grade, served = found.catalogue.grades.get(name), desk.book.served.get(name)
    why = why_not(model, need, grade, served, desk.book)
    if why or served is None:
        return None, why
    cost, gaps = list_cost(desk, name, plan)
    if gaps:
        return None, f"价目没有 {'、'.join(gaps)} 的单价，或时段价的节假日历尚未公布"
    return Candidate(name, cost, served.provider, reasons_for(model, need, grade, served)), ""


def _proposed_plan(need: Requirement, plans: Sequence[Plan]) -> Plan:
    """Return the plan of the proposed type, or the first where that type is not offered."""
    kind, _ = contract_type(need)
    return next((each for each in plans if each.terms.type is kind), plans[0])


def _proposal(
    desk: Desk,
    main: Choice,
    plan: Plan,
    options: Sequence[Option],
    rule: CreditRule,
    credit: CreditClass,
    found: Gathered,
) -> Proposal:
    need, currency = desk.need, desk.need.currency
    own = next(each for each in options if (each.model, each.plan) == (main.model, plan.name))
    today = found.now.astimezone(zone_of(need.zone)).date()
    reasons = [*reasons_of(need, rule, today)]
    cost = Money(own.expected.gross_fen, currency)
    reasons.append(f"主用模型 {main.model}：首月预计 {cost} {currency}；{'；'.join(main.reasons)}")
    if main.backup is None:
        reasons.append("没有其他能满足需求的模型可作备用，主用模型的所有部署失败时调用会失败")
    else:
        reasons.append(f"备用模型 {main.backup}：主用模型的部署全部失败时由它回答，按它的单价计费")
    reasons += _about_budget(desk, own, options, plan)
    if plan.terms.type is not contract_type(need)[0]:
        reasons.append(f"没有提供建议类型的方案，以“{plan.name}”为准")
    return Proposal(
        model=main.model,
        backup=main.backup,
        plan=plan.name,
        contract_type=str(plan.terms.type),
        credit_class=str(credit),
        reasons=tuple(reasons),
        figures=(
            own.expected.figure,
            *note_reasons(desk.tracing, need, rule),
            *main.figures,
            *BUDGETS,
        ),
    )


def _about_budget(
    desk: Desk, own: Option, options: Sequence[Option], plan: Plan
) -> tuple[str, ...]:
    budget, currency = desk.need.budget, desk.need.currency
    if budget is None:
        return ()
    figure = budget_of(desk)
    if figure is None:
        told = budget.currency
        return (f"没有 {told} 与 {currency} 的汇率，无法与预算 {budget} {told} 比较",)
    limit = desk.tracing.value(figure)
    over = [each.month for each in own.months if each.gross_fen > limit]
    said = f"每月预算 {Money(limit, currency)} {currency}"
    if not over:
        return (f"{said}，各月均在预算之内",)
    within = [
        each.model
        for each in options
        if each.plan == plan.name and each.model != own.model and each.within_budget
    ]
    instead = f"；{'、'.join(within)} 各月均在预算之内" if within else ""
    when = "各月均" if len(over) == len(own.months) else f"{'、'.join(over)} "
    return (f"{said}，{when}超出{instead}",)


def _comparison(
    desk: Desk,
    ask: Ask,
    replayed: PastUsage | None,
    plans: Sequence[Plan],
    proposed: str,
    options: Sequence[Option],
    model: str,
) -> Comparison | None:
    if replayed is None:
        return None
    deposits = {each.plan: each.deposit_fen for each in options if each.model == model}
    scales = Scales(
        replayed.past,
        replayed.book,
        ask,
        desk.need.currency,
        desk.need.buyer,
        desk.tracing,
        [],
    )
    ours = [
        Ours(
            plan,
            desk.agreed(plan),
            deposits[plan.name],
            f"option.{model}.{plan.name}.deposit",
        )
        for plan in plans
    ]
    return compare(scales, ours, proposed)


def _basis(ask: Ask, found: Gathered, need: Requirement) -> Basis:
    fx = found.fx
    at_us = int(found.now.timestamp()) * 10**6
    return Basis(
        sale_book=found.sale.book_id,
        sale_revision=found.sale_revision,
        book_currency=found.sale.currency,
        cost_revisions={
            book.book_id: revision
            for book in found.costs
            if (revision := book.revision_at(at_us)) is not None
        },
        fx_id=fx.fx_id if fx else None,
        fx_e8=fx.e8 if fx else None,
        fx_on=fx.on_date if fx else None,
        fx_source=fx.source if fx else "",
        cost_fx_e8=found.cost_fx_e8,
        fx_policy="bill" if fx else "none",
        tax_mode=ask.tax_mode,
        tax_ppm=ask.tax_ppm,
        priced_at=found.now,
        zone=need.zone,
        calendar_known=calendar_of(need),
    )
