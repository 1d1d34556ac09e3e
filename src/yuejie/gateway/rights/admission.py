"""Admission: may this key call this model, and what prices the call?

Pure: a view, a key's digest, a model's name and an instant give a plan or a refusal.
What was decided once holds until the view changes or something scheduled starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from yuejie.contracts.auto.policy import Choose
from yuejie.contracts.auto.routed import Out
from yuejie.contracts.prices import Book, RateRow
from yuejie.gateway.refusal import Code, Dialect, Refused
from yuejie.gateway.rights.auto import AutoRights, Ruled, candidate_of, rights_of
from yuejie.gateway.rights.view import FOREVER_US, Target, View
from yuejie.gateway.snapshot import (
    AllowanceRow,
    AutoRow,
    ContractRow,
    CustomerRow,
    KeyRow,
    ProjectRow,
    RuleRow,
)
from yuejie.kernel.limits import TAG_LENGTH, TAGS
from yuejie.usage.event import join_tags, split_tags

_RANK: Final = attrgetter("rank")
NAMED: Final = 20
"""So many models are named in a refusal; a longer list helps nobody."""
PLANS: Final = 10_000
"""Plans remembered per view; model names come from clients and must not fill the memory."""

BARRED: Final = {
    "overdue": Code.CUSTOMER_OVERDUE,
    "credit_limit": Code.CREDIT_USED_UP,
    "prepayment": Code.PREPAYMENT_USED_UP,
}
"""Why a customer is suspended for money, as payments names it, and what its calls are told."""

INSTEAD: Final = {
    Dialect.OPENAI: "/v1/chat/completions",
    Dialect.ANTHROPIC: "/v1/messages",
    Dialect.GEMINI: "/v1beta/models/{model}:generateContent",
}


Fixed = tuple[str, int, int, int, bool]
"""The rates of one meter on a route, where no fact of a call but its tier chooses them.

The meter's bare text (a journal is written twice as fast by those as by members of an enum), the
ids of the sale and the cost rate, the sale's picos, and whether they vary after all. A bare tuple:
it is taken apart for every quantity of every call.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A deployment together with the revisions that price a call through it."""

    target: Target
    sale: Book
    sale_revision: int
    cost: Book
    cost_revision: int
    sale_rates: Mapping[int, RateRow]
    backup: bool = False
    until_us: int = FOREVER_US
    """From then on something else is pinned, and what is remembered below is not valid."""
    cards: dict[tuple[str, str], dict[str, Fixed]] = field(default_factory=dict)
    """Rates found so far, by the answer's model and tier, then by meter."""
    dearest: list[Any] = field(default_factory=list)
    """The highest rates of the route, once somebody asked: worst cases are `gateway.allow`'s."""
    rank: tuple[bool, int] = field(init=False)
    """What goes first: no backup, then the lower priority number."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rank", (self.backup, self.target.priority))


@dataclass(frozen=True, slots=True)
class Plan:
    """Admitted: whose call it is, what was agreed, and every route it may take."""

    key: KeyRow
    customer: CustomerRow
    contract: ContractRow
    model: str
    routes: tuple[Route, ...]
    until_us: int
    caps: tuple[AllowanceRow, ...] = ()
    """Allowances that the call is held to; one for a tag, only where the call carries it."""
    kinds: tuple[Route, ...] = ()
    """One route of each model and platform: what a call can cost at most is the same on others."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What worst cases of this plan have in common, by what is spoken."""
    auto: AutoRights | None = None
    """The name asked for is an auto model's: a rule of its policy has the plan of the call."""
    salt: bytes = b""
    """Under which the beginnings of its prompts are hashed; empty: they are not looked at."""


class _Party(NamedTuple):
    """Who asks, once its standing is known to be good, in which dialect and from when."""

    key: KeyRow
    customer: CustomerRow
    contract: ContractRow
    project: ProjectRow
    dialect: Dialect
    now_us: int


class Admission:
    """Judges calls by one view, and remembers its judgements."""

    __slots__ = ("_blocked", "_plans", "view")

    def __init__(self, view: View, blocked: frozenset[str] = frozenset()) -> None:
        self.view = view
        self._blocked = blocked
        self._plans: dict[tuple[bytes, str, Dialect], Plan] = {}

    def blocking(self, blocked: frozenset[str]) -> "Admission":
        """Return the same admission with another block list."""
        return Admission(self.view, blocked)

    def key(self, digest: bytes, hint: str, now_us: int) -> KeyRow | Refused:
        """Find out whose key it is, and whether it still opens anything."""
        key = self.view.keys.get(digest)
        if key is None:
            return Refused(Code.KEY_UNKNOWN, {"hint": hint})
        if key.revoked_us or (self._blocked and self._is_blocked(key)):
            return Refused(Code.KEY_REVOKED, {"hint": hint})
        if key.expires_us and key.expires_us <= now_us:
            return Refused(Code.KEY_EXPIRED, {"hint": hint})
        return key

    def _is_blocked(self, key: KeyRow) -> bool:
        return key.key_id in self._blocked or key.digest.hex() in self._blocked

    def admit(
        self, digest: bytes, hint: str, model: str, dialect: Dialect, path: str, *, now_us: int
    ) -> Plan | Refused:
        """Admit a call or say why not."""
        plan = self._plans.get((digest, model, dialect))
        if plan is not None and now_us < plan.until_us:
            return plan
        key = self.key(digest, hint, now_us)
        if isinstance(key, Refused):
            return key
        judged = self._judge(key, model, dialect, path, now_us)
        if isinstance(judged, Plan):
            if len(self._plans) >= PLANS:
                self._plans.clear()
            self._plans[digest, model, dialect] = judged
        return judged

    def models(self, key: KeyRow, dialect: Dialect | None, now_us: int) -> list[str] | Refused:
        """Return the models a key may call, in one dialect or in any, by name."""
        standing = self._standing(key, now_us)
        if isinstance(standing, Refused):
            return standing
        customer, contract, project = standing
        names = self.view.models if key.models is None else set(key.models) & set(self.view.models)
        found = [
            name
            for name in names
            if self.view.models[name].active
            and any(
                dialect in (None, route.target.access.dialect)
                for route in self._routes(name, project, contract, now_us, backup=False)
            )
        ]
        for spoken in Dialect if dialect is None else (dialect,):
            party = _Party(key, customer, contract, project, spoken, now_us)
            found += [name for name in self.view.autos if self._answers(name, party)]
        return sorted(set(found))

    def _answers(self, name: str, party: _Party) -> bool:
        """Say whether anybody may answer an auto model's name for this party."""
        row = self.view.auto_at(name, party.now_us)
        if row is None or name in self.view.models:
            return False
        models = {model for rule in row.rules for model in rule.models}
        return any(not isinstance(self._candidacy(model, party), Out) for model in models)

    def _judge(
        self, key: KeyRow, model: str, dialect: Dialect, path: str, now_us: int
    ) -> Plan | Refused:
        standing = self._standing(key, now_us)
        if isinstance(standing, Refused):
            return standing
        customer, contract, project = standing
        known = self.view.models.get(model)
        if known is None and (auto := self.view.auto_at(model, now_us)) is not None:
            return self._auto(auto, _Party(key, customer, contract, project, dialect, now_us))
        if not model or known is None or not known.active or not _may(key, model):
            code = Code.MODEL_UNKNOWN if model else Code.MODEL_MISSING
            return Refused(code, {"model": model, "models": self._usable(key, dialect, now_us)})
        routes = self._routes(model, project, contract, now_us, backup=False)
        if known.backup_model and _may(key, known.backup_model):
            routes += self._routes(known.backup_model, project, contract, now_us, backup=True)
        spoken = _spoken(routes, dialect)
        if not spoken:
            return self._unreachable(key, model, dialect, path, routes, project, now_us)
        party = _Party(key, customer, contract, project, dialect, now_us)
        return self._plan(party, model, spoken)

    def _plan(self, party: _Party, model: str, routes: tuple[Route, ...]) -> Plan:
        key = party.key
        until = self.view.next_change_us(key.customer_id, party.now_us)
        until = min(until, key.expires_us or FOREVER_US)
        caps = self._caps(key, party.project, routes)
        kinds = {(r.target.model_id, r.target.access.platform): r for r in routes} if caps else {}
        return Plan(
            key,
            party.customer,
            party.contract,
            model,
            routes,
            until,
            caps,
            tuple(kinds.values()),
            salt=self.view.salt_of(party.project),
        )

    def _auto(self, row: AutoRow, party: _Party) -> Plan:
        """Return a plan without routes: which rule has them, the call's task decides."""
        rights = rights_of(row, partial(self._ruled, row.name, party))
        return replace(self._plan(party, row.name, ()), auto=rights)

    def _ruled(self, name: str, party: _Party, number: int, rule: RuleRow) -> Ruled:
        """Find out who may answer under a rule; everybody else is out, each for its reason."""
        found: list[tuple[str, tuple[Route, ...]]] = []
        out: list[tuple[str, Out]] = []
        for model in rule.models:
            routes = self._candidacy(model, party)
            if isinstance(routes, Out):
                out.append((model, routes))
            else:
                found.append((model, routes))
        candidates = tuple(
            candidate_of(self.view.models[model], place, routes, party.now_us)
            for place, (model, routes) in enumerate(found)
        )
        every = tuple(route for _, routes in found for route in routes)
        plan = self._plan(party, name, every) if every else None
        return Ruled(number, rule, Choose(rule.choose), candidates, tuple(out), plan)

    def _candidacy(self, model: str, party: _Party) -> tuple[Route, ...] | Out:
        """Return the routes by which a model may answer this party, or why there are none."""
        known = self.view.models.get(model)
        if not _may(party.key, model):
            return Out.KEY
        if known is None or not known.active:
            return Out.CATALOGUE
        targets = self.view.targets.get(model, ())
        if not targets:
            return Out.DEPLOYMENT
        if not any(_within(target, party.project) for target in targets):
            return Out.PROJECT
        routes = self._routes(model, party.project, party.contract, party.now_us, backup=False)
        if not routes:
            return Out.PRICE
        return _spoken(routes, party.dialect) or Out.DIALECT

    def _caps(
        self, key: KeyRow, project: ProjectRow, routes: Sequence[Route]
    ) -> tuple[AllowanceRow, ...]:
        models = {route.target.model_id for route in routes}
        return tuple(
            row
            for row in self.view.allowances.get(key.customer_id, ())
            if row.project_id in ("", *project.above)
            and row.key_id in ("", key.key_id)
            and (not row.model or row.model in models)
        )

    def _standing(
        self, key: KeyRow, now_us: int
    ) -> tuple[CustomerRow, ContractRow, ProjectRow] | Refused:
        customer = self.view.customers[key.customer_id]
        if not customer.active:
            return Refused(Code.CUSTOMER_SUSPENDED)
        if customer.barred:
            return Refused(BARRED[customer.barred])
        contract = self.view.contract_at(key.customer_id, now_us)
        if contract is None:
            return Refused(Code.NO_CONTRACT)
        if contract.ends_us and contract.ends_us <= now_us:
            return Refused(Code.CONTRACT_ENDED, {"contract": contract.contract_id})
        if contract.prepaid and not customer.covered:
            return Refused(Code.PREPAYMENT_USED_UP)
        return customer, contract, self.view.projects[key.project_id]

    def _routes(
        self, model: str, project: ProjectRow, contract: ContractRow, now_us: int, *, backup: bool
    ) -> list[Route]:
        """Every route that both books price and the project's policy allows."""
        sale = self.view.books.get(contract.sale_book)
        sale_revision = sale.revision_at(now_us) if sale else None
        if sale is None or sale_revision is None or not sale.prices(model, sale_revision):
            return []
        routes = []
        until_us = self.view.next_change_us(project.customer_id, now_us)
        for target in self.view.targets.get(model, ()):
            cost = self.view.cost_book_of(target.cost_model, now_us)
            if cost is not None and _within(target, project):
                rates = self.view.rates[contract.sale_book]
                routes.append(
                    Route(
                        target,
                        sale,
                        sale_revision,
                        *cost,
                        rates,
                        backup=backup,
                        until_us=until_us,
                    )
                )
        return routes

    def _unreachable(
        self,
        key: KeyRow,
        model: str,
        dialect: Dialect,
        path: str,
        routes: list[Route],
        project: ProjectRow,
        now_us: int,
    ) -> Refused:
        if routes:
            instead = INSTEAD[routes[0].target.access.dialect].format(model=model)
            facts = {"model": model, "path": path, "instead": instead}
            return Refused(Code.MODEL_OTHER_DIALECT, facts)
        targets = self.view.targets.get(model, ())
        if not targets:
            return Refused(Code.MODEL_DRAINED, {"model": model})
        if not any(_within(target, project) for target in targets):
            return Refused(Code.MODEL_OUT_OF_REACH, {"model": model})
        facts = {"model": model, "models": self._usable(key, dialect, now_us)}
        return Refused(Code.MODEL_UNPRICED, facts)

    def _usable(self, key: KeyRow, dialect: Dialect, now_us: int) -> str:
        found = self.models(key, dialect, now_us)
        names = [] if isinstance(found, Refused) else found
        more = "…" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more or "—"


def merge_tags(plan: Plan, header: str) -> str | Refused:
    """Add the tags of a request to those of its key; only declared names pass.

    A request may not change what its key says: budgets and shared costs rely on it.
    """
    declared = plan.customer.tag_names
    tags = split_tags(plan.key.tags)
    for pair in header.split(","):
        name, equals, value = (unquote(part.strip()) for part in pair.partition("="))
        if not equals or not 0 < len(value) <= TAG_LENGTH or not _is_plain(value):
            return _unfit(f"“{pair.strip()[:TAG_LENGTH]}”", declared)
        if name not in declared:
            return _unfit(f"标签名“{name[:TAG_LENGTH]}”没有登记", declared)
        if tags.get(name, value) != value:
            return _unfit(f"标签 {name} 已由密钥定为“{tags[name]}”", declared)
        tags[name] = value
    if len(tags) > TAGS:
        return _unfit(f"标签超过 {TAGS} 个", declared)
    return join_tags(tags)


def _is_plain(value: str) -> bool:
    return value.isprintable() and not any(char in value for char in ",=")


def _unfit(why: str, declared: list[str]) -> Refused:
    return Refused(Code.TAGS_UNFIT, {"why": why, "names": "、".join(declared) or "无"})


def _may(key: KeyRow, model: str) -> bool:
    return key.models is None or model in key.models


def _spoken(routes: Sequence[Route], dialect: Dialect) -> tuple[Route, ...]:
    """Return the routes on which a dialect is spoken, what goes first in front."""
    spoken = [route for route in routes if route.target.access.dialect is dialect]
    return tuple(sorted(spoken, key=_RANK))


def _within(target: Target, project: ProjectRow) -> bool:
    access = target.access
    return (project.providers is None or access.provider in project.providers) and (
        project.regions is None or access.region in project.regions
    )
