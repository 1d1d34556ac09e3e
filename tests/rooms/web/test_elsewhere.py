"""Logs, keys and events of other gateways: settled here on day one."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House
from yuejie.customers.key import digest_of, digest_of_foreign, digest_of_hash
from yuejie.customers.store import keys
from yuejie.intake.elsewhere.cloudevents import pushed_of
from yuejie.intake.elsewhere.keys import Elsewhere, TakenOver, take_over_keys
from yuejie.intake.elsewhere.logs import litellm_row, newapi_row
from yuejie.intake.elsewhere.tables import rows_of_table
from yuejie.intake.imports.load import import_usage
from yuejie.intake.imports.mapping import parse_mapping
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.usage.show import By, Question, show_usage
from yuejie.web.auth import API

PEPPER = b"p" * 32
NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
NEWAPI = {
    "id": "7",
    "type": "2",
    "created_at": "1793500000",
    "use_time": "10",
    "token_name": "search",
    "model_name": "gpt-4o",
    "quota": "12345",
    "prompt_tokens": "1000",
    "completion_tokens": "200",
    "other": '{"cache_tokens": 600, "model_ratio": 1.25}',
}
LITELLM = {
    "request_id": "chatcmpl-1",
    "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "model": "gpt-4o",
    "prompt_tokens": "1000",
    "completion_tokens": "200",
    "spend": "0.0123",
    "startTime": "2026-11-01T09:00:00Z",
    "endTime": "2026-11-01T09:00:05Z",
    "cache_hit": "False",
    "status": "success",
    "metadata": json.dumps({"usage_object": {"prompt_tokens_details": {"cached_tokens": 600}}}),
    "messages": '[{"content": "a secret"}]',
}


def test_new_apis_prompt_holds_what_was_cached_but_where_claude_tells_it_apart() -> None:
    row = newapi_row(NEWAPI)
    assert (row["input"], row["cache_read"], row["output"]) == ("400", "600", "200")
    assert (row["started_at"], row["ended_at"]) == (
        "2026-11-01T02:26:30+00:00",
        "2026-11-01T02:26:40+00:00",
    )
    assert "quota" not in row
    apart = NEWAPI | {"other": '{"cache_tokens": 600, "claude": true}'}
    assert newapi_row(apart)["input"] == "1000"
    for wrong in ({"type": "1"}, {"prompt_tokens": "-1"}, {"prompt_tokens": "1"}, {"other": "{"}):
        with pytest.raises(Invalid):
            newapi_row(NEWAPI | wrong)


def test_litellms_spend_is_not_read_and_its_own_cache_is_no_usage() -> None:
    row = litellm_row(LITELLM)
    assert (row["input"], row["cache_read"], row["client"]) == ("400", "600", LITELLM["api_key"])
    assert "spend" not in row
    assert "messages" not in row
    for wrong in ({"cache_hit": "True"}, {"status": "failure"}):
        with pytest.raises(Invalid):
            litellm_row(LITELLM | wrong)


def database(path: Path, table: str, rows: list[dict[str, str]]) -> Path:
    with closing(sqlite3.connect(path)) as made:
        made.execute(f'CREATE TABLE "{table}" ({", ".join(rows[0])})')
        marks = ", ".join("?" for _ in rows[0])
        into = f'INSERT INTO "{table}" VALUES ({marks})'  # noqa: S608 - a table of the test
        made.executemany(into, [tuple(row.values()) for row in rows])
        made.commit()
    return path


def test_a_log_is_taken_in_once_whatever_it_is_exported_as(house: House, tmp_path: Path) -> None:
    """The file is read twice: one event; a top-up is set aside with its reason."""
    mapping = parse_mapping(
        'format = "newapi"\n[clients."search"]\ncustomer = "acme"\nproject = "main"'
    )
    rows = [NEWAPI, NEWAPI | {"id": "8", "type": "1"}]
    kept = database(tmp_path / "one-api.db", "logs", rows)
    told = import_usage(house.books.db, kept, mapping)
    assert (told.stored, told.rejected) == (1, 1)
    assert told.reject_file is not None
    assert "不是消费记录" in told.reject_file.read_text("utf-8-sig")
    again = import_usage(house.books.db, kept, mapping)
    assert (again.stored, again.known) == (0, 1)
    month = BillingMonth.parse("2026-11")
    asked = Question(first=month, last=month, by=(By.MODEL,))
    (line,) = show_usage(house.books.db, house.acme.customer.customer_id, asked)
    assert line.quantities["cache_read"] == 600


def test_keys_of_new_api_and_litellm_serve_and_are_not_kept(house: House, tmp_path: Path) -> None:
    """In clear or as SHA-256: each is known by the caller's own key, and stored as an HMAC."""
    db, acme = house.books.db, house.acme.customer
    secret = "sk-" + "L" * 22
    tokens = [
        {
            "key": "N" * 48,
            "name": "search",
            "status": "1",
            "expired_time": "-1",
            "model_limits_enabled": "1",
            "model_limits": "gpt-4o",
        },
        {
            "key": "X" * 48,
            "name": "gone",
            "status": "2",
            "expired_time": "-1",
            "model_limits_enabled": "0",
            "model_limits": "",
        },
    ]
    path = database(tmp_path / "one-api.db", "tokens", tokens)
    told = take_over_keys(
        db,
        acme,
        "main",
        rows_of_table(path, "newapi-keys"),
        of=Elsewhere.NEWAPI,
        pepper=PEPPER,
        by="tests",
        now=NOW,
    )
    assert [(each.name, each.why) for each in told] == [("search", ""), ("gone", "已停用")]
    rows = tmp_path / "keys.csv"
    with rows.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["token", "key_name", "key_alias", "models", "expires", "blocked"])
        out.writerow([sha256(secret.encode()).hexdigest(), "sk-...LLLL", "lite", "{}", "", ""])
        out.writerow(["sk-plain", "sk-...", "odd", "{}", "", ""])
    asked: Any = {"of": Elsewhere.LITELLM, "pepper": PEPPER, "by": "tests", "now": NOW}
    told = take_over_keys(db, acme, "main", rows_of_table(rows, "litellm-keys"), **asked)
    assert [bool(each.key_id) for each in told] == [True, False]
    again = take_over_keys(db, acme, "main", rows_of_table(rows, "litellm-keys"), **asked)
    assert again[0] == TakenOver("lite", why="已经接管过")
    with db.read() as tx:
        kept = {bytes(key.digest): key for key in keys(tx, acme.customer_id)}
    assert kept[digest_of("sk-" + "N" * 48, PEPPER)].models == ["gpt-4o"]
    assert kept[digest_of_foreign(secret, PEPPER)].name == "lite"
    assert digest_of(secret, PEPPER) not in kept


@pytest.mark.parametrize("marked", ["{}", "sha256:{}", "\0sha256:{}"])
def test_a_hash_that_leaked_from_the_other_gateway_opens_nothing(marked: str) -> None:
    """Whoever read LiteLLM's table has no key: sent as one, in any form, a hash is unknown."""
    leaked = sha256(b"sk-its-owner-has-this").hexdigest()
    sent = marked.format(leaked)
    kept = digest_of_hash(leaked, PEPPER)
    assert kept == digest_of_foreign("sk-its-owner-has-this", PEPPER)
    assert kept not in {digest_of(sent, PEPPER), digest_of_foreign(sent, PEPPER)}


EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "gateway-a",
    "type": "llm",
    "subject": "acme",
    "time": "2026-11-01T09:00:00Z",
    "data": {"model": "gpt-4o", "project": "main", "type": "input", "tokens": "812"},
}


def test_cloudevents_are_counted_once_by_source_and_id(operator: TestClient, house: House) -> None:
    """One structured, the same in a batch beside another source's of the same id: two events."""
    one = operator.post(
        f"{API}/usage/events", json=EVENT, headers={"content-type": "application/cloudevents+json"}
    )
    assert (one.status_code, one.json()["stored"]) == (200, 1)
    batch = operator.post(
        f"{API}/usage/events",
        json=[EVENT, EVENT | {"source": "gateway-b"}],
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    assert (batch.json()["stored"], batch.json()["replayed"]) == (1, 1)
    other = EVENT | {"data": {"model": "gpt-4o", "project": "main", "meters": {"input": 1}}}
    assert operator.post(f"{API}/usage/events", json=other).status_code == 409
    wrong = operator.post(f"{API}/usage/events", json=EVENT | {"specversion": "0.3"})
    assert wrong.status_code == 422
    assert "specversion" in wrong.json()["detail"]


@pytest.mark.parametrize(
    "data",
    [
        {"model": "m", "project": "p"},
        {"model": "m", "project": "p", "type": "input", "tokens": 1.5},
        {"model": "m", "project": "p", "type": "input", "tokens": "many"},
        {"model": "m", "project": "p", "meters": {"input": 1}, "prompt": "x"},
        {"project": "p", "meters": {"input": 1}},
    ],
)
def test_data_that_is_no_usage_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        pushed_of(EVENT | {"data": data})


def test_sources_and_ids_cannot_be_taken_for_one_another() -> None:
    one = pushed_of(EVENT | {"source": "a", "id": "1:b:2"})
    other = pushed_of(EVENT | {"source": "a:1", "id": "b:2"})
    assert one.id != other.id
