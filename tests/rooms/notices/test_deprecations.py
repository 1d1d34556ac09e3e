"""Models that end are announced once per threshold and customer."""

from datetime import timedelta

from tests.rooms.contracts.test_deprecations import NOW, furnish, use
from tests.rooms.notices.desk import Memory, channel
from yuejie.db.session import Database
from yuejie.notices.deliver import deliver_due
from yuejie.notices.news.deprecations import announce_deprecations


def test_an_ending_model_is_announced_once_per_threshold(database: Database) -> None:
    acme = furnish(database)  # "old" ends on 2026-12-29, in 28 days
    channel(database, "email", "a@acme.example.com", customer_id=acme)
    with database.begin() as tx:
        use(tx, acme, "key_1", NOW - timedelta(days=2), 4_000_000)
    assert [announce_deprecations(database, NOW + timedelta(days=n)) for n in range(3)] == [1, 0, 0]
    assert announce_deprecations(database, NOW + timedelta(days=21)) == 1
    post = Memory()
    assert deliver_due(database, post, NOW) == 1
    facts = [told.facts for told in post.parcels[0].told]
    assert [(each["days"], each["replacement"]) for each in facts] == [("28", "new"), ("7", "new")]
    assert facts[0]["difference"] == "+8.00 USD"
