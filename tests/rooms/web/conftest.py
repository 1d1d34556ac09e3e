"""A console on a real database, with two customers whose rows must never meet."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg.conninfo import conninfo_to_dict

from tests.postgres import Urls, fresh_database
from tests.rooms.web.house import proposed
from tests.rooms.web.papers import papers_of
from tests.scenarios.books import FOUNDED, Books, FixedClock, Party
from yuejie.bills.bill import Bill
from yuejie.bills.documents.document import Seller
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.customers.keys import IssuedKey, KeyDraft, issue_key
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.db.transition import Transition
from yuejie.insights.advice import store as advising
from yuejie.insights.advice.advice import AdviceId, Change, Figure, Kind, Proposal
from yuejie.insights.anomaly.explain import Used, explain
from yuejie.insights.anomaly.finding import (
    Finding,
    FindingId,
    FindingState,
    Grain,
    Measure,
    Rule,
    Scope,
)
from yuejie.insights.anomaly.store import insert_finding
from yuejie.insights.reports.keep import add_report
from yuejie.insights.reports.report import ReportDraft, Spec
from yuejie.insights.reports.run import run_by_hand
from yuejie.kernel.clock import Clock
from yuejie.kernel.ids import mint
from yuejie.kernel.money import Money
from yuejie.notices.contacts import ChannelDraft, ContactDraft, add_channel, add_contact
from yuejie.presales.form import form_of
from yuejie.presales.prospects import enrol_prospect, hand_in_form
from yuejie.support.status.announce import IncidentDraft, announce
from yuejie.support.status.incident import IncidentKind
from yuejie.support.tickets.open import TicketDraft, open_ticket
from yuejie.support.tickets.ticket import Enclosed, Severity, TicketKind
from yuejie.web.app import build_app, furnish, make_app
from yuejie.web.desk import Desk
from yuejie.web.door import Door

PEPPER = b"p" * 32
TOKEN = "yj-operator-of-the-tests"
BY = "tests"
NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
OPERATOR = {"authorization": f"Bearer {TOKEN}"}
SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")
PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "5"
output = "15"

[models."lab/gpt-4o-mini"]
input = "1"
output = "3"
"""

FORM = {
    "company": {"name": "深圳金客科技有限公司"},
    "task": "support",
    "first_month": "2026-12",
    "models": ["gpt-4o"],
    "volume": {"items_per_day": 10},
    "tokens": {"input": 100, "output": 10},
}
"""What a company needs that is nobody's customer yet."""


def desk_at(db: Database, clock: Clock) -> Desk:
    return Desk(Door.opened(db), clock, SELLER, PEPPER, TOKEN, b"k" * 32)


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@dataclass
class House:
    """What happened before: two customers, their calls of October, a bill each."""

    books: Books
    acme: Party
    zeta: Party
    acme_key: IssuedKey
    zeta_key: IssuedKey
    acme_bill: Bill
    zeta_bill: Bill
    acme_call: str
    zeta_call: str
    zeta_title: str = ""
    zeta_contact: str = ""
    zeta_channel: str = ""
    zeta_finding: str = ""
    zeta_report: str = ""
    zeta_run: str = ""
    zeta_advice: str = ""
    zeta_ticket: str = ""
    incident: str = ""


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@cache
def application() -> FastAPI:
    """Build the application once per process: what differs from test to test is its desk."""
    return build_app()


@pytest.fixture
def app(database: Database, clock: FixedClock) -> FastAPI:
    app = application()
    furnish(app, desk_at(database, clock))
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def operator(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers=OPERATOR) as client:
        yield client


@dataclass(frozen=True)
class Furnished:
    """A house that was lived in once: every test that wants one is given a copy of it."""

    template: str
    db: Database
    house: House

    def copied_to(self, db: Database) -> House:
        """Return the house as it stands in a copy of its database."""
        return deepcopy(self.house, {id(self.db): db})


@pytest.fixture(scope="session")
def furnished(postgres: EmbeddedPostgres) -> Iterator[Furnished]:
    with fresh_database(postgres, "yuejie") as urls:
        with Database.open(urls.app, size=8, name="furnished") as db:
            house = inhabit(db)
        name = conninfo_to_dict(urls.app)["dbname"]
        yield Furnished(str(name), db, house)


@pytest.fixture
def database_urls(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Iterator[Urls]:
    template = "yuejie"
    if "house" in request.fixturenames:
        template = request.getfixturevalue("furnished").template
    with fresh_database(postgres, template) as urls:
        yield urls


@pytest.fixture
def house(database: Database, furnished: Furnished) -> House:
    """A house of one's own, to change."""
    return furnished.copied_to(database)


@dataclass
class Museum:
    """A house to look at: shared by the tests of a file, so nobody changes anything in it."""

    house: House
    operator: TestClient
    client: TestClient


@pytest.fixture(scope="module")
def museum(postgres: EmbeddedPostgres, furnished: Furnished) -> Iterator[Museum]:
    with (
        fresh_database(postgres, furnished.template) as urls,
        Database.open(urls.app, size=8, name="museum") as db,
    ):
        house = furnished.copied_to(db)
        app = make_app(desk_at(db, FixedClock(NOW)))
        with TestClient(app, headers=OPERATOR) as operator, TestClient(app) as client:
            yield Museum(house, operator, client)


def inhabit(db: Database) -> House:
    """Let two customers call in October, and bill them; a prospect has a proposal."""
    books = Books(db)
    books.prices(PRICES, currency="CNY")
    catalogue(db)
    acme, zeta = books.customer("acme"), books.customer("zeta")
    calls = [
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000, output=200_000)
        for party in (acme, zeta)
    ]
    books.close("2026-10")
    acme_bill, zeta_bill = (books.issue(party.bill("2026-10")) for party in (acme, zeta))
    contact, channel = hook_of(db, zeta)
    enrol_prospect(db, "jinke", "深圳金客科技有限公司", by=BY, now=NOW)
    hand_in_form(db, "jinke", form_of(FORM), by=BY, now=NOW)
    house = House(
        books,
        acme,
        zeta,
        key_of(db, acme),
        key_of(db, zeta),
        acme_bill,
        zeta_bill,
        f"req_{calls[0].begun.operation.hex()}",
        f"req_{calls[1].begun.operation.hex()}",
        zeta_title=papers_of(db, zeta, zeta_bill, NOW),
    )
    report, run = report_of(db, zeta)
    # Its paper takes over a second to set, in each copy of the house that has none yet.
    proposed(books)
    return replace(
        house,
        zeta_contact=contact,
        zeta_channel=channel,
        zeta_finding=finding_of(db, zeta),
        zeta_report=report,
        zeta_run=run,
        zeta_advice=advice_of(db, zeta),
        zeta_ticket=ticket_of(db, zeta, zeta_bill),
        incident=incident_of(db),
    )


def report_of(db: Database, party: Party) -> tuple[str, str]:
    """Save a customer's report and make it once."""
    draft = ReportDraft(name="月度用量", spec=Spec())
    report = add_report(db, party.customer.customer_id, draft, by=BY, now=NOW)
    made = run_by_hand(db, report, at=NOW, by=BY, now=NOW)
    return report.report_id, made.run.run_id


def advice_of(db: Database, party: Party, *, answered: bool = True) -> str:
    """Let a customer have been advised, and perhaps have said no."""
    customer_id, advice_id = party.customer.customer_id, AdviceId(mint("adv", NOW))
    figure = Figure(title="gpt-4o 换到 gpt-4o-mini", change=Change(model="gpt-4o"), steps=())
    found = Proposal(
        kind=Kind.CHEAPER_MODEL,
        slice="gpt-4o||-1",
        figure=figure,
        saving_pico=38 * 10**12,
        currency="CNY",
        saving=Money(38_00, "CNY"),
    )
    step = Transition(NOW, "dismiss", "proposed", "dismissed", "tests", "质量要求高")
    body: dict[str, Any] = {"parts": [], "agreed": [], "gaps": []}
    with db.begin() as tx:
        advising.insert(tx, customer_id, advice_id, found, NOW)
        advising.insert_figure(tx, advice_id, found, month="2026-10", at=NOW)
        assert not answered or advising.move(tx, customer_id, advice_id, step)
        row = advising.RoundRow("2026-10", NOW, "", 0, "CNY", body)
        advising.insert_round(tx, customer_id, row)
    return advice_id


def ticket_of(db: Database, party: Party, bill: Bill) -> str:
    """Let a customer have asked about the first line of a bill, and have been answered."""
    draft = TicketDraft(
        kind=TicketKind.BILLING,
        severity=Severity.S3,
        subject="第一行的数量与我方记录不符",
        text=f"{party.customer.legal_name} 自己的日志少 2 万 token，请核对。",
        bill=str(bill.number),
        line=1,
        files=[Enclosed("日志.csv", b"a,b\n")],
    )
    made = open_ticket(db, party.customer, draft, by="customer:赵", now=NOW)
    return made.ticket_id


def incident_of(db: Database) -> str:
    """Let the service have been degraded for an hour."""
    draft = IncidentDraft(
        kind=IncidentKind.INCIDENT,
        title="gpt-4o 响应变慢",
        title_en="gpt-4o is slow",
        text="供应商限流，正在切换线路。",
        text_en="The provider throttles us; we are moving traffic.",
        models=["gpt-4o"],
        starts_at=NOW - timedelta(hours=1),
    )
    return announce(db, draft, by=BY, now=NOW).incident.incident_id


def finding_of(db: Database, party: Party, key_id: str = "key_scenario") -> str:
    """Let a customer's tokens have been unusual for an hour, because of a key."""
    used = Used(key_id, "gpt-4o", 1_000_000)
    found = Finding(
        finding_id=FindingId(mint("anm", NOW)),
        customer_id=party.customer.customer_id,
        grain=Grain.HOUR,
        scope=Scope.CUSTOMER,
        name=party.customer.customer_id,
        measure=Measure.TOKENS,
        rule=Rule.SUDDEN,
        since=NOW - timedelta(hours=1),
        last_at=NOW,
        found_at=NOW,
        expected=50_000,
        observed=1_000_000,
        score_milli=4_000,
        key_id=used.key_id,
        model=used.model,
        shares=explain([used], []),
        extra_pico=5 * 10**12,
        currency="CNY",
        state=FindingState.OPEN,
        quiet=0,
        feedback="",
    )
    with db.begin() as tx:
        assert insert_finding(tx, found, key=f"tests:{found.finding_id}")
    return found.finding_id


def hook_of(db: Database, party: Party) -> tuple[str, str]:
    """Give a customer a contact with a webhook."""
    draft = ContactDraft(name="财务")
    contact = add_contact(db, party.customer.customer_id, draft, by=BY, now=NOW)
    hook = ChannelDraft(
        contact_id=contact.contact_id, kind="webhook", address="https://hooks.example.com/in"
    )
    made = add_channel(db, hook, credential_key=b"k" * 32, allowed=frozenset(), by=BY, now=NOW)
    return contact.contact_id, made.channel.channel_id


def catalogue(db: Database) -> None:
    """Offer two models, of which one has a slash in its name."""
    account = AccountDraft(
        account_id="sim",
        provider="openai",
        platform="openai",
        base_url="http://127.0.0.1:1",
        region="cn",
        credential=b"sealed",
    )
    put_account(db, account, by=BY, now=FOUNDED)
    for name in ("gpt-4o", "lab/gpt-4o-mini"):
        put_model(db, ModelDraft(model_id=name, owner="openai"), by=BY, now=FOUNDED)
        draft = DeploymentDraft(
            model_id=name,
            account_id="sim",
            upstream_model=name,
            cost_model=f"openai/{name}",
            name="sim" if name == "gpt-4o" else "",
        )
        put_deployment(db, draft, by=BY, now=FOUNDED)


def key_of(
    db: Database,
    party: Party,
    *,
    models: list[str] | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    draft = KeyDraft(project="main", name="后端", models=models, expires_at=expires_at)
    return issue_key(db, party.customer, draft, pepper=PEPPER, by=BY, now=NOW)
