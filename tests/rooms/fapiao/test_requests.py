"""What may be requested, for whom, in which pieces."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.rooms.cli.desk import run
from tests.rooms.fapiao.shop import BOSS, BUYER, CLERK, NOW, Shop
from yuejie.cli.fapiao.entrance import fapiao
from yuejie.contracts.contract import Terms
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommercialTerms, FapiaoKind, SettlementOrder, Split
from yuejie.db.session import Database
from yuejie.fapiao.amounts import FapiaoRefused, LineNature, from_gross
from yuejie.fapiao.life import FapiaoState
from yuejie.fapiao.request import Pick, decline_fapiao, what_is_available
from yuejie.fapiao.store import titles_of_customer
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import alter_title, open_title, retire_title
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId, ContractId


def test_pay_first_waits_for_the_money(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000)], paid=False)
    with shop.db.read() as tx:
        open_now = what_is_available(tx, shop.customer_id)
    assert open_now.available_fen == 0
    assert "先款后票" in open_now.bills[0].explained
    with pytest.raises(FapiaoRefused, match="须结清后才能申请"):
        shop.request(Pick(number))
    shop.pay(number)
    assert shop.request(Pick(number))[0].amounts.gross_fen == 10_600


def test_fapiao_first_does_not(database: Database, owner_url: str) -> None:
    shop = Shop(database, owner_url).enrol(
        settlement_order=SettlementOrder.FAPIAO_FIRST, fapiao_kind=FapiaoKind.ORDINARY
    )
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)], paid=False)))
    assert asked.kind is FapiaoKind.ORDINARY


def test_a_unit_with_a_title_of_its_own_is_not_billed_to_its_parent(
    database: Database, owner_url: str
) -> None:
    """Freight is a company of its own: nobody deducts a fapiao that names another."""
    shop = Shop(database, owner_url).enrol(split=Split.UNIT)
    head = shop.bill("2026-10", [(10_600, 60_000)])
    freight = shop.bill("2026-10", [(21_200, 60_000)], unit="物流子公司")
    for picks in ((Pick(freight),), (Pick(head), Pick(freight))):
        with pytest.raises(Invalid, match="出账单位“物流子公司”，请选定"):
            shop.request(*picks)
    own = replace(BUYER, name="物流有限公司", tax_number="91110000802100433B")
    title = open_title(shop.db, "acme", own, by=CLERK, now=shop.now).title
    (asked,) = shop.request(Pick(freight), title_id=title.title_id)
    assert asked.buyer.name == "物流有限公司"
    assert shop.request(Pick(head))[0].buyer.name == BUYER.name


def test_several_bills_make_one_fapiao_and_one_bill_makes_several(shop: Shop) -> None:
    one = shop.bill("2026-09", [(10_600, 60_000)])
    two = shop.bill("2026-10", [(21_200, 60_000), (5_000, 60_000)])
    (merged,) = shop.request(Pick(one), Pick(two, 1))
    assert merged.amounts.gross_fen == 31_800
    assert merged.remark == f"账单 {one}、{two}"
    assert [line.printed for line in merged.lines] == ["*信息系统增值服务*大模型API技术服务费"] * 2
    first, second = (shop.request(Pick(two, 2, part))[0] for part in (1_234, 3_766))
    assert first.amounts + second.amounts == from_gross(5_000, 60_000)
    with pytest.raises(FapiaoRefused, match="已无可开票金额"):
        shop.request(Pick(two))


def test_an_amount_of_a_bill_is_taken_from_its_lines_in_order(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000), (21_200, 60_000)])
    (asked,) = shop.request(Pick(number, gross_fen=12_000))
    assert [line.gross_fen for line in asked.lines] == [10_600, 1_400]
    with pytest.raises(FapiaoRefused, match=r"还可开 198\.00 元"):
        shop.request(Pick(number, gross_fen=19_801))


def test_a_negative_tax_line_is_a_discount_behind_a_line_of_its_bill(shop: Shop) -> None:
    """The worked example of §1.4: 83,456.78 − 5,000.00, and 16,543.22: 95,000.00 together."""
    number = shop.bill("2026-10", [(8_345_678, 60_000), (-500_000, 60_000), (1_654_322, 60_000)])
    (asked,) = shop.request(Pick(number))
    assert [(line.nature, line.net_fen, line.tax_fen) for line in asked.lines] == [
        (LineNature.DISCOUNTED, 7_873_281, 472_397),
        (LineNature.DISCOUNT, -471_698, -28_302),
        (LineNature.NORMAL, 1_560_681, 93_641),
    ]
    figures = asked.amounts
    assert (figures.net_fen, figures.tax_fen) == (8_962_264, 537_736)
    assert figures.gross_fen == 9_500_000


def test_the_positive_lines_alone_are_more_than_the_bill(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000), (-600, 60_000)])
    with pytest.raises(FapiaoRefused, match=r"还可开 100\.00 元"):
        shop.request(Pick(number, 1))


def test_after_a_credit_note_the_rest_may_be_requested(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000)])
    shop.credit(number, 3_333)
    (asked,) = shop.request(Pick(number))
    assert asked.amounts.gross_fen == 7_267
    assert asked.amounts.net_fen == 10_000 - 3_144


def test_a_tax_line_is_never_on_fapiao_for_more_than_it_is(shop: Shop) -> None:
    """
    The first line's 100.00 are on a fapiao when 30.00 of it are credited: of the 50.00 beside it
    20.00 may still be requested, and nothing of the first, which would be on fapiao with 120.00.
    """
    number = shop.bill("2026-10", [(10_000, 60_000), (5_000, 60_000)])
    shop.request(Pick(number, 1))
    shop.credit(number, 3_000)
    with pytest.raises(FapiaoRefused, match=r"计税行 1 已无可开"):
        shop.request(Pick(number, 1, 2_000))
    with pytest.raises(FapiaoRefused, match=r"计税行 1 已无可开"):
        shop.request(Pick(number, 1))
    (rest,) = shop.request(Pick(number))
    assert [(line.tax_position, line.gross_fen) for line in rest.lines] == [(2, 2_000)]
    with shop.db.read() as tx:
        open_now = what_is_available(tx, shop.customer_id)
    assert (open_now.available_fen, open_now.owed_back_fen) == (0, 0)


def test_what_is_less_than_nothing_of_a_bill_without_fapiao_is_no_reason_to_reverse(
    shop: Shop,
) -> None:
    """
    A correction of −50.00 stands on a bill beside a package, which is not taxed. There is nothing
    to reverse of it: it takes 50.00 off what else may be requested.
    """
    shop.bill("2026-09", [(-5_000, 60_000)])
    number = shop.bill("2026-10", [(10_600, 60_000)])
    with shop.db.read() as tx:
        open_now = what_is_available(tx, shop.customer_id)
    assert (open_now.available_fen, open_now.owed_back_fen) == (5_600, 0)
    with pytest.raises(FapiaoRefused, match=r"可开票金额 56\.00 元"):
        shop.request(Pick(number))
    (asked,) = shop.request(Pick(number, gross_fen=5_600))
    assert asked.amounts.gross_fen == 5_600
    with pytest.raises(FapiaoRefused, match=r"可开票金额 0\.00 元"):
        shop.request(Pick(number))


def test_a_request_is_not_approved_once_another_bill_takes_off_what_it_asks_for(
    shop: Shop,
) -> None:
    """
    106.00 are requested; then a bill of −50.00 without any fapiao is issued. Approved, 106.00 would
    stand on a fapiao of which 50.00 had to be reversed at once.
    """
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    shop.bill("2026-11", [(-5_000, 60_000)])
    with pytest.raises(Conflict, match=r"减项大于其计税金额 50\.00 元.*请退回"):
        shop.approve(asked)
    assert shop.fapiao(asked.key).state is FapiaoState.REQUESTED
    shop.bill("2026-12", [(5_000, 60_000)])
    assert shop.approve(asked).state is FapiaoState.APPROVED, "another bill bears it now"


def test_what_was_credited_above_a_bill_is_owed_back_as_far_as_it_is_on_fapiao(shop: Shop) -> None:
    """80.00 after a discount, of which 100.00 are credited line by line."""
    number = shop.bill("2026-10", [(10_000, 60_000), (-2_000, 60_000)])
    (asked,) = shop.request(Pick(number))
    shop.credit(number, 10_000)
    with shop.db.read() as tx:
        assert what_is_available(tx, shop.customer_id).owed_back_fen == 8_000
    decline_fapiao(shop.db, asked.key, why="已冲减", by=BOSS, now=shop.now)
    other = shop.bill("2026-11", [(10_600, 60_000)])
    with shop.db.read() as tx:
        open_now = what_is_available(tx, shop.customer_id)
    assert (open_now.available_fen, open_now.owed_back_fen) == (8_600, 0)
    assert shop.request(Pick(other, gross_fen=8_600))


def test_a_declined_request_frees_its_lines(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000)])
    (asked,) = shop.request(Pick(number))
    with pytest.raises(Invalid, match="原因"):
        decline_fapiao(shop.db, asked.key, why=" ", by=BOSS, now=shop.now)
    declined = decline_fapiao(shop.db, asked.key, why="抬头有误", by=BOSS, now=shop.now)
    assert declined.state is FapiaoState.REJECTED
    assert shop.request(Pick(number))[0].key != asked.key


def test_a_bill_is_shown_by_the_number_that_finance_knows(shop: Shop, database_url: str) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000)])
    (asked,) = shop.request(Pick(number))
    shown = run(fapiao, database_url, shop.now, "show", asked.key)
    assert (number in shown, "bill_" in shown) == (True, False)
    other = shop.bill("2026-11", [(10_000, 60_000)])
    with pytest.raises(FapiaoRefused, match=f"账单 {other} 计税行 1 可开 100.00 元"):
        shop.request(Pick(other, 1, 10_001))


def test_what_is_not_a_bill_to_request_is_said(shop: Shop) -> None:
    with pytest.raises(Invalid, match="要开票的账单"):
        shop.request()
    with pytest.raises(Invalid, match="不存在、未出账"):
        shop.request(Pick("YJ2026009999"))
    number = shop.bill("2026-10", [(10_600, 60_000)])
    with pytest.raises(Invalid, match="写了两次"):
        shop.request(Pick(number), Pick(number, 1))
    with pytest.raises(Invalid, match="没有计税行 7"):
        shop.request(Pick(number, 7))


def test_a_title_that_was_retired_comes_back_where_it_is_written_down_again(shop: Shop) -> None:
    """Retired by mistake: nobody could use this buyer any more, for it was known already."""
    with shop.db.read() as tx:
        (title,) = titles_of_customer(tx, shop.customer_id)
    retire_title(shop.db, title.title_id, by=CLERK, now=shop.now)
    again = replace(BUYER, emails=("fin@acme.cn",))
    with pytest.raises(Conflict, match="已停用"):
        alter_title(shop.db, title.title_id, again, by=CLERK, now=shop.now)
    kept = open_title(shop.db, "acme", again, by=CLERK, now=shop.now).title
    assert (kept.title_id, kept.state, kept.is_default) == (title.title_id, "active", True)
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    assert asked.emails == ("fin@acme.cn",)


def test_a_title_is_not_altered_into_another_and_the_next_first_is_the_default(shop: Shop) -> None:
    other = replace(BUYER, name="acme 分公司")
    kept = open_title(shop.db, "acme", other, by=CLERK, now=shop.now).title
    assert not kept.is_default
    with pytest.raises(Conflict, match="已登记过"):
        alter_title(shop.db, kept.title_id, BUYER, by=CLERK, now=shop.now)
    with shop.db.read() as tx:
        first = titles_of_customer(tx, shop.customer_id)[0]
    for title in (first, kept):
        retire_title(shop.db, title.title_id, by=CLERK, now=shop.now)
    third = replace(BUYER, name="acme 新公司")
    assert open_title(shop.db, "acme", third, by=CLERK, now=shop.now).title.is_default


def test_titles_have_one_default_and_change_only_what_comes(shop: Shop) -> None:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    person = TitleDraft(name="王小明", natural_person=True, is_default=True)
    kept = open_title(shop.db, "acme", person, by=CLERK, now=shop.now)
    assert kept.title.is_default
    number = shop.bill("2026-11", [(10_600, 60_000)])
    with pytest.raises(Invalid, match="只能开普通发票"):
        shop.request(Pick(number))
    (ordinary,) = shop.request(Pick(number, 1, 600), kind=FapiaoKind.ORDINARY)
    assert ordinary.buyer.natural_person
    alter_title(
        shop.db,
        kept.title.title_id,
        TitleDraft(name="王小红", natural_person=True),
        by=CLERK,
        now=shop.now,
    )
    assert shop.fapiao(ordinary.key).buyer.name == "王小明"
    assert asked.buyer.name == "acme 有限公司"
    with pytest.raises(Conflict, match="已登记过"):
        open_title(
            shop.db, "acme", TitleDraft(name="王小红", natural_person=True), by=CLERK, now=shop.now
        )
    retire_title(shop.db, kept.title.title_id, by=CLERK, now=shop.now)
    with pytest.raises(Invalid, match="没有默认发票抬头"):
        shop.request(Pick(number))


def test_bills_of_two_kinds_are_not_merged_into_one_without_a_word(shop: Shop) -> None:
    """
    October was agreed as 专票, November as 普票. Merged, both were issued as the first bill's kind:
    a deduction lost, or one that the buyer may not make.
    """
    later = Terms(
        customer_id=shop.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=NOW + timedelta(days=1),
        commercial=CommercialTerms(fapiao_kind=FapiaoKind.ORDINARY),
    )
    sign_contract(shop.db, later, by=CLERK, now=NOW, contract_id=ContractId(shop.contract_id))
    line = [(10_600, 60_000)]
    picks = Pick(shop.bill("2026-10", line)), Pick(shop.bill("2026-11", line, version=2))
    with pytest.raises(Invalid, match="发票种类不同"):
        shop.request(*picks)
    (merged,) = shop.request(*picks, kind=FapiaoKind.SPECIAL)
    assert (merged.kind, merged.amounts.gross_fen) == (FapiaoKind.SPECIAL, 21_200)
