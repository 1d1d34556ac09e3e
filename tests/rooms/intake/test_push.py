"""Pushed events: once per id, whole batches, priced as the gateway would."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.rooms.intake.calls import NOW, rolled_up
from tests.rooms.intake.shop import Shop
from yuejie.db.session import Database
from yuejie.intake.external import IdsConflict, event_id_of
from yuejie.intake.push import PushedEvent, PushRefused, push_events
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PUSH_EVENTS
from yuejie.kernel.period import BillingMonth
from yuejie.usage.show import By, Question, show_request, show_usage

OCTOBER = BillingMonth(2026, 10)


def event(name: str = "e1", **changes: Any) -> PushedEvent:
    facts: dict[str, Any] = {
        "id": name,
        "started_at": "2026-10-31T23:59:59+08:00",
        "model": "gpt-4o",
        "project": "main",
        "customer": "acme",
        "meters": {"input": 1_000_000, "output": 100_000},
    }
    return PushedEvent(**(facts | changes))


def test_an_event_is_priced_by_contract_and_books_of_its_start(
    database: Database, shop: Shop
) -> None:
    (outcome,) = push_events(database, None, "erp", [event(tags={"team": "x"})], now=NOW)
    (attempt,) = show_request(database, None, UUID(outcome.request_id.removeprefix("req_")))
    assert attempt.charge is not None
    assert attempt.cost is not None
    assert (str(attempt.charge), attempt.charge.currency) == ("6.50", "USD")
    assert str(attempt.cost) == "3.50"
    row = attempt.event
    assert (row.month, row.state, row.tags, row.outcome) == (
        "2026-10",
        "measured",
        "team=x",
        "imported",
    )
    assert {item.meter: item.quantity for item in attempt.items} == {
        "input": 1_000_000,
        "output": 100_000,
        "requests": 1,
    }
    assert not outcome.replayed


def test_the_same_event_again_is_answered_as_the_first_time(database: Database, shop: Shop) -> None:
    batch = [event("a"), event("b"), event("a")]
    first = push_events(database, None, "erp", batch, now=NOW)
    assert [outcome.replayed for outcome in first] == [False, False, True]
    again = push_events(database, None, "erp", batch[:2], now=NOW)
    assert all(outcome.replayed for outcome in again)
    assert [o.event_id for o in again] == [o.event_id for o in first[:2]]
    assert rolled_up(database)[shop.acme.customer_id, "gpt-4o", "requests", "measured"] == 2


def test_the_same_id_with_other_contents_is_refused_and_named(
    database: Database, shop: Shop
) -> None:
    push_events(database, None, "erp", [event("a")], now=NOW)
    with pytest.raises(IdsConflict, match="事件编号 a 已用于内容不同的事件") as caught:
        push_events(database, None, "erp", [event("new"), event("a", meters={"input": 1})], now=NOW)
    assert caught.value.facts["ids"] == ["a"]
    assert rolled_up(database)[shop.acme.customer_id, "gpt-4o", "requests", "measured"] == 1


def test_sources_number_for_themselves(database: Database, shop: Shop) -> None:
    push_events(database, None, "erp", [event("a")], now=NOW)
    push_events(database, None, "crm", [event("a")], now=NOW)
    push_events(database, "acme", "erp", [event("a", customer="")], now=NOW)
    assert rolled_up(database)[shop.acme.customer_id, "gpt-4o", "requests", "measured"] == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"customer": "nobody"}, "客户不存在"),
        ({"project": "nothing"}, "没有项目"),
        ({"model": "gpt-9"}, "没有销售价"),
        ({"key": "key_foreign"}, "没有密钥"),
        ({"deployment": "nowhere"}, "部署 nowhere 不存在"),
        ({"meters": {}}, "没有任何计量项"),
        ({"meters": {"tokens": 1}}, "“tokens”不认识"),
        ({"meters": {"input": -1}}, "不合理"),
        ({"started_at": "yesterday"}, "格式不对"),
        ({"started_at": "2026-12-01T00:00:00Z"}, "在未来"),
        ({"started_at": "2020-01-01T00:00:00Z"}, "没有合同"),
        ({"ended_at": "2026-10-01T00:00:00Z"}, "ended_at 早于 started_at"),
        ({"state": "guessed"}, "状态“guessed”不认识"),
        ({"tags": {"a,b": "c"}}, "标签"),
        ({"tags": {str(i): "v" for i in range(17)}}, "标签最多"),
        ({"id": ""}, "事件编号须为"),
    ],
)
def test_one_bad_row_refuses_the_batch_with_its_sentence(
    database: Database, shop: Shop, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PushRefused, match=sentence) as caught:
        push_events(database, None, "erp", [event("good"), event(**changes)], now=NOW)
    (error,) = caught.value.errors
    assert error.index == 1
    assert rolled_up(database) == {}


def test_a_customer_cannot_push_for_another(database: Database, shop: Shop) -> None:
    with pytest.raises(PushRefused, match="不能为其他客户"):
        push_events(database, "other", "erp", [event()], now=NOW)


def test_batches_and_sources_have_bounds(database: Database, shop: Shop) -> None:
    with pytest.raises(Invalid, match="一次最多推送"):
        push_events(database, None, "erp", [event()] * (PUSH_EVENTS + 1), now=NOW)
    with pytest.raises(Invalid, match="来源名称"):
        push_events(database, None, "", [event()], now=NOW)


def test_an_unpriced_fact_goes_to_the_worklist_and_bills_nothing(
    database: Database, shop: Shop
) -> None:
    sent = [event(meters={"input": 10, "audio_in": 5}, service_tier="flex")]
    (outcome,) = push_events(database, None, "erp", sent, now=NOW)
    (attempt,) = show_request(database, None, outcome.event_id)
    assert attempt.event.state == "unpriced"
    assert "销售价缺" in attempt.event.reason
    assert attempt.charge is None
    (line,) = show_usage(database, None, Question(by=(By.STATE,), first=OCTOBER, last=OCTOBER))
    assert all(charge.pico == 0 for charge in line.charges.values())


def test_senders_at_once_store_an_event_once(database: Database, shop: Shop) -> None:
    batch = [event(f"e{i}") for i in range(20)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: push_events(database, None, "erp", batch, now=NOW), range(4))
        )
    assert sum(not o.replayed for answer in answers for o in answer) == 20
    assert len({o.event_id for answer in answers for o in answer}) == 20
    assert rolled_up(database)[shop.acme.customer_id, "gpt-4o", "requests", "measured"] == 20


def test_the_id_of_an_outside_event_is_computed() -> None:
    first = event_id_of("erp", "a", 1_792_125_000_123_456)
    assert first == event_id_of("erp", "a", 1_792_125_000_123_999)
    assert first != event_id_of("erp", "b", 1_792_125_000_123_456)
    assert first != event_id_of("erpa", "", 1_792_125_000_123_456)
    assert int.from_bytes(first[:6], "big") == 1_792_125_000_123
    assert UUID(bytes=first).version == 7
