"""Which models can serve a need, at what list price, and why the others cannot. Pure.

Only what the catalogue serves and the sale book prices is considered. Quality and tasks are the
operator's own grades; a model nobody graded is recommended to nobody, and says so. What the
prospect asks for by name is considered whatever its grade.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.catalog import Deployment, Model, ProviderAccount
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.money import Money
from yuejie.presales.quote import Choice, OptionKind
from yuejie.presales.reckon.tariff import Pricebook, Served
from yuejie.presales.requirement import Grade, Quality, Requirement, TaskType
from yuejie.presales.trace import Op, Tracing
from yuejie.presales.volume import months_of
from yuejie.usage.meters import Meter

OPTIONS_MAX: Final = 4
"""Models that are computed month by month; more nobody compares."""
_EMBEDS: Final = frozenset({"embedding"})
_TALKS: Final = frozenset({"chat", "responses", "completion"})
TASKS: Final = {
    TaskType.SUPPORT: "客服问答",
    TaskType.WRITING: "文案生成",
    TaskType.EXTRACTION: "分类与抽取",
    TaskType.TRANSLATION: "翻译",
    TaskType.CODE: "代码",
    TaskType.REASONING: "复杂推理",
    TaskType.VISION: "图文理解",
    TaskType.EMBEDDING: "向量化",
}
QUALITIES_SAID: Final = {
    Quality.BASIC: "基础",
    Quality.STANDARD: "标准",
    Quality.ADVANCED: "高阶",
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is offered, and where it runs."""

    models: Mapping[str, Model]
    deployments: Sequence[Deployment]
    accounts: Mapping[str, ProviderAccount]
    grades: Mapping[str, Grade]

    def served(self, regions: Sequence[str]) -> dict[str, Served]:
        """Return where each model runs first, of the places in these regions; none named: all.

        As the gateway has it: active accounts and deployments, lower priority first.
        """
        found: dict[str, Served] = {}
        for each in sorted(self.deployments, key=lambda d: (d.priority, d.deployment_id)):
            account = self.accounts.get(each.account_id)
            if account is None or account.state != "active" or each.state != "active":
                continue
            if regions and account.region not in regions:
                continue
            place = Served(each, account.platform, account.provider, account.region)
            found.setdefault(each.model_id, place)
        return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that can serve, its cost of the first month as expected, and its provider."""

    model: str
    cost: Money
    provider: str
    reasons: tuple[str, ...]


def why_not(
    model: Model, need: Requirement, grade: Grade | None, served: Served | None, book: Pricebook
) -> str:
    """Return the sentence that says why a model cannot serve a need; empty where it can."""
    reasons = (
        *_out_of_reach(model, need, served, book),
        *_too_small(model, need),
        *_not_good_enough(model, need, grade),
    )
    return next(iter(reasons), "")


def _out_of_reach(
    model: Model, need: Requirement, served: Served | None, book: Pricebook
) -> Iterator[str]:
    if model.state != "active":
        yield "已停用"
    if served is None:
        where = f"要求的区域（{'、'.join(need.regions)}）" if need.regions else "本店"
        yield f"在{where}没有可用的部署"
    if model.mode not in (_EMBEDS if need.task is TaskType.EMBEDDING else _TALKS):
        yield f"类型为 {model.mode}，不适合{TASKS[need.task]}"
    unsold = _unpriced(model.model_id, need, book)
    if unsold:
        yield f"价目 {book.sale.book.book_id} 没有它的 {unsold} 单价"
    first = need.first_month.first_day
    if model.deprecation_date is not None and model.deprecation_date <= first:
        yield f"将于 {model.deprecation_date} 停用"


def _too_small(model: Model, need: Requirement) -> Iterator[str]:
    size = need.tokens_in.high + need.tokens_out.high
    if model.context_window is not None and size > model.context_window:
        yield f"上下文 {model.context_window:,} 装不下每次至多 {size:,} token"
    if model.max_output is not None and need.tokens_out.high > model.max_output:
        yield f"每次最多输出 {model.max_output:,} token，少于所需的 {need.tokens_out.high:,}"


def _not_good_enough(model: Model, need: Requirement, grade: Grade | None) -> Iterator[str]:
    if model.model_id in need.models:
        return
    if grade is None:
        yield "尚未评级，无法判断质量是否足够（用 yuejie presales grade 评级）"
    elif not grade.serves(need.task, need.quality):
        tasks = "、".join(TASKS[each] for each in grade.tasks)
        yield f"评级为{QUALITIES_SAID[grade.quality]}（适合{tasks}），不满足要求"


def _unpriced(model: str, need: Requirement, book: Pricebook) -> str:
    sale = book.sale.book
    revision = sale.rows.revisions[-1].revision if sale.rows.revisions else 0
    wanted = [Meter.INPUT] if need.task is TaskType.EMBEDDING else [Meter.INPUT, Meter.OUTPUT]
    named = sale.naming(model, revision)
    rows = sale.price_list(model, named) if named is not None else ()
    known = {row.meter for row in rows if row.service_tier == DEFAULT}
    return "、".join(str(meter) for meter in wanted if meter not in known)


def reasons_for(
    model: Model, need: Requirement, grade: Grade | None, served: Served
) -> tuple[str, ...]:
    """Say what speaks for a model, and what to mind."""
    found = []
    if grade is not None:
        found.append(
            f"评级{QUALITIES_SAID[grade.quality]}，适合{'、'.join(TASKS[t] for t in grade.tasks)}"
            f"（依据：{grade.source}）"
        )
    elif model.model_id in need.models:
        found.append("客户指定的模型，未经我方评级")
    region = served.region or "未登记区域"
    found.append(f"由 {served.provider} 在 {region} 提供")
    if model.context_window is None:
        found.append("上下文长度未登记，请与客户的最长请求核对")
    else:
        found.append(f"上下文 {model.context_window:,} token，足够")
    last = months_of(need)[-1].last_day
    if model.deprecation_date is not None and model.deprecation_date <= last:
        instead = f"，届时可改用 {model.replacement}" if model.replacement else ""
        found.append(f"注意：{model.deprecation_date} 停用，早于方案期末{instead}")
    return tuple(found)


def note_model(
    tracing: Tracing, model: Model, need: Requirement, told: Collection[str]
) -> tuple[str, ...]:
    """Note the sizes that the sentences about a model name, and return their names."""
    name, found = f"model.{model.model_id}", []
    sizes = (
        ("context_window", "上下文（token）", model.context_window),
        ("max_output", "每次最多输出（token）", model.max_output),
    )
    for field, label, size in sizes:
        if size is not None and any(f"{size:,}" in each for each in told):
            source = f"model:{model.model_id}.{field}"
            said = f"{model.model_id} {label}"
            found.append(tracing.given(f"{name}.{field}", said, size, "token", source))
    parts = [f"tokens.{side}.high" for side in ("input", "output")]
    most = need.tokens_in.high + need.tokens_out.high
    if any(f"{most:,}" in each for each in told):
        found.append(tracing.derived("tokens.most", "每次至多 token（高）", Op.SUM, parts, "token"))
    return (*found, *parts)


def choose(
    candidates: Iterable[Candidate],
    excluded: Mapping[str, str],
    need: Requirement,
    catalogue: Catalogue,
    tracing: Tracing,
) -> tuple[Choice, ...]:
    """Order what can serve: what was asked for first, then by cost; then what cannot, and why."""
    found = sorted(candidates, key=lambda c: (c.cost.fen, c.model))
    wanted = [c for name in need.models for c in found if c.model == name]
    others = [c for c in found if c not in wanted]
    ordered = [*wanted, *others]
    choices = [
        Choice(
            model=each.model,
            kind=_kind(each, wanted, others),
            backup=backup_of(each, found, catalogue),
            reasons=each.reasons,
            figures=note_model(tracing, catalogue.models[each.model], need, each.reasons),
            ground=_ground(catalogue, each.model),
        )
        for each in ordered
    ]
    refused = [
        Choice(
            model=name,
            kind=OptionKind.WANTED if name in need.models else OptionKind.ALTERNATIVE,
            backup=None,
            reasons=(),
            excluded=why,
            figures=note_model(tracing, catalogue.models[name], need, (why,))
            if name in catalogue.models
            else (),
        )
        for name, why in sorted(excluded.items())
    ]
    return (*choices, *refused)


def _ground(catalogue: Catalogue, model: str) -> str:
    grade = catalogue.grades.get(model)
    return grade.source if grade else ""


def _kind(each: Candidate, wanted: list[Candidate], others: list[Candidate]) -> OptionKind:
    if each in wanted:
        return OptionKind.WANTED
    if not wanted and others and each == others[0]:
        return OptionKind.RECOMMENDED
    return OptionKind.ALTERNATIVE


def backup_of(main: Candidate, found: Sequence[Candidate], catalogue: Catalogue) -> str | None:
    """Return what answers when the main model cannot.

    The agreed backup if it can serve, else the cheapest of another provider, else the cheapest.
    """
    others = [each for each in found if each.model != main.model]
    agreed = catalogue.models[main.model].backup_model
    if any(each.model == agreed for each in others):
        return agreed
    elsewhere = [each for each in others if each.provider != main.provider]
    return (elsewhere or others)[0].model if others else None
