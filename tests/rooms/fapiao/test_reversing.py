"""Red fapiao: whole, in part, confirmed, denied, expired, withdrawn, and lost on the way."""

from datetime import timedelta

import pytest

from tests.rooms.fapiao.notes import told
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, baiwang_at, nuonuo_at
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.amounts import FapiaoRefused
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.chain import check_chain
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers.port import Provider
from yuejie.fapiao.request import Pick, what_is_available
from yuejie.fapiao.reversing.form import RedPick, RedReason
from yuejie.fapiao.reversing.reverse import (
    RedWish,
    approve_red,
    remind_waiting,
    request_red,
    withdraw_red,
)
from yuejie.kernel.errors import Conflict, Forbidden

LINES = [(10_600, 60_000), (21_200, 60_000)]


def issued(shop: Shop, platform: TaxPlatform, provider: Provider) -> Fapiao:
    (asked,) = shop.request(Pick(shop.bill("2026-10", LINES)))
    shop.approve(asked, provider.name)
    shop.works(provider, platform, seconds=15)
    return shop.fapiao(asked.key)


def reverse(
    shop: Shop, blue: Fapiao, reason: RedReason = RedReason.MISTAKE, *picks: RedPick
) -> RedFapiao:
    wish = RedWish(fapiao=blue.number or "", reason=reason, why="退款", picks=picks)
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    return approve_red(shop.db, red.key, by=BOSS, now=shop.now)


def left(shop: Shop) -> int:
    with shop.db.read() as tx:
        return what_is_available(tx, shop.customer_id).available_fen


@pytest.mark.parametrize("fault", ["", "lost", "unheard", "500_after"])
def test_an_unused_fapiao_is_reversed_without_the_buyer(
    shop: Shop, platform: TaxPlatform, fault: str
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("faults", faults=[{"fault": fault}] if fault else [])
    red = reverse(shop, blue)
    assert left(shop) == 0, "nothing is free before the red one is issued"
    shop.works(nuonuo, platform, seconds=45)
    became = shop.red(red.key)
    assert (became.state, became.form_code) == (RedState.ISSUED, "01")
    assert became.amounts == -blue.amounts
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED
    assert left(shop) == 31_800
    reds = [row for row in platform.issued() if row["what"] == "red"]
    assert [row["number"] for row in reds] == [became.number]
    assert [str(became.number) in facts for facts in told(shop, "fapiao_delivery")] == [False, True]
    assert check_chain(shop.db, shop.customer_id) == []


def test_a_used_fapiao_waits_for_the_buyer_who_confirms(shop: Shop, platform: TaxPlatform) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    red = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    waiting = shop.red(red.key)
    assert (waiting.state, waiting.form_code) == (RedState.WAITING, "02")
    assert waiting.applied_at is not None
    assert waiting.expires_at == waiting.applied_at + timedelta(hours=72)
    with pytest.raises(Conflict, match="确认单在处理中"):
        reverse(shop, blue)
    platform.tell("confirm", key=red.key, agree=True)
    shop.passes(platform, 3600)
    shop.works(nuonuo, platform, seconds=12)
    assert shop.red(red.key).state is RedState.ISSUED
    assert shop.red(red.key).form_code == "04"


def test_seventy_two_hours_of_silence_void_the_form_and_it_may_be_tried_again(
    shop: Shop, platform: TaxPlatform
) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    red = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    told = [remind_waiting(shop.db, now=shop.now + timedelta(hours=h)) for h in (0, 1, 25, 49, 71)]
    assert told == [1, 0, 1, 1, 0]
    shop.passes(platform, 73 * 3600)
    shop.works(nuonuo, platform, seconds=6)
    expired = shop.red(red.key)
    assert (expired.state, expired.form_code) == (RedState.VOID, "07")
    assert "72小时" in expired.why
    assert shop.fapiao(blue.key).state is FapiaoState.ISSUED
    second = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    assert shop.red(second.key).state is RedState.WAITING


def test_a_question_about_a_form_that_is_refused_voids_nothing(
    shop: Shop, platform: TaxPlatform
) -> None:
    """The platform has an error of its own; the form lives on there and its fapiao is issued."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("confused", methods=["queryInvoiceRedConfirm"])
    red = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    assert shop.red(red.key).state is RedState.APPROVED
    platform.tell("confused", methods=[])
    for _ in range(3):
        shop.passes(platform, 3600)
        shop.works(nuonuo, platform, seconds=6)
    assert shop.red(red.key).state is RedState.ISSUED


def test_a_form_that_is_told_of_late_does_not_go_back(shop: Shop, platform: TaxPlatform) -> None:
    """The office says confirmed (04), then once more waiting (02), as a slow mirror of it would."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    red = reverse(shop, blue)
    for code in ("04", "02", "15"):
        row = {"billId": red.key, "billStatus": code, "billNo": "1" * 20, "billUuid": "u"}
        said = {"code": "E0000", "result": {"total": 1, "list": [row]}}
        platform.tell("says", queryInvoiceRedConfirm=said)
        shop.works(nuonuo, platform, seconds=9)
        assert shop.red(red.key).state is RedState.CONFIRMED
    platform.tell("says")
    platform.tell("confirm", key=red.key, agree=True)
    for _ in range(2):
        shop.passes(platform, 3600)
        shop.works(nuonuo, platform, seconds=6)
    assert shop.red(red.key).state is RedState.ISSUED


def test_the_buyer_denies(shop: Shop, platform: TaxPlatform) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    red = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    platform.tell("confirm", key=red.key, agree=False)
    shop.passes(platform, 3600)
    shop.works(nuonuo, platform, seconds=6)
    assert (shop.red(red.key).state, shop.red(red.key).form_code) == (RedState.VOID, "05")
    assert [row for row in platform.issued() if row["what"] == "red"] == []


def test_a_form_that_waits_can_be_withdrawn(shop: Shop, platform: TaxPlatform) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("use", number=blue.number)
    red = reverse(shop, blue)
    shop.works(nuonuo, platform, seconds=12)
    withdraw_red(shop.db, red.key, why="客户不同意", by=CLERK, now=shop.now)
    assert shop.red(red.key).state is RedState.WAITING, "the tax office has the word"
    shop.works(nuonuo, platform, seconds=9)
    assert (shop.red(red.key).state, shop.red(red.key).form_code) == (RedState.VOID, "08")


def test_a_part_goes_back_and_then_the_rest(shop: Shop, platform: TaxPlatform) -> None:
    """Cumulative rounding: 33.33 and 72.67 of 106.00 give back exactly its net and tax."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    part = reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1, 3_333))
    shop.works(nuonuo, platform, seconds=15)
    assert shop.red(part.key).state is RedState.ISSUED
    assert shop.fapiao(blue.key).state is FapiaoState.PARTLY_REVERSED
    assert left(shop) == 3_333
    rest = reverse(shop, blue, RedReason.TERMINATION, RedPick(1), RedPick(2))
    shop.works(nuonuo, platform, seconds=15)
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED
    assert part.amounts + rest.amounts == -blue.amounts
    assert left(shop) == 31_800


def test_what_cannot_be_reversed_is_said(shop: Shop, platform: TaxPlatform) -> None:
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    with pytest.raises(FapiaoRefused, match="只能全额红冲"):
        reverse(shop, blue, RedReason.MISTAKE, RedPick(1, 100))
    with pytest.raises(FapiaoRefused, match=r"还可红冲 106\.00 元，不能红冲 106\.01 元"):
        reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1, 10_601))
    with pytest.raises(FapiaoRefused, match="没有可红冲的第 3 行"):
        reverse(shop, blue, RedReason.ALLOWANCE, RedPick(3, 1))
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="x")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    with pytest.raises(Forbidden, match="另一人"):
        approve_red(shop.db, red.key, by=CLERK, now=shop.now)
    assert withdraw_red(shop.db, red.key, why="x", by=CLERK, now=shop.now).state is RedState.VOID


def test_baiwang_reverses_too(shop: Shop, platform: TaxPlatform) -> None:
    baiwang = baiwang_at(shop.db, platform.url)
    blue = issued(shop, platform, baiwang)
    platform.tell("faults", faults=[{"fault": "lost"}])
    red = reverse(shop, blue, RedReason.ALLOWANCE, RedPick(2, 10_000))
    shop.works(baiwang, platform, seconds=45)
    assert shop.red(red.key).state is RedState.ISSUED
    assert shop.red(red.key).amounts.gross_fen == -10_000
    platform.tell("use", number=blue.number)
    second = reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1))
    shop.works(baiwang, platform, seconds=12)
    withdraw_red(shop.db, second.key, why="x", by=CLERK, now=shop.now)
    shop.works(baiwang, platform, seconds=6)
    assert shop.red(second.key).form_code == "08"


def test_a_credit_note_behind_a_fapiao_is_owed_back_before_anything_new(
    shop: Shop, platform: TaxPlatform
) -> None:
    """欠票: 318.00 on fapiao, 106.00 credited; the next request waits for a red one of 106.00."""
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    shop.credit(shop.bills[0], 10_600)
    second = shop.bill("2026-11", [(5_300, 60_000)])
    with shop.db.read() as tx:
        assert what_is_available(tx, shop.customer_id).owed_back_fen == 10_600
    with pytest.raises(Conflict, match=r"欠票 106\.00 元"):
        shop.request(Pick(second))
    reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1))
    shop.works(nuonuo, platform, seconds=15)
    with shop.db.read() as tx:
        assert what_is_available(tx, shop.customer_id).owed_back_fen == 0
    assert shop.request(Pick(second))[0].amounts.gross_fen == 5_300


def test_a_part_too_small_for_its_tax_is_refused(shop: Shop, platform: TaxPlatform) -> None:
    """
    100.01 less a discount of 0.09: of 0.01 taken back the cumulative rounding makes 0.02 net and
    -0.01 tax, which no tax office takes; it went out to it.
    """
    nuonuo = nuonuo_at(shop.db, platform.url)
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_001, 60_000), (-9, 60_000)])))
    shop.approve(asked)
    shop.works(nuonuo, platform, seconds=15)
    blue = shop.fapiao(asked.key)
    with pytest.raises(FapiaoRefused, match="正负不对"):
        reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1, 1))
    assert reverse(shop, blue, RedReason.ALLOWANCE, RedPick(1, 106)).amounts.gross_fen == -106


def test_a_form_that_is_said_to_be_a_duplicate_is_asked_about(
    shop: Shop, platform: TaxPlatform
) -> None:
    """
    Its answer is lost, Nuonuo does not list it yet, and sent again it is refused: its number
    (申请号) is taken, under a code of no meaning. It was void here, and lived on at the tax office.
    """
    nuonuo = nuonuo_at(shop.db, platform.url)
    blue = issued(shop, platform, nuonuo)
    platform.tell("faults", faults=[{"fault": "lost"}])
    red = reverse(shop, blue)
    run_errands(shop.db, nuonuo, now=shop.now)
    platform.tell(
        "says",
        queryInvoiceRedConfirm={"code": "E0000", "result": {"total": 0, "list": []}},
        saveInvoiceRedConfirm={"code": "E9999", "describe": "申请号重复"},
    )
    shop.works(nuonuo, platform, seconds=9)
    platform.tell("says")
    shop.works(nuonuo, platform, seconds=60)
    shop.passes(platform, 3600)
    shop.works(nuonuo, platform, seconds=9)
    assert shop.red(red.key).state is RedState.ISSUED
    assert [row["what"] for row in platform.issued()] == ["blue", "red"]
