"""The figures of a house: read from the real database, told as Prometheus reads them."""

import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from tests.rooms.gateway.world import free_port
from tests.scenarios.books import Books
from tests.scenarios.conftest import PRICES
from yuejie.figures.house import HouseFigures
from yuejie.figures.node import NodeFigures
from yuejie.figures.serve import serve_figures
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.start import start_job
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.settings import Settings
from yuejie.supervisor import METRICS_PORT, programs


def told(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        text = page.read().decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_call_that_nobody_measured_is_told_with_its_age(books: Books) -> None:
    registry, port = CollectorRegistry(), free_port()
    figures = HouseFigures(registry)
    serve_figures("127.0.0.1", port, registry)
    assert told(port) == {}

    books.prices(PRICES)
    acme = books.customer("acme", fx_policy="bill")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", state="unmeasured")
    now = datetime(2026, 10, 6, 2, tzinfo=UTC)
    assert figures(books.db, now) == 0
    found = told(port)
    assert found["yuejie_house_worklist_calls"] == 1
    assert found["yuejie_house_worklist_age_seconds"] == 86_400
    assert found["yuejie_house_receipts_unclaimed"] == 0
    assert found["yuejie_house_months_ahead"] >= 0
    assert found["yuejie_house_database_bytes"] > 1_000_000

    acme.uses("2026-10-05 11:00:00", "gpt-4o", state="unmeasured")
    figures(books.db, now + timedelta(seconds=59))
    assert told(port)["yuejie_house_worklist_calls"] == 1
    figures(books.db, now + timedelta(seconds=60))
    assert told(port)["yuejie_house_worklist_calls"] == 2


def test_a_job_that_nobody_begins_is_told_with_its_age(books: Books) -> None:
    registry = CollectorRegistry()
    figures = HouseFigures(registry)
    now = datetime(2026, 11, 3, 2, tzinfo=UTC)

    def seen(at: datetime) -> dict[str, float]:
        figures(books.db, at)
        return {m.name.removeprefix("yuejie_house_"): m.samples[0].value for m in figures.collect()}

    assert (seen(now)["jobs_waiting"], seen(now)["jobs_waiting_seconds"]) == (0, 0)
    for month, minutes in (("2026-09", 0), ("2026-10", 10)):
        at = now + timedelta(minutes=minutes)
        order = order_close(books.db, BillingMonth.parse(month), commit=False, now=at)
        start_job(books.db, order, by="op", now=at)
    later = now + timedelta(minutes=20)
    assert (seen(later)["jobs_waiting"], seen(later)["jobs_waiting_seconds"]) == (2, 1200)


def test_a_port_that_is_taken_is_refused_by_name() -> None:
    port = free_port()
    serve_figures("127.0.0.1", port, CollectorRegistry())
    with pytest.raises(Invalid, match=f"{port}.*YUEJIE_METRICS_PORT"):
        serve_figures("127.0.0.1", port, CollectorRegistry())


def test_a_node_tells_how_much_room_its_disk_has(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    NodeFigures(tmp_path, registry)
    NodeFigures(tmp_path / "not yet", registry)
    (free, disk) = registry.collect()
    assert 0 < free.samples[0].value < disk.samples[0].value


def test_every_process_of_a_node_has_a_port_of_its_own(tmp_path: Path) -> None:
    told_to_be = {"YUEJIE_HOME": str(tmp_path), "YUEJIE_WORKERS": "3"}
    without = programs(Settings.load(told_to_be))
    assert {each.environ[METRICS_PORT] for each in without} == {"0"}
    found = programs(Settings.load(told_to_be | {METRICS_PORT: "8410"}))
    ports = {each.name: each.environ[METRICS_PORT] for each in found if each.name != "console"}
    assert ports["intake"] == "8410"
    assert len(set(ports.values())) == len(ports)
