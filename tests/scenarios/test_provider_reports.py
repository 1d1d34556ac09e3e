"""Reports that come again, go back, or are not about the whole month."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run
from tests.rooms.web.conftest import OPERATOR, desk_at
from tests.scenarios.test_reconcile import (
    HOUR,
    IN_YUAN,
    NOW,
    OCTOBER,
    World,
    table,
    world,
)
from yuejie.assurance.reconcile.difference import Cause
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month
from yuejie.assurance.reconcile.sheets import parse_sheet
from yuejie.assurance.reconcile.store import reports
from yuejie.cli.books.reconcile import reconcile
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.web.app import make_app
from yuejie.web.auth import API

__all__ = ["world"]


def test_a_report_that_another_source_took_over_from_comes_back(
    world: World, database: Database
) -> None:
    """
    A table of half the month was newer than the provider's own report. That one, exported again
    word for word, was known, and the table went on to count.
    """
    whole = world.sent(Source.OPENAI_USAGE, world.usage())
    import_report(database, whole, by="op", now=NOW)
    words = 'says = "usage"\n[columns]\nday = "day"\nmodel = "model"\ninput = "input"\n'
    body = f"day,model,input\n2026-10-01,gpt-4o,{world.counted[1][1]}".encode()
    half = replace(world.sent(Source.CSV, body), sheet=parse_sheet(words), as_of=NOW + HOUR)
    import_report(database, half, by="op", now=NOW + HOUR)
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW + HOUR)
    assert not found.reconciled.passes
    later = NOW + 2 * HOUR
    filed = [
        import_report(database, replace(whole, as_of=later), by="op", now=later + n * HOUR)
        for n in range(2)
    ]
    assert filed[0].report_id == filed[1].report_id
    (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=later)
    assert (found.reconciled.differences, found.reconciled.passes) == ((), True)


def test_a_report_is_not_drawn_before_what_it_tells(world: World, database: Database) -> None:
    """Said to be drawn on the first, it made all that the provider lacks a matter of patience."""
    world.acme.uses("2026-10-20 12:00:00", "gpt-4o", requests=9, input=9_000_000)
    drawn = datetime(2026, 10, 1, 2, tzinfo=UTC)
    sent = replace(world.sent(Source.OPENAI_USAGE, world.usage()), as_of=drawn)
    with pytest.raises(Invalid, match="早于其中 2026-10-30 的数据"):
        import_report(database, sent, by="op", now=NOW)
    with pytest.raises(NotFound):
        reconcile_month(database, "openai-main", OCTOBER, by="op", now=NOW)


def test_a_report_of_half_a_month_says_so_at_every_door(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    """
    Somebody exported until the fifteenth: what stands on later days is not reported yet. The whole
    month, in which a day without usage has an empty bucket, takes its place.
    """
    whole = dict(world.counted)
    world.counted = {day: told for day, told in whole.items() if day <= 15}
    file = tmp_path / "half.json"
    file.write_bytes(world.usage())
    words = ("--account", "openai-main", "--month", "2026-10", "--source", "openai_usage")
    run(reconcile, database_url, NOW, "import", str(file), *words)
    said = run(reconcile, database_url, NOW, "run", "openai-main", "2026-10", code=1)
    assert "报告不全：没有 2026-10-23, 2026-10-30 的数据" in said
    assert "报告未覆盖" in said
    with TestClient(make_app(desk_at(database, world.books.clock)), headers=OPERATOR) as api:
        world.books.clock.at = NOW
        asked = {"account": "openai-main", "month": "2026-10"}
        (found,) = api.post(f"{API}/reconciliations", json=asked).json()
        assert found["not_reported"] == ["2026-10-23", "2026-10-30"]
        assert found["reconciliation"]["passes"] is False
        (filed,) = api.get(f"{API}/reconciliations/reports").json()["items"]
        assert filed["covers"] == ["2026-10-01", "2026-10-05", "2026-10-12", "2026-10-13"]
    world.counted = whole
    body = json.loads(world.usage())
    for day in (2, 31):
        start = int(datetime(2026, 10, day, tzinfo=UTC).timestamp())
        body["data"].append({"start_time": start, "results": []})
    world.acme.uses("2026-10-02 20:00:00", "gpt-4o", requests=1, input=7, output=1)
    later = NOW + HOUR
    again = replace(world.sent(Source.OPENAI_USAGE, json.dumps(body).encode()), as_of=later)
    import_report(database, again, by="op", now=later)
    (got,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=later)
    assert {d.cause for d in got.reconciled.differences} == {Cause.MISSING_THERE}
    assert got.reconciled.passes


def test_a_table_says_by_its_rows_or_its_mapping_which_days_it_is_about(
    world: World, database: Database
) -> None:
    """A table has no row for a day without usage; its mapping can say that it was exported."""
    world.acme.uses("2026-10-31 20:00:00", "gpt-4o", requests=1, input=900_000, output=90_000)
    in_dollars = IN_YUAN.replace("CNY", "USD")
    for hours, (words, cause) in enumerate(
        (
            (in_dollars, Cause.NOT_REPORTED),
            (f"last_day = 2026-10-31\n{in_dollars}", Cause.MISSING_THERE),
        )
    ):
        sent = replace(table(world), sheet=parse_sheet(words))
        now = NOW + hours * HOUR
        import_report(database, sent, by="op", now=now)
        (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=now)
        assert {d.cause for d in found.reconciled.differences} == {cause}
    with pytest.raises(Invalid, match="first_day 晚于 last_day"):
        parse_sheet(f"first_day = 2026-10-31\nlast_day = 2026-10-01\n{in_dollars}")


def test_a_provider_that_goes_back_to_an_earlier_report_is_read(
    world: World, database: Database
) -> None:
    """
    It counted a call too many, took it back with the very file that it had given first, and the
    month stayed with what it no longer says: the file was known.
    """
    first = world.sent(Source.OPENAI_USAGE, world.usage())
    world.count(12, (50_000, 4_000))
    second = world.sent(Source.OPENAI_USAGE, world.usage())

    def taken(sent: Sent, hours: int, drawn: int) -> tuple[str, bool, int]:
        now = NOW + hours * HOUR
        filed = import_report(database, replace(sent, as_of=NOW + drawn * HOUR), by="op", now=now)
        (found,) = reconcile_month(database, "openai-main", OCTOBER, by="op", now=now)
        with database.read() as tx:
            count = len(reports(tx, "openai-main", "2026-10"))
        return filed.report_id, not found.reconciled.differences, count

    original, agrees, _ = taken(first, 0, 0)
    assert agrees
    assert taken(second, 1, 1)[1:] == (False, 2)
    assert taken(first, 2, 0) == (original, False, 2), "an old export of before is no news"
    again, agrees, count = taken(first, 3, 3)
    assert (again != original, agrees, count) == (True, True, 3)
    assert taken(first, 4, 4) == (again, True, 3), "what counts already is on file once"
    assert taken(second, 5, 5)[1:] == (False, 4)
