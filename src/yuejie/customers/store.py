"""The only SQL about customers, projects and keys."""

from datetime import datetime
from typing import Final

from yuejie.customers.customer import Customer, Project
from yuejie.customers.key import ApiKey
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId, KeyId

OPERATOR_READS: Final = {
    "customer_by_slug": "the operator names a customer by its short name",
    "customers": "the operator lists its customers",
    "key_by_digest": "finds out whose key it is; there is no customer before it",
    "key_by_id": "the operator names a key by its id; the verb then checks the customer",
}
"""Reads that serve the operator or find the customer; all others take `customer_id` first."""

CUSTOMER_BY_SLUG: Final = """
    SELECT customer_id, slug, legal_name, uscc, tax_address, tax_phone, bank_name, bank_account,
           zone, currency, tag_names, state, created_at
    FROM customer
    WHERE slug = %(slug)s OR customer_id = %(slug)s
"""


def customer_by_slug(tx: Tx, slug: str) -> Customer | None:
    """Return the customer of that short name or id."""
    return tx.maybe(Customer, CUSTOMER_BY_SLUG, slug=slug)


CUSTOMERS: Final = """
    SELECT customer_id, slug, legal_name, uscc, tax_address, tax_phone, bank_name, bank_account,
           zone, currency, tag_names, state, created_at
    FROM customer
    WHERE slug > %(after)s
    ORDER BY slug
    LIMIT %(limit)s
"""


def customers(tx: Tx, *, after: str = "", limit: int | None = None) -> list[Customer]:
    """Return the customers by short name, from behind `after` on."""
    return tx.rows(Customer, CUSTOMERS, after=after, limit=limit)


INSERT_CUSTOMER: Final = """
    INSERT INTO customer (customer_id, slug, legal_name, uscc, tax_address, tax_phone, bank_name,
                          bank_account, zone, currency, tag_names, state, created_at)
    VALUES (%(customer_id)s, %(slug)s, %(legal_name)s, %(uscc)s, %(tax_address)s, %(tax_phone)s,
            %(bank_name)s, %(bank_account)s, %(zone)s, %(currency)s, %(tag_names)s, %(state)s,
            %(created_at)s)
    ON CONFLICT (customer_id) DO UPDATE
    SET legal_name = EXCLUDED.legal_name, uscc = EXCLUDED.uscc,
        tax_address = EXCLUDED.tax_address, tax_phone = EXCLUDED.tax_phone,
        bank_name = EXCLUDED.bank_name, bank_account = EXCLUDED.bank_account,
        tag_names = EXCLUDED.tag_names, state = EXCLUDED.state
"""


def save_customer(tx: Tx, customer: Customer) -> None:
    """Write a customer; its zone and currency are settled by the contract and never move here."""
    tx.run(
        INSERT_CUSTOMER,
        customer_id=customer.customer_id,
        slug=customer.slug,
        legal_name=customer.legal_name,
        uscc=customer.uscc,
        tax_address=customer.tax_address,
        tax_phone=customer.tax_phone,
        bank_name=customer.bank_name,
        bank_account=customer.bank_account,
        zone=customer.zone,
        currency=customer.currency,
        tag_names=customer.tag_names,
        state=customer.state,
        created_at=customer.created_at,
    )


PROJECTS: Final = """
    SELECT project_id, customer_id, parent_id, name, department, environment,
           allowed_providers, allowed_regions, created_at
    FROM project
    WHERE customer_id = %(customer_id)s
    ORDER BY name
"""


def projects(tx: Tx, customer_id: CustomerId) -> list[Project]:
    """Return a customer's projects by name."""
    return tx.rows(Project, PROJECTS, customer_id=customer_id)


PROJECT_BY_NAME: Final = """
    SELECT project_id, customer_id, parent_id, name, department, environment,
           allowed_providers, allowed_regions, created_at
    FROM project
    WHERE customer_id = %(customer_id)s AND (name = %(name)s OR project_id = %(name)s)
"""


def project_by_name(tx: Tx, customer_id: CustomerId, name: str) -> Project | None:
    """Return a customer's project of that name or id."""
    return tx.maybe(Project, PROJECT_BY_NAME, customer_id=customer_id, name=name)


SAVE_PROJECT: Final = """
    INSERT INTO project (project_id, customer_id, parent_id, name, department, environment,
                         allowed_providers, allowed_regions, created_at)
    VALUES (%(project_id)s, %(customer_id)s, %(parent_id)s, %(name)s, %(department)s,
            %(environment)s, %(allowed_providers)s, %(allowed_regions)s, %(created_at)s)
    ON CONFLICT (project_id) DO UPDATE
    SET parent_id = EXCLUDED.parent_id, department = EXCLUDED.department,
        environment = EXCLUDED.environment, allowed_providers = EXCLUDED.allowed_providers,
        allowed_regions = EXCLUDED.allowed_regions
"""


def save_project(tx: Tx, project: Project) -> None:
    """Write a project; the name is its identity and does not move."""
    tx.run(
        SAVE_PROJECT,
        project_id=project.project_id,
        customer_id=project.customer_id,
        parent_id=project.parent_id,
        name=project.name,
        department=project.department,
        environment=project.environment,
        allowed_providers=project.allowed_providers,
        allowed_regions=project.allowed_regions,
        created_at=project.created_at,
    )


KEYS: Final = """
    SELECT key_id, customer_id, project_id, name, digest, hint, tags, task_type, priority, models,
           created_at, expires_at, revoked_at, replaced_by
    FROM api_key
    WHERE customer_id = %(customer_id)s
    ORDER BY created_at, key_id
"""


def keys(tx: Tx, customer_id: CustomerId) -> list[ApiKey]:
    """Return a customer's keys, the oldest first."""
    return tx.rows(ApiKey, KEYS, customer_id=customer_id)


KEY_BY_ID: Final = """
    SELECT key_id, customer_id, project_id, name, digest, hint, tags, task_type, priority, models,
           created_at, expires_at, revoked_at, replaced_by
    FROM api_key
    WHERE key_id = %(key_id)s
    FOR UPDATE
"""


def key_by_id(tx: Tx, key_id: KeyId) -> ApiKey | None:
    """Return a key and hold its row until the transaction ends."""
    return tx.maybe(ApiKey, KEY_BY_ID, key_id=key_id)


KEY_BY_DIGEST: Final = """
    SELECT key_id, customer_id, project_id, name, digest, hint, tags, task_type, priority, models,
           created_at, expires_at, revoked_at, replaced_by
    FROM api_key
    WHERE digest = %(digest)s
"""


def key_by_digest(tx: Tx, digest: bytes) -> ApiKey | None:
    """Return the key with that digest: whose key is it?"""
    return tx.maybe(ApiKey, KEY_BY_DIGEST, digest=digest)


INSERT_KEY: Final = """
    INSERT INTO api_key (key_id, customer_id, project_id, name, digest, hint, tags, task_type,
                         priority, models, created_at, expires_at)
    VALUES (%(key_id)s, %(customer_id)s, %(project_id)s, %(name)s, %(digest)s, %(hint)s, %(tags)s,
            %(task_type)s, %(priority)s, %(models)s, %(created_at)s, %(expires_at)s)
"""


def insert_key(tx: Tx, key: ApiKey) -> None:
    """Write a fresh key."""
    tx.run(
        INSERT_KEY,
        key_id=key.key_id,
        customer_id=key.customer_id,
        project_id=key.project_id,
        name=key.name,
        digest=key.digest,
        hint=key.hint,
        tags=key.tags,
        task_type=key.task_type,
        priority=key.priority,
        models=key.models,
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


REVOKE_KEY: Final = """
    UPDATE api_key SET revoked_at = %(at)s WHERE key_id = %(key_id)s AND revoked_at IS NULL
"""


def revoke_key(tx: Tx, key_id: KeyId, at: datetime) -> bool:
    """End a key; False when it had ended before."""
    return tx.run(REVOKE_KEY, key_id=key_id, at=at) == 1


REPLACE_KEY: Final = """
    UPDATE api_key SET replaced_by = %(replaced_by)s, expires_at = %(expires_at)s
    WHERE key_id = %(key_id)s AND revoked_at IS NULL
"""


def replace_key(tx: Tx, key_id: KeyId, *, replaced_by: KeyId, expires_at: datetime) -> bool:
    """Let a key run out at `expires_at` because another takes its place."""
    return tx.run(REPLACE_KEY, key_id=key_id, replaced_by=replaced_by, expires_at=expires_at) == 1
