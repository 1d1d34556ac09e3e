"""The office of a story: a console on a real database, people who ask it, a clock that moves.

What has a route goes through HTTP under the token of whoever does it. Three things have none and
are done beside it: the price books and the catalogue, which the house file brings; the clerk's
rounds, which make themselves; the gateway's snapshot, which intake writes.
"""

import csv
import io
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient

from tests.rooms.fapiao.shop import nuonuo_at
from tests.rooms.notices.desk import Memory
from tests.rooms.web.conftest import OPERATOR, PEPPER, bearer
from tests.scenarios.bank import HEAD, NUMBER
from tests.scenarios.books import FOUNDED, Books, FixedClock
from yuejie.clerk import Clerk
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.customers.key import digest_of
from yuejie.db.session import Database
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.issuing.tend import tend
from yuejie.gateway.publish import load
from yuejie.gateway.refusal import Dialect, Refused
from yuejie.gateway.rights.admission import Admission
from yuejie.gateway.rights.view import View
from yuejie.kernel.money import FEN, exact, plain
from yuejie.notices.deliver import deliver_due
from yuejie.web.auth import API

SHANGHAI = ZoneInfo("Asia/Shanghai")
BY = "house file"
TAX_OFFICE_SECONDS = 3
ROUNDS = 40
"""So many rounds are more than the tax office needs for an order, its seal, files and delivery."""
Json = Any


@dataclass(frozen=True)
class Person:
    """Somebody with a token; every deed comes a second after the one before."""

    client: TestClient
    clock: FixedClock
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        """Ask and be answered."""
        if method != "GET":
            self.clock.at += timedelta(seconds=1)
        answer = self.client.request(method, f"{API}{path}", json=body, headers=dict(self.headers))
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()

    def get(self, path: str) -> Json:
        return self.ask("GET", path)

    def post(self, path: str, **body: Json) -> Json:
        return self.ask("POST", path, body)

    def put(self, path: str, **body: Json) -> Json:
        return self.ask("PUT", path, body)

    def all(self, path: str) -> list[Json]:
        """Return the items of a list; a story's are on one page."""
        page = self.get(path)
        assert page["next_cursor"] is None
        items: list[Json] = page["items"]
        return items

    def is_refused(self, path: str, **body: Json) -> str:
        """Ask for what may not be, and return the sentence that says why."""
        answer = self.client.post(f"{API}{path}", json=body, headers=dict(self.headers))
        assert 400 <= answer.status_code < 500, (path, answer.text)
        said: str = answer.json()["detail"]
        return said

    def file(self, path: str) -> bytes:
        """Take a document away."""
        answer = self.client.get(f"{API}{path}", headers=dict(self.headers))
        assert answer.status_code == 200, (path, answer.text)
        return answer.content


@dataclass
class Office:
    """The operator's side: its people, its bank account, its clerk, its way to the tax office."""

    db: Database
    client: TestClient
    clock: FixedClock
    tax: TaxPlatform
    post: Memory = field(default_factory=Memory)
    clerk: Clerk = field(default_factory=Clerk)
    balance_fen: int = 1_000_000_00
    serial: int = 0

    def __post_init__(self) -> None:
        self.nuonuo = nuonuo_at(self.db, self.tax.url)
        self.operator = Person(self.client, self.clock, OPERATOR)
        self.sales = self.member("sales", "sales")
        self.finance = self.member("finance", "finance")
        self.boss = self.member("boss", "admin")
        self.finance.post(
            "/bank/accounts", number=NUMBER, holder="月结示例科技有限公司", bank="招商银行"
        )

    def member(self, name: str, role: str, customer: str | None = None) -> Person:
        """Enrol somebody, who from then on asks under a token of their own."""
        told = self.operator.post("/members", name=name, role=role, customer=customer)
        return Person(self.client, self.clock, bearer(told["token"]))

    def sells(self, prices: str, *models: str, currency: str = "USD") -> None:
        """Publish the books and offer the models, as the house file does."""
        Books(self.db).prices(prices, currency=currency)
        account = AccountDraft(
            account_id="sim",
            provider="openai",
            platform="openai",
            base_url="http://127.0.0.1:1",
            region="cn",
            credential=b"sealed",
        )
        put_account(self.db, account, by=BY, now=FOUNDED)
        for name in models:
            put_model(self.db, ModelDraft(model_id=name, owner="openai"), by=BY, now=FOUNDED)
            draft = DeploymentDraft(
                model_id=name,
                account_id="sim",
                upstream_model=name,
                cost_model=f"openai/{name}",
                name=name,
            )
            put_deployment(self.db, draft, by=BY, now=FOUNDED)

    def at(self, when: str) -> None:
        """Let time pass until a wall-clock moment in Shanghai; then the clerk makes its round."""
        moment = datetime.fromisoformat(when).replace(tzinfo=SHANGHAI).astimezone(UTC)
        assert moment >= self.clock.at, "time only passes"
        self.clock.at = moment
        self.goes_round()

    def goes_round(self) -> None:
        """Let a minute pass, the clerk make its round and the post go out."""
        self.clock.at += timedelta(minutes=1)
        self.clerk.make_round(self.db, self.clock.at)
        while deliver_due(self.db, self.post, self.clock.at):
            pass

    def told(self, kind: str) -> list[Mapping[str, str]]:
        """Return the facts of every notice of a kind that went out to a customer's channel."""
        return [
            each.facts for parcel in self.post.parcels for each in parcel.told if each.kind == kind
        ]

    def signs(self, company: "Company", **draft: Json) -> Json:
        """Have a contract drafted by sales, reviewed by finance, signed by the head."""
        review = draft.pop("review")
        facts = {"customer": company.slug, "book": "list"} | draft
        name = self.sales.post("/contract-drafts", **facts)["draft_id"]
        self.sales.post(f"/contract-drafts/{name}/submit")
        reviewed = self.finance.post(f"/contract-drafts/{name}/review", **review)
        assert "无权" in self.sales.is_refused(f"/contract-drafts/{name}/sign")
        return self.boss.post(f"/contract-drafts/{name}/sign", digest=reviewed["digest"])

    def closes(self, month: str) -> None:
        """Close a month for everybody."""
        closed = self.finance.post("/bills/close", month=month, commit=True)
        assert all(row["done"] == "drafted" for row in closed["customers"]), closed

    def bills(self, company: "Company", month: str) -> Json:
        """Propose a drafted bill, have it confirmed by its customer, and issue it."""
        bill = company.bill(month)["bill_id"]
        self.finance.post(f"/bills/{bill}/propose")
        company.finance.post(f"/bills/{bill}/confirm")
        return self.finance.post(f"/bills/{bill}/issue")

    def bank_line(self, on: str, payer: str, yuan: str, memo: str = "") -> Json:
        """Import a statement with one line of money in, as the bank's website exports it."""
        self.serial += 1
        self.balance_fen += fen(yuan)
        facts = {
            "交易日期": on,
            "交易流水号": f"CMB{self.serial:012d}",
            "贷方发生额": yuan,
            "余额": plain(self.balance_fen, FEN),
            "对方户名": payer,
            "对方账号": "6222000011112222",
            "摘要": memo,
        }
        text = io.StringIO()
        rows = [["账号", NUMBER], HEAD, [facts.get(column, "") for column in HEAD], ["合计", ""]]
        csv.writer(text).writerows(rows)
        content = b64encode(text.getvalue().encode("gbk")).decode()
        return self.finance.post(
            f"/bank/accounts/{NUMBER}/statements", name=f"流水{on}.csv", content=content
        )

    def hears_from_the_tax_office(self) -> None:
        """Let time pass, here and there, while the clerk runs the errands of fapiao."""
        for _ in range(ROUNDS):
            self.clock.at += timedelta(seconds=TAX_OFFICE_SECONDS)
            self.tax.tell("clock", at=self.clock.at.isoformat())
            tend(self.db, self.nuonuo, now=self.clock.at)
            if not self.finance.get("/fapiao-errands"):
                return
        raise AssertionError(self.finance.get("/fapiao-errands"))

    def newest_receipt(self) -> Json:
        return self.finance.all("/receipts")[-1]

    def admits(self, secret: str, model: str) -> bool | str:
        """Ask a gateway that has just read the snapshot; a refusal says its code."""
        with self.db.read(consistent=True) as tx:
            view = View(load(tx), lambda _: "sk-upstream")
        moment = int(self.clock.at.timestamp()) * 1_000_000
        digest = digest_of(secret, PEPPER)
        judged = Admission(view).admit(digest, "", model, Dialect.OPENAI, "/v1", now_us=moment)
        return judged.code.name if isinstance(judged, Refused) else True


class Company:
    """A customer: its projects, its keys, its finance."""

    def __init__(
        self, office: Office, slug: str, legal_name: str, uscc: str, *projects: str
    ) -> None:
        self.office, self.slug, self.legal_name, self.uscc = office, slug, legal_name, uscc
        office.sales.put(f"/customers/{slug}", legal_name=legal_name, uscc=uscc)
        for name in projects:
            office.sales.post(f"/customers/{slug}/projects", name=name)
        self.finance = office.member(f"{slug}.finance", "finance", slug)
        contact = office.sales.post(f"/notices/contacts?customer={slug}", name="财务")
        office.sales.post(
            f"/notices/contacts/{contact['contact_id']}/channels",
            kind="webhook",
            address=f"https://{slug}.example.com/hooks",
        )
        self.finance.post(
            "/fapiao/titles",
            name=legal_name,
            tax_number=uscc,
            emails=[f"ap@{slug}.example.com"],
        )
        self._pushed = 0

    def key(self, project: str, name: str) -> Json:
        """Have a key issued."""
        return self.office.sales.post(f"/customers/{self.slug}/keys", project=project, name=name)

    def uses(
        self, project: str, model: str, calls: Sequence[tuple[str, int, int]], *, key: str = ""
    ) -> None:
        """Report calls, or sums of calls, by the API: when in Shanghai, tokens in, tokens out."""
        events = []
        for when, tokens_in, tokens_out in calls:
            self._pushed += 1
            events.append(
                {
                    "id": f"{self.slug}-{self._pushed}",
                    "customer": self.slug,
                    "project": project,
                    "key": key,
                    "model": model,
                    "meters": {"input": tokens_in, "output": tokens_out},
                    "started_at": f"{when}+08:00",
                }
            )
        told = self.office.operator.post("/usage/events", source="pipeline", events=events)
        assert told["stored"] == len(events)

    def bill(self, month: str) -> Json:
        """Return the one bill of a month, whole."""
        (head,) = self.office.finance.all(f"/bills?customer={self.slug}&month={month}")
        return self.office.finance.get(f"/bills/{head['bill_id']}")

    def standing(self) -> Json:
        """Return how the customer stands, as it sees that itself."""
        return self.finance.get(f"/customers/{self.slug}/standing")

    def pays(self, on: str, bill: Json, yuan: str | None = None) -> Json:
        """Pay a bill by bank transfer, its number in the memo."""
        return self.office.bank_line(
            on, self.legal_name, yuan or bill["gross"]["amount"], f"货款 {bill['number']}"
        )

    def takes_fapiao(self, *bills: Json) -> Json:
        """Request one fapiao of bills, have it approved and issued, and look at it."""
        numbers = [{"bill": bill["number"]} for bill in bills]
        (asked,) = self.finance.post("/fapiao", bills=numbers)
        self.office.finance.post(f"/fapiao/{asked['fapiao_id']}/approve")
        self.office.hears_from_the_tax_office()
        fapiao = self.finance.get(f"/fapiao/{asked['fapiao_id']}")
        assert fapiao["state"] == "issued"
        assert fapiao["delivered_at"] is not None
        assert [file["format"] for file in fapiao["files"]] == ["ofd", "pdf", "xml"]
        xml = self.finance.file(f"/fapiao/{fapiao['number']}/files/xml")
        assert fapiao["number"].encode() in xml
        return fapiao


def fen(amount: Json) -> int:
    """Return an amount of the wire in fen."""
    return exact(amount if isinstance(amount, str) else amount["amount"], FEN, "金额")


def lines(bill: Json) -> list[str]:
    """Return a bill's lines as finance reads them."""
    return [
        f"{line['item'] or ' '.join((line['project'], line['model'], line['meter']))}"
        f" {line['amount']['amount']}"
        for line in bill["lines"]
    ]


def sum_of(bill: Json, *kinds: str) -> int:
    """Return what a bill's lines of some kinds come to, in fen."""
    return sum(fen(line["amount"]) for line in bill["lines"] if line["kind"] in kinds)


def fapiao_by_bill(company: Company) -> Counter[str]:
    """Return what each bill has on issued fapiao, in fen."""
    taken: Counter[str] = Counter()
    for head in company.finance.all("/fapiao"):
        assert head["state"] == "issued"
        for line in company.finance.get(f"/fapiao/{head['fapiao_id']}")["lines"]:
            taken[line["bill_id"]] += fen(line["gross"])
    return taken


def is_closed(company: Company, *months: str) -> None:
    """
    The books are closed: every bill is paid with nothing open, fapiao and the parts without one
    make the bill, the slow oracle finds no difference, the ledger holds, and the statement of
    account begins and ends at nothing.
    """
    office, slug = company.office, company.slug
    bills = [company.bill(month) for month in months]
    assert {bill["state"] for bill in bills} == {"paid"}
    taken = fapiao_by_bill(company)
    for bill in bills:
        assert taken[bill["bill_id"]] + fen(bill["without_fapiao"]) == fen(bill["gross"])
    for month in months:
        proof = office.finance.get(f"/proofs/{month}?customer={slug}")
        assert proof["proved"], proof
        assert len(proof["bills"]) == 1
    checks = office.finance.get("/ledger/check")
    assert checks["whole"], checks
    owed = company.finance.get(f"/customers/{slug}/receivables")
    assert {row["month"]: fen(row["open"]) for row in owed} == dict.fromkeys(months, 0)
    account = company.finance.get(f"/customers/{slug}/statement?since=2026-01-01&until=2027-02-01")
    assert (fen(account["opening"]), fen(account["closing"])) == (0, 0)
    assert account["open"] == []
    assert fen(company.finance.get("/fapiao/available")["available"]) == 0
