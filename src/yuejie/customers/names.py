"""What people call the things of a customer."""

from yuejie.customers.customer import Customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Tx


def names_of(tx: Tx, customer: Customer) -> dict[str, str]:
    """Return what people call a customer's projects and keys."""
    named = {each.key_id: f"{each.name}（{each.hint}）" for each in keys(tx, customer.customer_id)}
    return named | {each.project_id: each.name for each in projects(tx, customer.customer_id)}
