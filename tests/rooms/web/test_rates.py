"""The rates of a day over REST: a customer's own sale rates, and nothing of cost."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.web.auth import API


def test_a_customer_reads_its_own_rates_of_a_day_and_never_what_they_cost(
    client: TestClient, operator: TestClient, house: House
) -> None:
    """As the page and the annex of its contract list them; another's are not there for it."""
    own = bearer(house.acme_key.secret)
    path = f"{API}/customers/acme/rates"
    found = client.get(path, params={"on": "2026-10-15"}, headers=own)
    assert found.status_code == 200, found.text
    rates = {(each["model"], each["meter"]): each["rate"] for each in found.json()["items"]}
    assert rates["gpt-4o", "input"] == {"rate": "5.00", "currency": "CNY", "per": 1_000_000}
    assert "cost" not in found.text
    assert operator.get(path, params={"on": "2026-10-15"}).json() == found.json()
    named = client.get(path, params={"on": "2026-10-15", "model": "MINI"}, headers=own).json()
    assert {each["model"] for each in named["items"]} == {
        model for model, _ in rates if "mini" in model
    }
    first = client.get(path, params={"on": "2026-10-15", "limit": 1}, headers=own).json()
    assert (len(first["items"]), first["next_cursor"] is None) == (1, False)
    before = client.get(path, params={"on": "2001-01-01"}, headers=own).json()
    assert before["items"] == []
    assert client.get(path.replace("acme", "zeta"), headers=own).status_code == 404
    assert client.get(path, params={"on": "昨天"}, headers=own).status_code == 422
