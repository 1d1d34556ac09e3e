"""The policy of an auto model: which models may answer which task, and by what one is chosen.

An auto model has no price and no deployment of its own: whoever answers is billed as itself. Its
policy is data in versions that only grow; a call is decided by the version in force when it starts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from yuejie.contracts.catalog import Model
from yuejie.kernel.errors import Conflict, Invalid

INTERCHANGEABLE: Final = frozenset({"chat", "completion", "responses"})
"""Modes whose answers another model can give: vectors, pictures and voices are not alike."""
CANDIDATES: Final = 16
"""Models of one rule; every one is judged for every call."""
RULES: Final = 32
TASK_LENGTH: Final = 64
ERROR_PPM: Final = 200_000
"""Where a rule says nothing, a model that fails every fifth call is passed over."""
PPM: Final = 1_000_000


class Choose(StrEnum):
    """By what one of several adequate models is chosen."""

    PRICE = "price"
    """The lowest expected charge at the customer's own rates; equals in the order written."""
    ORDER = "order"
    """The first that is adequate."""
    LATENCY = "latency"
    """The quickest to its first byte, as the worker measured lately; unmeasured ones come last."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which models are good enough for which tasks; no tasks: for all that no other rule names."""

    models: list[str]
    tasks: list[str] = []
    choose: Choose = Choose.PRICE
    first_byte_ms_max: int = 0
    """A model slower than that is passed over while another will do; 0: however slow."""
    error_ppm_max: int = ERROR_PPM


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator writes: the model that is measured against, and the rules in order."""

    default_model: str
    """What customers would have called: savings are told against it, and it is what answers
    tasks that no rule names, where no rule is written for those."""
    rules: list[Rule] = []

    def complete(self) -> "Policy":
        """Return the policy with a last rule for everything that no other rule names."""
        if any(not rule.tasks for rule in self.rules):
            return self
        return Policy(
            default_model=self.default_model,
            rules=[*self.rules, Rule(models=[self.default_model], choose=Choose.ORDER)],
        )


@dataclass(frozen=True, slots=True)
class AutoModel:
    """One version of an auto model's policy; nothing of it ever changes."""

    name: str
    version: int
    active: bool
    policy: Policy
    starts_at: datetime
    published_at: datetime
    published_by: str

    @property
    def default_model(self) -> str:
        """What savings are measured against."""
        return self.policy.default_model


def in_force(versions: Iterable[AutoModel], at: datetime) -> AutoModel | None:
    """Return the version that decides at an instant: of those that have started, the last start.

    Of two that start together the later written one counts.
    """
    started = [each for each in versions if each.starts_at <= at]
    return max(started, key=lambda each: (each.starts_at, each.version), default=None)


def check(name: str, policy: Policy, models: Mapping[str, Model]) -> None:
    """Refuse a policy that could not decide a call, with what is wrong and where."""
    if not name or len(name) > TASK_LENGTH or any(char in name for char in "@/:, \t\n"):
        raise Invalid(
            f"自动模型的名字“{name}”不能用：不含空白和 @ / : ，，且不超过 {TASK_LENGTH} 字"
        )
    if name in models:
        raise Conflict(f"模型目录里已有名为“{name}”的模型，自动模型请换一个名字")
    if len(policy.rules) > RULES:
        raise Invalid(f"自动模型 {name} 有 {len(policy.rules)} 条规则，至多 {RULES} 条")
    mode = _mode_of(name, policy.default_model, models)
    told: set[str] = set()
    for at, rule in enumerate(policy.rules, start=1):
        where = f"自动模型 {name} 的规则 {at}"
        _check_rule(where, rule)
        for model in rule.models:
            if _mode_of(where, model, models) != mode:
                raise Invalid(
                    f"{where}：{model} 与默认模型 {policy.default_model} 类别不同，不能互换"
                )
        for task in rule.tasks or [""]:
            if task in told:
                what = f"任务“{task}”" if task else "不写任务的规则"
                raise Invalid(f"{where}：{what}前面已有，请合并")
            told.add(task)


def _check_rule(where: str, rule: Rule) -> None:
    if not 1 <= len(rule.models) <= CANDIDATES or len(set(rule.models)) != len(rule.models):
        raise Invalid(f"{where}：models 请写 1 到 {CANDIDATES} 个互不相同的模型")
    for task in rule.tasks:
        if not task or len(task) > TASK_LENGTH or task != task.strip():
            raise Invalid(f"{where}：任务名“{task}”为空、过长或带首尾空格，至多 {TASK_LENGTH} 字")
    if not rule.first_byte_ms_max >= 0:
        raise Invalid(f"{where}：first_byte_ms_max 不能为负，不限请写 0")
    if not 0 < rule.error_ppm_max <= PPM:
        raise Invalid(f"{where}：error_ppm_max 请写 1 到 {PPM}（百万分之几）")


def _mode_of(where: str, name: str, models: Mapping[str, Model]) -> str:
    model = models.get(name)
    if model is None:
        raise Invalid(f"{where}：模型“{name}”不在目录里，请核对或先登记")
    if model.mode not in INTERCHANGEABLE:
        raise Invalid(f"{where}：{name} 是 {model.mode} 类模型，答案不能互换，不能参与自动选择")
    return "chat" if model.mode == "responses" else model.mode
