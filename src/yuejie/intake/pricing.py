"""Price what the gateway did not: contracts, books and deployments as they were in force.

The rules are rating's; this file only finds out what applies to a call of that customer, then.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from yuejie.contracts import contract as contract_noun
from yuejie.contracts import store as contracts
from yuejie.contracts.catalog import Deployment
from yuejie.contracts.contract import Contract
from yuejie.contracts.prices import Book
from yuejie.contracts.tier import tier_key
from yuejie.customers import store as customers
from yuejie.customers.customer import Customer, Project
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.rating.price import Rated, rate_items
from yuejie.usage.event import EventState, Item, Outcome, Pins
from yuejie.usage.journal import Begun, Ended, EndedItem
from yuejie.usage.meters import INPUT_SIDE, Meter
from yuejie.usage.record import unix_us

PRICED: Final = frozenset({EventState.MEASURED, EventState.PARTIAL})
"""States that become `unpriced` when a rate is missing; the others wait on the worklist anyway."""
_QUARTER_S: Final = 900
"""Zones are set in quarters of an hour, so within one the local hour does not change."""
_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody outside says was used, before we know whose it is and what it is worth."""

    customer: str
    project: str
    model: str
    started_at: datetime
    ended_at: datetime
    items: tuple[Item, ...]
    key: str = ""
    tags: str = ""
    api: str = "import"
    deployment: str = ""
    service_tier: str = ""
    context_tokens: int | None = None
    state: EventState = EventState.MEASURED
    response_id: str = ""
    http_status: int = 200
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Party:
    """A customer with everything that its calls are priced by."""

    customer: Customer
    projects: dict[str, Project]
    keys: frozenset[str]
    versions: tuple[Contract, ...]


class Tariffs:
    """Everything that prices calls, read in one moment; pure afterwards."""

    def __init__(self, tx: Tx) -> None:
        rows = contracts.books(tx)
        self._books = {row.book_id: Book(contracts.book_rows(tx, row)) for row in rows}
        self._costs = [self._books[row.book_id] for row in rows if row.kind == "cost"]
        platforms = {row.account_id: row.platform for row in contracts.accounts(tx)}
        self._deployments: dict[str, tuple[Deployment, str]] = {}
        self._serving: dict[str, str] = {}
        for row in sorted(contracts.deployments(tx), key=lambda d: (d.priority, d.deployment_id)):
            self._deployments[row.deployment_id] = (row, platforms[row.account_id])
            self._serving.setdefault(row.model_id, row.deployment_id)
        self._parties: dict[str, _Party | None] = {}
        self._edges = sorted(
            revision.starts_us for book in self._books.values() for revision in book.rows.revisions
        )
        """Instants at which another revision or contract may begin to hold."""
        self._pins: dict[tuple[str, int, str, str], Pins] = {}

    def learn(self, tx: Tx, names: Iterable[str]) -> None:
        """Read the customers of these short names or ids, as far as they exist."""
        for name in set(names) - self._parties.keys():
            found = customers.customer_by_slug(tx, name)
            party = self._parties[name] = _party(tx, found) if found else None
            if party is not None:
                self._pins.clear()
                self._edges += [unix_us(version.starts_at) for version in party.versions]
                self._edges.sort()

    def knows(self, name: str) -> bool:
        """Tell whether `learn` was asked about a customer."""
        return name in self._parties

    def ended(self, draft: Draft, event: bytes) -> Ended:
        """Turn a draft into a priced attempt; what has no owner or no price list is refused."""
        party = self._party(draft.customer)
        project = party.projects.get(draft.project)
        if project is None:
            raise Invalid(f"客户 {draft.customer} 没有项目“{draft.project}”，请先创建或改正")
        if draft.key and draft.key not in party.keys:
            raise Invalid(f"客户 {draft.customer} 没有密钥 {draft.key}，请改正或留空")
        started_us = unix_us(draft.started_at)
        begun = self._begin(draft, party, project, event, started_us)
        tokens = draft.context_tokens
        context = context_of(draft.items) if tokens is None else tokens
        rated = self.rate(begun, draft.items, draft.service_tier, draft.facts, context)
        state, reason = verdict(draft.state, rated)
        return Ended(
            begun=begun,
            ended_us=unix_us(draft.ended_at),
            state=state,
            reason=reason,
            billable=True,
            items=rated_items(rated),
            context_tokens=context,
            billed_model=draft.items[0].model if draft.items else draft.model,
            service_tier=draft.service_tier,
            http_status=draft.http_status,
            outcome=Outcome.IMPORTED.value,
            response_id=draft.response_id,
            facts=draft.facts,
        )

    def rate(
        self,
        begun: Begun,
        items: Sequence[Item],
        service_tier: str,
        facts: dict[str, str],
        context_tokens: int,
    ) -> Rated:
        """Find the rates of items under the pins of a begun call; the first is its main model's."""
        placed = self._deployments.get(begun.deployment)
        return rate_items(
            items,
            sale=self._books.get(begun.sale_book),
            cost=self._books.get(begun.cost_book),
            sale_model=begun.model,
            cost_prefix=f"{placed[1]}/" if placed else "",
            sale_revision=begun.sale_revision,
            cost_revision=begun.cost_revision,
            started_us=begun.started_us,
            service_tier=tier_key(service_tier, facts) if facts else _plain_tier(service_tier),
            context_tokens=context_tokens,
            billable=True,
            cost_model=placed[0].cost_model if placed else "",
            main=(items[0].model,) if items else (),
        )

    def newest(self, book_id: str, started_us: int, pinned: int) -> int:
        """Return the newest revision of a book that holds for a call, approved since or not."""
        book = self._books.get(book_id)
        found = book.revision_at(started_us) if book else None
        return pinned if found is None else max(found, pinned)

    def _begin(
        self, draft: Draft, party: _Party, project: Project, event: bytes, started_us: int
    ) -> Begun:
        deployment = draft.deployment or self._serving.get(draft.model, "")
        span = (draft.customer, bisect_right(self._edges, started_us), draft.model, deployment)
        pins = self._pins.get(span)
        if pins is None:
            pins = self._pins[span] = self._pin(draft, party, deployment, started_us)
        month, hour_s = _labels(party.customer.zone, started_us // 1_000_000 // _QUARTER_S)
        return Begun(
            event=event,
            operation=event,
            attempt=1,
            started_us=started_us,
            month=month,
            hour_s=hour_s,
            customer=party.customer.customer_id,
            project=project.project_id,
            key=draft.key,
            tags=draft.tags,
            deployment=deployment,
            api=draft.api,
            model=draft.model,
            stream=False,
            contract=pins.contract_id,
            contract_version=pins.contract_version,
            sale_book=pins.sale_book,
            sale_revision=pins.sale_revision,
            cost_book=pins.cost_book,
            cost_revision=pins.cost_revision,
        )

    def _pin(self, draft: Draft, party: _Party, deployment: str, started_us: int) -> Pins:
        """Find the contract and the revisions that hold; between two edges they are the same."""
        contract = contract_noun.at(party.versions, draft.started_at)
        if contract is None:
            raise Invalid(
                f"客户 {draft.customer} 在 {draft.started_at:%Y-%m-%d %H:%M} UTC 没有合同"
            )
        sale = self._books[contract.sale_book]
        revision = sale.revision_at(started_us)
        if revision is None or not sale.prices(draft.model, revision, started_us):
            raise Invalid(f"模型 {draft.model} 在 {draft.started_at:%Y-%m-%d} 没有销售价，请先定价")
        if deployment and deployment not in self._deployments:
            raise Invalid(f"部署 {deployment} 不存在，请改正或留空")
        cost_book, cost_revision = self._cost_of(deployment, started_us)
        return Pins(
            contract_id=contract.contract_id,
            contract_version=contract.version,
            sale_book=contract.sale_book,
            sale_revision=revision,
            cost_book=cost_book,
            cost_revision=cost_revision,
        )

    def _cost_of(self, deployment: str, started_us: int) -> tuple[str, int]:
        """Return the cost book and revision of a deployment; nothing where we bought nothing."""
        if not deployment:
            return "", 0
        cost_model = self._deployments[deployment][0].cost_model
        for book in self._costs:
            revision = book.revision_at(started_us)
            if revision is not None and book.prices(cost_model, revision, started_us):
                return book.book_id, revision
        return "", 0

    def _party(self, name: str) -> _Party:
        party = self._parties.get(name)
        if party is None:
            raise Invalid(f"客户不存在：{name or '（未写）'}，请先建立客户或改正映射")
        return party


def _party(tx: Tx, customer: Customer) -> _Party:
    customer_id = CustomerId(customer.customer_id)
    projects = customers.projects(tx, customer_id)
    return _Party(
        customer,
        {name: p for p in projects for name in (p.project_id, p.name)},
        frozenset(key.key_id for key in customers.keys(tx, customer_id)),
        tuple(contracts.contracts_of(tx, customer_id)),
    )


@lru_cache(maxsize=1_000)
def _plain_tier(service_tier: str) -> str:
    return tier_key(service_tier, {})


@lru_cache(maxsize=100_000)
def _labels(zone_name: str, quarter: int) -> tuple[str, int]:
    """Return the month and the local hour's first second, for a quarter of an hour."""
    zone = zone_of(zone_name)
    instant = datetime.fromtimestamp(quarter * _QUARTER_S, UTC)
    return str(BillingMonth.of(instant, zone)), int(local_hour(instant, zone).timestamp())


def context_of(items: Iterable[Item]) -> int:
    """Return the size of a request's input, which chooses whole-request tiers."""
    return sum(item.quantity for item in items if item.meter in INPUT_SIDE)


def verdict(state: EventState, rated: Rated) -> tuple[str, str]:
    """Return the state and reason of an attempt, once we know what lacks a rate."""
    if rated.unpriced and state in PRICED:
        return EventState.UNPRICED.value, "；".join(rated.unpriced)[:_REASON]
    return state.value, ""


def rated_items(rated: Rated) -> tuple[EndedItem, ...]:
    """Return items as journals and tables hold them."""
    return tuple(
        EndedItem(i.model, i.meter.value, i.quantity, i.sale_rate, i.cost_rate) for i in rated.items
    )


def items_of(model: str, quantities: dict[Meter, int]) -> tuple[Item, ...]:
    """Return the items of one model, each call counted once where nobody counted it."""
    counted = quantities if Meter.REQUESTS in quantities else quantities | {Meter.REQUESTS: 1}
    return tuple(Item(model, meter, quantity) for meter, quantity in counted.items())


def parse_event_id(text: str) -> UUID | None:
    """Read the id of an attempt as a provider gives it back; None for anything else."""
    try:
        return UUID(text.strip().removeprefix("req_").removeprefix("att_"))
    except ValueError:
        return None
