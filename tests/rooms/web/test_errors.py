"""Every refusal is problem+json whose sentence begins with the request id."""

import json
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from tests.rooms.web.conftest import NOW, OPERATOR, SELLER, Museum, desk_at
from tests.scenarios.books import FixedClock
from yuejie.db.errors import (
    CommitUncertain,
    DatabaseBusy,
    DatabaseUnavailable,
    EmbeddedUnavailable,
    RowNotFound,
    SerializationConflict,
)
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from yuejie.web.app import make_app
from yuejie.web.auth import API
from yuejie.web.desk import Desk
from yuejie.web.door import Door
from yuejie.web.envelope import BODY_BYTES
from yuejie.web.errors import problem_of

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("x"), 422, "invalid"),
        (NotFound("x"), 404, "not_found"),
        (RowNotFound("x"), 404, "row_not_found"),
        (Conflict("x"), 409, "conflict"),
        (SerializationConflict("x"), 409, "serialization_conflict"),
        (Forbidden("x"), 403, "forbidden"),
        (Unavailable("x"), 503, "unavailable"),
        (DatabaseUnavailable("x"), 503, "database_unavailable"),
        (EmbeddedUnavailable("x"), 503, "embedded_unavailable"),
        (DatabaseBusy("x"), 503, "database_busy"),
        (CommitUncertain(), 500, "commit_uncertain"),
        (DomainError("x"), 500, "error"),
    ],
)
def test_an_error_has_one_status(error: DomainError, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)


def test_where_the_database_is_stays_in_the_house() -> None:
    said = problem_of(DatabaseUnavailable("连不上数据库（yuejie @ 10.0.0.7:5432）"))
    assert "10.0.0.7" not in said.sentence
    assert said.headers["retry-after"]


def test_what_a_query_looked_for_stays_in_the_house() -> None:
    assert problem_of(RowNotFound("没有", customer_id="cus_1")).facts == {}
    assert problem_of(NotFound("没有", customer="acme")).facts == {"customer": "acme"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "path_unknown"),
        ("GET", f"{API}/nowhere", 404, "path_unknown"),
        ("GET", f"{API}/customers/", 404, "path_unknown"),
        ("DELETE", f"{API}/customers", 405, "method_unfit"),
        ("GET", f"{API}/customers/nobody", 404, "not_found"),
        ("GET", f"{API}/bills/nothing", 404, "not_found"),
        ("GET", f"{API}/requests/req_x", 422, "invalid"),
        ("GET", f"{API}/requests", 422, "invalid"),
        ("GET", f"{API}/books/none/price?model=x", 404, "not_found"),
        ("GET", f"{API}/customers?limit=0", 422, "invalid_request"),
        ("GET", f"{API}/customers?limit=1001", 422, "invalid_request"),
        ("GET", f"{API}/customers?limit=many", 422, "invalid_request"),
        ("GET", f"{API}/customers?cursor=@@@", 422, "invalid"),
        ("GET", f"{API}/bills?month=2026-13", 422, "invalid_request"),
        ("GET", f"{API}/bills?month=last", 422, "invalid_request"),
        ("GET", f"{API}/bills?customer=nobody", 404, "not_found"),
        ("GET", f"{API}/usage?by=moon", 422, "invalid_request"),
        ("GET", f"{API}/usage?colour=blue", 422, "invalid_request"),
        ("GET", f"{API}/usage?since=2026-10-01T00:00:00", 422, "invalid_request"),
        ("GET", f"{API}/customers/%00", 422, "invalid_request"),
        ("GET", f"{API}/proofs/october", 422, "invalid_request"),
        ("POST", f"{API}/models/none/disable", 404, "not_found"),
        ("POST", f"{API}/deployments/none/drain", 404, "not_found"),
        ("POST", f"{API}/keys/none/revoke", 404, "not_found"),
    ],
)
def test_a_refusal_is_a_problem(
    museum: Museum, method: str, path: str, status: int, code: str
) -> None:
    answer = museum.operator.request(method, path)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code), said
    assert answer.headers["content-type"] == "application/problem+json"
    assert said.keys() - {"facts"} == MEMBERS
    assert said["type"] == f"urn:yuejie:problem:{code}"
    assert said["status"] == status
    assert said["request_id"] == answer.headers["x-request-id"]
    assert re.match(r"请求 req_[0-9a-f]{32}：", said["detail"])
    assert said["detail"].count("。") == 0, "one sentence"


def test_a_wrong_method_says_which_are_right(museum: Museum) -> None:
    answer = museum.operator.delete(f"{API}/fx")
    assert "GET" in answer.headers["allow"]
    assert "GET" in answer.json()["detail"]


def test_the_field_that_does_not_fit_is_named_without_its_value(museum: Museum) -> None:
    secret = "sk-yj-in-the-wrong-place"
    answer = museum.operator.put(
        f"{API}/customers/acme", json={"legal_name": 5, "currency": secret, "colour": "blue"}
    )
    fields = {each["field"]: each["why"] for each in answer.json()["facts"]["fields"]}
    assert fields == {
        "legal_name": "应为文字",
        "currency": "应为 CNY、USD 之一",
        "colour": "是不认识的字段",
    }
    assert "legal_name 应为文字" in answer.json()["detail"]
    assert secret not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a":}', b'"\\ud800"', b"[" * 100_000])
def test_a_broken_body_is_a_sentence(museum: Museum, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = museum.operator.put(f"{API}/customers/acme", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"].startswith("请求 req_")


def test_half_a_character_in_a_name_is_no_crash(museum: Museum) -> None:
    headers = {"content-type": "application/json"}
    answer = museum.operator.put(
        f"{API}/customers/acme", content=b'{"\\ud800": 1, "legal_name": "x"}', headers=headers
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("prospects/jinke/forms", b'{"form": {"tasks": "\\ud800"}}'),
        ("prospects/jinke/quotes", b'{"ask": {"\\ud800": "list"}}'),
        ("customers/acme/what-if/2026-10", b'{"terms": {"type": "\\ud800"}}'),
        ("customers/acme/what-if/2026-10", b'{"override": [{"model": "\\ud800"}]}'),
    ],
)
def test_half_a_character_in_a_table_is_no_crash(museum: Museum, path: str, body: bytes) -> None:
    """Tables that a room reads by itself: terms, what is asked of a quote, a form."""
    headers = {"content-type": "application/json"}
    answer = museum.operator.post(f"{API}/{path}", content=body, headers=headers)
    assert answer.status_code == 422
    assert "含有半个字符，不是文字" in answer.json()["detail"]


def test_a_body_above_the_bound_is_refused(museum: Museum) -> None:
    big = b" " * (BODY_BYTES + 1)
    answer = museum.operator.post(f"{API}/usage/events", content=big)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert str(BODY_BYTES) in answer.json()["detail"]


def test_a_body_above_the_bound_without_a_length_is_refused(museum: Museum) -> None:
    piece = b" " * 1_000_000
    pieces = (piece for _ in range(BODY_BYTES // len(piece) + 1))
    answer = museum.operator.post(f"{API}/usage/events", content=pieces)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_bad_tax_number_is_a_sentence(museum: Museum) -> None:
    body = {"legal_name": "甲", "uscc": "91350100M000100Y44"}
    answer = museum.operator.put(f"{API}/customers/acme", json=body)
    assert answer.status_code == 422
    assert "校验位不对" in answer.json()["detail"]


def test_a_bug_is_a_500_that_tells_nothing(database: Database) -> None:
    app = make_app(desk_at(database, FixedClock(NOW)))

    @app.get("/bug")
    def bug() -> None:
        raise AssertionError("the secret of the house")

    with TestClient(app) as client, capture_logs() as logs:
        answer = client.get("/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    failed = [each for each in logs if each["event"] == "http.failed"]
    assert len(failed) == 1
    assert failed[0]["exc_info"]


def test_every_answer_has_its_headers(museum: Museum) -> None:
    for path in ("/healthz", "/nowhere", f"{API}/customers", "/api/docs", "/api/openapi.json"):
        headers = museum.operator.get(path, headers={"origin": "https://elsewhere.example"}).headers
        assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-request-id"])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control")]


def test_a_client_cannot_choose_its_request_id(museum: Museum) -> None:
    answer = museum.operator.get("/healthz", headers={"x-request-id": "mine"})
    assert answer.headers["x-request-id"] != "mine"


def test_without_the_database_the_house_says_so(clock: FixedClock) -> None:
    def away() -> Database:
        raise DatabaseUnavailable("连不上数据库（yuejie @ 10.0.0.7）")

    door = Door(away)
    door.look()
    app: FastAPI = make_app(
        Desk(door, clock, SELLER, b"p" * 32, "yj-operator-of-the-tests", b"k" * 32)
    )
    with TestClient(app, headers=OPERATOR) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/docs").status_code == 200
        assert "yuejie_console_database_up 0.0" in client.get("/metrics").text
        for path in ("/readyz", f"{API}/customers"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["status"]) == (503, 503)
            assert answer.headers["retry-after"]
            assert "10.0.0.7" not in answer.text
        key = client.get(f"{API}/models", headers={"authorization": "Bearer sk-yj-x"})
        assert key.status_code == 503


def test_facts_of_any_kind_can_be_told() -> None:
    facts = problem_of(Invalid("x", when=NOW, what={"a": 1}, odd=object())).facts
    assert json.loads(json.dumps(dict(facts)))["what"] == {"a": 1}
