"""What no contract can say is refused at every door, in the same words, and nothing is kept."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run
from tests.rooms.web.conftest import OPERATOR, PRICES, TOKEN, desk_at
from tests.rooms.web.test_pages import HTML, PASSWORD, token_in
from tests.scenarios.books import Books, FixedClock
from yuejie.apply import Applying, apply_house
from yuejie.cli.agreed.contracts import contracts
from yuejie.contracts.life.store import drafts_of
from yuejie.contracts.store import contracts as signed_contracts
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.house_file import read_house_file
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.web.app import make_app

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
STARTS = "2026-12-01T00:00:00+08:00"
YEAR = {"type": "one_year", "credit_class": "medium", "ends_on": "2027-12-01"}
HUGE = "1" + "0" * 30


def steps(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"tier_discount": {"steps": [{"above": a, "discount": d} for a, d in pairs]}}


def promise(**changes: Any) -> dict[str, Any]:
    sla: dict[str, Any] = {
        "availability": "99.9%",
        "steps": [{"below": "99.9%", "credit": "10%"}],
    }
    return {"sla": sla | changes}


ABSURD: dict[str, tuple[dict[str, Any], str]] = {
    "an amount that no column holds": ({"commitment": {"amount": HUGE}}, "超出可记的范围"),
    "a fee of as much": ({"management_fee": HUGE}, "超出可记的范围"),
    "a limit of as much": ({"credit_limit": "1e30"}, "超出可记的范围"),
    "no amount": ({"deposit": "NaN"}, "不是最多 2 位小数的数字"),
    "a minimum in another currency": (
        {"commitment": {"amount": "100", "currency": "USD"}},
        "commitment.currency 这一项",
    ),
    "steps out of order": (steps(("100", "5%"), ("50", "6%")), "从低到高"),
    "a step twice": (steps(("100", "5%"), ("100", "6%")), "从低到高"),
    "a discount that falls": (steps(("100", "50%"), ("200", "6%")), "随用量增加而不减少"),
    "more than everything off": (steps(("0", "101%")), "0% 到 100%"),
    "a break fee above all": ({"break_fee": {"share": "101%"}}, "0% 到 100%"),
    "the 31st": ({"settlement_day": 31}, "每月 1 至 28 日"),
    "a lock before the start": ({"price_lock_until": "2026-12-01"}, "须晚于起日"),
    "a lock beyond the end": (
        {"price_lock_until": "2028-01-01", "renewal": "none"},
        "锁价期 2028-01-01 晚于止日 2027-12-01",
    ),
    "a notice that nobody can give": (
        {"renewal": "auto", "notice_days": 365},
        "须少于合同期的 365 天",
    ),
    "waiting in a circle": ({"due_basis": "fapiao_receipt"}, "永无到期之日"),
    "an order of two lines": ({"purchase_order": "PO-1\nPO-2"}, "须为一行文字"),
    "an order of a book": ({"purchase_order": "P" * 100_000}, "不超过 100 个字符"),
    "an order that turns what follows": ({"purchase_order": "PO\u202e1"}, "没有不可见字符"),
    "an order with a NUL": ({"purchase_order": "P\x00O"}, "控制字符 U+0000"),
    "a clause with a NUL": ({"extra": {"其他": "甲\x00乙"}}, "控制字符 U+0000"),
    "a clause of a book": ({"extra": {"其他": "长" * 100_000}}, "不超过 5000 个字符"),
    "a cloud with a NUL": ({"clouds": [{"source": "aws\x00"}]}, "控制字符 U+0000"),
    "calls without number": (promise(operations_min=10**30), "不能超过 1000000000"),
    "an answer in eons": (promise(response_minutes=[1, 2, 3, 10**30]), "响应分钟数不能超过"),
}


@dataclass
class Doors:
    """A house without a contract, and every way into it."""

    db: Database
    url: str
    clock: FixedClock
    client: TestClient
    folder: Path

    def api(self, facts: dict[str, Any]) -> str:
        body = facts | {"customer": "acme"}
        answer = self.client.post(
            "/api/v1/contract-drafts",
            content=json.dumps(body),
            headers=OPERATOR | {"content-type": "application/json"},
        )
        assert answer.status_code == 422, answer.text
        return str(answer.json()["detail"]).partition("：")[2]

    def command(self, facts: dict[str, Any]) -> str:
        path = self.folder / "draft.toml"
        path.write_text(_toml(facts))
        words = ("draft", str(path), "--customer", "acme")
        with pytest.raises(Invalid) as refusal:
            run(contracts, self.url, NOW, *words)
        return refusal.value.sentence

    def file(self, facts: dict[str, Any]) -> str:
        """Name another customer, who is not to be there either."""
        text = f'[[customer]]\nslug = "zeta"\nlegal_name = "新客户"\ncontract = {_value(facts)}\n'
        applying = Applying(
            db=self.db,
            pepper=bytes(32),
            credential_key=bytes(32),
            by="op",
            now=NOW,
            folder=self.folder,
            environ={},
        )
        with pytest.raises(DomainError) as refusal:
            list(apply_house(read_house_file(text, "house.toml"), applying))
        return refusal.value.sentence.removeprefix("customer zeta：")

    def nothing_is_kept(self) -> bool:
        with self.db.read() as tx:
            who = find_customer(tx, "acme")
            kept = (*drafts_of(tx, who.customer_id), *signed_contracts(tx))
            return not kept and [each.slug for each in customers(tx)] == ["acme"]


def _toml(facts: dict[str, Any]) -> str:
    return "\n".join(f"{name} = {_value(value)}" for name, value in facts.items())


def _value(value: object) -> str:
    """Write a value as TOML; a day is no text there."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return json.dumps(value)


@pytest.fixture
def doors(database: Database, database_url: str, tmp_path: Path) -> Iterator[Doors]:
    clock = FixedClock(NOW)
    Books(database).prices(PRICES, currency="CNY")
    with TestClient(make_app(desk_at(database, clock)), follow_redirects=False) as client:
        whom = {"legal_name": "示例制造有限公司"}
        assert client.put("/api/v1/customers/acme", json=whom, headers=OPERATOR).is_success
        yield Doors(database, database_url, clock, client, tmp_path)


def test_an_absurd_term_is_refused_alike_at_every_door(doors: Doors) -> None:
    for case, (terms, said) in ABSURD.items():
        facts = {"book": "list", "starts_at": STARTS, "terms": YEAR | terms}
        sentences = [doors.api(facts), doors.command(facts), doors.file(facts)]
        assert all(said in sentence for sentence in sentences), (case, sentences)
        if "这一项" not in said:
            assert len(set(sentences)) == 1, (case, sentences)
        assert doors.nothing_is_kept(), case


def test_what_a_signature_would_refuse_no_draft_says(doors: Doors) -> None:
    for facts, said in (
        ({"currency": "EUR"}, "EUR"),
        ({"currency": "USD"}, "请约定汇率方式"),
        ({"fx_policy": "card"}, "汇率方式请写 none"),
        ({"tax_mode": "free"}, "计税方式“free”"),
        ({"tax_ppm": -5}, "税率 -5 ppm 超出范围"),
        ({"starts_at": "0001-01-01T00:00:00"}, "1900 到 8999"),
    ):
        whole = {"book": "list", "starts_at": STARTS, "terms": YEAR} | facts
        for refusal in (doors.command(whole), doors.file(whole)):
            assert said in refusal, (facts, refusal)
        assert doors.nothing_is_kept(), facts


def test_the_page_refuses_in_the_same_words(doors: Doors) -> None:
    client = doors.client
    client.headers.update(HTML)
    setup = {"token": TOKEN, "name": "王管理", "password": PASSWORD}
    assert client.post("/setup", data=setup).status_code == 303
    token = token_in(client.get("/drafts/new"))
    form = {"customer": "acme", "book": "list", "starts_on": "2026-12-01", "form_token": token}
    for field, value, said in [
        ("commitment", HUGE, "超出可记的范围"),
        ("management_fee", "-1", "不能为负"),
        ("discount", "101%", "0% 到 100%"),
        ("discount", "-5%", "0% 到 100%"),
        ("payment_days", "3651", "不能超过 3650 天"),
        ("ends_on", "2026-12-01", "须晚于起日"),
        ("purchase_order", "PO-1\nPO-2", "须为一行文字"),
        ("purchase_order", "PO\x00", ""),
        ("remark", "甲\x00乙", ""),
    ]:
        page = client.post("/drafts", data=form | {field: value})
        assert (page.status_code, said in page.text) == (422, True), (field, value)
    assert doors.nothing_is_kept()
