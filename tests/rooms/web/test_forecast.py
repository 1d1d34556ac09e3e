"""Forecasts and capacity over REST: a customer reads its own, the operator keeps the ceilings."""

from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.web.auth import API

ZONE = ZoneInfo("Asia/Shanghai")


def test_a_forecast_says_how_little_it_knows(operator: TestClient, house: House) -> None:
    del house
    said = operator.get(f"{API}/customers/acme/forecast").json()
    assert (said["unit"], said["zone"]) == ("CNY", "Asia/Shanghai")
    assert said["knows"]
    hours = operator.get(f"{API}/customers/acme/forecast/hours?measure=tokens&hours=24").json()
    assert hours["unit"] == "tokens"
    wrong = operator.get(f"{API}/customers/acme/forecast/hours?hours=999")
    assert wrong.status_code == 422
    gone = operator.get(f"{API}/customers/acme/forecast?project=nix")
    assert (gone.status_code, "没有项目" in gone.json()["detail"]) == (404, True)


def test_months_and_ranges_are_decimal_text(operator: TestClient, house: House) -> None:
    for day in (*(f"10-{day}" for day in range(12, 32)), *(f"11-0{day}" for day in range(1, 5))):
        house.acme.uses(f"2026-{day} 12:00:00", "gpt-4o", input=2_000_000)
    said = operator.get(f"{API}/customers/acme/forecast").json()
    month = said["months"][0]
    assert month["month"] == "2026-11"
    sides = [float(month["told"][name]) for name in ("low95", "low80", "middle", "high80")]
    assert sides == sorted(sides)
    assert 100 < sides[2] < 400
    assert said["days"][0]["told"] is None
    asked = datetime.fromisoformat(said["as_of"]).astimezone(ZONE).date()
    assert next(e["day"] for e in said["days"] if e["told"]) == str(asked)


def test_a_customer_reads_its_own_and_no_others(client: TestClient, house: House) -> None:
    key = bearer(house.acme_key.secret)
    for path in ("", "/hours", "/budgets"):
        assert client.get(f"{API}/customers/acme/forecast{path}", headers=key).status_code == 200
        refused = client.get(f"{API}/customers/zeta/forecast{path}", headers=key)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert client.get(f"{API}/capacity", headers=key).status_code == 403
    assert client.get(f"{API}/customers/acme/forecast").status_code == 401


def test_the_operator_keeps_ceilings(operator: TestClient, house: House) -> None:
    del house
    account = operator.get(f"{API}/capacity").json()
    assert isinstance(account, list)
    missing = operator.put(f"{API}/capacity/ceilings/nobody", json={"rpm": 5})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = operator.put(f"{API}/capacity/ceilings/nobody", json={"rpm": 0})
    assert wrong.status_code == 422
    assert operator.get(f"{API}/capacity/ceilings").json() == []
