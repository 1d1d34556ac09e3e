"""Keep allowances: add one, change its cap, end it. A scope never changes: end it and add another.

A new one counts what its present period has used already: no usage comes in while it is added.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.budgets import store
from yuejie.budgets.allowance import (
    DEFAULT_FORECASTS,
    DEFAULT_THRESHOLDS,
    Allowance,
    Measure,
    Mode,
    Origin,
    Period,
    Scope,
)
from yuejie.budgets.lending import store as lending
from yuejie.budgets.lending.opening import cap_of, open_present
from yuejie.contracts.contract import term_began
from yuejie.contracts.store import contracts_of, models
from yuejie.customers import store as customers
from yuejie.customers.customer import Customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import CURRENCIES
from yuejie.kernel.period import local_hour, zone_of
from yuejie.usage.store import lock_epoch

NAME: Final = 64
PERCENT_MAX: Final = 1_000
MINUTES_KEEP: Final = timedelta(days=1)
_RATES: Final = frozenset({Period.MINUTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceDraft:
    """What somebody wants capped. `project` is a name, `key` an id or a name, `tag` name=value."""

    name: str
    measure: Measure
    cap: int
    currency: str = ""
    period: Period = Period.MONTH
    mode: Mode = Mode.HARD
    project: str | None = None
    key: str | None = None
    model: str | None = None
    tag: str | None = None
    output_bound: int | None = None
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    forecasts: tuple[int, ...] = DEFAULT_FORECASTS
    why: str = ""
    origin: Origin = Origin.BUDGET


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What of an allowance is to change; None leaves it."""

    cap: int | None = None
    mode: Mode | None = None
    output_bound: int | None = None
    """0 takes it away."""
    thresholds: tuple[int, ...] | None = None
    forecasts: tuple[int, ...] | None = None
    why: str | None = None


def add_allowance(
    db: Database, customer: Customer, draft: AllowanceDraft, *, by: str, now: datetime
) -> Allowance:
    """Cap something from now on, what the present period has used included."""
    with db.begin() as tx:
        return add_in(tx, customer, draft, by=by, now=now)


def add_in(
    tx: Tx, customer: Customer, draft: AllowanceDraft, *, by: str, now: datetime
) -> Allowance:
    """Do so in somebody's transaction."""
    _check(draft)
    lock_epoch(tx)
    if store.hold(tx, customer.customer_id, draft.name) is not None:
        raise Conflict(f"额度“{draft.name}”已存在，请改用 yuejie budgets change，或换一个名称")
    starts_at = now
    if draft.period is Period.TERM:
        # What the contract's term has used counts; usage is summed by the hour.
        began = term_began(contracts_of(tx, customer.customer_id), now) or now
        starts_at = local_hour(began, zone_of(customer.zone))
    allowance = Allowance(
        number=0,
        allowance_id=mint("alw", now),
        name=draft.name,
        origin=draft.origin,
        scope=_scope(tx, customer, draft),
        measure=draft.measure,
        currency=draft.currency,
        period=draft.period,
        cap=draft.cap,
        mode=draft.mode,
        output_bound=draft.output_bound,
        thresholds=tuple(sorted(set(draft.thresholds))),
        forecasts=tuple(sorted(set(draft.forecasts))),
        why=draft.why,
        starts_at=starts_at,
        ended_at=None,
    )
    written = replace(allowance, number=store.insert(tx, allowance))
    open_present(tx, written, customer.zone, now=now)
    record_deed(tx, Deed(by, now, "add", "allowance", written.allowance_id), became=written)
    return written


def change_allowance(
    db: Database, customer: Customer, name: str, change: Change, *, by: str, now: datetime
) -> Allowance:
    """Change a cap and how it is kept; the present period has the new one at once."""
    with db.begin() as tx:
        was = _find(tx, customer, name)
        _refuse_derived(was)
        became = replace(
            was,
            cap=was.cap if change.cap is None else change.cap,
            mode=change.mode or was.mode,
            output_bound=(
                was.output_bound if change.output_bound is None else change.output_bound or None
            ),
            thresholds=was.thresholds if change.thresholds is None else change.thresholds,
            forecasts=was.forecasts if change.forecasts is None else change.forecasts,
            why=was.why if change.why is None else change.why,
        )
        _check_values(became)
        if became != was:
            store.update(tx, became)
            _recap(tx, became, now=now)
            deed = Deed(by, now, "change", "allowance", was.allowance_id, became.why)
            record_deed(tx, deed, was=was, became=became)
        return became


def end_allowance(
    db: Database, customer: Customer, name: str, *, by: str, now: datetime, why: str = ""
) -> Allowance:
    """End an allowance: nothing is held to it any more; what it counted stays readable."""
    with db.begin() as tx:
        _refuse_derived(_find(tx, customer, name))
        return end_in(tx, customer, name, by=by, now=now, why=why)


def end_in(
    tx: Tx, customer: Customer, name: str, *, by: str, now: datetime, why: str = ""
) -> Allowance:
    """Do so in somebody's transaction."""
    was = _find(tx, customer, name)
    became = replace(was, ended_at=now)
    store.update(tx, became)
    record_deed(tx, Deed(by, now, "end", "allowance", was.allowance_id, why), was=was)
    return became


def forget_minutes(db: Database, now: datetime) -> int:
    """Forget the windows of minutes that have long been over."""
    with db.begin() as tx:
        return lending.prune_minutes(tx, before_s=int((now - MINUTES_KEEP).timestamp()))


def _find(tx: Tx, customer: Customer, name: str) -> Allowance:
    found = store.hold(tx, customer.customer_id, name)
    if found is None:
        raise NotFound(f"客户 {customer.slug} 没有额度“{name}”，请用 yuejie budgets list 查看")
    return found


def _refuse_derived(allowance: Allowance) -> None:
    """Refuse to change by hand what follows from something else, and goes with it."""
    name = allowance.name
    if allowance.origin is Origin.CREDIT:
        raise Conflict(f"额度“{name}”由预付余额与授信推算，不能手工修改；请登记收款或调整授信")
    if allowance.origin is Origin.TRIAL:
        raise Conflict(
            f"额度“{name}”是试用额度，随试用结束，不能修改；需要更多请联系客户经理转为正式合同"
        )
    if allowance.origin is Origin.PROTECTION:
        raise Conflict(
            f"额度“{name}”是防护，不是预算；请用 yuejie protections release 解除并写明事由"
        )


def _recap(tx: Tx, allowance: Allowance, *, now: datetime) -> None:
    """Give the present windows the new cap."""
    rows = lending.windows_at(tx, [allowance.number], int(now.timestamp()))
    for slot in lending.hold_windows(tx, [row.slot for row in rows]):
        cap, fx_id = cap_of(tx, allowance, slot, now=now)
        lending.cap_window(tx, slot, cap=cap, fx_id=fx_id)


def _check(draft: AllowanceDraft) -> None:
    if not 0 < len(draft.name) <= NAME or any(char in draft.name for char in ",=\n\t\0"):
        raise Invalid(f"额度名称“{draft.name}”应为 1 到 {NAME} 个字符，不含逗号、等号和换行")
    if (draft.measure is Measure.MONEY) != bool(draft.currency):
        raise Invalid(f"额度“{draft.name}”：金额要写币种 CNY 或 USD，其他计量不写币种")
    if draft.currency and draft.currency not in CURRENCIES:
        raise Invalid(f"额度“{draft.name}”的币种“{draft.currency}”不支持，请写 CNY 或 USD")
    at_once = draft.measure is Measure.CONCURRENCY
    if at_once != (draft.period is Period.ALWAYS) and draft.origin is not Origin.CREDIT:
        raise Invalid(f"额度“{draft.name}”：并发数没有周期，其他计量要写周期，例如 month")
    _check_values(draft)


def _check_values(draft: AllowanceDraft | Allowance) -> None:
    if draft.measure is Measure.CONCURRENCY and draft.mode is not Mode.HARD:
        raise Invalid(f"额度“{draft.name}”：并发数只能是硬限额 hard")
    if draft.mode is Mode.SOFT and draft.period is Period.MINUTE:
        raise Invalid(f"额度“{draft.name}”：每分钟的限速不能只提醒，请改为 hard 或 paced")
    if draft.cap < 0:
        raise Invalid(f"额度“{draft.name}”的限额不能是负数")
    if draft.output_bound is not None and draft.output_bound <= 0:
        raise Invalid(f"额度“{draft.name}”的最长输出应为正整数")
    if any(not 0 < each <= PERCENT_MAX for each in (*draft.thresholds, *draft.forecasts)):
        raise Invalid(f"额度“{draft.name}”的提醒百分比应在 1 到 {PERCENT_MAX} 之间")


def _scope(tx: Tx, customer: Customer, draft: AllowanceDraft) -> Scope:
    """Find what a scope names; what is not there is refused, not ignored."""
    project = key = None
    if draft.project:
        found = customers.project_by_name(tx, customer.customer_id, draft.project)
        if found is None:
            raise NotFound(f"客户 {customer.slug} 没有项目“{draft.project}”，请核对名称")
        project = found.project_id
    if draft.key:
        keys = [
            each.key_id
            for each in customers.keys(tx, customer.customer_id)
            if draft.key in (each.key_id, each.name)
        ]
        if len(keys) != 1:
            raise NotFound(f"客户 {customer.slug} 没有唯一的密钥“{draft.key}”，请写密钥编号")
        key = keys[0]
    if draft.model and draft.model not in {row.model_id for row in models(tx)}:
        raise NotFound(f"模型“{draft.model}”不在目录中，请用 yuejie models list 查看")
    if draft.tag:
        name, equals, value = draft.tag.partition("=")
        if not (equals and value) or name not in customer.tag_names:
            names = "、".join(customer.tag_names) or "无"
            raise Invalid(f"标签“{draft.tag}”应写成 名称=值，已登记的名称：{names}")
    return Scope(customer.customer_id, project, key, draft.model or None, draft.tag or None)
