"""A fresh office for each story."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import desk_at
from tests.scenarios.books import FixedClock
from tests.stories.office import Office
from yuejie.db.session import Database
from yuejie.web.app import make_app


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    clock = FixedClock(datetime(2026, 8, 20, 2, 0, tzinfo=UTC))
    with TestClient(make_app(desk_at(database, clock))) as client:
        yield Office(database, client, clock)
