from datetime import UTC, datetime, timedelta

import pytest

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import Particulars, ProjectDraft, add_project, enrol_customer
from yuejie.customers.key import PREFIX, digest_of
from yuejie.customers.keys import KeyDraft, issue_key, revoke_key, rotate_key
from yuejie.customers.store import key_by_digest, keys
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import KeyId

NOW = datetime(2026, 10, 1, tzinfo=UTC)
PEPPER = bytes(range(32))


@pytest.fixture
def customer(database: Database) -> Customer:
    who = enrol_customer(
        database,
        Particulars(slug="acme", legal_name="示例有限公司", tag_names=["team"]),
        by="t",
        now=NOW,
    )
    add_project(database, who.customer_id, ProjectDraft(name="main"), by="t", now=NOW)
    return who


def draft(**changes: object) -> KeyDraft:
    written: dict[str, object] = {"project": "main", "name": "app", **changes}
    return KeyDraft(**written)  # type: ignore[arg-type]  # a test writes what it likes


def test_a_key_is_shown_once_and_kept_as_a_digest(database: Database, customer: Customer) -> None:
    issued = issue_key(database, customer, draft(), pepper=PEPPER, by="t", now=NOW)
    assert issued.secret.startswith(PREFIX)
    assert issued.secret not in repr(issued)
    with database.read() as tx:
        assert key_by_digest(tx, digest_of(issued.secret, PEPPER)) == issued.key
        assert key_by_digest(tx, digest_of(issued.secret, bytes(32))) is None
        stored = tx.value("SELECT string_agg(t::text, '') FROM api_key t")
        deeds = tx.value("SELECT string_agg(became::text, '') FROM deed")
    assert issued.secret not in stored + deeds
    assert issued.key.digest.hex() not in deeds


def test_rotation_lets_both_keys_live_for_the_overlap(
    database: Database, customer: Customer
) -> None:
    old = issue_key(database, customer, draft(tags={"team": "a"}), pepper=PEPPER, by="t", now=NOW)
    new = rotate_key(
        database, old.key.key_id, overlap=timedelta(hours=2), pepper=PEPPER, by="t", now=NOW
    )
    with database.read() as tx:
        both = {key.key_id: key for key in keys(tx, customer.customer_id)}
    was, became = both[old.key.key_id], both[new.key.key_id]
    assert (was.expires_at, was.replaced_by) == (NOW + timedelta(hours=2), new.key.key_id)
    assert (became.tags, became.expires_at) == ("team=a", None)


def test_a_revoked_key_stays_revoked(database: Database, customer: Customer) -> None:
    issued = issue_key(database, customer, draft(), pepper=PEPPER, by="t", now=NOW)
    revoke_key(database, issued.key.key_id, by="t", now=NOW)
    with pytest.raises(Conflict, match="吊销"):
        revoke_key(database, issued.key.key_id, by="t", now=NOW)
    with pytest.raises(Conflict, match="吊销"):
        rotate_key(database, issued.key.key_id, overlap=timedelta(), pepper=PEPPER, by="t", now=NOW)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tags": {"unknown": "x"}}, "未在客户 acme 登记"),
        ({"tags": {"team": "a,b"}}, "逗号"),
        ({"expires_at": NOW}, "到期时间已过"),
    ],
)
def test_a_key_that_could_not_work_is_refused(
    database: Database, customer: Customer, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        issue_key(database, customer, draft(**changes), pepper=PEPPER, by="t", now=NOW)


def test_a_key_of_nothing_is_not_found(database: Database, customer: Customer) -> None:
    with pytest.raises(NotFound, match="项目"):
        issue_key(database, customer, draft(project="none"), pepper=PEPPER, by="t", now=NOW)
    with pytest.raises(NotFound, match="密钥"):
        revoke_key(database, KeyId("key_none"), by="t", now=NOW)
