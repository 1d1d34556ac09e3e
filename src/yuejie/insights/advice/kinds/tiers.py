"""Service tiers and hours: cheaper tiers and times for work that can wait, none dearer than needed.

A tier that is asked for in the request (flex, default) this gateway serves; a provider's batch
interface it does not, so batch is advised only to who brings batch usage here already.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from yuejie.contracts.tier import DEFAULT
from yuejie.contracts.window import Window, in_words, window_of
from yuejie.insights.advice.advice import Change, Kind, Proposal
from yuejie.insights.advice.traffic.cells import Cell, slot_seconds
from yuejie.insights.advice.traffic.scene import Gain, Scene, Telling, propose
from yuejie.kernel.period import zone_of

BATCH: Final = "batch"
FLEX: Final = "flex"
DEAR: Final = frozenset({"priority", "fast"})
_WEEK_S: Final = 7 * 86_400
_US: Final = 10**6

Slices = dict[tuple[str, str, int], list[Cell]]


def slower_tiers(scene: Scene) -> Iterator[Proposal]:
    """Yield, for work on the default tier that can wait, the cheapest tier that it could use."""
    brings = any(cell.tier.split("+")[0] == BATCH for cell in scene.cells)
    tiers = (FLEX, BATCH) if brings else (FLEX,)
    for (model, task_type, priority), cells in _slices(
        scene, lambda c: scene.can_wait(c.key_id) and c.tier.split("+")[0] == DEFAULT
    ):
        best: tuple[int, str, list[Gain]] | None = None
        for tier in tiers:
            gains = _on_tier(scene, cells, tier)
            saved = sum(gain.pico for gain in gains)
            if saved > 0 and (best is None or saved > best[0]):
                best = (saved, tier, gains)
        if best is None:
            continue
        _, tier, gains = best
        change = Change(
            model=model, tier=DEFAULT, to_tier=tier, task_type=task_type, priority=priority
        )
        said = propose(
            scene,
            Kind.BATCH,
            f"{model}|{task_type}|{priority}",
            gains,
            change,
            _slower(change),
        )
        if said is not None:
            yield said


def default_tier(scene: Scene) -> Iterator[Proposal]:
    """Yield what a dear tier's calls save on the default one, where no key calls them urgent."""
    for (model, task_type, priority), cells in _slices(
        scene, lambda c: scene.declared(c.key_id)[1] <= 0 and bool(DEAR & set(c.tier.split("+")))
    ):
        gains = []
        for cell in cells:
            tier = _plain(cell.tier)
            before, after = scene.tariff.price(cell), scene.tariff.price(cell, tier=tier)
            if before is not None and after is not None:
                gains.append(Gain(cell, before, after))
        change = Change(
            model=model,
            tier="、".join(sorted({cell.tier for cell in cells})),
            to_tier=DEFAULT,
            task_type=task_type,
            priority=priority,
        )
        telling = Telling(
            title=f"{model} 的 {change.tier} 档调用改用标准档",
            steps=(
                "请求里的 service_tier 改为 default（或不写），speed 不写 fast",
                "确有时限的密钥请把优先级设为大于 0，以后不再建议",
            ),
            assumed=("同样的调用在标准档用同样多的 token，只是可能慢一些",),
        )
        said = propose(
            scene, Kind.SERVICE_TIER, f"{model}|{task_type}|{priority}", gains, change, telling
        )
        if said is not None:
            yield said


def off_peak(scene: Scene) -> Iterator[Proposal]:
    """Yield what work that can wait saves at the hours in which its model is cheapest."""
    for (model, task_type, priority), cells in _slices(scene, lambda c: scene.can_wait(c.key_id)):
        windows = scene.tariff.windows(model)
        if not windows:
            continue
        best: tuple[int, int, list[Gain]] | None = None
        for instant in _instants(scene, windows):
            gains = _at(scene, cells, instant)
            saved = sum(gain.pico for gain in gains)
            if saved > 0 and (best is None or saved > best[0]):
                best = (saved, instant, gains)
        if best is None:
            continue
        when, window = _named(windows, best[1])
        change = Change(model=model, window=window, task_type=task_type, priority=priority)
        telling = Telling(
            title=f"{model} 能等的调用挪到{'优惠时段' if window else '平时'}",
            steps=(f"把这些密钥的调用排到 {when} 再发",),
            assumed=("调用本身不变，只是开始的时刻不同",),
        )
        said = propose(
            scene, Kind.OFF_PEAK, f"{model}|{task_type}|{priority}", best[2], change, telling
        )
        if said is not None:
            yield said


def _slices(
    scene: Scene, fits: Callable[[Cell], bool]
) -> Iterator[tuple[tuple[str, str, int], list[Cell]]]:
    slices: Slices = defaultdict(list)
    for cell in scene.cells:
        if fits(cell):
            slices[cell.model, *scene.declared(cell.key_id)].append(cell)
    yield from sorted(slices.items(), key=lambda each: each[0])


def _on_tier(scene: Scene, cells: Sequence[Cell], base: str) -> list[Gain]:
    gains = []
    for cell in cells:
        tier = "+".join([base, *cell.tier.split("+")[1:]])
        before, after = scene.tariff.price(cell), scene.tariff.price(cell, tier=tier)
        if before is None or after is None:
            continue
        gain = Gain(cell, before, after)
        served = scene.servable.serves(
            cell.project_id,
            cell.model,
            cell.api,
            cell.quantities,
            tier=tier,
            context=cell.context,
        )
        if gain.pico > 0 and served:
            gains.append(gain)
    return gains


def _plain(tier: str) -> str:
    """Return a tier without what makes it dear; where it runs stays."""
    base, *marks = tier.split("+")
    kept = [mark for mark in marks if mark not in DEAR]
    return "+".join([DEFAULT if base in DEAR else base, *kept])


def _slower(change: Change) -> Telling:
    if change.to_tier == BATCH:
        step = "这些调用改经供应商的批处理接口，用量照现在的办法导入；网关尚不转发批处理"
    else:
        step = f"请求里写 service_tier: {change.to_tier}，并放宽客户端的超时"
    return Telling(
        title=f"{change.model} 能等的调用走 {change.to_tier} 档",
        steps=(step, "供应商可能推迟或拒绝低价档的调用，请留好重试"),
        assumed=("同样的调用在低价档用同样多的 token",),
    )


def _instants(scene: Scene, windows: Sequence[str]) -> Iterator[int]:
    """Yield one instant, in microseconds, of each set of windows that a week of the month knows."""
    zone = window_of(windows[0]).zone
    start = int(scene.month.span(zone_of(zone)).start.timestamp())
    seen: set[tuple[bool | None, ...]] = set()
    for second in range(start, start + _WEEK_S, slot_seconds(windows)):
        held = tuple(window_of(text).holds(second * _US) for text in windows)
        if None not in held and held not in seen:
            seen.add(held)
            yield second * _US


def _at(scene: Scene, cells: Sequence[Cell], instant_us: int) -> list[Gain]:
    gains = []
    for cell in cells:
        before = scene.tariff.price(cell)
        after = scene.tariff.price(cell, started_us=instant_us)
        if before is not None and after is not None and before != after:
            gain = Gain(cell, before, after)
            if gain.pico > 0:
                gains.append(gain)
    return gains


def _named(windows: Sequence[str], instant_us: int) -> tuple[str, str]:
    """Return what people call the hours of an instant, and the window's text; "" outside all."""
    for text in windows:
        if window_of(text).holds(instant_us):
            return in_words(window_of(text)), text
    outside: list[Window] = [window_of(text) for text in windows]
    return "、".join(in_words(each) for each in outside) + " 以外的时间", ""
