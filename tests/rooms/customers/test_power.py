"""What the operator's roles may do, as a table that can be read at once."""

from datetime import UTC, datetime

import pytest

from yuejie.customers.members.member import CUSTOMERS, OPERATORS, Member, Role
from yuejie.customers.members.power import CALLED, HOLDERS, Power, holds, refuse_powerless
from yuejie.kernel.errors import Forbidden
from yuejie.kernel.ids import CustomerId

NOW = datetime(2026, 11, 5, tzinfo=UTC)


def member(role: Role, customer: str | None = None) -> Member:
    return Member("mem_1", CustomerId(customer) if customer else None, "王敏", role, b"", NOW)


def test_every_power_is_held_by_administrators_and_only_by_the_operators_roles() -> None:
    assert HOLDERS.keys() == set(Power)
    assert CALLED.keys() == set(Role)
    for holders in HOLDERS.values():
        assert Role.ADMIN in holders
        assert holders <= OPERATORS


def test_sales_drafts_finance_reviews_an_administrator_signs() -> None:
    steps = (Power.DRAFT_CONTRACTS, Power.REVIEW_CREDIT, Power.SIGN_CONTRACTS)
    may = {role: [holds(member(role), power) for power in steps] for role in OPERATORS}
    assert may == {
        Role.SALES: [True, False, False],
        Role.FINANCE: [False, True, False],
        Role.SUPPORT: [False, False, False],
        Role.ADMIN: [True, True, True],
    }


@pytest.mark.parametrize("role", sorted(CUSTOMERS))
def test_a_customers_member_holds_no_power_whatever_its_role(role: Role) -> None:
    assert not any(holds(member(role, "cus_1"), power) for power in Power)


def test_a_refusal_says_who_is_to_do_it() -> None:
    with pytest.raises(Forbidden, match="成员 王敏 是销售，无权进行这个操作，请由管理员、财务成员"):
        refuse_powerless(member(Role.SALES), Power.BILL)
