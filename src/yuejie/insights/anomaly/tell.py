"""Tell a finding: to the customer's contacts and to the operator's, once each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.insights.anomaly.finding import Finding, Grain, Measure, Scope
from yuejie.kernel.money import Charge
from yuejie.kernel.period import zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

Names = Mapping[str, str]
"""What people call projects and keys, by id."""
_PER: Final = {Grain.HOUR: "/h", Grain.DAY: "/d"}
_WORDS: Final = {
    Measure.COST: "费用 cost",
    Measure.TOKENS: "用量 tokens",
    Measure.REQUESTS: "请求 requests",
    Measure.ERRORS: "失败 errors",
}
"""In both languages, for a fact is written before it is known who reads it."""


def tell(tx: Tx, customer: Customer, found: Finding, names: Names, *, now: datetime) -> None:
    """Put a finding into the outbox in the transaction that found it."""
    facts = facts_of(customer, found, names)
    for audience in (Audience.CUSTOMER, Audience.OPERATOR):
        key = f"anomaly:{found.finding_id}:{audience}"
        enqueue(tx, Notice(Kind.ANOMALY, audience, facts, key, customer.customer_id), at=now)


def facts_of(customer: Customer, found: Finding, names: Names) -> dict[str, str]:
    """Return what is told of a finding, in words."""
    since = found.since.astimezone(zone_of(customer.zone))
    return {
        "customer": customer.legal_name,
        "scope": place(found, names, customer),
        "measure": _WORDS[found.measure],
        "since": f"{since:%Y-%m-%d %H:%M}" if found.grain is Grain.HOUR else f"{since:%Y-%m-%d}",
        "observed": amount(found, found.observed),
        "expected": amount(found, found.expected),
        "key": names.get(found.key_id, found.key_id),
        "model": found.model,
        "extra": money(found.extra_pico, found.currency),
    }


def place(found: Finding, names: Names, customer: Customer) -> str:
    """Return what people call where it is."""
    if found.scope is Scope.CUSTOMER:
        return customer.legal_name
    return names.get(found.name, found.name)


def amount(found: Finding, quantity: int) -> str:
    """Write a quantity of a finding's measure for a period, with its unit."""
    if found.measure is Measure.COST:
        return f"{money(quantity, found.currency)}{_PER[found.grain]}"
    return f"{quantity:,}{_PER[found.grain]}"


def money(pico: int, currency: str) -> str:
    """Write picos as money."""
    return f"{Charge(pico, currency).settle()} {currency}"
