"""What cloud bills cost us in a month, and what they are sold for under the contract at its end."""

from collections.abc import Iterator
from dataclasses import dataclass

from yuejie.assurance.clouds import store
from yuejie.contracts.agreed.cloud import CloudBasis, CloudTerms, agreed_of
from yuejie.contracts.terms import decode_terms
from yuejie.db.session import Tx
from yuejie.kernel.money import PPM


@dataclass(frozen=True, slots=True)
class CloudWorth:
    """A customer's cost of a service, and what it is sold for; nothing where nobody agreed.

    `sale_ppm` is 1 + mark-up, 0 where it is not passed on; `included_tax_ppm` as for usage.
    """

    customer_id: str
    customer: str
    contract_id: str
    contract_currency: str | None
    name: str
    currency: str
    cost_pico: int
    sale_ppm: int
    included_tax_ppm: int


def cloud_worth(tx: Tx, month: str) -> Iterator[CloudWorth]:
    """Yield what everybody's clouds cost in a month, under the contract at its end."""
    for row in store.worth(tx, month):
        terms = agreed_of(_terms(row.terms), row.source)
        passed = terms is not None and row.category not in terms.leave_out
        effective = terms is not None and terms.basis is CloudBasis.EFFECTIVE
        first, other = row.billed_pico, row.effective_pico
        cost = (other or first or 0) if effective else (first or other or 0)
        yield CloudWorth(
            row.customer_id,
            row.customer,
            row.contract_id,
            row.contract_currency,
            f"云 {row.source} {row.service}",
            row.currency,
            int(cost),
            PPM + terms.markup(row.service) if terms is not None and passed else 0,
            row.included_tax_ppm,
        )


def _terms(kept: str | None) -> tuple[CloudTerms, ...]:
    return decode_terms(kept).clouds if kept else ()
