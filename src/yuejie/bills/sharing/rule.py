"""Rules of a customer about shared costs: which amounts, among whom, by what, from which month.

Pure. Of the rules about an amount the one that begins last holds, then the one made last; one
about its kind goes before one about everything. Without any, who used bears by what it used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.bills.bill import METERED, LineKind
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

EVERYTHING: Final = "*"
PROJECT: Final = "project:"
"""What is a project's own, where others bear it: `project:` and its id."""
WEIGHT_MAX: Final = 10**9
WEIGHTS_MAX: Final = 1_000


class Method(StrEnum):
    """How a shared amount is divided."""

    EQUAL = "equal"
    PROPORTIONAL = "proportional"
    """By what each project's own lines come to before tax."""
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class ShareRule:
    """`weights` are by project id; a project stands for itself and all below it.

    Empty: every project that has lines of its own, or all where none has.
    """

    rule_id: str
    customer_id: CustomerId
    what: str
    method: Method
    weights: Mapping[str, int]
    since: str
    made_by: str
    made_at: datetime

    def refuse_nonsense(self) -> None:
        """Refuse what could not be divided by."""
        kinds = {kind.value for kind in LineKind if kind not in METERED}
        if self.what not in {EVERYTHING, *kinds} and not self.what.startswith(PROJECT):
            raise Invalid(
                f"分摊对象“{self.what}”不认识，请写 *、账单行的类型（如 management_fee、cloud）"
                "或 project:项目名"
            )
        if len(self.weights) > WEIGHTS_MAX:
            raise Invalid(f"一条分摊规则最多写 {WEIGHTS_MAX} 个项目")
        if any(not 0 <= weight <= WEIGHT_MAX for weight in self.weights.values()):
            raise Invalid(f"分摊权重须在 0 到 {WEIGHT_MAX:,} 之间")
        if self.method is Method.CUSTOM and not any(self.weights.values()):
            raise Invalid("自定义分摊须至少有一个项目的权重大于零")
        if self.what.removeprefix(PROJECT) in self.weights:
            raise Invalid("被分摊的项目不能再分摊给自己，请改选其他项目")


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a customer that hold in a month, as they were known at an instant."""

    by_what: Mapping[str, ShareRule]

    def about(self, kind: LineKind) -> ShareRule | None:
        """Return the rule about an amount of the whole customer."""
        return self.by_what.get(str(kind)) or self.by_what.get(EVERYTHING)

    def of_project(self, project_id: str) -> ShareRule | None:
        """Return the rule by which others bear what a project's own lines come to."""
        return self.by_what.get(f"{PROJECT}{project_id}")

    @property
    def shared(self) -> frozenset[str]:
        """Projects that bear nothing themselves, since others bear their cost."""
        named = (what for what in self.by_what if what.startswith(PROJECT))
        return frozenset(what.removeprefix(PROJECT) for what in named)


def rules_in(
    rules: Iterable[ShareRule], month: BillingMonth, *, known: datetime | None = None
) -> Rules:
    """Return the rules that hold in a month; `known` shows them as they stood at an instant."""
    found: dict[str, ShareRule] = {}
    for rule in sorted(rules, key=lambda each: (each.since, each.made_at, each.rule_id)):
        if rule.since <= str(month) and (known is None or rule.made_at <= known):
            found[rule.what] = rule
    return Rules(found)
