"""A customer's desk, and a tax platform whose clock the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms.fapiao.shop import NOW, Shop
from yuejie.db.session import Database
from yuejie.demo.tax.launch import TaxPlatform, tax_here


@pytest.fixture
def shop(database: Database, owner_url: str) -> Shop:
    return Shop(database, owner_url).enrol()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[TaxPlatform]:
    with tax_here(tmp_path / "tax.jsonl", at=NOW) as here:
        yield here
