"""The worklist is worked off by hand, by a report and by new prices, each once."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.rooms.intake.calls import NOW, begin, end, events, rolled_up, take_in, write_journal
from tests.rooms.intake.shop import SEARCHES, Shop, publish
from tests.rooms.intake.test_push import event
from yuejie.db.session import Database
from yuejie.intake.imports.load import read_report
from yuejie.intake.push import push_events
from yuejie.intake.resolve import (
    Measured,
    ReportRow,
    resolve_by_hand,
    resolve_by_report,
    resolve_unpriced,
)
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.usage.correct import Verdict, WorkFilter, worklist
from yuejie.usage.journal import Begun, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.rebuild import rebuild
from yuejie.usage.show import show_request

OCTOBER = BillingMonth(2026, 10)
USED = {Meter.INPUT: 1_000_000, Meter.OUTPUT: 200_000}


def shop_call(shop: Shop, **changes: Any) -> Begun:
    """A call of acme's under the pins of its contract."""
    facts: dict[str, Any] = {
        "customer": shop.acme.customer_id,
        "project": shop.main.project_id,
        "key": shop.key_id,
        "deployment": "dep-gpt-4o",
        "sale_revision": 1,
        "cost_revision": 1,
    }
    return begin(**(facts | changes))


def lost_call(db: Database, home: Path, shop: Shop) -> UUID:
    """A call whose worker died."""
    begun = shop_call(shop)
    write_journal(home, [begun])
    assert take_in(db, home) == 1
    return UUID(bytes=begun.event)


def test_the_worklist_says_what_waits_and_how_long(
    database: Database, tmp_path: Path, shop: Shop
) -> None:
    lost = lost_call(database, tmp_path, shop)
    page = worklist(database, None, WorkFilter(), now=NOW)
    (item,) = page.items
    assert (item.event.event_id, item.event.reason) == (lost, "worker_died")
    assert item.age == NOW - item.event.started_at
    assert page.after is None
    acme, other = shop.acme.customer_id, shop.other.customer_id
    wanted = WorkFilter(state="unmeasured", reason="worker_died", model="gpt-4o")
    assert len(worklist(database, acme, wanted, now=NOW).items) == 1
    assert worklist(database, other, WorkFilter(), now=NOW).items == ()
    assert worklist(database, acme, WorkFilter(state="estimated"), now=NOW).items == ()
    old = WorkFilter(older_than=timedelta(days=365))
    assert worklist(database, acme, old, now=NOW).items == ()
    with pytest.raises(Invalid, match="每页条数"):
        worklist(database, None, WorkFilter(), now=NOW, limit=0)


def test_the_worklist_has_pages(database: Database, tmp_path: Path, shop: Shop) -> None:
    ids = sorted(lost_call(database, tmp_path, shop) for _ in range(3))
    first = worklist(database, None, WorkFilter(), now=NOW, limit=2)
    assert [item.event.event_id for item in first.items] == ids[:2]
    second = worklist(database, None, WorkFilter(), now=NOW, limit=2, after=first.after)
    assert [item.event.event_id for item in second.items] == ids[2:]


def test_by_hand_twice_is_once_and_other_numbers_are_the_next_version(
    database: Database, tmp_path: Path, shop: Shop
) -> None:
    lost = lost_call(database, tmp_path, shop)
    first = Measured(quantities=USED)
    assert resolve_by_hand(database, lost, first, by="李") is Verdict.CORRECTED
    assert resolve_by_hand(database, lost, first, by="李") is Verdict.SAME
    assert worklist(database, None, WorkFilter(), now=NOW).items == ()
    (attempt,) = show_request(database, None, attempt_operation(database, lost))
    assert str(attempt.charge) == "8.00"
    assert attempt.event.facts["resolved"] == "by_hand: 李"
    assert [row.state for row in attempt.superseded] == ["unmeasured"]
    other = Measured(quantities={Meter.INPUT: 5})
    assert resolve_by_hand(database, lost, other, by="王") is Verdict.CORRECTED
    assert rolled_up(database) == {
        (shop.acme.customer_id, "gpt-4o", "input", "measured"): 5,
        (shop.acme.customer_id, "gpt-4o", "requests", "measured"): 1,
    }
    assert rebuild(database, OCTOBER).different == 0


def test_a_call_by_a_price_that_a_restore_took_back_is_priced_by_the_one_published_anew(
    database: Database, tmp_path: Path, shop: Shop
) -> None:
    items = (
        EndedItem("gpt-4o", "input", 1_000_000, 999_999, 999_998),
        EndedItem("gpt-4o", "requests", 1, 0, 0),
    )
    call = end(shop_call(shop, sale_revision=2), items=items, billed_model="gpt-4o")
    write_journal(tmp_path, [call.begun, call])
    take_in(database, tmp_path)
    (item,) = worklist(database, None, WorkFilter(state="unpriced"), now=NOW).items
    assert item.event.reason == "费率 999998、999999 不在库中"
    publish(database, "sale", SEARCHES.format(""))
    assert resolve_unpriced(database, None, now=NOW).verdicts == {Verdict.CORRECTED: 1}
    (attempt,) = show_request(
        database, None, attempt_operation(database, UUID(bytes=call.begun.event))
    )
    assert (str(attempt.charge), attempt.event.state) == ("5.00", "measured")
    assert rebuild(database, OCTOBER).different == 0


def attempt_operation(db: Database, event_id: UUID) -> UUID:
    (page,) = [item for item in events(db, [end(begin(event=event_id.bytes))]) if item.version == 1]
    return page.operation_id


def test_what_the_provider_measured_is_not_changed_by_hand(
    database: Database, tmp_path: Path, shop: Shop
) -> None:
    call = end(shop_call(shop))
    write_journal(tmp_path, [call.begun, call])
    take_in(database, tmp_path)
    with pytest.raises(Conflict, match="已由供应商计量"):
        resolve_by_hand(database, UUID(bytes=call.begun.event), Measured(quantities=USED), by="李")
    with pytest.raises(NotFound, match=r"事件 .* 不存在"):
        resolve_by_hand(database, UUID(int=7), Measured(quantities=USED), by="李")


def test_a_report_corrects_what_was_not_measured_and_names_what_differs(
    database: Database, tmp_path: Path, shop: Shop
) -> None:
    lost = lost_call(database, tmp_path, shop)
    floor = end(shop_call(shop), state="partial")
    cut = end(shop_call(shop), state="unmeasured", reason="no_usage", items=(), response_id="r-1")
    known = end(
        shop_call(shop),
        items=(EndedItem("gpt-4o", "input", 1, 0, 0), EndedItem("gpt-4o", "requests", 1, 0, 0)),
    )
    write_journal(tmp_path, [record for c in (floor, cut, known) for record in (c.begun, c)])
    take_in(database, tmp_path)
    lines = [
        {"client_request_id": str(lost), "usage": {"input": 10, "output": 2}},
        {"client_request_id": floor.begun.event.hex(), "usage": {"input": 150, "output": 70}},
        {"client_request_id": "", "response_id": "r-1", "usage": {"input": 3}},
        {"client_request_id": known.begun.event.hex(), "usage": {"input": 999}},
        {"client_request_id": "not-ours", "response_id": "r-9", "usage": {"input": 9}},
    ]
    path = tmp_path / "report.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"at": "2026-10-16T04:00:00Z", "model": "gpt-4o", **line}) for line in lines
        )
    )
    resolved = resolve_by_report(database, read_report(path, "jsonl"))
    assert resolved.verdicts == {
        Verdict.CORRECTED: 3,
        Verdict.CLOSED: 1,
        Verdict.UNKNOWN: 1,
    }
    assert resolved.closed == [UUID(bytes=known.begun.event)]
    again = resolve_by_report(database, read_report(path, "jsonl"))
    assert again.verdicts[Verdict.SAME] == 2
    assert again.verdicts[Verdict.CORRECTED] == 0
    key = (shop.acme.customer_id, "gpt-4o")
    sums = rolled_up(database)
    assert sums[(*key, "input", "measured")] == 10 + 150 + 3 + 1
    assert not [state for *_, state in sums if state != "measured"]
    assert rebuild(database, OCTOBER).different == 0


def test_a_report_row_without_names_matches_nothing(database: Database, shop: Shop) -> None:
    row = ReportRow.named("", "", Measured(quantities=USED))
    assert resolve_by_report(database, [row]).verdicts == {Verdict.UNKNOWN: 1}


def test_a_new_price_resolves_what_had_none_and_carries_its_revision(
    database: Database, shop: Shop
) -> None:
    sent = [event(meters={"input": 1_000_000, "web_searches": 3})]
    (outcome,) = push_events(database, None, "erp", sent, now=NOW)
    assert resolve_unpriced(database, None, now=NOW).verdicts == {Verdict.SAME: 1}
    publish(database, "sale", SEARCHES.format(""))
    assert resolve_unpriced(database, None, now=NOW).verdicts == {Verdict.SAME: 1}
    publish(database, "cost", SEARCHES.format("openai/"))
    acme = shop.acme.customer_id
    assert resolve_unpriced(database, acme, now=NOW).verdicts == {Verdict.CORRECTED: 1}
    assert resolve_unpriced(database, acme, now=NOW).verdicts == {}
    (attempt,) = show_request(database, acme, outcome.event_id)
    assert attempt.event.state == "measured"
    assert attempt.event.sale_revision == 2
    assert str(attempt.charge) == "5.03"
