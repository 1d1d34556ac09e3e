"""Papers with the seal's picture over REST: the operator's alone, and each is written down."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.rooms.bills.documents.pictures import png
from tests.rooms.web.conftest import OPERATOR, House, bearer, desk_at
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.web.app import make_app
from yuejie.web.auth import API

SPAN = "since=2026-11-01&until=2026-12-01"
STAMPED = "SELECT array_agg(became ->> 'sha256' ORDER BY deed_id) FROM deed WHERE verb = 'stamp'"


def papers(house: House) -> list[str]:
    return [
        f"{API}/bills/{house.acme_bill.number}/documents/pdf?stamped=true",
        f"{API}/customers/acme/letters/statement?{SPAN}&stamped=true",
        f"{API}/customers/acme/letters/confirmation?{SPAN}&stamped=true",
    ]


@pytest.fixture
def stamping(database: Database, clock: FixedClock, tmp_path: Path) -> TestClient:
    seal = tmp_path / "seal.png"
    seal.write_bytes(png(220, 220))
    return TestClient(make_app(replace(desk_at(database, clock), stamp_file=seal)))


def test_the_operator_stamps_and_every_paper_is_a_deed(
    stamping: TestClient, database: Database, house: House
) -> None:
    given = []
    for url in papers(house):
        answer = stamping.get(url, headers=OPERATOR)
        assert answer.status_code == 200, answer.text
        plain = stamping.get(
            url.replace("&stamped=true", "").split("?stamped")[0], headers=OPERATOR
        )
        assert plain.content != answer.content
        given.append(sha256(answer.content).hexdigest())
    with database.read() as tx:
        assert tx.value(STAMPED) == given
    pack = f"{API}/customers/acme/packs/2026-10?stamped=true"
    assert stamping.get(pack, headers=OPERATOR).status_code == 200
    with database.read() as tx:
        assert tx.value(STAMPED) == [*given, given[0]]


def test_a_customer_does_not_stamp_and_nothing_is_stamped_without_a_picture(
    stamping: TestClient, client: TestClient, operator: TestClient, house: House, database: Database
) -> None:
    for url in (*papers(house), f"{API}/customers/acme/packs/2026-10?stamped=true"):
        refused = stamping.get(url, headers=bearer(house.acme_key.secret))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        missing = operator.get(url)
        assert missing.status_code == 422
        assert "YUEJIE_SELLER_STAMP" in missing.text
    with database.read() as tx:
        assert tx.value(STAMPED) is None
