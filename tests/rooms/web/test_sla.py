"""A month's service over the API: a customer reads its own, and nobody else's."""

from io import BytesIO

import pypdf
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, Museum, bearer
from tests.scenarios.books import Books
from tests.scenarios.callers import calls, fails, promised
from yuejie.db.session import Database


def test_a_key_reads_its_own_report_and_no_other(museum: Museum) -> None:
    house, client = museum.house, museum.client
    own = bearer(house.acme_key.secret)
    report = client.get("/api/v1/sla/2026-10", headers=own)
    assert report.status_code == 200
    told = report.json()
    assert (told["customer"], told["verdict"], told["counted"]) == ("acme", "未约定", 1)
    named = client.get("/api/v1/sla/2026-10?customer=acme", headers=own).json()
    assert named == told
    for path in ("/api/v1/sla/2026-10", "/api/v1/sla/2026-10/pdf"):
        for other in ("zeta", house.zeta.customer.customer_id, "nobody"):
            refused = client.get(f"{path}?customer={other}", headers=own)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert client.get("/api/v1/sla/2026-10").status_code == 401


def test_the_operator_names_a_customer(museum: Museum) -> None:
    refused = museum.operator.get("/api/v1/sla/2026-10")
    assert refused.status_code == 422
    assert "customer=acme" in refused.json()["detail"]
    told = museum.operator.get("/api/v1/sla/2026-10?customer=zeta").json()
    assert told["customer"] == "zeta"
    assert museum.operator.get("/api/v1/sla/2026-13?customer=zeta").status_code == 422


def test_a_broken_promise_is_explained_on_the_wire_and_on_paper(
    database: Database, house: House, operator: TestClient
) -> None:
    books = Books(database)
    books.clock.at = house.books.clock.at
    beta = books.customer("beta", commercial=promised())
    beta.uses("2026-10-05 10:00:00", "gpt-4o", input=1_000_000)
    calls(beta, "2026-10-05 11:00:00", 997)
    fails(beta, "2026-10-06 11:00:00", 2)
    books.close("2026-10")
    told = operator.get("/api/v1/sla/2026-10?customer=beta").json()
    assert (told["verdict"], told["promised_ppm"], told["availability_ppm"]) == (
        "未达标",
        999_000,
        998_000,
    )
    assert told["calls"] | {"provider": 2, "answered": 998} == told["calls"]
    assert told["spend"] == {"amount": "5.00", "currency": "CNY"}
    assert told["credit"] == told["billed"] == {"amount": "0.50", "currency": "CNY"}
    assert told["worst_hours"] == [
        {
            "since": "2026-10-06T03:00:00Z",
            "calls": 2,
            "failed": 2,
            "by_party": {"provider": 2},
        }
    ]
    paper = operator.get("/api/v1/sla/2026-10/pdf?customer=beta")
    assert paper.headers["content-type"] == "application/pdf"
    text = pypdf.PdfReader(BytesIO(paper.content)).pages[0].extract_text().replace(" ", "")
    for words in ("服务质量月报", "99.8%", "2026-10-0611:00", "供应商2", "0.50"):
        assert words in text
