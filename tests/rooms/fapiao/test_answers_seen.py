"""Who approves an answer to the buyer approves the one that was seen, and hears of another."""

from datetime import timedelta

import pytest

from tests.rooms.cli.desk import run
from tests.rooms.fapiao.notes import told
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, nuonuo_at
from tests.rooms.fapiao.test_buyers_forms import found, issued, rounds
from tests.rooms.fapiao.test_by_hand import approved, upload, xml
from tests.rooms.fapiao.test_red_odds import seen
from yuejie.cli.fapiao.entrance import fapiao
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import RedFapiao
from yuejie.fapiao.issuing.upload import Upload, upload_red
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import end_form, note_buyers_form
from yuejie.fapiao.reversing.form import AGREE, DENY, FormEnd
from yuejie.kernel.errors import Conflict


def test_an_answer_that_was_changed_behind_the_approvers_back_is_refused(
    shop: Shop, database_url: str
) -> None:
    """One proposes to agree; the other reads it; meanwhile it became a denial."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    red = note_buyers_form(shop.db, seen(shop, blue), by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=False, why="服务已验收", by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="已改"):
        approve_answer(shop.db, red.key, agree=True, by=BOSS, now=shop.now)
    with pytest.raises(Conflict, match="已改"):
        run(fapiao, database_url, shop.now, "approve-answer", red.key, "--agree", by=BOSS)
    assert shop.red(red.key).approved_by is None
    said = run(fapiao, database_url, shop.now, "approve-answer", red.key, "--deny", by=BOSS)
    assert "已批准拒绝" in said


def waiting(shop: Shop) -> RedFapiao:
    """A buyer's form that a person saw and follows by hand."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    return note_buyers_form(shop.db, seen(shop, blue), by=CLERK, now=shop.now)


def answered(shop: Shop, red: RedFapiao, *, agree: bool) -> None:
    propose_answer(shop.db, red.key, agree=agree, why="抬头有误", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, agree=agree, by=BOSS, now=shop.now)


def end(shop: Shop, red: RedFapiao, ended: FormEnd, why: str = "") -> RedFapiao:
    return end_form(shop.db, red.key, ended, why=why, by="third", now=shop.now)


RED_PAPER = Upload({"xml": xml("26332000000123456790", "-100.00", "-6.00", "-106.00")})


def upload_one(shop: Shop, red: RedFapiao) -> RedFapiao:
    return upload_red(shop.db, red.key, RED_PAPER, by="third", now=shop.now)


@pytest.mark.parametrize(
    ("answer", "ended", "code"),
    [(DENY, FormEnd.CONFIRMED, "04"), (AGREE, FormEnd.DENIED, "06")],
)
def test_an_end_against_the_approved_answer_has_a_reason_and_both_hear_of_it(
    shop: Shop, answer: str, ended: FormEnd, code: str
) -> None:
    """
    Two people approved one answer, the tax office shows the other: a slip, or somebody gave it
    there alone. Without a reason it is taken for a slip; with one it is taken, for the tax office's
    word counts, and finance is told who had answered what, and who noted the contrary.
    """
    red = waiting(shop)
    answered(shop, red, agree=answer == AGREE)
    with pytest.raises(Conflict, match=f"{CLERK} 拟定、{BOSS} 批准为.*请写明原因"):
        end(shop, red, ended, " ")
    assert (shop.red(red.key).state, told(shop, "red_form_contrary")) == (RedState.WAITING, [])
    assert end(shop, red, ended, "张三在税局误点").form_code == code
    (facts,) = told(shop, "red_form_contrary")
    assert all(word in facts for word in (CLERK, BOSS, "third", "张三在税局误点"))


def test_an_end_as_approved_is_no_news(shop: Shop) -> None:
    red = waiting(shop)
    answered(shop, red, agree=True)
    assert end(shop, red, FormEnd.CONFIRMED).state is RedState.CONFIRMED
    assert told(shop, "red_form_contrary") == []


def test_a_confirmed_form_can_only_be_withdrawn_and_is_so_under_the_offices_code(
    shop: Shop,
) -> None:
    red = waiting(shop)
    answered(shop, red, agree=True)
    end(shop, red, FormEnd.CONFIRMED)
    shop.now += timedelta(hours=90)
    for ended in (FormEnd.DENIED, FormEnd.LAPSED):
        with pytest.raises(Conflict, match="已确认，不会再被否认或逾期"):
            end(shop, red, ended, "x")
    became = end(shop, red, FormEnd.WITHDRAWN)
    assert (became.form_code, became.why) == ("09", "作废（确认后撤销）")


def test_a_red_fapiao_of_a_buyers_form_is_booked_once_two_people_agreed(shop: Shop) -> None:
    """It was booked by one person, though nobody had answered the buyer."""
    red = waiting(shop)
    with pytest.raises(Conflict, match="由两人拟定并批准"):
        upload_one(shop, red)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="由两人拟定并批准"):
        upload_one(shop, red)
    assert shop.fapiao(red.fapiao_id).state is FapiaoState.ISSUED
    approve_answer(shop.db, red.key, agree=True, by=BOSS, now=shop.now)
    done = upload_one(shop, red)
    assert (done.state, done.form_code) == (RedState.ISSUED, "04")
    assert told(shop, "red_form_contrary") == []


def test_a_red_fapiao_against_an_approved_denial_is_booked_once_somebody_says_why(
    shop: Shop,
) -> None:
    red = waiting(shop)
    answered(shop, red, agree=False)
    with pytest.raises(Conflict, match="请写明原因登记结果"):
        upload_one(shop, red)
    end(shop, red, FormEnd.CONFIRMED, "税局已由李四确认")
    assert upload_one(shop, red).state is RedState.ISSUED
    assert len(told(shop, "red_form_contrary")) == 1


def test_what_one_person_agreed_to_is_told_once_two_can_answer_no_more(shop: Shop) -> None:
    """After 72 hours only the tax office knows; that nobody approved it here is said aloud."""
    red = waiting(shop)
    shop.now += timedelta(hours=72)
    assert upload_one(shop, red).state is RedState.ISSUED
    (facts,) = told(shop, "red_form_contrary")
    assert ("未经两人批准" in facts, "third" in facts) == (True, True)


@pytest.mark.parametrize("answer", [DENY, ""])
def test_a_platform_that_tells_another_answer_than_was_approved_is_told_of(
    shop: Shop, platform: TaxPlatform, answer: str
) -> None:
    """Two people denied, or nobody answered yet; somebody agreed on the tax office's own site."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    if answer:
        answered(shop, red, agree=False)
    platform.tell("confirm", key=red.form_uuid, agree=True)
    rounds(shop, platform, nuonuo, hours=1)
    rounds(shop, platform, nuonuo, hours=1)
    assert shop.red(red.key).state is RedState.ISSUED
    assert len(told(shop, "red_form_contrary")) == 1
