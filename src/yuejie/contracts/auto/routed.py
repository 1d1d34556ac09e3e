"""What a call's event says of how its model was chosen: two facts, in the words of the policy.

    auto       the name asked for and the version that decided: `auto-cheap@3`
    auto.why   the rule, the size expected, every candidate with its price, everyone passed over

A call answered by a backup model says `asked` alone. Facts of these names that are not in this
form (usage may be pushed with any) read as nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from yuejie.contracts.auto.policy import Choose
from yuejie.kernel.money import PICO, plain

AUTO: Final = "auto"
WHY: Final = "auto.why"
ASKED: Final = "asked"


class Out(StrEnum):
    """Why a model did not come into question, or was passed over."""

    KEY = "key"
    CATALOGUE = "catalogue"
    DEPLOYMENT = "deployment"
    PROJECT = "project"
    PRICE = "price"
    DIALECT = "dialect"
    TOOLS = "tools"
    IMAGES = "images"
    JSON = "json"
    STREAMING = "streaming"
    CONTEXT = "context"
    OUTPUT = "output"
    SLOW = "slow"
    ERRORS = "errors"
    DOWN = "down"


ZH: Final = {
    Out.KEY: "未向该密钥开放",
    Out.CATALOGUE: "已下架",
    Out.DEPLOYMENT: "部署都已停用",
    Out.PROJECT: "项目的供应商或地域策略不允许",
    Out.PRICE: "合同没有它的价格",
    Out.DIALECT: "不能从这个接口调用",
    Out.TOOLS: "目录没有写明它支持工具",
    Out.IMAGES: "目录没有写明它能看图",
    Out.JSON: "目录没有写明它支持 JSON 输出",
    Out.STREAMING: "目录写明它不支持流式",
    Out.CONTEXT: "请求放不进它的上下文",
    Out.OUTPUT: "要求的输出超过它的上限",
    Out.SLOW: "近来太慢",
    Out.ERRORS: "近来出错太多",
    Out.DOWN: "近来连续失败，暂不使用",
}
EN: Final = {
    Out.KEY: "not open to this key",
    Out.CATALOGUE: "withdrawn",
    Out.DEPLOYMENT: "all deployments drained",
    Out.PROJECT: "excluded by the project's provider or region policy",
    Out.PRICE: "no price under the contract",
    Out.DIALECT: "not served through this endpoint",
    Out.TOOLS: "not known to support tools",
    Out.IMAGES: "not known to read images",
    Out.JSON: "not known to write JSON",
    Out.STREAMING: "known not to stream",
    Out.CONTEXT: "the request does not fit its context",
    Out.OUTPUT: "asked for more output than it gives",
    Out.SLOW: "too slow lately",
    Out.ERRORS: "too many errors lately",
    Out.DOWN: "failing at present",
}
BY: Final = {Choose.PRICE: "按价格", Choose.ORDER: "按次序", Choose.LATENCY: "按快慢"}


class Why(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a model was chosen: enough to judge the choice again, without any content."""

    rule: int
    """The rule's place in the policy, from 1."""
    by: Choose
    task: str
    tokens_in: int
    """The most that the request can be, by its bytes."""
    tokens_out: int
    """What was expected of the answer."""
    currency: str
    order: list[tuple[str, int]]
    """Candidates as they were to be tried, each with its expected charge in picos."""
    out: list[tuple[str, Out]] = []


_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder(Why).decode


class Routed(msgspec.Struct, frozen=True, gc=False):
    """What was asked for, by which version it was decided, and why."""

    asked: str
    version: int
    why: Why

    @property
    def chosen(self) -> str:
        """The model that was to answer first."""
        return self.why.order[0][0]

    def sentence(self) -> str:
        """Say in one sentence why."""
        why = self.why
        task = f"任务 {why.task}" if why.task else "未写任务"
        first, *others = (
            f"{model} {plain(pico, PICO)} {why.currency}" for model, pico in why.order
        )
        said = (
            f"{self.asked} 第 {self.version} 版规则 {why.rule}（{task}，{BY[why.by]}）选 {first}，"
            f"按输入至多 {why.tokens_in:,}、输出约 {why.tokens_out:,} token 估算"
        )
        if others:
            said += f"；其次 {'、'.join(others)}"
        if why.out:
            passed = "、".join(f"{model}（{ZH[out]}）" for model, out in why.out)
            said += f"；不选 {passed}"
        return said


def facts_of(asked: str, version: int, why: Why) -> dict[str, str]:
    """Write a choice down as facts of an event."""
    return {AUTO: f"{asked}@{version}", WHY: _ENCODE(why).decode()}


def read_routed(facts: Mapping[str, str]) -> Routed | None:
    """Read a choice back; None where the call named its model, or where the facts are not ours."""
    asked, found, version = facts.get(AUTO, "").rpartition("@")
    if not found or not version.isdecimal():
        return None
    try:
        why = _DECODE(facts.get(WHY, ""))
    except msgspec.DecodeError:
        return None
    return Routed(asked, int(version), why) if why.order else None


def asked_of(facts: Mapping[str, str], model: str) -> str:
    """Return the name a call asked for, whoever answered."""
    routed = read_routed(facts)
    return routed.asked if routed else facts.get(ASKED, model)
