"""Red forms that the buyer starts: found, answered by two people, issued, booked; or not."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.recorded import recorded
from tests.rooms.fapiao.notes import told
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, baiwang_at, nuonuo_at
from yuejie.db.session import Database
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.chain import check_chain
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers.port import Provider
from yuejie.fapiao.request import Pick, what_is_available
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, request_red, withdraw_red
from yuejie.fapiao.reversing.store import pending_reds
from yuejie.kernel.errors import Conflict, Forbidden, Invalid

LINES = [(10_600, 60_000), (21_200, 60_000)]
At = Callable[[Database, str], Provider]


def issued(shop: Shop, platform: TaxPlatform, provider: Provider) -> Fapiao:
    (asked,) = shop.request(Pick(shop.bill("2026-10", LINES)))
    shop.approve(asked, provider.name)
    shop.works(provider, platform, seconds=15)
    return shop.fapiao(asked.key)


def rounds(shop: Shop, platform: TaxPlatform, provider: Provider, *, hours: float = 0) -> None:
    """Let so much time pass, then the clerk make rounds for a minute."""
    shop.passes(platform, int(hours * 3600))
    for _ in range(12):
        tend(shop.db, provider, now=shop.now)
        shop.passes(platform, 5)


def found(shop: Shop) -> list[RedFapiao]:
    with shop.db.read() as tx:
        return pending_reds(tx)


@pytest.mark.parametrize(("at", "reason"), [(nuonuo_at, "2"), (baiwang_at, "01")])
def test_a_buyers_form_is_found_and_two_people_agree_to_it(
    shop: Shop, platform: TaxPlatform, at: At, reason: str
) -> None:
    """
    The buyer has used the fapiao, sees that its title is wrong, and starts a red form itself. It
    was never seen here. Now it is found within the provider's pace, finance is told and reminded,
    one person proposes to agree, another approves, and the red fapiao that the office issues is
    booked: the blue one is reversed, and its amount may be requested again.
    """
    provider = at(shop.db, platform.url)
    blue = issued(shop, platform, provider)
    platform.tell("use", number=blue.number)
    platform.tell("start", number=blue.number, reason=reason)
    filed_at = shop.now
    rounds(shop, platform, provider, hours=1)
    (red,) = found(shop)
    assert (red.state, red.form_code, red.is_buyers) == (RedState.WAITING, "03", True)
    assert red.reason == RedReason.MISTAKE
    assert red.amounts == -blue.amounts
    assert red.expires_at == filed_at.replace(microsecond=0) + timedelta(hours=72)
    assert len(told(shop, "red_form_to_answer")) == 1
    rounds(shop, platform, provider, hours=25)
    assert len(found(shop)) == 1, "found once"
    assert len(told(shop, "red_form_to_answer")) == 2
    with pytest.raises(Conflict, match="还没有拟定答复"):
        approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    propose_answer(shop.db, red.key, agree=False, why="先拒绝", by=BOSS, now=shop.now)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    with pytest.raises(Forbidden, match="另一人"):
        approve_answer(shop.db, red.key, by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    first, second = recorded(shop.db, "red_fapiao", "deny", "agree")
    assert first.became == second.was == {"answer": "deny", "answered_by": BOSS}
    assert second.became == {"answer": "agree", "answered_by": CLERK}
    with pytest.raises(Conflict, match="不能再改"):
        propose_answer(shop.db, red.key, agree=False, why="x", by=CLERK, now=shop.now)
    rounds(shop, platform, provider)
    rounds(shop, platform, provider, hours=1)
    became = shop.red(red.key)
    assert (became.state, became.form_code) == (RedState.ISSUED, "04")
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED
    with shop.db.read() as tx:
        assert what_is_available(tx, shop.customer_id).available_fen == 31_800
        kept = [file.format for file in errands.files_of(tx, red.red_id)]
        assert errands.open_errands(tx) == []
    assert kept == ["ofd", "pdf", "xml"]
    assert check_chain(shop.db, shop.customer_id) == []
    assert [row["number"] for row in platform.issued()] == [blue.number, became.number]


@pytest.mark.parametrize(("at", "reason"), [(nuonuo_at, "4"), (baiwang_at, "04")])
def test_a_part_is_taken_back_as_the_buyer_wrote_it(
    shop: Shop, platform: TaxPlatform, at: At, reason: str
) -> None:
    provider = at(shop.db, platform.url)
    blue = issued(shop, platform, provider)
    line = [1, "-31.45", "-1.88"]
    platform.tell("start", number=blue.number, reason=reason, lines=[line])
    rounds(shop, platform, provider, hours=1)
    (red,) = found(shop)
    assert [(each.blue_position, each.net_fen, each.tax_fen) for each in red.lines] == [
        (1, -3_145, -188)
    ]
    propose_answer(shop.db, red.key, agree=True, why="折让", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    rounds(shop, platform, provider)
    rounds(shop, platform, provider, hours=1)
    assert shop.red(red.key).state is RedState.ISSUED
    assert shop.fapiao(blue.key).state is FapiaoState.PARTLY_REVERSED


@pytest.mark.parametrize("at", [nuonuo_at, baiwang_at])
def test_what_we_deny_is_void_and_the_fapiao_stands(
    shop: Shop, platform: TaxPlatform, at: At
) -> None:
    provider = at(shop.db, platform.url)
    blue = issued(shop, platform, provider)
    platform.tell("start", number=blue.number, reason="2" if at is nuonuo_at else "01")
    rounds(shop, platform, provider, hours=1)
    (red,) = found(shop)
    with pytest.raises(Conflict, match="我方不能撤回"):
        withdraw_red(shop.db, red.key, why="x", by=CLERK, now=shop.now)
    with pytest.raises(Invalid, match="拒绝"):
        propose_answer(shop.db, red.key, agree=False, why=" ", by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=False, why="服务已验收", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    rounds(shop, platform, provider)
    assert (shop.red(red.key).state, shop.red(red.key).form_code) == (RedState.VOID, "06")
    assert shop.fapiao(blue.key).state is FapiaoState.ISSUED


def test_nobody_answers_in_72_hours(shop: Shop, platform: TaxPlatform) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    rounds(shop, platform, nuonuo, hours=72)
    with pytest.raises(Conflict):
        propose_answer(shop.db, red.key, agree=True, why="x", by=CLERK, now=shop.now)
    rounds(shop, platform, nuonuo, hours=1)
    assert (shop.red(red.key).state, shop.red(red.key).form_code) == (RedState.VOID, "07")
    assert len(told(shop, "red_form_lapsed")) == 1
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=2)
    assert [each.state for each in found(shop)] == [RedState.WAITING], "the buyer tries again"


@pytest.mark.parametrize("fault", ["lost", "500_after", "unheard", "500_before"])
def test_an_answer_whose_answer_is_lost_is_given_once(
    shop: Shop, platform: TaxPlatform, fault: str
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    platform.tell("faults", faults=[{"fault": fault}])
    rounds(shop, platform, nuonuo)
    rounds(shop, platform, nuonuo, hours=1)
    rounds(shop, platform, nuonuo, hours=1)
    became = shop.red(red.key)
    assert (became.state, became.approved_by) == (RedState.ISSUED, BOSS)
    assert [row["what"] for row in platform.issued()] == ["blue", "red"]
    assert "saveInvoiceRedConfirm" not in platform.tell("ready")["calls"]


def test_an_answer_that_the_office_does_not_take_may_be_given_again(
    shop: Shop, platform: TaxPlatform
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    for said in ({"confirm": {"code": "E9307", "describe": "开票员无权限"}}, {}):
        propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
        approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
        platform.tell("says", **said)
        rounds(shop, platform, nuonuo)
        if said:
            rounds(shop, platform, nuonuo)
            waits = shop.red(red.key)
            assert (waits.state, waits.answer, waits.approved_by) == (RedState.WAITING, "", None)
            assert "无权限" in waits.why
    rounds(shop, platform, nuonuo, hours=1)
    assert shop.red(red.key).state is RedState.ISSUED


@pytest.mark.parametrize(("at", "reason"), [(nuonuo_at, "2"), (baiwang_at, "01")])
def test_a_form_that_was_agreed_to_on_the_offices_own_site_is_booked(
    shop: Shop, platform: TaxPlatform, at: At, reason: str
) -> None:
    """Somebody of ours agreed there before we looked: its red fapiao exists, and is taken up."""
    provider = at(shop.db, platform.url)
    blue = issued(shop, platform, provider)
    platform.tell("start", number=blue.number, reason=reason)
    platform.tell("confirm", key=f"{1:019d}", agree=True)
    for _ in range(2):
        rounds(shop, platform, provider, hours=1)
    assert told(shop, "red_form_to_answer") == []
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED
    assert [row["what"] for row in platform.issued()] == ["blue", "red"]


def test_a_form_that_cannot_be_followed_is_told_once(shop: Shop, platform: TaxPlatform) -> None:
    """Our own request is in the way, though it has not left; withdrawn, the buyer's is taken up."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    own = request_red(shop.db, wish, by=CLERK, now=shop.now)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    rounds(shop, platform, nuonuo, hours=1)
    assert [each.red_id for each in found(shop)] == [own.red_id]
    (facts,) = told(shop, "red_form_unread")
    assert own.key in facts
    withdraw_red(shop.db, own.key, why="购方已发起", by=CLERK, now=shop.now)
    rounds(shop, platform, nuonuo, hours=1)
    assert [each.is_buyers for each in found(shop)] == [True]


def test_the_list_of_forms_is_asked_for_at_the_providers_pace(
    shop: Shop, platform: TaxPlatform
) -> None:
    """Baiwang allows it once a day; a day without an answer is asked again after an hour."""
    baiwang = baiwang_at(shop.db, platform.url)
    issued(shop, platform, baiwang)
    platform.tell("confused", methods=["baiwang.output.redinvoice.formlist"])
    rounds(shop, platform, baiwang, hours=1)
    platform.tell("confused", methods=[])
    for _ in range(24):
        rounds(shop, platform, baiwang, hours=1)
    assert platform.tell("ready")["calls"].count("formlist") == 2


def test_a_form_that_cannot_be_read_is_told_to_a_person(shop: Shop, platform: TaxPlatform) -> None:
    """Its clock runs all the same: one odd row hides neither itself nor the others."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    issued(shop, platform, nuonuo)
    odd = {"applySource": "1", "billStatus": "03", "billNo": "440777", "taxAmount": "many"}
    said = {"code": "E0000", "result": {"total": 1, "list": [odd]}}
    platform.tell("says", queryInvoiceRedConfirm=said)
    for _ in range(2):
        rounds(shop, platform, nuonuo, hours=1)
    (facts,) = told(shop, "red_form_unread")
    assert "440777" in facts
