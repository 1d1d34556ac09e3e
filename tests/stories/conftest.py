"""A fresh office for each story."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import desk_at
from tests.scenarios.books import FixedClock
from tests.stories.office import Office
from yuejie.db.session import Database
from yuejie.demo.tax.launch import tax_here
from yuejie.web.app import make_app
from yuejie.web.desk import FapiaoDesk


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    clock = FixedClock(datetime(2026, 8, 20, 2, 0, tzinfo=UTC))
    desk = replace(desk_at(database, clock), fapiao=FapiaoDesk(provider="nuonuo"))
    with (
        tax_here(tmp_path / "tax.jsonl", at=clock.at) as tax,
        TestClient(make_app(desk)) as client,
    ):
        yield Office(database, client, clock, tax)
