"""Furnish the practice house before its first month: prices, models, customers, people."""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Final

from yuejie.contracts.contract import Terms
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.publish import open_book
from yuejie.contracts.terms import CommercialTerms, Confirmation, SettlementOrder
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.customers.logins.keep import accept, invite
from yuejie.customers.logins.open import Guess
from yuejie.customers.members.enrol import enrol_member
from yuejie.db.session import Database
from yuejie.demo.practice.parties import MAIN, MODELS, PARTIES, Party, price_file
from yuejie.demo.practice.place import SELLER, Login
from yuejie.demo.simulators.launch import KEY
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.gateway.credentials import encrypt
from yuejie.kernel.errors import Unavailable
from yuejie.kernel.ids import BookId
from yuejie.payments.banks.keep import open_account
from yuejie.payments.dunning.sign import sign_contract
from yuejie.presales.prospects import grade_model
from yuejie.presales.requirement import Quality, TaskType
from yuejie.settings import Settings

BY: Final = "练习"
BANK: Final = "110912345610801"
TERMS: Final = CommercialTerms(
    confirmation=Confirmation.REQUIRED,
    payment_days=60,
    settlement_order=SettlementOrder.FAPIAO_FIRST,
)


TASKS: Final = {
    "客服": str(TaskType.SUPPORT),
    "文案": str(TaskType.WRITING),
    "研发助手": str(TaskType.CODE),
}
"""What each project's key says that it is for."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A customer, and the key of each of its projects."""

    customer: Customer
    keys: dict[str, str]


def offer(db: Database, settings: Settings, upstream: str, *, now: datetime) -> None:
    """Publish both books and offer the models, served by simulated providers."""
    for kind in ("cost", "sale"):
        open_book(db, kind, kind=kind, currency="CNY", by=BY, now=now)
        wanted = PriceImport(
            name="practice.toml", body=price_file(kind), book_id=kind, starts_at=now, approve=True
        )
        report = import_prices(db, wanted, by=BY, now=now)
        if report.refused:
            raise Unavailable("练习价目没有导入：" + "；".join(report.lines()))
    for name, each in MODELS.items():
        account = AccountDraft(
            account_id=each.account,
            provider=each.provider,
            platform=each.platform,
            base_url=upstream,
            region="local",
            credential=encrypt(KEY, settings.credential_key, each.account),
        )
        put_account(db, account, by=BY, now=now)
        put_model(
            db,
            ModelDraft(model_id=name, owner=each.provider, context_window=128_000),
            by=BY,
            now=now,
        )
        place = DeploymentDraft(
            model_id=name,
            account_id=each.account,
            upstream_model=name,
            cost_model=each.cost_model,
        )
        put_deployment(db, place, by=BY, now=now)
        grade_model(db, name, Quality.STANDARD, tuple(TaskType), source="练习评测", by=BY, now=now)
    open_account(db, holder=SELLER, bank="招商银行", number=BANK, currency="CNY", by=BY, now=now)


def enrol(db: Database, settings: Settings, *, now: datetime) -> dict[Party, Enrolled]:
    """Enrol the customers with contract, projects, keys and titles; one key is never used."""
    found = {}
    for party in PARTIES:
        customer = enrol_customer(
            db,
            Particulars(slug=party.slug, legal_name=party.legal_name, uscc=party.uscc),
            by=BY,
            now=now,
        )
        terms = Terms(
            customer_id=customer.customer_id,
            sale_book=BookId("sale"),
            currency="CNY",
            starts_at=now,
            commercial=TERMS,
        )
        sign_contract(db, terms, by=BY, now=now)
        ring: dict[str, str] = {}
        for project in party.projects:
            add_project(
                db,
                customer.customer_id,
                ProjectDraft(name=project, department=f"{project}部"),
                by=BY,
                now=now,
            )
            draft = KeyDraft(project=project, name=f"{project}-后端", task_type=TASKS[project])
            issued = issue_key(db, customer, draft, pepper=settings.pepper, by=BY, now=now)
            ring[project] = issued.key.key_id
        idle = KeyDraft(project=party.projects[0], name="旧系统")
        issue_key(db, customer, idle, pepper=settings.pepper, by=BY, now=now)
        title = TitleDraft(
            name=party.legal_name, tax_number=party.uscc, emails=("finance@example.com",)
        )
        open_title(db, party.slug, title, by=BY, now=now)
        found[party] = Enrolled(customer, ring)
    return found


def admit(db: Database, settings: Settings, *, now: datetime) -> list[Login]:
    """Enrol the people to practise as, each with a password of its own."""
    people = (
        ("客户财务", "练习客户财务", "finance", MAIN.slug),
        ("客户管理员", "练习客户管理员", "admin", MAIN.slug),
        ("客户开发", "练习客户开发", "developer", MAIN.slug),
        ("运营财务", "练习运营财务", "finance", None),
        ("运营管理员", "练习运营管理员", "admin", None),
    )
    found = []
    for who, name, role, slug in people:
        pepper = settings.pepper
        enrol_member(db, name, role, customer=slug, pepper=pepper, by=BY, now=now)
        link = invite(db, name, within=None, pepper=pepper, by=BY, now=now)
        login = Login(who, name, token_urlsafe(9))
        accept(db, link.secret, Guess(name, login.password), pepper=pepper, now=now)
        found.append(login)
    return found
