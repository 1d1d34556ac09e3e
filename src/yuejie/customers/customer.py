"""Customers and their tree of projects."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from yuejie.kernel.ids import CustomerId, ProjectId


class CustomerState(StrEnum):
    """Whether a customer's keys may call."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Customer:
    """An enterprise that buys; the party on the bill and on the fapiao."""

    customer_id: CustomerId
    slug: str
    legal_name: str
    uscc: str | None
    tax_address: str
    tax_phone: str
    bank_name: str
    bank_account: str
    zone: str
    currency: str
    tag_names: list[str]
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A cost centre. `allowed_*` of None allows all; a child is never wider than its parent."""

    project_id: ProjectId
    customer_id: CustomerId
    parent_id: ProjectId | None
    name: str
    department: str
    environment: str
    allowed_providers: list[str] | None
    allowed_regions: list[str] | None
    created_at: datetime
