"""A time that one person types moves no fapiao alone: neither a form's, nor that of an issue."""

from datetime import timedelta

import pytest

from tests.rooms.fapiao.shop import BOSS, CLERK, Shop
from tests.rooms.fapiao.test_by_hand import NUMBER, PDF, approved, upload, xml
from tests.rooms.fapiao.test_forms_by_hand import asked, file
from tests.rooms.fapiao.test_red_odds import seen
from tests.told import told
from yuejie.fapiao.fapiao import RedFapiao
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.life import RedState
from yuejie.fapiao.reversing.by_hand import end_form, note_buyers_form
from yuejie.fapiao.reversing.form import FormEnd
from yuejie.kernel.errors import Forbidden, Invalid

RED_XML = Upload({"xml": xml("26332000000123456790", "-100.00", "-6.00", "-106.00")})
OWN = "提交时间由 clerk 登记，据此已过 72 小时的结果须由另一人登记"


def ends(shop: Shop, red: RedFapiao, ended: FormEnd, by: str) -> RedState:
    return end_form(shop.db, red.key, ended, why="", by=by, now=shop.now).state


def backdated(shop: Shop) -> RedFapiao:
    """A buyer's form that a clerk notes today, as if it had waited for four days."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(days=5)
    ago = shop.now - timedelta(days=4)
    return note_buyers_form(shop.db, seen(shop, blue, filed_at=ago), by=CLERK, now=shop.now)


@pytest.mark.parametrize("ended", [FormEnd.CONFIRMED, FormEnd.DENIED, FormEnd.LAPSED])
def test_who_backdates_a_buyers_form_does_not_end_it(shop: Shop, ended: FormEnd) -> None:
    """
    Its 72 hours are over as soon as it is noted, and with them the need for two people: one person
    reversed a fapiao alone. Somebody else notes what the tax office shows.
    """
    red = backdated(shop)
    with pytest.raises(Forbidden, match=OWN):
        ends(shop, red, ended, CLERK)
    assert ends(shop, red, ended, BOSS) in {RedState.CONFIRMED, RedState.VOID}


def test_nor_does_the_red_fapiao_come_from_one_pair_of_hands(shop: Shop) -> None:
    red = backdated(shop)
    with pytest.raises(Forbidden, match=OWN):
        upload_red(shop.db, red.key, RED_XML, by=CLERK, now=shop.now)
    done = upload_red(shop.db, red.key, RED_XML, by=BOSS, now=shop.now)
    assert done.state is RedState.ISSUED


def test_nor_is_a_form_corrected_into_the_past(shop: Shop) -> None:
    """Noted by one, put back by another: neither of the two times may help who told it."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(days=5)
    red = note_buyers_form(shop.db, seen(shop, blue), by=BOSS, now=shop.now)
    ago = shop.now - timedelta(days=4)
    note_buyers_form(shop.db, seen(shop, blue, filed_at=ago), by=CLERK, now=shop.now)
    for by in (CLERK, BOSS):
        with pytest.raises(Forbidden, match="须由另一人登记"):
            ends(shop, red, FormEnd.CONFIRMED, by)
    assert ends(shop, red, FormEnd.CONFIRMED, "third") is RedState.CONFIRMED


def test_72_hours_behind_telling_it_whoever_told_it_may(shop: Shop) -> None:
    red = backdated(shop)
    shop.now += timedelta(hours=72)
    assert ends(shop, red, FormEnd.CONFIRMED, CLERK) is RedState.CONFIRMED


def test_a_form_of_ours_lapses_by_no_time_that_one_person_told(shop: Shop) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    start = shop.now
    shop.now += timedelta(days=5)
    file(shop, red, filed_at=start + timedelta(hours=1))
    with pytest.raises(Forbidden, match=OWN):
        ends(shop, red, FormEnd.LAPSED, CLERK)
    assert ends(shop, red, FormEnd.LAPSED, BOSS) is RedState.VOID


def test_who_asked_for_a_red_fapiao_hears_that_the_buyer_denied_it(shop: Shop) -> None:
    """The form is followed by hand: the boss sees it on the tax office's site, the clerk asked."""
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    file(shop, red)
    ends(shop, red, FormEnd.DENIED, BOSS)
    (note,) = told(shop.db)
    said = f"clerk 提出的红冲申请 {red.key} 已作废：作废（销方录入购方否认）。"
    assert note.words().startswith(said)


def test_an_issue_is_not_typed_into_a_month_before_its_approval(shop: Shop) -> None:
    """Without the file that says it, October's tax would get a fapiao that was approved later."""
    request = approved(shop)
    early = Upload({"pdf": PDF}, NUMBER, shop.now - timedelta(days=20))
    with pytest.raises(Invalid, match="填写的开票时间早于批准的时间"):
        upload_fapiao(shop.db, request.key, early, by=CLERK, now=shop.now)
    blue = upload_fapiao(
        shop.db, request.key, Upload({"pdf": PDF}, NUMBER, shop.now), by=CLERK, now=shop.now
    )
    shop.now += timedelta(days=3)
    red = asked(shop, blue)
    file(shop, red)
    number = "26332000000123456790"
    early = Upload({"pdf": PDF}, number, shop.now - timedelta(days=1))
    with pytest.raises(Invalid, match="填写的开票时间早于红字确认单提交的时间"):
        upload_red(shop.db, red.key, early, by=CLERK, now=shop.now)
    typed = Upload({"pdf": PDF}, number, shop.now)
    assert upload_red(shop.db, red.key, typed, by=CLERK, now=shop.now).state is RedState.ISSUED
