"""A red form that people file on the tax office's own site: its clock, its reminders, its end."""

from datetime import timedelta

import pytest

from tests.rooms.cli.desk import run
from tests.rooms.fapiao.notes import told
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, nuonuo_at
from tests.rooms.fapiao.test_buyers_forms import found
from tests.rooms.fapiao.test_by_hand import approved, upload, xml
from yuejie.cli.fapiao.entrance import fapiao
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.issuing.store import errands_of
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.issuing.upload import Upload, upload_red
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.request import Pick
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import (
    Filed,
    Seen,
    end_form,
    file_form,
    note_buyers_form,
)
from yuejie.fapiao.reversing.form import FormEnd, RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.kernel.errors import Conflict, Forbidden, Invalid

FORM = "44010000000000000001"


def asked(shop: Shop, blue: Fapiao) -> RedFapiao:
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    return approve_red(shop.db, red.key, by=BOSS, now=shop.now)


def test_what_is_in_the_way_of_a_form_is_said_in_words(shop: Shop) -> None:
    """States have words; what is stored (requested, wait) was in the middle of the sentence."""
    blue = upload(shop, approved(shop).key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="红字发票处于“待批准”状态，不能提交"):
        file(shop, red)
    with pytest.raises(Conflict, match=f"（{red.key}，待批准）"):
        request_red(shop.db, wish, by=CLERK, now=shop.now)


def file(shop: Shop, red: RedFapiao, number: str = FORM, **more: object) -> RedFapiao:
    more = {"filed_at": shop.now, **more}
    filed = Filed(number=number, **more)  # type: ignore[arg-type]  # a test's own
    return file_form(shop.db, red.key, filed, by=CLERK, now=shop.now)


def end(shop: Shop, red: RedFapiao, ended: FormEnd) -> RedFapiao:
    return end_form(shop.db, red.key, ended, why="", by=CLERK, now=shop.now)


def test_a_form_filed_by_hand_has_its_clock_and_reminds_the_buyer(shop: Shop) -> None:
    """
    Finance files the form in the electronic tax office and says so: from then 72 hours run, the
    buyer is reminded three times, finance is told that they are over, looks, and notes the lapse.
    Nothing is void by our clock alone. Then it may be asked for again, and this time it works.
    """
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    tend(shop.db, None, now=shop.now)
    assert told(shop, "red_form_waiting") == [], "nobody knows yet whether it was filed"
    waits = file(shop, red)
    assert (waits.state, waits.form_code, waits.form_number) == (RedState.WAITING, "02", FORM)
    assert waits.expires_at == shop.now + timedelta(hours=72)
    start = shop.now
    counts = []
    for hours in (0, 1, 25, 49, 71, 73, 74):
        shop.now = start + timedelta(hours=hours)
        tend(shop.db, None, now=shop.now)
        counts.append((len(told(shop, "red_form_waiting")), len(told(shop, "red_form_lapsed"))))
    assert counts == [(1, 0), (1, 0), (2, 0), (3, 0), (3, 0), (3, 1), (3, 1)]
    assert shop.red(red.key).state is RedState.WAITING
    with pytest.raises(Conflict, match="先登记结果"):
        asked(shop, blue)
    assert (end(shop, red, FormEnd.LAPSED).form_code, shop.red(red.key).state) == (
        "07",
        RedState.VOID,
    )
    second = asked(shop, blue)
    file(shop, second, "44010000000000000002")
    assert end(shop, second, FormEnd.CONFIRMED).state is RedState.CONFIRMED
    body = xml("26332000000123456790", "-100.00", "-6.00", "-106.00")
    upload_red(shop.db, second.key, Upload({"xml": body}), by=CLERK, now=shop.now)
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED


def test_a_red_fapiao_is_uploaded_though_the_clock_ran_out(shop: Shop) -> None:
    """The buyer confirmed in the last hour: what the office issued counts, not our clock."""
    red = asked(shop, upload(shop, approved(shop).key, xml=xml()))
    file(shop, red)
    shop.now += timedelta(hours=90)
    tend(shop.db, None, now=shop.now)
    body = xml("26332000000123456790", "-100.00", "-6.00", "-106.00")
    done = upload_red(shop.db, red.key, Upload({"xml": body}), by=CLERK, now=shop.now)
    assert done.state is RedState.ISSUED


def test_what_was_mistyped_is_corrected_and_what_cannot_be_is_refused(shop: Shop) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    with pytest.raises(Conflict, match="先登记确认单编号"):
        end(shop, red, FormEnd.CONFIRMED)
    with pytest.raises(Invalid, match="不超过 32 位"):
        file(shop, red, "44-01")
    for wrong, says in ((timedelta(days=1), "晚于现在"), (timedelta(days=-1), "早于批准")):
        filed = Filed(number=FORM, filed_at=shop.now + wrong)
        with pytest.raises(Invalid, match=says):
            file_form(shop.db, red.key, filed, by=CLERK, now=shop.now)
    file(shop, red, "440199")
    shop.now += timedelta(hours=1)
    corrected = file(shop, red)
    assert (corrected.form_number, corrected.expires_at) == (FORM, shop.now + timedelta(hours=72))
    with pytest.raises(Invalid, match="还没有到"):
        end(shop, red, FormEnd.LAPSED)
    with pytest.raises(Conflict, match="再登记结果“发起方已撤销”"):
        withdraw_red(shop.db, red.key, why="x", by=CLERK, now=shop.now)
    assert end(shop, red, FormEnd.WITHDRAWN).form_code == "08"
    other = asked(shop, blue)
    with pytest.raises(Conflict, match=f"已登记在 {red.key}，"):
        file(shop, other)
    assert file(shop, other, "440200", needs_nobody=True).state is RedState.CONFIRMED


def test_nobody_files_by_hand_what_a_provider_may_be_filing(
    shop: Shop, platform: TaxPlatform
) -> None:
    """Left by its provider, a form is a person's; until then it is not."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    (wanted,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    shop.approve(wanted)
    shop.works(nuonuo, platform, seconds=15)
    red = asked(shop, shop.fapiao(wanted.key))
    run_errands(shop.db, nuonuo, now=shop.now)
    with pytest.raises(Conflict, match="不能手工登记"):
        file(shop, red)
    shop.now += timedelta(hours=3)
    tend(shop.db, None, now=shop.now)
    assert file(shop, red).state is RedState.WAITING
    with shop.db.read() as tx:
        assert {each.state for each in errands_of(tx, red.red_id)} == {"done"}


def test_a_buyers_form_that_a_person_saw_is_answered_by_two(shop: Shop) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=30)
    pick = RedPick(1, 3_333, 3_145)
    seen = Seen(
        fapiao=blue.number or "",
        number=FORM,
        filed_at=shop.now - timedelta(hours=5),
        reason=RedReason.ALLOWANCE,
        picks=(pick,),
    )
    red = note_buyers_form(shop.db, seen, by=CLERK, now=shop.now)
    assert [(each.net_fen, each.tax_fen) for each in red.lines] == [(-3_145, -188)]
    tend(shop.db, None, now=shop.now)
    assert len(told(shop, "red_form_to_answer")) == 1
    with pytest.raises(Conflict, match="不须我方提交"):
        file(shop, red)
    propose_answer(shop.db, red.key, agree=True, why="折让", by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="由两人拟定并批准"):
        end(shop, red, FormEnd.CONFIRMED)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    assert [each.key for each in found(shop)] == [red.key]
    assert end(shop, red, FormEnd.CONFIRMED).form_code == "04"
    body = xml("26332000000123456790", "-31.45", "-1.88", "-33.33")
    upload_red(shop.db, red.key, Upload({"xml": body}), by=CLERK, now=shop.now)
    assert shop.fapiao(blue.key).state is FapiaoState.PARTLY_REVERSED


def test_forms_are_followed_at_the_keyboard(shop: Shop, database_url: str) -> None:
    """Filed, lapsed by the office's word, asked for again; then the buyer's own, by two people."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    red = asked(shop, blue)
    beijing = shop.now + timedelta(hours=8)
    at = f"{beijing:%Y-%m-%d %H:%M:%S}"

    def typed(*words: str, by: str = CLERK) -> str:
        return run(fapiao, database_url, shop.now, *words, by=by)

    said = typed("file-form", red.key, "--number", FORM, "--at", at)
    assert f"{beijing + timedelta(hours=72):%Y-%m-%d %H:%M} 到期" in said
    with pytest.raises(Invalid, match="还没有到"):
        typed("end-form", red.key, "--ended", "lapsed")
    assert "销方录入待购方确认" in typed("list")
    assert "发起方已撤销" in typed("end-form", red.key, "--ended", "withdrawn")
    line = ("--reason", "allowance", "--line", "1=33.33/31.45")
    number = blue.number or ""
    typed("buyers-form", number, "--number", "440300", "--at", at, *line)
    (own,) = found(shop)
    assert (own.amounts.net_fen, own.amounts.gross_fen) == (-3_145, -3_333)
    assert "已拟定确认" in typed("answer-form", own.key, "--agree")
    with pytest.raises(Forbidden, match="另一人"):
        typed("approve-answer", own.key)
    assert "已批准确认" in typed("approve-answer", own.key, by=BOSS)
