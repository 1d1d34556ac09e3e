"""Auto models as a key may use them: who may answer under each rule, and who never may.

What a key, its project, its contract and the catalogue say is settled here, once per view; what
depends on the request or on how things go just now is judged call by call in `upstream.choice`.
A model that is out here is on no route, so no fail-over reaches it either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from yuejie.contracts.auto.policy import Choose
from yuejie.contracts.auto.routed import Out
from yuejie.contracts.tier import DEFAULT
from yuejie.gateway.snapshot import AutoRow, ModelRow, RuleRow
from yuejie.usage.meters import Meter

if TYPE_CHECKING:
    from yuejie.gateway.rights.admission import Plan, Route

MEANS: Final = {
    "tools": Out.TOOLS,
    "tool": Out.TOOLS,
    "function_calling": Out.TOOLS,
    "functions": Out.TOOLS,
    "images": Out.IMAGES,
    "image": Out.IMAGES,
    "vision": Out.IMAGES,
    "json": Out.JSON,
    "json_mode": Out.JSON,
    "json_schema": Out.JSON,
    "response_schema": Out.JSON,
    "structured_output": Out.JSON,
    "structured_outputs": Out.JSON,
}
"""How operators write what a model can do, and the need it answers."""
CANNOT: Final = {"no_streaming": Out.STREAMING}
"""Every chat model streams, unless the catalogue says otherwise."""


class Tariff(NamedTuple):
    """What a model costs the customer: picos per token in, token out, and call."""

    text_in: int
    text_out: int
    each: int

    def charge(self, tokens_in: int, tokens_out: int) -> int:
        """Return the expected charge of a call in picos."""
        return tokens_in * self.text_in + tokens_out * self.text_out + self.each


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model that may answer, with its own routes."""

    name: str
    place: int
    """Its place in the rule: of equals the earlier one is chosen."""
    routes: "tuple[Route, ...]"
    window: int
    """0: the catalogue does not say."""
    max_output: int
    lacks: frozenset[Out]
    """Needs that the catalogue does not say it answers."""
    fixed: Tariff | None
    """Its tariff, where neither size nor hour changes it."""

    def tariff(self, tokens_in: int, now_us: int) -> Tariff | None:
        """Return what a call of this size costs at this instant; None: it has no price then."""
        return self.fixed or tariff_of(self.routes[0], tokens_in, now_us)


def tariff_of(route: "Route", tokens_in: int, now_us: int) -> Tariff | None:
    """Resolve the rates by which the call would be billed: the default tier, no cache."""
    found = []
    for meter in (Meter.INPUT, Meter.OUTPUT, Meter.REQUESTS):
        rate = route.sale.resolve(
            route.target.model_id,
            meter,
            revision=route.sale_revision,
            started_us=now_us,
            service_tier=DEFAULT,
            context_tokens=tokens_in,
        )
        if rate is None and meter is not Meter.REQUESTS:
            return None
        found.append(rate.pico if rate is not None else 0)
    return Tariff(*found)


def candidate_of(
    model: ModelRow, place: int, routes: "tuple[Route, ...]", now_us: int
) -> Candidate:
    """Arrange what every call under a rule asks of a model."""
    told = {each.strip().lower() for each in model.capabilities}
    able = {MEANS[each] for each in told if each in MEANS}
    lacks = {Out.TOOLS, Out.IMAGES, Out.JSON} - able
    lacks |= {CANNOT[each] for each in told if each in CANNOT}
    return Candidate(
        name=model.model_id,
        place=place,
        routes=routes,
        window=model.context_window or 0,
        max_output=model.max_output or 0,
        lacks=frozenset(lacks),
        fixed=None if _varies(routes[0], now_us) else tariff_of(routes[0], 0, now_us),
    )


def _varies(route: "Route", now_us: int) -> bool:
    model = route.target.model_id
    named = route.sale.naming(model, route.sale_revision, now_us)
    rows = route.sale.price_list(model, named) if named is not None else ()
    return any(row.context_above or row.time_window for row in rows)


@dataclass(frozen=True, slots=True, eq=False)
class Ruled:
    """What a rule comes to for one key and dialect; the plan holds every route of it."""

    number: int
    """The rule's place in the policy, from 1."""
    rule: RuleRow
    choose: Choose
    candidates: tuple[Candidate, ...]
    out: tuple[tuple[str, Out], ...]
    """Models of the rule that can never answer this key here."""
    plan: "Plan | None"
    """None where nobody may answer."""


@dataclass(frozen=True, slots=True, eq=False)
class AutoRights:
    """An auto model for one key and dialect: rules are worked out when a task first asks."""

    row: AutoRow
    make: Callable[[int, RuleRow], Ruled]
    by_task: Mapping[str, int]
    """The rule's place for each task that a rule names."""
    rest: int
    """The place of the rule for everything else."""
    ruled: dict[int, Ruled] = field(default_factory=dict)

    def of(self, task: str) -> Ruled:
        """Return the rule for a task, with who may answer under it."""
        at = self.by_task.get(task, self.rest)
        found = self.ruled.get(at)
        if found is None:
            found = self.ruled[at] = self.make(at + 1, self.row.rules[at])
        return found


def rights_of(row: AutoRow, make: Callable[[int, RuleRow], Ruled]) -> AutoRights:
    """Arrange a policy by its tasks; a published one has a rule without tasks."""
    by_task = {task: at for at, rule in enumerate(row.rules) for task in rule.tasks}
    rest = next(at for at, rule in enumerate(row.rules) if not rule.tasks)
    return AutoRights(row, make, by_task, rest)
