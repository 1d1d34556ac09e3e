"""Forecasts and capacity at the keyboard."""

from datetime import date, datetime

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from tests.scenarios.test_capacity import Line, ceiling, line
from tests.scenarios.test_forecast import NOW, ZONE, Office, acme
from yuejie.cli.insight.capacity import capacity
from yuejie.cli.insight.forecast import forecast
from yuejie.cli.watch.budgets import budgets
from yuejie.cli.watch.protections import protections
from yuejie.db.session import Database
from yuejie.kernel.money import PICO

__all__ = ["acme", "line"]  # fixtures of the stories, told here at the keyboard


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def test_a_month_is_drawn_told_and_proved(acme: Office, database_url: str) -> None:
    said = run(forecast, database_url, NOW, "show", "acme")
    for words in (
        "acme · 费用，截至 2026-10-12 18:30；依据 69 天的用量",
        "每日，CNY",
        "█ 实际",
        "2027-01",
        "回测：在过去 6 个时点只用当时已知的用量重做预测",
        "逐日 MASE",
    ):
        assert words in said
    plain = run_json(forecast, database_url, NOW, "show", "acme", "--measure", "tokens")
    assert (plain["unit"], len(plain["months"]), plain["known_days"]) == ("tokens", 4, 69)


def test_budgets_and_hours_are_told(acme: Office, database_url: str) -> None:
    assert "没有费用、token 或请求的额度" in run(forecast, database_url, NOW, "budgets", "acme")
    acme.caps("本月", 1_000 * PICO)
    acme.caps("宽", 100_000 * PICO)
    said = run(forecast, database_url, NOW, "budgets", "acme")
    assert "10-2" in said
    assert "本周期内不会" in said
    hours = run(forecast, database_url, NOW, "hours", "acme", "--measure", "tokens")
    assert "每小时（每列为 2 小时的平均）" in hours
    assert "MASE" in hours
    assert len(run_json(forecast, database_url, NOW, "hours", "acme")["hours"]) == 168 + 96


def test_what_is_not_there_is_a_sentence(acme: Office, database_url: str) -> None:
    early = datetime(2026, 8, 3, 9, tzinfo=ZONE)
    assert "暂不能预测" in run(forecast, database_url, early, "show", "acme")
    assert "满 48 小时后才有" in run(forecast, database_url, early, "hours", "acme")


def test_capacity_is_listed_drawn_and_rebuilt(line: Line, database_url: str) -> None:
    now = line.days(21)
    assert "没有经网关的调用" in run(capacity, database_url, now, "list")
    assert "取得 4" in run(capacity, database_url, now, "take")
    said = run(capacity, database_url, now, "ceiling", "openai-main", "gpt-4o-2026", "--rpm", "40")
    assert said == "已登记\n"
    assert not ceiling(line, 40)
    said = run(capacity, database_url, now, "list")
    assert "75 %" in said
    assert "！openai-main gpt-4o-2026 的每分钟请求 RPM近 7 天最高 30，为配额 40 的 75 %" in said
    drawn = run(capacity, database_url, now, "show", "openai-main", "gpt-4o-2026")
    assert "┄ 配额" in drawn
    assert "每天最忙的一分钟" in drawn
    assert "40" in run(capacity, database_url, now, "ceilings")
    words = ("rebuild", "--since", f"{date(2026, 9, 1)}", "--check")
    assert run(capacity, database_url, now, *words) == "与事件一致\n"
    (rpm, _) = run_json(capacity, database_url, now, "list")
    assert (rpm["outlook"]["peak"], rpm["percent"]) == (30, 75)


def test_budgets_and_protections_are_set_at_the_keyboard(acme: Office, database_url: str) -> None:
    run(budgets, database_url, NOW, "add", "acme", "本月", "--cap", "1000", "--mode", "soft")
    said = run(budgets, database_url, NOW, "change", "acme", "本月", "--cap", "2000")
    assert "2000.00" in said
    run(protections, database_url, NOW, "set", "acme", "--action", "pause")
