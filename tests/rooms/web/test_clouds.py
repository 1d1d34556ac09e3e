"""Cloud bills over REST: a delivery, a month's line, its rows; and nothing of it for a stranger."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fastapi.testclient import TestClient

from tests.rooms.clouds.written import focus_row, write_csv
from tests.rooms.web.conftest import House, bearer
from yuejie.bills.bill import LineKind
from yuejie.contracts.agreed.cloud import CloudTerms
from yuejie.contracts.terms import STANDARD
from yuejie.web.auth import API


def content(path: Path, *amounts: str) -> str:
    month = "2026-11-01T00:00:00Z"
    rows = [focus_row(BilledCost=each, BillingPeriodStart=month) for each in amounts]
    return b64encode(write_csv(path, rows).read_bytes()).decode()


def test_from_the_file_to_the_rows_behind_a_line(
    client: TestClient, operator: TestClient, house: House, tmp_path: Path
) -> None:
    """
    Zeta's November costs 12.50 and 7.50 at the cloud. The operator tries, commits, closes and
    issues; Zeta's key reads the two rows behind its line and not our columns, Acme's finds nothing.
    """
    terms = replace(STANDARD, clouds=(CloudTerms(source="aws", markup_ppm=100_000),))
    starts = datetime(2026, 10, 31, 16, tzinfo=UTC)
    house.books.tick()
    house.books.amend(house.zeta, terms, starts=starts)
    source = {"source": "aws", "name": "AWS", "billing_account": "999900001111"}
    assert operator.post(f"{API}/cloud-sources", json=source).status_code == 201
    rule = {"match": "*", "customer": "zeta", "since": "2026-01"}
    assert operator.post(f"{API}/cloud-sources/aws/rules", json=rule).status_code == 201
    file = {"name": "../../a.csv", "content": content(tmp_path / "a.csv", "12.50", "7.50")}
    wanted = {"files": [file], "commit": False}
    tried = operator.post(f"{API}/cloud-sources/aws/deliveries", json=wanted).json()
    assert (tried["committed"], tried["periods"][0]["rows"]) == (False, 2)
    assert operator.get(f"{API}/cloud-costs?month=2026-11").json()["items"] == []
    done = operator.post(f"{API}/cloud-sources/aws/deliveries", json=wanted | {"commit": True})
    assert done.json()["periods"][0]["after"][0]["billed"] == {
        "amount": "20.00",
        "currency": "CNY",
    }
    (cost,) = operator.get(f"{API}/cloud-costs?month=2026-11").json()["items"]
    assert (cost["customer"], cost["billed"]["amount"]) == ("zeta", "20.00")
    margins = {m["name"]: m for m in operator.get(f"{API}/margins/2026-11").json()}
    assert margins["zeta"]["cost"]["amount"] == "20.00"
    house.books.close("2026-11")
    bill = house.books.issue(house.zeta.bill("2026-11"))
    (line,) = [each for each in bill.lines if each.kind is LineKind.CLOUD]
    assert line.amount_fen == 22_00
    url = f"{API}/bills/{bill.number}/lines/{line.position}/cloud-rows"
    first = client.get(f"{url}?limit=1", headers=bearer(house.zeta_key.secret)).json()
    rest = client.get(
        url,
        params={"cursor": first["next_cursor"]},
        headers=bearer(house.zeta_key.secret),
    ).json()
    shown = [*first["items"], *rest["items"]]
    assert [(row["billed"]["amount"], row["kept"]) for row in shown] == [
        ("12.50", None),
        ("7.50", None),
    ]
    assert operator.get(url).json()["items"][0]["kept"]["ChargeDescription"] == "a charge"
    assert client.get(url, headers=bearer(house.acme_key.secret)).status_code == 404


def test_a_wrong_file_is_refused_by_row_and_column_and_leaves_nothing(
    operator: TestClient, tmp_path: Path
) -> None:
    source = {"source": "aws", "name": "AWS", "billing_account": "999900001111"}
    operator.post(f"{API}/cloud-sources", json=source)
    file = {"name": "a.csv", "content": content(tmp_path / "a.csv", "12.50", "12,50")}
    wanted = {"files": [file], "commit": True}
    answer = operator.post(f"{API}/cloud-sources/aws/deliveries", json=wanted)
    assert answer.status_code == 422
    assert "第 3 行列 BilledCost" in answer.json()["detail"]
    assert operator.get(f"{API}/cloud-costs?month=2026-11").json()["items"] == []
