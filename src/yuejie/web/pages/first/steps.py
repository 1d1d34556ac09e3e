"""The steps from nothing to the first call: which are done, and which is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.contracts.catalog import Deployment, ProviderAccount
from yuejie.contracts.contract import Contract
from yuejie.contracts.numbers.number import called
from yuejie.contracts.store import (
    BookRow,
    accounts,
    books,
    contract_at,
    deployments,
    models,
    priced_models,
)
from yuejie.customers.customer import Customer, Project
from yuejie.customers.enrol import find_customer
from yuejie.customers.key import ApiKey
from yuejie.customers.store import customers, keys, projects
from yuejie.db.session import Tx
from yuejie.usage.store import has_usage
from yuejie.web.pages.insight.keys import state_of
from yuejie.web.pages.insight.start import callable_models

STEPS: Final = {
    "provider": "供应商账号",
    "model": "模型与部署",
    "cost": "成本价目",
    "sale": "销售价目",
    "customer": "客户",
    "contract": "合同",
    "key": "项目与密钥",
    "call": "第一次调用",
}
"""What an operator without data does, in this order."""
_ACTIVE: Final = "active"


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is already, as far as a first call needs it."""

    accounts: Sequence[ProviderAccount]
    served: Sequence[Deployment]
    """Deployments in service whose model is offered."""
    books: Sequence[BookRow]
    costed: frozenset[str]
    """Cost names that some cost book prices now."""
    sold: frozenset[str]
    """Models that some sale book prices now."""
    everybody: Sequence[Customer]
    party: Customer | None
    contract: Contract | None
    number: str
    """What the contract is called."""
    projects: Sequence[Project]
    keys: Sequence[ApiKey]
    callable: Sequence[str]
    called: bool

    @property
    def uncosted(self) -> list[Deployment]:
        """Return what is served without a cost price."""
        return [each for each in self.served if each.cost_model not in self.costed]

    @property
    def unsold(self) -> list[str]:
        """Return the models that are served and that no sale book prices."""
        return sorted({each.model_id for each in self.served} - self.sold)

    @property
    def done(self) -> dict[str, bool]:
        """Return of each step whether it is done."""
        return {
            "provider": bool(self.accounts),
            "model": bool(self.served),
            "cost": bool(self.served) and not self.uncosted,
            "sale": bool({each.model_id for each in self.served} & self.sold),
            "customer": self.party is not None,
            "contract": self.contract is not None,
            "key": bool(self.keys),
            "call": self.called,
        }

    @property
    def next(self) -> str:
        """Return the first step that is not done; the last one where all are."""
        return next((name for name, is_done in self.done.items() if not is_done), "call")

    @property
    def left(self) -> int:
        """Return how many steps are not done."""
        return sum(not is_done for is_done in self.done.values())


def standing_of(tx: Tx, now: datetime, customer: str = "") -> Standing:
    """Return how far the house is, for a customer, or for the one that came last."""
    everybody = customers(tx)
    party = (
        find_customer(tx, customer)
        if customer
        else max(everybody, key=lambda each: each.created_at, default=None)
    )
    offered = {each.model_id for each in models(tx) if each.state == _ACTIVE}
    kept = books(tx)
    contract = contract_at(tx, party.customer_id, now) if party else None
    return Standing(
        accounts=sorted(accounts(tx), key=lambda each: each.account_id),
        served=sorted(
            (d for d in deployments(tx) if d.state == _ACTIVE and d.model_id in offered),
            key=lambda each: each.deployment_id,
        ),
        books=kept,
        costed=priced_models(tx, "cost", now),
        sold=priced_models(tx, "sale", now),
        everybody=everybody,
        party=party,
        contract=contract,
        number=called(tx, contract.customer_id, contract.contract_id) if contract else "",
        projects=projects(tx, party.customer_id) if party else (),
        keys=[
            each
            for each in (keys(tx, party.customer_id) if party else ())
            if state_of(each, now) == _ACTIVE
        ],
        callable=sorted(callable_models(tx, party, now)) if party else (),
        called=has_usage(tx, party.customer_id) if party else False,
    )
