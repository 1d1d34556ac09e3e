"""Which fault a call meets: its own, or one that an operator spread over a model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random

from yuejie.demo.simulators.directives import NO_FAULT, Directives, Fault


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault that strikes a share of the calls of some models."""

    models: str
    percent: int
    fault: Fault


@dataclass(slots=True)
class FaultBook:
    """The rules in force and how often each passing fault has struck."""

    seed: int
    rules: tuple[Rule, ...] = ()
    struck: Counter[str] = field(default_factory=Counter)
    dice: Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the dice of the seed."""
        self.dice = Random(self.seed)

    def set(self, rules: Sequence[Rule]) -> None:
        """Replace all rules and begin the dice anew."""
        self.rules = tuple(rules)
        self.dice = Random(self.seed)

    def reset(self) -> None:
        """Forget rules and counts."""
        self.set(())
        self.struck.clear()

    def resolve(self, order: Directives, model: str) -> Directives:
        """Return the order with the fault this very call meets."""
        fault = order.fault
        if fault is NO_FAULT:
            if not self.rules:
                return order
            fault = self._drawn(model)
        return order.with_fault(self._unless_passed(fault))

    def _drawn(self, model: str) -> Fault:
        for rule in self.rules:
            if fnmatchcase(model, rule.models) and self.dice.randrange(100) < rule.percent:
                return rule.fault
        return NO_FAULT

    def _unless_passed(self, fault: Fault) -> Fault:
        if fault.times is None:
            return fault
        self.struck[fault.name] += 1
        return fault if self.struck[fault.name] <= fault.times else NO_FAULT
