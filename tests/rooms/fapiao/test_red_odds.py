"""Red forms when things cross: two hands at once, odd times and numbers, answers that come late."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest

from tests.rooms.fapiao.notes import told
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, nuonuo_at
from tests.rooms.fapiao.test_buyers_forms import found, issued, rounds
from tests.rooms.fapiao.test_by_hand import approved, upload, xml
from tests.rooms.fapiao.test_forms_by_hand import FORM, asked, end, file
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing.stop import retry_errand
from yuejie.fapiao.issuing.store import errands_of, open_errands
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.issuing.upload import Upload, upload_red
from yuejie.fapiao.life import RedState
from yuejie.fapiao.providers.port import BuyersForm
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer, take_form
from yuejie.fapiao.reversing.by_hand import Filed, Seen, file_form, note_buyers_form
from yuejie.fapiao.reversing.form import FormEnd, RedPick, RedReason
from yuejie.kernel.errors import Conflict, Invalid


def seen(shop: Shop, blue: Fapiao, *, filed_at: datetime | None = None) -> Seen:
    return Seen(
        fapiao=blue.key,
        number=FORM,
        filed_at=filed_at or shop.now,
        reason=RedReason.MISTAKE,
    )


@pytest.mark.parametrize(
    "filed_at", [datetime(2026, 10, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)]
)
def test_no_buyer_reverses_a_fapiao_before_it_is_issued(shop: Shop, filed_at: datetime) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    with pytest.raises(Invalid, match="早于发票"):
        note_buyers_form(shop.db, seen(shop, blue, filed_at=filed_at), by=CLERK, now=shop.now)
    assert found(shop) == []


def test_a_corrected_time_has_reminders_and_an_end_of_its_own(shop: Shop) -> None:
    """The day was mistyped: finance heard of a lapse at once. Corrected, the clock begins anew."""
    red = asked(shop, upload(shop, approved(shop).key, xml=xml()))
    mistyped = Filed(number=FORM, filed_at=shop.now)
    shop.now += timedelta(hours=80)
    file_form(shop.db, red.key, mistyped, by=CLERK, now=shop.now)
    tend(shop.db, None, now=shop.now)
    assert len(told(shop, "red_form_lapsed")) == 1
    file(shop, red)
    start = shop.now
    counts = []
    for hours in (0, 25, 49, 73, 74):
        shop.now = start + timedelta(hours=hours)
        tend(shop.db, None, now=shop.now)
        counts.append((len(told(shop, "red_form_waiting")), len(told(shop, "red_form_lapsed"))))
    assert counts == [(1, 1), (2, 1), (3, 1), (3, 2), (3, 2)]


def test_the_time_of_a_buyers_form_is_corrected_by_noting_it_once_more(shop: Shop) -> None:
    """A day was mistyped: in the last of its 72 hours nobody could have answered it here."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=80)
    mistyped = seen(shop, blue, filed_at=shop.now - timedelta(hours=75))
    red = note_buyers_form(shop.db, mistyped, by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="已过 72 小时"):
        propose_answer(shop.db, red.key, agree=True, why="", by=CLERK, now=shop.now)
    right = seen(shop, blue, filed_at=shop.now - timedelta(hours=51))
    told_now = note_buyers_form(shop.db, right, by=CLERK, now=shop.now)
    assert (told_now.red_id, told_now.expires_at) == (red.red_id, shop.now + timedelta(hours=21))
    other = replace(right, picks=(RedPick(1, 3_333),), reason=RedReason.ALLOWANCE)
    with pytest.raises(Conflict, match="原因或金额不同"):
        note_buyers_form(shop.db, other, by=CLERK, now=shop.now)
    propose_answer(shop.db, red.key, agree=True, why="", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    with pytest.raises(Conflict, match="不能再更正"):
        note_buyers_form(shop.db, right, by=CLERK, now=shop.now)
    assert len(found(shop)) == 1


def test_a_form_number_is_nobody_elses_name(shop: Shop) -> None:
    """What names another red fapiao is no form's number, or every door to that one would fail."""
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    file(shop, red)
    end(shop, red, FormEnd.WITHDRAWN)
    other = asked(shop, blue)
    for taken in (red.key, FORM):
        with pytest.raises(Conflict, match="已登记在"):
            file(shop, other, taken)
    file(shop, other, "26332000000123456790")
    end(shop, other, FormEnd.WITHDRAWN)
    third = asked(shop, blue)
    body = xml("26332000000123456790", "-100.00", "-6.00", "-106.00")
    upload_red(shop.db, third.key, Upload({"xml": body}), by=CLERK, now=shop.now)
    assert shop.red("26332000000123456790").red_id == third.red_id


@pytest.mark.parametrize("uuid", ["b" * 32, ""])
@pytest.mark.parametrize("first", ["hand", "look"])
def test_one_form_found_by_a_look_and_by_hand_at_once_is_one(
    shop: Shop, uuid: str, first: str
) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    form = BuyersForm(
        code="03",
        uuid=uuid,
        number=FORM,
        blue_number=blue.number or "",
        reason=RedReason.MISTAKE,
        amounts=-blue.amounts,
        lines=(),
        filed_at=shop.now,
    )

    def by_hand() -> bool:
        try:
            note_buyers_form(shop.db, seen(shop, blue), by=CLERK, now=shop.now)
        except Conflict:
            return False
        return True

    def by_look() -> bool:
        return take_form(shop.db, "nuonuo", form, now=shop.now)

    both = (by_hand, by_look) if first == "hand" else (by_look, by_hand)
    with ThreadPoolExecutor(2) as pool:
        with shop.db.begin() as tx:
            tx.lock_exclusive(f"red form {FORM}")
            running = []
            for count, each in enumerate(both, 1):
                running.append(pool.submit(each))
                wait_for_locks(shop, count)
        assert sum(each.result() for each in running) == 1
    assert len(found(shop)) == 1
    assert told(shop, "red_form_unread") == []


def wait_for_locks(shop: Shop, count: int) -> None:
    """Wait until so many wait for a lock, or have come to their end without one."""
    until = monotonic() + 2
    waiting = 0
    while waiting < count and monotonic() < until:
        with shop.db.read() as tx:
            waiting = tx.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
        sleep(0.02)


@pytest.mark.parametrize(
    "odd",
    [
        {"billTime": "0001-01-01 00:00:00"},
        {"billTime": "9999-12-31 23:59:59"},
        {"billNo": "440\0777"},
    ],
)
def test_an_odd_form_stops_no_round(shop: Shop, platform: TaxPlatform, odd: dict[str, str]) -> None:
    """A date that a platform writes for none at all; a byte that no database keeps."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    row = {
        "applySource": "1",
        "billStatus": "03",
        "billNo": "440777",
        "billUuid": "b" * 32,
        "billTime": f"{shop.now:%Y-%m-%d %H:%M:%S}",
        "blueInvoiceNumber": blue.number,
        "redReason": "2",
        "taxExcludedAmount": "-300.00",
        "taxAmount": "-18.00",
    } | odd
    said = {"code": "E0000", "result": {"total": 1, "list": [row]}}
    platform.tell("says", queryInvoiceRedConfirm=said)
    rounds(shop, platform, nuonuo, hours=1)
    assert len(told(shop, "red_form_unread")) + len(found(shop)) == 1


def test_a_buyers_form_that_the_platform_lost_is_asked_about_ever_less_often(
    shop: Shop, platform: TaxPlatform
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    nothing = {"code": "E0000", "result": {"total": 0, "list": []}}
    platform.tell("says", queryInvoiceRedConfirm=nothing)
    for _ in range(5):
        rounds(shop, platform, nuonuo, hours=1)
    with shop.db.read() as tx:
        (errand,) = errands_of(tx, red.red_id)
    assert errand.next_at - shop.now > timedelta(minutes=50)
    platform.tell("says")
    rounds(shop, platform, nuonuo, hours=1)
    assert shop.red(red.key).state is RedState.WAITING


def test_what_two_approved_while_a_person_followed_goes_out_when_a_provider_does_again(
    shop: Shop, platform: TaxPlatform
) -> None:
    """Nobody gave it on the office's site, and nobody could propose it again: the form lapsed."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    shop.passes(platform, 4 * 3600)
    tend(shop.db, None, now=shop.now)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    with shop.db.read() as tx:
        (parked,) = errands_of(tx, red.red_id)
    retry_errand(shop.db, parked.errand_id, why="服务商恢复", by=CLERK, now=shop.now)
    rounds(shop, platform, nuonuo)
    rounds(shop, platform, nuonuo, hours=1)
    rounds(shop, platform, nuonuo, hours=1)
    assert shop.red(red.key).state is RedState.ISSUED


def test_an_answer_on_its_way_ends_with_its_form(shop: Shop, platform: TaxPlatform) -> None:
    """The drawer is away until the 72 hours are over: nothing is left to answer, or to look at."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("start", number=blue.number, reason="2")
    rounds(shop, platform, nuonuo, hours=1)
    (red,) = found(shop)
    propose_answer(shop.db, red.key, agree=True, why="抬头有误", by=CLERK, now=shop.now)
    approve_answer(shop.db, red.key, by=BOSS, now=shop.now)
    platform.tell("says", confirm={"code": "E9999", "describe": "开票员未登录电子税务局"})
    rounds(shop, platform, nuonuo, hours=1)
    assert shop.red(red.key).state is RedState.WAITING
    rounds(shop, platform, nuonuo, hours=72)
    rounds(shop, platform, nuonuo, hours=2)
    assert shop.red(red.key).state is RedState.VOID
    with shop.db.read() as tx:
        assert open_errands(tx) == []
