from datetime import UTC, datetime

import pytest

from yuejie.customers.enrol import (
    Particulars,
    ProjectDraft,
    add_project,
    enrol_customer,
    find_customer,
)
from yuejie.customers.store import projects
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def acme(**changes: object) -> Particulars:
    written: dict[str, object] = {"slug": "acme", "legal_name": "示例有限公司", **changes}
    return Particulars(**written)  # type: ignore[arg-type]  # a test writes what it likes


def test_enrolling_twice_is_enrolling_once(database: Database) -> None:
    first = enrol_customer(database, acme(), by="t", now=NOW)
    second = enrol_customer(database, acme(), by="t", now=NOW)
    assert first == second
    assert first.customer_id.startswith("cus_")


def test_particulars_may_change_and_zone_may_not(database: Database) -> None:
    enrol_customer(database, acme(), by="t", now=NOW)
    changed = enrol_customer(database, acme(bank_name="示例银行"), by="t", now=NOW)
    assert changed.bank_name == "示例银行"
    with pytest.raises(Conflict, match="不能修改"):
        enrol_customer(database, acme(zone="UTC"), by="t", now=NOW)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"uscc": "91350100M000100Y44"}, "校验位"),
        ({"zone": "Asia/Peking"}, "IANA"),
        ({"currency": "EUR"}, "CNY 或 USD"),
        ({"legal_name": " "}, "营业执照"),
        ({"slug": "a,b"}, "逗号"),
        ({"state": "asleep"}, "suspended"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(
    database: Database, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        enrol_customer(database, acme(**changes), by="t", now=NOW)


def test_an_unknown_customer_is_said_to_be_unknown(database: Database) -> None:
    with database.read() as tx, pytest.raises(NotFound, match="客户不存在"):
        find_customer(tx, "nobody")


def test_projects_form_a_tree_without_loops(database: Database) -> None:
    who = enrol_customer(database, acme(), by="t", now=NOW).customer_id
    add_project(database, who, ProjectDraft(name="top"), by="t", now=NOW)
    add_project(database, who, ProjectDraft(name="below", parent="top"), by="t", now=NOW)
    with pytest.raises(Conflict, match="下级"):
        add_project(database, who, ProjectDraft(name="top", parent="below"), by="t", now=NOW)
    with pytest.raises(NotFound, match="上级"):
        add_project(database, who, ProjectDraft(name="lost", parent="nowhere"), by="t", now=NOW)
    with database.read() as tx:
        assert [project.name for project in projects(tx, who)] == ["below", "top"]


def test_a_customer_has_no_access_to_the_projects_of_another(database: Database) -> None:
    one = enrol_customer(database, acme(), by="t", now=NOW).customer_id
    two = enrol_customer(database, acme(slug="other"), by="t", now=NOW).customer_id
    add_project(database, one, ProjectDraft(name="secret"), by="t", now=NOW)
    with database.read() as tx:
        assert projects(tx, two) == []
    with pytest.raises(NotFound):
        add_project(database, two, ProjectDraft(name="x", parent="secret"), by="t", now=NOW)
