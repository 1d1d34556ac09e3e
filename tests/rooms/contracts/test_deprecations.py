from datetime import UTC, date, datetime, timedelta

from tests.rooms.contracts.shelf import lists_of
from yuejie.contracts.contract import Terms
from yuejie.contracts.forewarn.deprecations import due_notices, notices_today
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.contracts.publish import Publication, open_book, publish_revision
from yuejie.contracts.sign import sign_contract
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import BookId, CustomerId

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)
PRICES = '[models.old]\ninput = "1"\noutput = "1"\n[models.new]\ninput = "3"\noutput = "1"'


def furnish(db: Database) -> CustomerId:
    """A customer under contract, and a model that ends in four weeks."""
    open_book(db, "sale", kind="sale", currency="USD", by="op", now=NOW)
    start = NOW - timedelta(days=60)
    wanted = Publication(
        book_id="sale", lists=lists_of(PRICES), starts_at=start, source="test", approve=True
    )
    publish_revision(db, wanted, by="op", now=NOW)
    draft = ModelDraft(model_id="old", deprecation_date=date(2026, 12, 29), replacement="new")
    put_model(db, draft, by="op", now=NOW)
    particulars = Particulars(slug="acme", legal_name="甲公司", currency="USD")
    acme = enrol_customer(db, particulars, by="op", now=NOW).customer_id
    terms = Terms(customer_id=acme, sale_book=BookId("sale"), currency="USD", starts_at=start)
    sign_contract(db, terms, by="op", now=NOW)
    return acme


def use(tx: Tx, customer_id: str, key: str, hour: datetime, quantity: int) -> None:
    """Write usage as ingest would have summed it."""
    dimension = tx.value(
        """
        INSERT INTO usage_dimension (customer_id, project_id, key_id, tags, deployment_id)
        VALUES (%(customer_id)s, 'prj', %(key)s, '', '') RETURNING dimension_id
        """,
        customer_id=customer_id,
        key=key,
    )
    tx.run(
        """
        INSERT INTO usage_rollup (month, hour, dimension_id, model, meter, sale_rate, cost_rate,
                                  state, epoch, quantity)
        VALUES (%(month)s, %(hour)s, %(dimension)s, 'old', 'input', 1, 0, 'measured', 1,
                %(quantity)s)
        """,
        month=f"{hour:%Y-%m}",
        hour=hour,
        dimension=dimension,
        quantity=quantity,
    )


def test_recent_keys_are_named_with_the_difference(database: Database) -> None:
    acme = furnish(database)
    with database.begin() as tx:
        use(tx, acme, "key_1", NOW - timedelta(days=2), 4_000_000)
        use(tx, acme, "key_2", NOW - timedelta(days=20), 1_000_000)
        use(tx, acme, "key_old", NOW - timedelta(days=31), 9_000_000)
        use(tx, "cus_gone", "key_3", NOW - timedelta(days=1), 1)
    with database.read() as tx:
        acmes, gone = due_notices(tx, now=NOW, within=timedelta(days=90))
        assert due_notices(tx, now=NOW, within=timedelta(days=27)) == []
        assert notices_today(tx, {}, now=NOW) == [acmes, gone]
        assert notices_today(tx, {"old": 30}, now=NOW) == []
    assert acmes.keys == ("key_1", "key_2")
    assert "每 30 天约多 10.00 USD" in acmes.sentence()
    assert "无法估算费用差异" in gone.sentence()
