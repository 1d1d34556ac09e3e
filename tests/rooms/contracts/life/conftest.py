import pytest

from tests.rooms.contracts.life.parties import NOW
from tests.rooms.contracts.shelf import lists_of
from yuejie.contracts.publish import Publication, open_book, publish_revision
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId


@pytest.fixture
def acme(database: Database) -> CustomerId:
    open_book(database, "list", kind="sale", currency="CNY", by="op", now=NOW)
    lists = lists_of('[models."gpt-4o"]\ninput = "18"\noutput = "72"')
    wanted = Publication(book_id="list", lists=lists, starts_at=NOW, source="t", approve=True)
    publish_revision(database, wanted, by="op", now=NOW)
    particulars = Particulars(slug="acme", legal_name="示例科技")
    return enrol_customer(database, particulars, by="op", now=NOW).customer_id
