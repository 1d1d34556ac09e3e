"""Exports of providers are taken in for a prospect: sums, and nothing that is ever billed."""

import json
from pathlib import Path

import pytest

from tests.scenarios.prospecting import Sales
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.presales.replay.store import cells_of

FORM = {
    "company": {"name": "甲"},
    "task": "support",
    "first_month": "2026-12",
    "volume": {"items_per_day": 10},
    "tokens": {"input": 100, "output": 10},
}
OPENAI = {
    "data": [
        {
            "start_time": 1788220800,  # 2026-09-01 08:00 in Shanghai
            "end_time": 1788307200,
            "results": [
                {
                    "model": "gpt-4o-2024-08-06",
                    "project_id": "proj_x",
                    "input_tokens": 1_000,
                    "input_cached_tokens": 400,
                    "output_tokens": 50,
                    "num_model_requests": 7,
                    "batch": True,
                }
            ],
        }
    ]
}
ANTHROPIC = {
    "data": [
        {
            "starting_at": "2026-09-30T16:00:00Z",
            "ending_at": "2026-10-01T16:00:00Z",
            "results": [
                {
                    "model": "claude",
                    "workspace_id": "w",
                    "uncached_input_tokens": 10,
                    "cache_read_input_tokens": 20,
                    "cache_creation": {"ephemeral_5m_input_tokens": 5},
                    "output_tokens": 3,
                }
            ],
        }
    ]
}


@pytest.fixture
def sales(database: Database) -> Sales:
    sales = Sales(database)
    sales.prices("sale", "sale", '[models."gpt-4o"]\ninput = "1"\noutput = "2"\n')
    sales.prospect("jia", FORM)
    return sales


def test_an_openai_export_becomes_disjoint_sums_under_our_names(
    sales: Sales, tmp_path: Path
) -> None:
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(OPENAI))
    mapping = 'format = "openai"\n[models]\n"gpt-4o-2024-08-06" = "gpt-4o"\n'
    loaded = sales.usage("jia", path, mapping)
    with sales.db.read() as tx:
        cells = cells_of(tx, loaded.usage.import_id)
    assert {(c.key.model, c.key.service_tier, c.meter): c.quantity for c in cells} == {
        ("gpt-4o", "batch", "input"): 600,
        ("gpt-4o", "batch", "cache_read"): 400,
        ("gpt-4o", "batch", "output"): 50,
        ("gpt-4o", "batch", "requests"): 7,
    }
    assert loaded.months == ("2026-09",)


def test_an_anthropic_export_falls_into_the_month_of_the_zone(sales: Sales, tmp_path: Path) -> None:
    """It begins at four in the afternoon of the thirtieth in UTC: October in Shanghai."""
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(ANTHROPIC))
    loaded = sales.usage("jia", path, 'format = "anthropic"')
    assert loaded.months == ("2026-10",)
    with sales.db.read() as tx:
        found = {c.meter: c.quantity for c in cells_of(tx, loaded.usage.import_id)}
        events = tx.value("SELECT count(*) FROM usage_event")
        customers = tx.value("SELECT count(*) FROM customer")
    assert found == {
        "input": 10,
        "cache_read": 20,
        "cache_write_5m": 5,
        "output": 3,
        "requests": 1,
    }
    assert (events, customers) == (0, 0)


def test_a_file_of_which_nothing_is_good_is_refused_with_its_first_line(
    sales: Sales, tmp_path: Path
) -> None:
    path = tmp_path / "usage.csv"
    path.write_text("started_at,model,input\n2026-09-01,,5\n")
    with pytest.raises(Invalid, match=r"第 2 行.*没有模型"):
        sales.usage("jia", path)
    path.write_text("")
    with pytest.raises(Invalid, match="文件是空的"):
        sales.usage("jia", path)
    with pytest.raises(NotFound, match="没有潜在客户“yi”"):
        sales.usage("yi", path)
    with sales.db.read() as tx:
        assert tx.value("SELECT count(*) FROM prospect_usage") == 0
