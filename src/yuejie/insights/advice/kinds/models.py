"""A cheaper model for the calls whose keys say that one will do.

Eligible is what a key declares: a priority below 0, or a task type that the customer named. Tokens
of the other model are assumed to be the same, which is said; of quality nothing is said but that it
is to be tested.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from yuejie.contracts.catalog import Model
from yuejie.insights.advice.advice import Change, Kind, Proposal
from yuejie.insights.advice.traffic.cells import Cell
from yuejie.insights.advice.traffic.scene import Gain, Scene, Telling, propose

LASTING: Final = timedelta(days=90)
"""Nobody is advised to move to a model that ends sooner."""


def cheaper_models(scene: Scene) -> Iterator[Proposal]:
    """Yield, for each declared kind of work on each model, the model that saves most."""
    slices: dict[tuple[str, str, int], list[Cell]] = defaultdict(list)
    for cell in scene.cells:
        if cell.model in scene.models and scene.may_be_cheaper(cell.key_id):
            slices[cell.model, *scene.declared(cell.key_id)].append(cell)
    for (model, task_type, priority), cells in sorted(slices.items()):
        found = _best(scene, scene.models[model], cells)
        if found is None:
            continue
        to_model, gains = found
        change = Change(model=model, to_model=to_model, task_type=task_type, priority=priority)
        said = propose(
            scene,
            Kind.CHEAPER_MODEL,
            f"{model}|{task_type}|{priority}",
            gains,
            change,
            _telling(scene, change, gains),
        )
        if said is not None:
            yield said


def _best(scene: Scene, model: Model, cells: Sequence[Cell]) -> tuple[str, list[Gain]] | None:
    best: tuple[int, str, list[Gain]] | None = None
    for name in sorted(scene.tariff.models & scene.models.keys()):
        other = scene.models[name]
        if name == model.model_id or not _adequate(model, other, scene.month.next.first_day):
            continue
        gains = [gain for cell in cells if (gain := _gain(scene, cell, other)) is not None]
        saved = sum(gain.pico for gain in gains)
        if saved > 0 and (best is None or saved > best[0]):
            best = (saved, name, gains)
    return None if best is None else best[1:]


def _adequate(model: Model, other: Model, on: date) -> bool:
    """Say whether the catalogue lets another model stand in: its kind, what it can, its end."""
    ends = other.deprecation_date
    return (
        other.state == "active"
        and other.mode == model.mode
        and set(other.capabilities) >= set(model.capabilities)
        and (ends is None or ends > on + LASTING)
    )


def _gain(scene: Scene, cell: Cell, other: Model) -> Gain | None:
    """Return what a cell would save on another model; None where it does not fit or saves nothing.

    A model of which the catalogue does not know how much it can read takes nothing.
    """
    if other.context_window is None or cell.reach > other.context_window:
        return None
    if other.max_output is not None and cell.output > other.max_output:
        return None
    before = scene.tariff.price(cell)
    after = scene.tariff.price(cell, model=other.model_id)
    if before is None or after is None:
        return None
    gain = Gain(cell, before, after)
    served = scene.servable.serves(
        cell.project_id,
        other.model_id,
        cell.api,
        cell.quantities,
        tier=cell.tier,
        context=cell.context,
    )
    return gain if gain.pico > 0 and served else None


def _telling(scene: Scene, change: Change, gains: Sequence[Gain]) -> Telling:
    sizes = sorted({gain.cell.size for gain in gains}, key=lambda size: size or 1 << 62)
    largest = f"输入不超过 {sizes[-1]:,} token 的" if sizes[-1] else ""
    work = f"任务类型“{change.task_type}”" if change.task_type else f"优先级 {change.priority} "
    keys = [scene.keys[k] for k in sorted({gain.cell.key_id for gain in gains})]
    bound = [k.name for k in keys if k.models is not None and change.to_model not in k.models]
    steps = [f"把{work}的{largest}调用的 model 从 {change.model} 改为 {change.to_model}"]
    if bound:
        steps.append(f"先为密钥 {'、'.join(bound)} 放开模型 {change.to_model}")
    steps.append("先用小部分流量试用，比较结果后再全部切换")
    return Telling(
        title=f"{work}的调用从 {change.model} 换到 {change.to_model}",
        steps=tuple(steps),
        assumed=(
            f"假定 {change.to_model} 用同样多的 token；不同模型分词与输出长短不同",
            "质量未经评估，待试用",
        ),
        tested=True,
    )
