"""Under whose name a command acts: the member whose token is set, else the user."""

import pytest

from tests.rooms.cli.desk import run
from tests.rooms.ledger.deeds import LATER
from yuejie.cli.customers import members
from yuejie.cli.prices import price
from yuejie.db.session import Database
from yuejie.kernel.errors import Forbidden


def signed(db: Database) -> list[str]:
    """Who signed each deed, in the order they were done."""
    with db.read() as tx:
        found: list[str] = tx.value("SELECT array_agg(by ORDER BY deed_id) FROM deed")
        return found


def test_any_command_signs_as_the_member_whose_token_is_set(
    database: Database, database_url: str
) -> None:
    """Not only the deeds that need two people: a price book is opened under a name as well."""
    token = run(members, database_url, LATER, "enrol", "王敏", "finance").strip()
    opened = ("open", "价目", "--kind", "sale", "--currency", "CNY")
    run(price, database_url, LATER, *opened, token=token)
    assert signed(database) == ["op", "operator:王敏"]


@pytest.mark.parametrize("revoked", [True, False], ids=["停用的令牌", "不存在的令牌"])
def test_a_token_of_nobody_in_use_opens_nothing(
    database: Database, database_url: str, *, revoked: bool
) -> None:
    token = "yj-m-nobody"
    if revoked:
        token = run(members, database_url, LATER, "enrol", "王敏", "finance").strip()
        run(members, database_url, LATER, "revoke", "王敏")
    before = signed(database)
    with pytest.raises(Forbidden, match="YUEJIE_MEMBER_TOKEN 不是运营方在用成员的令牌"):
        run(members, database_url, LATER, "enrol", "李雷", "admin", token=token)
    assert signed(database) == before
