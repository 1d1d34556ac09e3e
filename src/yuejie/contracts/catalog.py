"""The catalogue: which models there are, where they are served, and when they will end.

A model has a public name, which customers ask for and the sale book prices. A deployment serves it
at one provider account under the provider's own name; the cost book prices that as
`platform/model`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.contracts.prices import Book
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.ids import AccountId, CustomerId, DeploymentId, KeyId
from yuejie.kernel.money import Charge, Rate
from yuejie.usage.meters import COUNT_METERS

NOTICE_DAYS: Final = (90, 30, 7)
"""How many days before a model ends its users are told, each once."""
MODES: Final = frozenset(
    {
        "chat",
        "completion",
        "responses",
        "embedding",
        "image_generation",
        "audio_transcription",
        "audio_speech",
        "realtime",
        "rerank",
    }
)


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """The operator's account at a provider. `credential` is encrypted; only its user opens it."""

    account_id: AccountId
    provider: str
    platform: str
    base_url: str
    region: str
    credential: bytes
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Model:
    """A model as customers know it. `backup_model` may answer in its place, billed as itself."""

    model_id: str
    mode: str
    owner: str
    context_window: int | None
    max_output: int | None
    capabilities: list[str]
    deprecation_date: date | None
    replacement: str | None
    backup_model: str | None
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """A place that serves a model: lower `priority` first, shared by `weight` among equals."""

    deployment_id: DeploymentId
    model_id: str
    account_id: AccountId
    upstream_model: str
    cost_model: str
    priority: int
    weight: int
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """What one key used of one meter of a model in the last thirty days."""

    customer_id: CustomerId
    key_id: KeyId
    model: str
    meter: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell one customer that a model ends, which keys use it, and what replacing it would cost.

    `now_costs` and `would_cost` are the last thirty days at the customer's base prices of the two
    models, None where no replacement is named or something used has no price (`unpriced`).
    """

    model: str
    ends_on: date
    days_left: int
    customer_id: CustomerId
    keys: tuple[KeyId, ...]
    replacement: str | None
    now_costs: Charge | None
    would_cost: Charge | None
    unpriced: tuple[str, ...]

    @property
    def difference(self) -> Charge | None:
        """How much dearer the replacement is; negative when cheaper."""
        if self.now_costs is None or self.would_cost is None:
            return None
        return Charge(self.would_cost.pico - self.now_costs.pico, self.would_cost.currency)

    def sentence(self) -> str:
        """Say it in one sentence."""
        said = (
            f"模型 {self.model} 将于 {self.ends_on} 停用（还有 {self.days_left} 天），"
            f"有 {len(self.keys)} 个密钥近 30 天在用"
        )
        if self.replacement is None:
            return f"{said}，请联系我们选择替代模型。"
        if self.difference is None:
            return f"{said}，建议改用 {self.replacement}（无法估算费用差异，请联系我们）。"
        amount = self.difference.settle()
        how = f"多 {amount}" if amount.fen >= 0 else f"少 {-amount}"
        return (
            f"{said}，建议改用 {self.replacement}："
            f"按近 30 天用量和合同价估算，每 30 天约{how} {amount.currency}。"
        )


@dataclass(frozen=True, slots=True)
class PricedAt:
    """A sale book seen from one instant: what usage is worth at its list prices."""

    book: Book
    revision: int
    started_us: int

    def rate(self, model: str, meter: str) -> Rate | None:
        """Return the default tier's base rate of a meter."""
        found = self.book.resolve(
            model,
            meter,
            revision=self.revision,
            started_us=self.started_us,
            service_tier=DEFAULT,
            context_tokens=0,
        )
        return Rate(found.pico, found.currency) if found else None


def threshold_due(ends_on: date, today: date, told: int | None) -> int | None:
    """Return the notice that is due, or None. `told` is the smallest threshold told before.

    A clerk that slept through a threshold still gives that notice, but never an older one.
    """
    left = (ends_on - today).days
    reached = [days for days in NOTICE_DAYS if 0 <= left <= days]
    if not reached or (told is not None and told <= min(reached)):
        return None
    return min(reached)


def ending(models: Iterable[Model], today: date, within_days: int) -> list[Model]:
    """Return the models that end within so many days, the first first; ended ones are past."""
    last = today + timedelta(days=within_days)
    dated = [(m.deprecation_date, m) for m in models if m.deprecation_date is not None]
    return [
        m for day, m in sorted(dated, key=lambda d: (d[0], d[1].model_id)) if today <= day <= last
    ]


def due_today(models: Iterable[Model], today: date, told: Mapping[str, int]) -> list[Model]:
    """Return the models of which a notice is due; `told` is what each was last told at."""
    return [
        model
        for model in models
        if model.deprecation_date is not None
        and threshold_due(model.deprecation_date, today, told.get(model.model_id)) is not None
    ]


def notices_of(
    models: Iterable[Model],
    usage: Iterable[KeyUsage],
    *,
    today: date,
    prices: Mapping[CustomerId, PricedAt],
) -> list[Notice]:
    """Return a notice per ending model and customer that uses it; no use, no notice.

    `prices` holds the book that prices each customer; who has none gets no estimate.
    """
    used: dict[tuple[str, CustomerId], list[KeyUsage]] = {}
    for each in usage:
        used.setdefault((each.model, each.customer_id), []).append(each)
    return [
        _notice(model, model.deprecation_date, today, rows, prices.get(customer_id))
        for model in models
        if model.deprecation_date is not None
        for (name, customer_id), rows in sorted(used.items())
        if name == model.model_id
    ]


def _notice(
    model: Model, ends_on: date, today: date, rows: list[KeyUsage], prices: PricedAt | None
) -> Notice:
    now_costs, gaps = _worth(rows, model.model_id, prices)
    would_cost = None
    if model.replacement is not None:
        would_cost, missing = _worth(rows, model.replacement, prices)
        gaps = tuple(dict.fromkeys(gaps + missing))
    return Notice(
        model=model.model_id,
        ends_on=ends_on,
        days_left=(ends_on - today).days,
        customer_id=rows[0].customer_id,
        keys=tuple(sorted({row.key_id for row in rows})),
        replacement=model.replacement,
        now_costs=now_costs,
        would_cost=would_cost,
        unpriced=gaps,
    )


def _worth(
    rows: list[KeyUsage], model: str, prices: PricedAt | None
) -> tuple[Charge | None, tuple[str, ...]]:
    """Rate quantities at a model's base prices; a meter without a price leaves no sum."""
    if prices is None:
        return None, (model,)
    total = Charge(0, prices.book.currency)
    gaps: list[str] = []
    for row in rows:
        rate = prices.rate(model, row.meter)
        if rate is not None:
            total += rate.charge(row.quantity)
        elif row.quantity and row.meter not in COUNT_METERS:
            gaps.append(f"{model} {row.meter}")
    return (None if gaps else total), tuple(gaps)
