"""A small shop: two customers with contracts, a tree of projects, prices, one provider."""

from dataclasses import dataclass
from datetime import UTC, datetime

from yuejie.contracts.catalog import Deployment, Model, ProviderAccount
from yuejie.contracts.contract import Terms
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.publish import open_book
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import save_account, save_deployment, save_model
from yuejie.customers.customer import Customer, Project
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.db.session import Database
from yuejie.kernel.ids import AccountId, BookId, DeploymentId

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
BY = "clerk"
SALE = """
currency = "USD"
[models."gpt-4o"]
input = "5"
cache_read = "2.5"
output = "15"
[models."gpt-3.5-turbo"]
input = "0.5"
output = "1.5"
"""
COST = """
currency = "USD"
[models."openai/gpt-4o"]
input = "2.5"
cache_read = "1.25"
output = "10"
[models."openai/gpt-3.5-turbo"]
input = "0.5"
output = "1.5"
"""
SEARCHES = """
currency = "USD"
[models."{}gpt-4o"]
input = "5"
cache_read = "2.5"
output = "15"
web_searches = "0.01"
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """What the tests need to know of it."""

    acme: Customer
    other: Customer
    main: Project
    child: Project
    key_id: str


def publish(db: Database, book_id: str, toml: str, starts: datetime = FOUNDED) -> None:
    """Publish prices, approved."""
    wanted = PriceImport(
        name="prices.toml", body=toml.encode(), book_id=book_id, starts_at=starts, approve=True
    )
    report = import_prices(db, wanted, by=BY, now=datetime(2026, 11, 1, tzinfo=UTC))
    assert not report.refused, report.lines()


def open_shop(db: Database) -> Shop:
    """Set the shop up through its own verbs."""
    for book_id, kind, toml in (("sale", "sale", SALE), ("cost", "cost", COST)):
        open_book(db, book_id, kind=kind, currency="USD", by=BY, now=FOUNDED)
        publish(db, book_id, toml)
    account = ProviderAccount(
        account_id=AccountId("acc"),
        provider="openai",
        platform="openai",
        base_url="https://api.example.com",
        region="us",
        credential=b"x",
        state="active",
        created_at=FOUNDED,
    )
    with db.begin() as tx:
        save_account(tx, account)
    for name in ("gpt-4o", "gpt-3.5-turbo"):
        _offer(db, name)
    acme, other = _enrol(db, "acme"), _enrol(db, "other")
    main = _project(db, acme, "main", "平台部")
    child = _project(db, acme, "child", "研发部", parent="main")
    _project(db, other, "main", "")
    key = issue_key(
        db, acme, KeyDraft(project="main", name="k"), pepper=bytes(32), by=BY, now=FOUNDED
    )
    return Shop(acme, other, main, child, key.key.key_id)


def _offer(db: Database, name: str) -> None:
    model = Model(name, "chat", "", None, None, [], None, None, None, "active", FOUNDED)
    deployment = Deployment(
        deployment_id=DeploymentId(f"dep-{name}"),
        model_id=name,
        account_id=AccountId("acc"),
        upstream_model=name,
        cost_model=f"openai/{name}",
        priority=0,
        weight=1,
        state="active",
        created_at=FOUNDED,
    )
    with db.begin() as tx:
        save_model(tx, model)
        save_deployment(tx, deployment)


def _enrol(db: Database, slug: str) -> Customer:
    customer = enrol_customer(
        db,
        Particulars(slug=slug, legal_name=f"{slug} 有限公司", currency="USD", tag_names=["team"]),
        by=BY,
        now=FOUNDED,
    )
    terms = Terms(
        customer_id=customer.customer_id,
        sale_book=BookId("sale"),
        currency="USD",
        starts_at=FOUNDED,
    )
    sign_contract(db, terms, by=BY, now=FOUNDED)
    return customer


def _project(
    db: Database, customer: Customer, name: str, department: str, parent: str | None = None
) -> Project:
    draft = ProjectDraft(name=name, parent=parent, department=department, environment="prod")
    return add_project(db, customer.customer_id, draft, by=BY, now=FOUNDED)
