"""A policy as an operator writes it in TOML, and as people read it."""

from typing import Final

import msgspec

from yuejie.contracts.auto.policy import Choose, Policy, Rule
from yuejie.contracts.auto.routed import BY
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.limits import POLICY_BYTES

_PPM_PER_PERCENT: Final = 10_000


class PolicyWords(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`default_model`, and `[[rule]]` with `tasks`, `models`, `choose` and its bounds."""

    default_model: str
    rule: list[Rule] = []

    def policy(self) -> Policy:
        """Return the policy that is meant."""
        return Policy(default_model=self.default_model, rules=self.rule)


def read_policy(body: bytes, name: str) -> Policy:
    """Read a policy file; the first thing that does not fit is named with its place."""
    if len(body) > POLICY_BYTES:
        raise Invalid(f"{name} 超过 {POLICY_BYTES} 字节，不像是策略文件，请核对")
    try:
        return msgspec.toml.decode(body, type=PolicyWords).policy()
    except msgspec.ValidationError as error:
        raise Invalid(f"{name} 不符合策略格式：{said_of(error)}，请改正后重试") from None
    except UNREADABLE as error:
        raise Invalid(f"{name} 不是有效的 TOML：{said_of(error)}，请改正后重试") from None


def rule_sentence(number: int, rule: Rule) -> str:
    """Say what a rule does."""
    tasks = f"任务 {'、'.join(rule.tasks)}" if rule.tasks else "其余任务"
    said = f"规则 {number}　{tasks}：{BY[Choose(rule.choose)]}在 {'、'.join(rule.models)} 中选"
    bounds = [f"出错超过 {_percent(rule.error_ppm_max)} 的暂不选"]
    if rule.first_byte_ms_max:
        bounds.append(f"首字节慢于 {rule.first_byte_ms_max:,} 毫秒的暂不选")
    return f"{said}（{'，'.join(bounds)}）"


def _percent(ppm: int) -> str:
    whole, rest = divmod(ppm, _PPM_PER_PERCENT)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + "%"
