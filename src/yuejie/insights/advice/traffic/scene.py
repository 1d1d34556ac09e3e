"""The scene of a round: a customer's month, its keys, its words, and the prices that hold now."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.catalog import Model
from yuejie.insights.advice.advice import (
    Change,
    Confidence,
    Figure,
    KeyPart,
    Kind,
    Line,
    Proposal,
    SizePart,
    gathered,
    worth,
)
from yuejie.insights.advice.traffic.cells import Cell, Tariff
from yuejie.insights.advice.traffic.servable import Servable
from yuejie.insights.advice.traffic.store import KeyRow
from yuejie.kernel.money import PPM, Charge, FxRate, Money
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import meter_name, unit

DAYS_MANY: Final = 20
DAYS_SOME: Final = 7
"""Days of a month with such calls: fewer than some say little of the next month."""
OPEN_MAX_PPM: Final = 10_000
"""Above one call in a hundred that nobody measured yet, figures are less sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that the kinds of advice look at. `net` tells a saving after the terms."""

    month: BillingMonth
    whole: bool
    """The month is over."""
    cells: Sequence[Cell]
    keys: Mapping[str, KeyRow]
    models: Mapping[str, Model]
    cheaper: frozenset[str]
    """Task types that the customer declared to be served by a cheaper model as well."""
    waits: frozenset[str]
    """Task types that the customer declared to be able to wait."""
    tariff: Tariff
    servable: Servable
    open_calls: int
    """Calls of the month that are not measured or priced yet."""
    fx: FxRate | None
    bill_currency: str
    net: Callable[[int], Money]
    terms_said: tuple[str, ...] = ()
    """What a reader has to know of the terms, where they take of a saving."""

    def may_be_cheaper(self, key_id: str) -> bool:
        """Say whether a key declares that its work may go to a cheaper model."""
        key = self.keys.get(key_id)
        return key is not None and (key.priority < 0 or key.task_type in self.cheaper)

    def can_wait(self, key_id: str) -> bool:
        """Say whether a key declares that its work can wait."""
        key = self.keys.get(key_id)
        return key is not None and (key.priority < 0 or key.task_type in self.waits)

    def declared(self, key_id: str) -> tuple[str, int]:
        """Return what a key declares: its task type and priority."""
        key = self.keys.get(key_id)
        return (key.task_type, key.priority) if key else ("", 0)


@dataclass(frozen=True, slots=True)
class Gain:
    """A cell as it is and as it would be, rated by one book."""

    cell: Cell
    before: tuple[Line, ...]
    after: tuple[Line, ...]

    @property
    def pico(self) -> int:
        """What the change saves; negative where it costs."""
        return worth(self.before) - worth(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The words of an advice, beside its numbers."""

    title: str
    steps: tuple[str, ...]
    assumed: tuple[str, ...]
    tested: bool = False
    """Whether what is assumed must be tested first; it lowers the confidence."""


def propose(
    scene: Scene,
    kind: Kind,
    slice_: str,
    gains: Sequence[Gain],
    change: Change,
    telling: Telling,
) -> Proposal | None:
    """Add up the gains of a slice; None where they save less than a fen after the terms."""
    saving_pico = sum(gain.pico for gain in gains)
    saving = scene.net(saving_pico)
    if saving.fen <= 0:
        return None
    before = gathered(line for gain in gains for line in gain.before)
    after = gathered(line for gain in gains for line in gain.after)
    confidence, why = confidence_of(scene, days_of(g.cell for g in gains), tested=telling.tested)
    shares: dict[str, int] = {}
    for gain in gains:
        place = f"{gain.cell.key_id} {gain.cell.model}"
        shares[place] = shares.get(place, 0) + gain.pico
    figure = Figure(
        title=telling.title,
        change=with_parts(scene, change, gains),
        steps=telling.steps,
        before=before,
        after=after,
        how=tuple(_how(scene, before, after, saving_pico, saving)),
        assumed=telling.assumed + scene.terms_said,
        confidence=confidence,
        confidence_why=why,
        calls=sum(gain.cell.calls for gain in gains),
        shares={place: str(pico) for place, pico in sorted(shares.items())},
    )
    return Proposal(
        kind=kind,
        slice=slice_,
        figure=figure,
        saving_pico=saving_pico,
        currency=scene.tariff.currency,
        saving=saving,
    )


def with_parts(scene: Scene, change: Change, gains: Iterable[Gain]) -> Change:
    """Name the keys and the request sizes that a change is about, with what each saves."""
    keys: dict[str, int] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for gain in gains:
        cell = gain.cell
        keys[cell.key_id] = keys.get(cell.key_id, 0) + gain.pico
        calls, pico = sizes.get(cell.size, (0, 0))
        sizes[cell.size] = (calls + cell.calls, pico + gain.pico)
    found = []
    for key_id, pico in sorted(keys.items(), key=lambda each: (-each[1], each[0])):
        key = scene.keys.get(key_id)
        name, project = (key.name, key.project) if key else (key_id, "")
        found.append(KeyPart(key_id, name, project, str(pico)))
    return Change(
        keys=tuple(found),
        sizes=tuple(
            SizePart(size, calls, str(pico))
            for size, (calls, pico) in sorted(sizes.items(), key=lambda e: e[0] or 1 << 62)
        ),
        model=change.model,
        to_model=change.to_model,
        tier=change.tier,
        to_tier=change.to_tier,
        window=change.window,
        task_type=change.task_type,
        priority=change.priority,
        facts={**change.facts, "volume": str(_volume(scene, keys.keys(), change.model))},
    )


def _volume(scene: Scene, keys: Collection[str], model: str) -> int:
    """Return how many units these keys used of the model, against which later months are held."""
    return sum(
        sum(cell.quantities.values())
        for cell in scene.cells
        if cell.key_id in keys and cell.model == model
    )


def days_of(cells: Iterable[Cell]) -> int:
    """Return on how many days of the month there were such calls."""
    days = 0
    for cell in cells:
        days |= cell.days
    return days.bit_count()


def confidence_of(scene: Scene, days: int, *, tested: bool) -> tuple[Confidence, tuple[str, ...]]:
    """Say how far a saving may be relied on, and why."""
    grade = 0
    why = [f"{scene.month} 有这类调用的日子 {days} 天" + ("" if scene.whole else "（当月未完）")]
    if days < DAYS_SOME:
        grade += 2
    elif days < DAYS_MANY or not scene.whole:
        grade += 1
    known = sum(cell.calls for cell in scene.cells)
    total = known + scene.open_calls
    why.append(f"当月 {total:,} 次计费调用中 {known:,} 次已计量")
    if total and scene.open_calls * PPM > OPEN_MAX_PPM * total:
        grade += 1
    if tested:
        grade += 1
        why.append("变更后的用量假定不变，须先小流量试用")
    order = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)
    return order[min(grade, len(order) - 1)], tuple(why)


def _how(
    scene: Scene,
    before: Iterable[Line],
    after: Iterable[Line],
    saving_pico: int,
    saving: Money,
) -> Iterable[str]:
    currency = scene.tariff.currency
    yield (
        f"{scene.month} 的这些调用，按价目 {scene.tariff.book_id} 现行版次，"
        "改变前后各计一遍，两者之差即节省。"
    )
    for name, lines in (("现在", tuple(before)), ("改变后", tuple(after))):
        yield from (f"{name}：{line_text(line, currency)}" for line in lines)
        yield f"{name}合计 {Charge(worth(lines), currency)} {currency}"
    yield f"相差 {Charge(saving_pico, currency)} {currency}"
    if scene.fx is not None:
        fx = scene.fx
        yield f"按 1 {fx.base} = {fx} {fx.quote} 折算"
    gross = Charge(saving_pico, currency).settle(scene.fx)
    if gross != saving:
        yield f"取整为 {gross} {gross.currency}，合同条款计入后实际节省 {saving} {saving.currency}"
    else:
        yield f"四舍五入到分：{saving} {saving.currency}"


def line_text(line: Line, currency: str) -> str:
    """Write a line so that anyone with a calculator can check it."""
    per = 10**6 if unit(line.meter) == "token" else 1
    rate = Charge(line.pico * per, currency)
    what = "/百万 token" if per > 1 else f"/{unit(line.meter)}"
    return (
        f"{line.model} {meter_name(line.meter)} {line.quantity:,} × {rate} {currency}{what}"
        f"（单价号 {line.rate_id}，第 {line.revision} 版）= {Charge(line.charge_pico, currency)}"
    )
