"""Who asked for something of a contract hears that somebody else said no, each time once."""

from datetime import date

from tests.rooms.contracts.life.parties import DAY, HOUR, NOW, reviewed, signed
from tests.told import told
from yuejie.contracts.grants.give import ask_grant, reject_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.life.approve import reject_draft
from yuejie.contracts.life.drafting import rework_draft, submit_draft
from yuejie.contracts.life.ending import Wish, ask_end, reject_end
from yuejie.contracts.life.limits import LimitWish, ask_limit, reject_limit
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId
from yuejie.notices.news.rejections import announce_rejections


def test_limits_grants_and_ends_that_are_turned_down_are_told_once(
    database: Database, acme: CustomerId
) -> None:
    contract = signed(database, acme)
    wish = LimitWish(
        limit_fen=1_000_000_00, currency="CNY", starts_at=NOW, ends_at=NOW + 99 * DAY, why="双十一"
    )
    limit = ask_limit(database, acme, wish, by="operator:sales", now=NOW).limit_id
    own = ask_limit(database, acme, wish, by="operator:sales", now=NOW).limit_id
    voucher = GrantDraft(
        customer_id=acme,
        kind=GrantKind.VOUCHER,
        name="新客",
        amount_fen=10_000_00,
        starts_on=date(2026, 12, 1),
        ends_on=date(2027, 12, 1),
    )
    grant = ask_grant(database, voucher, why="随约赠送", by="operator:sales", now=NOW).grant_id
    leaving = Wish(contract_id=contract.contract_id, wished_on=date(2027, 3, 1), why="转自建")
    end = ask_end(database, leaving, by="customer:li", now=NOW).end_id
    assert announce_rejections(database, NOW) == 0
    reject_limit(database, limit, why="额度过高", by="operator:finance", now=NOW)
    reject_limit(database, own, why="重复", by="operator:sales", now=NOW)
    reject_grant(database, grant, why="多写一个零", by="operator:finance", now=NOW)
    reject_end(database, end, why="合同编号写错", by="operator:finance", now=NOW)
    assert announce_rejections(database, NOW + HOUR) == 3
    assert announce_rejections(database, NOW + HOUR) == 0
    assert {
        (note.audience, note.facts["request"], note.facts["why"]) for note in told(database)
    } == {
        ("operator", limit, "额度过高"),
        ("operator", grant, "多写一个零"),
        ("customer", end, "合同编号写错"),
    }
    assert [note.facts["amount"] for note in told(database) if note.facts["request"] == limit] == [
        "1,000,000.00 CNY"
    ]


def test_a_draft_that_is_sent_back_twice_is_told_twice(
    database: Database, acme: CustomerId
) -> None:
    draft = reviewed(database, acme).draft_id
    for hours, why in enumerate(("折扣过高", "押金不足"), start=1):
        now = NOW + hours * HOUR
        reject_draft(database, draft, by="admin", now=now, why=why)
        rework_draft(database, draft, by="sales", now=now)
        submit_draft(database, draft, by="sales", now=now)
        assert announce_rejections(database, now) == 1
    first, second = told(database)
    assert (first.facts["why"], second.facts["why"]) == ("折扣过高", "押金不足")
    assert first.facts["request"] == second.facts["request"] == "HT2026000001"
