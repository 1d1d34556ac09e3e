"""A warehouse for tests: chDB, ClickHouse's engine inside this process, by the same client.

chDB is heavy (some 800 MB installed) and so is not part of the lock; `make chdb` brings it.
Without it these tests are skipped, and say so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from yuejie.db.warehouse.client import Warehouse


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One engine per process, as chDB has it."""
    pytest.importorskip("chdb", reason="chDB is not installed: run `make chdb`")
    folder: Path = tmp_path_factory.mktemp("chdb")
    with Warehouse(f"chdb://{folder}") as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(engine: Warehouse) -> Iterator[Warehouse]:
    """The engine without any table."""
    engine.run("DROP TABLE IF EXISTS usage_event SYNC")
    yield engine
    engine.run("DROP TABLE IF EXISTS usage_event SYNC")
