import pytest

from yuejie.kernel.errors import Forbidden
from yuejie.kernel.two_people import refuse_same


def test_who_asked_may_not_decide_and_is_told_who_must() -> None:
    with pytest.raises(Forbidden) as refused:
        refuse_same("operator:lin", "operator:lin", "付款申请 pay_1 ", payment="pay_1")
    assert refused.value.sentence == "付款申请 pay_1 由 operator:lin 提出，须由另一人审批"
    assert refused.value.facts == {"payment": "pay_1"}


def test_another_member_may_even_under_the_same_name_elsewhere() -> None:
    refuse_same("operator:lin", "customer:lin", "退款申请")
