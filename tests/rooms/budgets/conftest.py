import pytest

from tests.rooms.intake.shop import Shop, open_shop
from yuejie.db.session import Database


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database)
