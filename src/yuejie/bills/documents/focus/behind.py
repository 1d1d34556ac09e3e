"""Gather what FOCUS 1.4 asks about a bill beyond its lines."""

from collections.abc import Iterable
from dataclasses import replace

from yuejie.bills.bill import Bill
from yuejie.bills.documents.focus.facts import (
    Facts,
    Promised,
    contract_span,
    minimum_of,
    package_of,
    payment_terms,
)
from yuejie.bills.documents.store import drawn_by, numbers_before, open_parts
from yuejie.contracts.contract import Contract, midnight
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.store import contract_versions
from yuejie.db.session import Tx


def facts_behind(tx: Tx, bill: Bill, grants: Iterable[Grant]) -> Facts:
    """Return what was promised, how bills are paid, and how the month's other bills stand."""
    versions = contract_versions(tx, bill.contract_id)
    chosen = next((each for each in versions if each.version == bill.contract_version), None)
    if chosen is None:
        return Facts()
    promised = [_package(tx, bill, grant, versions, chosen) for grant in _packages(bill, grants)]
    minimum = minimum_of(versions, bill.contract_version, bill.month)
    return Facts(
        promised=(*([minimum] if minimum else []), *promised),
        payment_terms=payment_terms(chosen.terms),
        earlier=numbers_before(tx, bill.customer_id, bill.month, bill.part),
        all_issued=not open_parts(tx, bill.customer_id, bill.month),
    )


def _packages(bill: Bill, grants: Iterable[Grant]) -> list[Grant]:
    """Return the approved packages that hold in the bill's month, or that its lines name."""
    named = {line.refers_to for line in bill.lines}
    first, after = bill.month.first_day, bill.month.next.first_day
    return [
        grant
        for grant in grants
        if grant.kind is GrantKind.PACKAGE
        and (grant.grant_id in named or (grant.starts_on < after and grant.ends_on > first))
    ]


def _package(
    tx: Tx, bill: Bill, grant: Grant, versions: list[Contract], chosen: Contract
) -> Promised:
    starts, ends = contract_span(versions, chosen, bill.month)
    ends = max(ends, midnight(grant.ends_on, chosen.zone)) if chosen.ends_at is None else ends
    promised = package_of(grant, chosen.zone, (chosen.contract_id, starts, ends))
    drawn = drawn_by(tx, bill.customer_id, grant.grant_id, bill.month)
    return replace(promised, used_up=drawn >= grant.amount_fen)
