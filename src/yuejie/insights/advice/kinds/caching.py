"""Prompt caching: what repeated beginnings would save, and caches that cost more than they give.

Two sources, and no third. The cache meters of the calls say what is written and read. Salted hashes
of prompts' beginnings, where the customer asked for them, say how many tokens were sent again
within five minutes. Where neither speaks there is no figure, and the round says why.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from yuejie.contracts.tier import tier_key
from yuejie.insights.advice.advice import Change, Kind, Proposal
from yuejie.insights.advice.traffic.cells import Cell
from yuejie.insights.advice.traffic.scene import Gain, Scene, Telling, propose
from yuejie.insights.advice.traffic.store import Repeated

READ = "cache_read"
WRITE = "cache_write_5m"
INPUT = "input"


def use_caches(scene: Scene, rows: Sequence[Repeated]) -> Iterator[Proposal]:
    """Yield what prompts' repeated beginnings would save if a cache served them.

    Where the book charges writing, everything that is not repeated is taken to be written: a
    customer that marks its prompts with care pays less.
    """
    slices: dict[tuple[str, str], list[Gain]] = defaultdict(list)
    for row in rows:
        if scene.tariff.borrowed(row.model, READ) or not row.extra:
            continue
        cell = _cell(row)
        extra, fresh = int(row.extra), int(row.fresh)
        rest = INPUT if scene.tariff.borrowed(row.model, WRITE) else WRITE
        before = scene.tariff.price(cell, {INPUT: extra + fresh})
        after = scene.tariff.price(cell, {READ: extra, rest: fresh})
        if before is not None and after is not None:
            slices[row.model, row.key_id].append(Gain(cell, before, after))
    for (model, key_id), gains in sorted(slices.items()):
        repeated = sum(int(r.repeated) for r in rows if (r.model, r.key_id) == (model, key_id))
        change = Change(model=model, facts={"way": "use", "repeated": str(repeated)})
        said = propose(scene, Kind.PROMPT_CACHE, f"{model}|{key_id}|use", gains, change, _USE)
        if said is not None:
            yield said


_USE = Telling(
    title="重复的提示开头走缓存",
    steps=(
        "把不变的内容（系统提示、工具、示例）放在最前，变化的放在最后",
        "需要标记的供应商（如 Anthropic）在不变部分末尾加 cache_control",
    ),
    assumed=(
        (
            "重复 token 按前缀哈希的字节比例折算，五分钟内再次出现才算；"
            "写入缓存要收费的，未重复的输入全部按写入计"
        ),
    ),
    tested=True,
)


def drop_caches(scene: Scene) -> Iterator[Proposal]:
    """Yield what is saved by not writing caches that are hardly read."""
    slices: dict[tuple[str, str], list[Gain]] = defaultdict(list)
    for cell in scene.cells:
        cached = {m: q for m, q in cell.quantities.items() if q and _is_cached(m)}
        if not cached:
            continue
        before = scene.tariff.price(cell, cached)
        after = scene.tariff.price(cell, {INPUT: sum(cached.values())})
        if before is not None and after is not None:
            slices[cell.model, cell.key_id].append(Gain(cell, before, after))
    for (model, key_id), gains in sorted(slices.items()):
        change = Change(model=model, facts={"way": "drop"})
        telling = Telling(
            title=f"{model} 的缓存写得多、读得少，停用更省",
            steps=("去掉请求里的 cache_control，或只标记确实反复使用的开头",),
            assumed=("同样的 token 改按普通输入计",),
        )
        slice_ = f"{model}|{key_id}|drop"
        said = propose(scene, Kind.PROMPT_CACHE, slice_, gains, change, telling)
        if said is not None:
            yield said


def caching_gaps(scene: Scene, rows: Sequence[Repeated]) -> Iterator[str]:
    """Yield, by model, why nothing can be said of caching: not enough data, and what would help."""
    looked = {(row.model, row.key_id) for row in rows}
    unseen: dict[str, set[str]] = defaultdict(set)
    for cell in scene.cells:
        cacheable = not scene.tariff.borrowed(cell.model, READ)
        if cacheable and cell.quantities.get(INPUT) and (cell.model, cell.key_id) not in looked:
            unseen[cell.model].add(cell.key_id)
    for model, keys in sorted(unseen.items()):
        yield (
            f"提示缓存：{model} 的 {len(keys)} 个密钥数据不足，不估数；"
            "可为其项目开启前缀哈希（只留加盐哈希，不留内容）后再看"
        )


def _is_cached(meter: str) -> bool:
    return meter == READ or meter.startswith("cache_write")


def _cell(row: Repeated) -> Cell:
    return Cell(
        project_id=row.project_id,
        key_id=row.key_id,
        model=row.model,
        api="",
        tier=tier_key(row.service_tier, {}),
        context=row.context,
        reach=0,
        output=0,
        started_us=0,
        calls=row.calls,
        days=row.days,
        billed_pico=0,
        quantities={},
    )
