"""Requests of another shape: a little shorter than a price step, or several small ones as one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from yuejie.contracts.catalog import Model
from yuejie.contracts.tier import tier_key
from yuejie.contracts.window import holds_in
from yuejie.insights.advice.advice import Change, Kind, Line, Proposal
from yuejie.insights.advice.traffic.cells import Cell
from yuejie.insights.advice.traffic.scene import Gain, Scene, Telling, propose
from yuejie.insights.advice.traffic.store import Merged, Steep
from yuejie.kernel.ids import ProjectId

BANDS: Final = (1_000, 4_000, 16_000)
"""“Just above”: by so many tokens a prompt could be cut, or split, to stay below a step."""
SMALL: Final = 4_000
"""Tokens of input of a small request."""
TOGETHER: Final = 10
"""So many small requests of one minute are taken to fit into one; more would hardly be answered
as well."""
_US: Final = 10**6
_CALL: Final = ""
"""The meter under which the store counts calls above a step."""


_Place = tuple[int, int, str, str, str, str, tuple[bool | None, ...]]


@dataclass(slots=True)
class _Above:
    """Calls above a step by up to a band, while their meters come in."""

    cell: Cell
    excess: int


def context_steps(scene: Scene, rows: Iterable[Steep]) -> Iterator[Proposal]:
    """Yield what calls just above a context step save if their input ended at it."""
    slices: dict[tuple[str, int], list[tuple[int, Gain]]] = defaultdict(list)
    for (step, band), above in _above(scene, rows):
        cell = above.cell
        quantities = dict(cell.quantities)
        quantities["input"] = quantities.get("input", 0) - above.excess
        before = scene.tariff.price(cell)
        after = scene.tariff.price(cell, quantities, context=step)
        if before is None or after is None:
            continue
        gain = Gain(cell, before, after)
        if gain.pico > 0:
            slices[cell.model, step].append((band, gain))
    for (model, step), found in sorted(slices.items()):
        gains = [gain for _, gain in found]
        facts = {"step": str(step)}
        for band in BANDS:
            calls = sum(gain.cell.calls for at, gain in found if at <= band)
            facts[f"calls_within_{band}"] = str(calls)
        telling = Telling(
            title=f"{model} 的输入刚过 {step:,} token 的调用缩到以内",
            steps=(
                f"这些调用的输入超过 {step:,} token，整单按长上下文档计价；其中"
                + "、".join(f"超出不过 {b:,} 的 {facts[f'calls_within_{b}']} 次" for b in BANDS),
                "裁掉较早的对话、少带几段检索结果，或拆成两次，使输入不超过这一步",
            ),
            assumed=("假定恰好裁到这一步，裁去的是未缓存的输入，输出不变",),
            tested=True,
        )
        change = Change(model=model, facts=facts)
        said = propose(scene, Kind.CONTEXT_STEP, f"{model}|{step}", gains, change, telling)
        if said is not None:
            yield said


def _above(scene: Scene, rows: Iterable[Steep]) -> Iterator[tuple[tuple[int, int], _Above]]:
    """Join the meters of calls that are priced alike."""
    found: dict[_Place, _Above] = {}
    for row in rows:
        tier = _tier(row)
        minute = row.slot // 60
        held = tuple(holds_in(text, minute) for text in scene.tariff.windows())
        place = (row.step, row.band, row.project_id, row.key_id, row.model, tier, held)
        above = found.get(place)
        if above is None:
            cell = _bare(row.project_id, row.key_id, row.model, tier, row.step + 1)
            above = found[place] = _Above(replace(cell, started_us=row.slot * _US), 0)
        cell = above.cell
        if row.meter == _CALL:
            above.excess += int(row.excess)
            above.cell = replace(
                cell, calls=cell.calls + int(row.quantity), days=cell.days | row.days
            )
        else:
            was = cell.quantities.get(row.meter, 0)
            quantities = {**cell.quantities, row.meter: was + int(row.quantity)}
            above.cell = replace(cell, quantities=quantities)
    for (step, band, *_), above in found.items():
        yield (step, band), above


def merge_small(scene: Scene, rows: Sequence[Merged]) -> Iterator[Proposal]:
    """Yield what small requests of one minute save as one: prompts sent again, fees per request.

    Only what is known counts: a price per request, and repeated beginnings where the customer has
    them looked at. Where neither is, nothing is said.
    """
    steps = scene.tariff.steps()
    slices: dict[tuple[str, str, int], list[Gain]] = defaultdict(list)
    for row in rows:
        model = scene.models.get(row.model)
        if row.spared == 0 or not _fits(steps.get(row.model, []), model):
            continue
        cell = replace(
            _bare(row.project_id, row.key_id, row.model, tier_key(row.service_tier, {}), SMALL),
            calls=row.calls,
            days=row.days,
            context=row.context,
        )
        spared = {
            "requests": int(row.spared),
            "input": int(row.again) - int(row.again_cached),
            "cache_read": int(row.again_cached),
        }
        before = scene.tariff.price(cell, spared)
        if before is not None and any(line.pico for line in before):
            none: tuple[Line, ...] = ()
            slices[row.model, *scene.declared(row.key_id)].append(Gain(cell, before, none))
    for (model_id, task_type, priority), gains in sorted(slices.items()):
        telling = Telling(
            title=f"{model_id} 的小请求合并发送",
            steps=(
                (
                    f"把同一分钟内的小请求（输入不超过 {SMALL:,} token）攒起来，"
                    f"每 {TOGETHER} 个并成一个，公共的开头只发一次"
                ),
            ),
            assumed=(
                "“现在”只列省下的部分：少发的请求数与少发的重复开头；其余用量不变",
                "假定合并后的输出与分开时相加一样长",
            ),
            tested=True,
        )
        change = Change(model=model_id, task_type=task_type, priority=priority)
        slice_ = f"{model_id}|{task_type}|{priority}"
        said = propose(scene, Kind.MERGE, slice_, gains, change, telling)
        if said is not None:
            yield said


def _fits(steps: Sequence[int], model: Model | None) -> bool:
    """Say whether merged requests stay within the model and below its first price step."""
    window = model.context_window if model else None
    whole = SMALL * TOGETHER
    return (not steps or steps[0] >= whole) and (window is None or window > 2 * whole)


def _tier(row: Steep) -> str:
    facts = {
        "inference_geo": row.inference_geo,
        "processing": row.processing,
        "endpoint": row.endpoint,
        "speed": row.speed,
    }
    return tier_key(row.service_tier, facts)


def _bare(project_id: str, key_id: str, model: str, tier: str, context: int) -> Cell:
    return Cell(
        project_id=ProjectId(project_id),
        key_id=key_id,
        model=model,
        api="",
        tier=tier,
        context=context,
        reach=0,
        output=0,
        started_us=0,
        calls=0,
        days=0,
        billed_pico=0,
        quantities={},
    )
